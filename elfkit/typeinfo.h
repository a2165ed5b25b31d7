/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What DWARF says about types in all units of a linked image: which register or stack slot
 * holds a pointer to what, and where; what functions return; what stands at fixed
 * addresses.  Units are read by several threads, each with a libdw handle of its own.
 */
#ifndef ELFKIT_TYPEINFO_H
#define ELFKIT_TYPEINFO_H

#include "elfkit/types.h"

enum { HINT_STACK = 0xff };

/* From @low on, for @len bytes of code ... */
struct type_hint {
	uint64_t low;
	uint32_t len;
	uint16_t seq;		/* position in the function, as DWARF has it */
	uint8_t reg;		/* ... this register (DWARF number) points @offset bytes behind the start of a @type, ... */
	uint32_t type;
	int32_t offset;		/* ... or, for HINT_STACK, a @type lies at CFA + @offset */
};

struct type_func {
	uint64_t low;		/* entry */
	uint32_t returns;	/* type id, 0: nothing or unknown */
	uint32_t hints, nr_hints;	/* index of the first in typeinfo.hints, and how many, sorted by low */
	const char *unit;
};

/* A range of a function that does not hold its entry: a cold part. */
struct type_part {
	uint64_t entry;
	uint64_t low;
};

struct type_var {
	uint64_t addr;		/* of a per-CPU variable before it was placed: counted from 0 */
	uint32_t type;
	uint32_t size;
	uint32_t unit;
};

struct typeinfo {
	struct types *types;
	struct type_func *funcs;	/* sorted by low */
	uint32_t nr_funcs;
	struct type_hint *hints;
	uint32_t nr_hints;
	struct type_part *parts;	/* sorted by entry, then low */
	uint32_t nr_parts;
	struct type_var *vars;		/* sorted by addr */
	uint32_t nr_vars;
	char **units;
	uint32_t nr_units;
};

/* Which units to read: those that have the members of one of these structs. */
struct type_filter {
	const char **names;
	uint32_t n;
	uint32_t max_units;	/* so many, the first ones, are enough for each */
	bool *left_out;		/* [names]: set where that has left units out */
};

/* Reads the units of the image at @path with @nr_threads threads; all of them without a @filter. */
struct err *typeinfo_read(const char *path, uint32_t nr_threads, const struct type_filter *filter,
			  struct typeinfo **ret);
void typeinfo_free(struct typeinfo *info);

/* The last step of reading: puts all arrays in the order that the look-ups need. */
void typeinfo_sort(struct typeinfo *info);

/* The function that starts at @addr, or NULL. */
const struct type_func *typeinfo_func(const struct typeinfo *info, uint64_t addr);

/* Position of the first part of the function that starts at @entry; they stand together. */
uint32_t typeinfo_parts(const struct typeinfo *info, uint64_t entry);

/* The variable that holds @addr, or NULL. */
const struct type_var *typeinfo_var(const struct typeinfo *info, uint64_t addr);

#endif
