/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which item of one report is which of another.
 *
 * Names are no identity: compilers clone functions (`foo.isra.0`), static names repeat
 * in other files, functions move between files.  So an item is paired, in this order,
 * with the one of the same name and place, then of the same base name and place, then,
 * if it is the only one left of its base name on both sides, wherever it is.
 */
#ifndef ELFKIT_PAIR_H
#define ELFKIT_PAIR_H

#include <stdbool.h>
#include <stdint.h>

struct pair_key {
	const char *name;
	uint32_t base_len;	/* how much of the name is not the compiler's */
	const char *place;	/* never NULL */
};

#define PAIR_NONE UINT32_MAX		/* the other side has nothing of the kind */
#define PAIR_EXTRA (UINT32_MAX - 1)	/* the other side has the name and the place, but fewer of them */

static inline bool pair_found(uint32_t mate)
{
	return mate < PAIR_EXTRA;
}

/*
 * Sets old_mate[i] to the partner of old_keys[i] in the new keys, and new_mate likewise.
 * The arrays of mates are as long as those of keys.
 */
void pair_up(const struct pair_key *old_keys, uint32_t nr_old, const struct pair_key *new_keys, uint32_t nr_new,
	     uint32_t *old_mate, uint32_t *new_mate);

/* The length of a function's name without .isra.0, .constprop.0, .part.0, .cold and .llvm.123 */
uint32_t pair_function_base(const char *name);
/* The length of an object's name without the number that tells function statics apart */
uint32_t pair_object_base(const char *name);

#endif
