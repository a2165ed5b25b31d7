/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What changed, as a list: every function and object of the new code and of the same
 * units of the kernel, each once.
 *
 * What the compiler makes for itself (padding, .cold parts, strings, __func__) counts with the
 * function that it is for.
 */
#ifndef ELFKIT_RELINK_CHANGES_H
#define ELFKIT_RELINK_CHANGES_H

#include "relink/check.h"

/* Lists it all, and refuses keys that are gone though others ask them. */
void changes_list(const struct check *check, char *const *difference);

/* Where the functions are that refusals of references are about. */
void changes_place_references(const struct check *check);

/* Refuses the address of a function of the kernel at which an indirect call would trap. @taken: [object symbols] */
void changes_check_sealed(const struct check *check, const bool *taken);

/* Whether the new code has a name of its own for a function: not padding, not a part of another. */
bool changes_is_function(const struct object_symbol *symbol);

#endif
