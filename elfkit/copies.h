/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inlined copies of the scheduler's functions in units that are not the scheduler's:
 * whoever includes kernel/sched/sched.h gets some.
 */
#ifndef ELFKIT_COPIES_H
#define ELFKIT_COPIES_H

#include "elfkit/debuginfo.h"
#include "elfkit/policy.h"

struct copy {
	char *name;		/* the inlined function */
	char *host;		/* the function that has the copy, or NULL */
	char *unit;		/* where that is ... */
	uint32_t line;		/* ... and declared */
};

struct copies {
	struct copy *v;		/* sorted by name, unit and host */
	uint32_t n, cap;
};

/* Searches the units that @info does not hold; @ret is to be released after an error, too. */
struct err *copies_find(const struct debuginfo *info, const struct policy *policy, struct copies *ret);

/* The same for the one function @name declared in @file, which need not be the scheduler's. */
struct err *copies_find_one(const struct debuginfo *info, const struct policy *policy, const char *name,
			    const char *file, struct copies *ret);

/*
 * The units that have the enum @name of @file: gcc describes an enum where code or a type uses it.
 * Each is a copy without a host; @line is the enum's.
 */
struct err *copies_find_enum(const struct debuginfo *info, const struct policy *policy, const char *name,
			     const char *file, struct copies *ret);
void copies_release(struct copies *copies);

/* The first copy of @name, or NULL. */
const struct copy *copies_of(const struct copies *copies, const char *name);

#endif
