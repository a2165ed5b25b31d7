// SPDX-License-Identifier: GPL-2.0
/* Backwards from the stack switches, breadth first, so that each way is a shortest one. */
#include <string.h>

#include "elfkit/sleep.h"

void sleep_compute(const struct funcs *funcs, const struct refs *refs, const struct policy *policy,
		   const struct boundary *boundary, struct sleep *ret)
{
	uint32_t *queue = xcalloc(funcs->n, sizeof(*queue)), n = 0;
	bool *seen = xcalloc(funcs->n, sizeof(*seen));

	ret->n = funcs->n;
	ret->next = xcalloc(funcs->n, sizeof(*ret->next));
	for (uint32_t i = 0; i < funcs->n; i++)
		ret->next[i] = NO_ID;
	/* every way ends at a switch, whatever that itself calls */
	for (uint32_t i = 0; i < boundary->nr_switches; i++)
		seen[boundary->switches[i].callee] = true;
	for (uint32_t i = 0; i < boundary->nr_switches; i++) {
		const struct stack_switch *sw = &boundary->switches[i];

		if (seen[sw->func])
			continue;
		queue[n++] = sw->func;
		seen[sw->func] = true;
		ret->next[sw->func] = sw->callee;
	}
	for (uint32_t head = 0; head < n; head++) {
		uint32_t callee = queue[head];

		if (policy_match(&policy->cuts, funcs->v[callee].name))
			continue;
		for (uint32_t r = refs->to[callee]; r < refs->to[callee + 1]; r++) {
			const struct ref *ref = &refs->v[r];
			uint32_t caller = boundary_owner(funcs, ref->from);

			if ((ref->kind != REF_CALL && ref->kind != REF_JUMP) || caller == NO_ID || seen[caller])
				continue;
			seen[caller] = true;
			ret->next[caller] = callee;
			queue[n++] = caller;
		}
	}
	free(queue);
	free(seen);
}

void sleep_release(struct sleep *sleep)
{
	free(sleep->next);
	memset(sleep, 0, sizeof(*sleep));
}

char *sleep_path(const struct sleep *sleep, const struct funcs *funcs, uint32_t func)
{
	char *path = NULL;

	for (uint32_t f = sleep->next[func]; f != NO_ID; f = sleep->next[f]) {
		char *longer = path ? xasprintf("%s > %s", path, funcs->v[f].name) : xstrdup(funcs->v[f].name);

		free(path);
		path = longer;
	}
	return path;
}
