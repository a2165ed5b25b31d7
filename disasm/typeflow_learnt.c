// SPDX-License-Identifier: GPL-2.0
/* A short list: few functions teach more than ten facts. */
#include <stdlib.h>

#include "disasm/typeflow_learnt.h"
#include "elfkit/err.h"

static const struct value unknown;

static struct fact *find(const struct learnt *l, uint32_t type, int64_t n)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->v[i].n == n && l->v[i].type == type)
			return &l->v[i];
	return NULL;
}

void learn(struct learnt *l, uint32_t type, int64_t n, struct value value)
{
	struct fact *fact = find(l, type, n);

	if (!fact) {
		GROW(l->v, l->n, l->cap);
		l->v[l->n++] = (struct fact){ type, n, value };
	} else if (fact->value.type != value.type || fact->value.n != value.n) {
		fact->value = unknown;
	}
}

struct value recall(const struct learnt *l, uint32_t type, int64_t n)
{
	const struct fact *fact = find(l, type, n);

	return fact ? fact->value : unknown;
}
