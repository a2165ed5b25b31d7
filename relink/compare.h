/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a function of a rebuilt object is the one that the kernel has.
 */
#ifndef ELFKIT_RELINK_COMPARE_H
#define ELFKIT_RELINK_COMPARE_H

#include "relink/match.h"
#include "relink/object_refs.h"

enum verdict {
	VERDICT_NONE,		/* not a function with a counterpart in the kernel */
	VERDICT_SAME,		/* equal bytes under relocations, equal targets */
	VERDICT_CHANGED,
};

/*
 * Compares each function symbol of @object with its counterpart.  @difference[i], where
 * not NULL, says what differs first; the caller frees the strings and both arrays.
 */
void compare_functions(const struct kernel *kernel, const struct object *object,
		       const struct object_refs *refs, const struct match *match,
		       enum verdict **verdict, char ***difference);

#endif
