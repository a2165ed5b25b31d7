// SPDX-License-Identifier: GPL-2.0
/* Looking shapes up by name and file. */
#include <ctype.h>
#include <string.h>

#include "relink/shape.h"

/* Every kind of shape begins with these. */
struct head {
	const char *name;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct head *)a)->name, ((const struct head *)b)->name);
}

#define SORTER(what)									\
static int compare_##what(const void *a, const void *b)					\
{											\
	const struct shape_##what *x = a, *y = b;					\
	int c = strcmp(x->name, y->name);						\
											\
	return c ? c : strcmp(x->file, y->file);					\
}

SORTER(type)
SORTER(constant)
SORTER(func)
SORTER(var)

static void sort(void *v, uint32_t n, size_t size, int (*compare)(const void *a, const void *b))
{
	if (n)
		qsort(v, n, size, compare);
}

void shapes_sort(struct shapes *s)
{
	sort(s->types, s->nr_types, sizeof(*s->types), compare_type);
	sort(s->constants, s->nr_constants, sizeof(*s->constants), compare_constant);
	sort(s->funcs, s->nr_funcs, sizeof(*s->funcs), compare_func);
	sort(s->vars, s->nr_vars, sizeof(*s->vars), compare_var);
}

/* The first of those in a sorted array that have @name, and how many they are. */
static const void *range(const void *v, uint32_t n, size_t size, const char *name, uint32_t *count)
{
	const struct head key = { name };
	const char *base = v, *found = n ? bsearch(&key, v, n, size, compare_names) : NULL;
	const char *end = found;

	*count = 0;
	if (!found)
		return NULL;
	while (found > base && !compare_names(found - size, &key))
		found -= size;
	while (end < base + n * size && !compare_names(end, &key))
		end += size;
	*count = (end - found) / size;
	return found;
}

#define FINDER(what, array)										\
const struct shape_##what *shapes_##what(const struct shapes *s, const char *name, const char *file)	\
{													\
	uint32_t n;											\
	const struct shape_##what *all = range(s->array, s->nr_##array, sizeof(*s->array), name, &n);	\
													\
	for (uint32_t i = 0; i < n; i++)								\
		if (!strcmp(all[i].file, file))								\
			return &all[i];									\
	return n == 1 ? all : NULL;									\
}

FINDER(type, types)
FINDER(constant, constants)
FINDER(func, funcs)
FINDER(var, vars)

const struct shape_type *shapes_types(const struct shapes *s, const char *name, uint32_t *count)
{
	return range(s->types, s->nr_types, sizeof(*s->types), name, count);
}

void shape_mentions(const char *spelled, void (*fn)(const char *name, size_t len, void *arg), void *arg)
{
	static const char *const words[] = { "struct ", "union ", "enum " };

	for (const char *at = spelled; *at;) {
		size_t len = 0;

		for (size_t i = 0; i < 3 && !len; i++)
			if ((at == spelled || (!isalnum((unsigned char)at[-1]) && at[-1] != '_')) &&
			    !strncmp(at, words[i], strlen(words[i]))) {
				at += strlen(words[i]);
				while (isalnum((unsigned char)at[len]) || at[len] == '_')
					len++;
			}
		if (len)
			fn(at, len, arg);
		at += len ? len : 1;
	}
}
