/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a variable lives, as far as typeinfo can use it: DWARF location expressions of one
 * or two operations, and the lists of .debug_loclists.  libdw keeps every expression that it has read,
 * which for all of a kernel takes more memory than all the rest.  For typeinfo.c alone.
 */
#ifndef ELFKIT_TYPEINFO_PLACE_H
#define ELFKIT_TYPEINFO_PLACE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

enum place_kind {
	PLACE_OTHER,		/* not understood, or nowhere */
	PLACE_REG,		/* the value is in reg */
	PLACE_AT,		/* the variable is in memory at reg + offset */
	PLACE_SUM,		/* the value is reg + offset */
	PLACE_FRAME,		/* in memory at the frame base + offset */
	PLACE_FIXED,		/* in memory at address offset */
};

struct place {
	enum place_kind kind;
	uint32_t reg;		/* DWARF number */
	int64_t offset;
};

/* From @low to @high a variable is at @place. */
typedef void place_fn(uint64_t low, uint64_t high, struct place place, void *arg);

/* .debug_loclists; without one, or with a compressed one, data is NULL. */
struct loclists {
	const uint8_t *data;
	uint64_t size;
};

struct loclists loclists_of(Dwarf *dwarf);

/* The place that expression @p of @n bytes stands for. */
struct place place_read(const uint8_t *p, uint64_t n);

/*
 * Calls @fn for each range of the list at @offset of a unit that starts at @base.  A list with
 * indirect addresses (.debug_addr), or one that is damaged, is false: ask libdw.
 */
bool loclists_read(const struct loclists *lists, uint64_t offset, uint64_t base, place_fn *fn, void *arg);

/* The same from what libdw has read. */
struct place place_of_ops(const Dwarf_Op *ops, size_t n);

#endif
