/* SPDX-License-Identifier: GPL-2.0 */
/* The libdw handles that debuginfo.c and cfi.c share; nobody else includes this. */
#ifndef ELFKIT_DEBUGINFO_FILE_H
#define ELFKIT_DEBUGINFO_FILE_H

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

struct debug_file {
	Dwfl *dwfl;
	Dwfl_Module *module;
	Dwarf *dwarf;
	bool relocatable;	/* ET_REL: libdwfl has placed the sections */
};

#endif
