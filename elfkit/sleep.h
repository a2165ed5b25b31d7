/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which functions a task can sleep in: those from which a stack switch is reached by
 * calls, through the whole kernel.
 */
#ifndef ELFKIT_SLEEP_H
#define ELFKIT_SLEEP_H

#include "elfkit/boundary.h"

struct sleep {
	uint32_t *next;		/* [funcs]: the callee on a shortest way to a switch, or NO_ID */
	uint32_t n;
};

/* Ways through functions that the policy cuts (printk, panic) do not count. */
void sleep_compute(const struct funcs *funcs, const struct refs *refs, const struct policy *policy,
		   const struct boundary *boundary, struct sleep *ret);
void sleep_release(struct sleep *sleep);

/* "mutex_lock > __mutex_lock_slowpath > schedule > __schedule", or NULL. Caller frees. */
char *sleep_path(const struct sleep *sleep, const struct funcs *funcs, uint32_t func);

#endif
