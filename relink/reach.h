/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What of a module's object is in use: reached from the code that stays for its own sake, by
 * references, and by entries of tables that describe such code.
 *
 * The kernel's tables of code (__jump_table, __bug_table, .altinstructions and others) name a place in
 * code first, and what goes with it behind. So an entry is in use when that place is. How
 * long entries are is told by the pattern of relocations; a table without one is left whole, and so is all that it
 * refers to. ORC is no such table: what it says of a place holds until the next entry.
 */
#ifndef ELFKIT_RELINK_REACH_H
#define ELFKIT_RELINK_REACH_H

#include "relink/pieces.h"

struct table_shape {
	uint32_t entry;		/* bytes an entry; 0: not a table that is taken apart */
	uint32_t fields;	/* relocations an entry */
};

struct reach {
	bool *piece;		/* [pieces] */
	bool *section;		/* [sections]: of data */
	struct table_shape *shape;	/* [sections] */
};

/* @root: [symbols] that are in use for their own sake; those behind @nr_roots are, too. */
void reach_compute(const struct object *object, const struct edges *edges, const struct pieces *pieces,
		   const bool *root, uint32_t nr_roots, struct reach *ret);
void reach_release(struct reach *reach);

/* Whether the holder of @edge stays. */
bool reach_keeps(const struct reach *reach, const struct object *object, const struct edges *edges,
		 const struct pieces *pieces, uint32_t edge);

bool section_is_orc_ip(const struct object_section *section);

#endif
