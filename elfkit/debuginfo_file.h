/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files that walk DIEs share: libdw's handles, and steps that notice damage.
 * The first problem of a walk is kept; the walk may go on, and its result is thrown away.
 */
#ifndef ELFKIT_DEBUGINFO_FILE_H
#define ELFKIT_DEBUGINFO_FILE_H

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdbool.h>

#include "elfkit/debuginfo.h"
#include "elfkit/mapping.h"

struct debug_file {
	Dwarf *dwarf;
	Dwfl *dwfl;		/* of an object, whose sections libdwfl places and relocates; else NULL */
	Dwfl_Module *module;
	Elf *elf;		/* of a linked image, in ... */
	struct mapping mapping;
	bool relocatable;	/* an object */
};

/* Whether libelf will write to section headers, as it does when it decompresses (elf_compress). */
bool elf_has_compressed(Elf *elf);

struct die_walk {
	const char *unit;	/* the name of the one that is walked */
	Dwarf_Off last;		/* of the DIE that was come to last */
	struct err *err;	/* what was wrong first; the caller's */
};

/* No DIE of C nests as deeply. */
#define DIE_DEPTH_MAX 256

/* No chain of references or of typedefs is as long. */
#define DIE_CHAIN_MAX 64

/* To the top of a unit. */
void die_begin(struct die_walk *walk, Dwarf_Die *unit, const char *name);

void die_damaged(struct die_walk *walk, Dwarf_Die *die, const char *what);

/*
 * Whether dwarf_child() or dwarf_siblingof(), which returned @result, has led from @from to
 * @die.  In the order of a walk offsets grow (DWARF 5, section 2.3), so damage cannot make
 * it go round.
 */
bool die_arrived(struct die_walk *walk, int result, Dwarf_Die *from, Dwarf_Die *die);

/* Where @die is declared, or NULL where DWARF does not say. */
const char *die_file(struct die_walk *walk, Dwarf_Die *die);

/* "a/./b/../c" becomes "a/c"; a leading compilation directory is dropped. Caller frees. */
char *debuginfo_path(const char *path, const char *comp_dir);

/* Where code is: in an object, libdwfl has chosen the addresses. */
struct debug_range debuginfo_place(const struct debug_file *file, Dwarf_Addr low, Dwarf_Addr high);

#endif
