/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a function or an object of a rebuilt object file is the one that the kernel has.
 */
#ifndef ELFKIT_RELINK_COMPARE_H
#define ELFKIT_RELINK_COMPARE_H

#include "relink/match.h"
#include "relink/object_refs.h"

enum verdict {
	VERDICT_NONE,		/* has no counterpart in the kernel */
	VERDICT_SAME,		/* equal bytes under relocations, equal targets */
	VERDICT_CHANGED,
};

/*
 * Compares each function and each data object of @object with its counterpart; of data, what
 * the kernel was built with counts, not what it holds by now.  @difference[i], where not NULL,
 * says what differs first, and @where[i] at which offset, as far as both go (UINT64_MAX: in its
 * .cold part); the caller frees the strings and the arrays.
 */
void compare_symbols(const struct kernel *kernel, const struct object *object,
		     const struct object_refs *refs, const struct symbol_map *map,
		     const struct match *match, enum verdict **verdict, char ***difference,
		     uint64_t **where);

#endif
