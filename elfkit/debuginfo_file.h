/* SPDX-License-Identifier: GPL-2.0 */
/* The libdw handles that debuginfo.c and cfi.c share; nobody else includes this. */
#ifndef ELFKIT_DEBUGINFO_FILE_H
#define ELFKIT_DEBUGINFO_FILE_H

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include "elfkit/mapping.h"

struct debug_file {
	Dwarf *dwarf;
	Dwfl *dwfl;		/* of an object, whose sections libdwfl places and relocates; else NULL */
	Dwfl_Module *module;
	Elf *elf;		/* of a linked image, in ... */
	struct mapping mapping;
	bool relocatable;	/* an object */
};

#endif
