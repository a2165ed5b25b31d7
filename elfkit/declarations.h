/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The scheduler as its source declares it: for each function of its files whether an edit
 * of it takes effect everywhere.
 *
 * One declaration may have become several pieces of code (clones, a copy of a header's
 * function in each unit) and any number of inlined copies.  It is modifiable when all of
 * them are inside the boundary; init code does not count, it has run.
 */
#ifndef ELFKIT_DECLARATIONS_H
#define ELFKIT_DECLARATIONS_H

#include "elfkit/boundary.h"
#include "elfkit/copies.h"

struct declaration {
	uint32_t source;	/* debug func: name, file and line */
	bool has_code;		/* of its own */
	bool modifiable;
	char *because;		/* one clause */
};

struct declarations {
	struct declaration *v;	/* sorted by name, file and line */
	uint32_t n;
	uint32_t nr_modifiable;
};

void declarations_find(const struct funcs *funcs, const struct policy *policy,
		       const struct boundary *boundary, const struct copies *copies,
		       struct declarations *ret);
/* The declaration that @source (a debug func of the scheduler's files) is one of, or NULL. */
const struct declaration *declarations_lookup(const struct declarations *declarations,
					      const struct debuginfo *info, const struct debug_func *source);
void declarations_release(struct declarations *declarations);

#endif
