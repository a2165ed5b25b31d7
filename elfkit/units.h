/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which unit of a kernel image a piece of code is from, of all units: by their ranges
 * alone, so it is quick.  Code that no unit claims (assembly without DWARF) has none.
 */
#ifndef ELFKIT_UNITS_H
#define ELFKIT_UNITS_H

#include "elfkit/debuginfo.h"

struct unit_range {
	uint64_t low, high;
	uint32_t unit;		/* index into names */
};

struct units {
	char **names;		/* relative to the tree where that is known */
	uint32_t nr_names, cap_names;
	struct unit_range *v;	/* sorted by low */
	uint32_t n, cap;
};

struct err *units_read(const struct debuginfo *info, struct units *ret);
void units_release(struct units *units);

/* The name of the unit that has @addr, or NULL. */
const char *units_at(const struct units *units, uint64_t addr);

#endif
