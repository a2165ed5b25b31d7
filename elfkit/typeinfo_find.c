// SPDX-License-Identifier: GPL-2.0
/* Sorting and looking up what typeinfo has read, by address. */
#include "elfkit/typeinfo.h"

static int compare_funcs(const void *a, const void *b)
{
	const struct type_func *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static int compare_vars(const void *a, const void *b)
{
	const struct type_var *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->unit < y->unit ? -1 : x->unit > y->unit;
}

static int compare_parts(const void *a, const void *b)
{
	const struct type_part *x = a, *y = b;

	if (x->entry != y->entry)
		return x->entry < y->entry ? -1 : 1;
	return x->low < y->low ? -1 : x->low > y->low;
}

static int compare_hints(const void *a, const void *b)
{
	const struct type_hint *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	if (x->reg != y->reg)
		return x->reg < y->reg ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

void typeinfo_sort(struct typeinfo *info)
{
	qsort(info->funcs, info->nr_funcs, sizeof(*info->funcs), compare_funcs);
	qsort(info->parts, info->nr_parts, sizeof(*info->parts), compare_parts);
	qsort(info->vars, info->nr_vars, sizeof(*info->vars), compare_vars);
	for (uint32_t i = 0; i < info->nr_funcs; i++)
		qsort(info->hints + info->funcs[i].hints, info->funcs[i].nr_hints, sizeof(*info->hints),
		      compare_hints);
}

void typeinfo_free(struct typeinfo *info)
{
	if (!info)
		return;
	for (uint32_t i = 0; i < info->nr_units; i++)
		free(info->units[i]);
	types_free(info->types);
	free(info->units);
	free(info->funcs);
	free(info->hints);
	free(info->parts);
	free(info->vars);
	free(info);
}

const struct type_func *typeinfo_func(const struct typeinfo *info, uint64_t addr)
{
	struct type_func key = { .low = addr };

	return bsearch(&key, info->funcs, info->nr_funcs, sizeof(key), compare_funcs);
}

uint32_t typeinfo_parts(const struct typeinfo *info, uint64_t entry)
{
	uint32_t lo = 0, hi = info->nr_parts;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (info->parts[mid].entry < entry)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct type_var *typeinfo_var(const struct typeinfo *info, uint64_t addr)
{
	uint32_t lo = 0, hi = info->nr_vars;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (info->vars[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (uint32_t i = lo; i > 0 && lo - i < 4; i--)
		if (addr - info->vars[i - 1].addr < info->vars[i - 1].size)
			return &info->vars[i - 1];
	return NULL;
}
