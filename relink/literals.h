/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Strings of the new code that the kernel has as well.
 *
 * Code may hand a string to the kernel, which keeps the pointer: lockdep has the names of locks, and takes two locks
 * of one class for two classes where their names are not one string. So a string that the kernel has is the
 * kernel's, and is there when the module is not.
 */
#ifndef ELFKIT_RELINK_LITERALS_H
#define ELFKIT_RELINK_LITERALS_H

#include "relink/bind.h"
#include "relink/compare.h"

/*
 * Fills in @bindings->strings. Of equal strings that of the function's own old code is taken where it is known from
 * the comparison (@verdict, @where), else the first.
 */
void literals_bind(const struct kernel *kernel, const struct object *object, const struct object_refs *refs,
		   const struct symbol_map *map, const struct match *match, const enum verdict *verdict,
		   const uint64_t *where, struct bindings *bindings);

#endif
