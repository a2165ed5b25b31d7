/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Types of one unit after the other, as DIEs, into the table of all types.  A type is entered when
 * something needs it; the members of a struct are read later, once, from the first unit that has it.
 * For typeinfo.c alone.
 */
#ifndef ELFKIT_TYPEINFO_RESOLVE_H
#define ELFKIT_TYPEINFO_RESOLVE_H

#include "elfkit/debuginfo_file.h"
#include "elfkit/types.h"

/* A hash from DIE offsets to type ids, emptied for each unit by a new generation. */
struct die_map {
	struct die_slot {
		Dwarf_Off die;
		uint32_t id, generation;
	} *v;
	uint32_t n, cap, generation;
};

/* One a thread. */
struct resolver {
	Dwarf *dwarf;
	struct types *types;
	const char *comp_dir;	/* of the unit under way ... */
	uint32_t unit;		/* ... and its number */
	struct die_map map;
	struct die_walk dies;	/* and what was wrong with any of them */
	int depth;		/* of pointers, arrays and functions around the type being resolved */
};

/* Forgets the DIEs of the unit before. */
void resolver_next_unit(struct resolver *r);
void resolver_release(struct resolver *r);

/* The id of a type, 0: void or not understood; and of the type that DW_AT_type of @die names. */
uint32_t type_resolve(struct resolver *r, Dwarf_Die die);
uint32_t type_resolve_target(struct resolver *r, Dwarf_Die *die);

/* Reads the members of struct or union @id from the DIE at @off. */
void type_fill(struct resolver *r, uint32_t id, Dwarf_Off off);

/* Through typedefs and qualifiers; the name of the last typedef into @alias.  False: to void, or nowhere. */
bool type_strip(struct resolver *r, Dwarf_Die *die, const char **alias);

#endif
