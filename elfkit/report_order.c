// SPDX-License-Identifier: GPL-2.0
/* Sorting what a report lists; what the keys do not tell apart keeps the order of addresses. */
#include <string.h>

#include "elfkit/report_order.h"

static int compare_entries(const void *a, const void *b)
{
	const struct report_entry *x = a, *y = b;
	int cmp = strcmp(x->name, y->name);

	if (!cmp)
		cmp = strcmp(x->source->file, y->source->file);
	if (!cmp)
		cmp = x->source->line < y->source->line ? -1 : x->source->line > y->source->line;
	return cmp ? cmp : x->func < y->func ? -1 : x->func > y->func;
}

struct report_entry *report_order_functions(const struct survey *survey, uint32_t *ret_n)
{
	const struct kernel *k = &survey->kernel;
	const struct declarations *decls = &survey->declarations;
	struct report_entry *entries = xcalloc(k->boundary->n + decls->n, sizeof(*entries));
	uint32_t n = 0;

	for (uint32_t i = 0; i < k->boundary->n; i++) {
		const struct debug_func *source = funcs_source(k->funcs, i);

		if (k->boundary->v[i].side != SIDE_NONE)
			entries[n++] = (struct report_entry){ k->funcs->v[i].name, source, i,
							      declarations_lookup(decls, k->debuginfo, source) };
	}
	for (uint32_t i = 0; i < decls->n; i++) {
		const struct debug_func *source = &k->debuginfo->funcs[decls->v[i].source];

		if (!decls->v[i].has_code)
			entries[n++] = (struct report_entry){ source->name, source, NO_ID, &decls->v[i] };
	}
	qsort(entries, n, sizeof(*entries), compare_entries);
	*ret_n = n;
	return entries;
}

static int compare_objects(const void *a, const void *b, void *arg)
{
	const struct variables *v = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct debug_var *p = variables_source(v, x), *q = variables_source(v, y);
	int cmp = strcmp(v->v[x].name, v->v[y].name);

	cmp = cmp ?: strcmp(p->file, q->file);
	if (!cmp && p->line != q->line)
		cmp = p->line < q->line ? -1 : 1;
	return cmp ?: x < y ? -1 : x > y;
}

uint32_t *report_order_objects(const struct survey *survey)
{
	const struct variables *variables = survey->kernel.variables;
	uint32_t *ids = xcalloc(variables->n, sizeof(*ids));

	for (uint32_t i = 0; i < variables->n; i++)
		ids[i] = i;
	if (variables->n)
		qsort_r(ids, variables->n, sizeof(*ids), compare_objects, (void *)variables);
	return ids;
}
