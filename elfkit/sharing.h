/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which of the scheduler's variables code outside the boundary uses, too.
 *
 * Init code does not count: it has run.  Code behind a stack switch counts as outside,
 * as everywhere.  A use through a pointer that was passed on is not seen here: it is in
 * whoever took the address.
 */
#ifndef ELFKIT_SHARING_H
#define ELFKIT_SHARING_H

#include "elfkit/boundary.h"

struct shared_variable {
	bool shared;
	char *because;		/* one clause */
	uint64_t *users;	/* addresses outside: the first in each function, and in data; sorted */
	uint32_t nr_users, cap_users;
};

struct sharing {
	struct shared_variable *v;	/* one a variable */
	uint32_t n;
};

void sharing_find(const struct funcs *funcs, const struct variables *variables, const struct refs *refs,
		  const struct boundary *boundary, struct sharing *ret);
void sharing_release(struct sharing *sharing);

#endif
