// SPDX-License-Identifier: GPL-2.0
/* Policy names held against the kernel's files, functions and symbols. */
#include <string.h>

#include "elfkit/unknown.h"

#define MAX_NEAR 3

struct search {
	const struct kernel *kernel;
	char **lines;
	uint32_t n, cap;
};

/* Edits that make one of the other (Levenshtein), or more than @limit. */
static unsigned int distance(const char *a, const char *b, unsigned int limit)
{
	unsigned int row[128], n = strlen(a), m = strlen(b);

	if (m >= 128 || (n > m ? n - m : m - n) > limit)
		return limit + 1;
	for (unsigned int j = 0; j <= m; j++)
		row[j] = j;
	for (unsigned int i = 1; i <= n; i++) {
		unsigned int corner = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= m; j++) {
			unsigned int best = corner + (a[i - 1] != b[j - 1]);

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[m];
}

static char *add_near(char *near, uint32_t *count, const char *name)
{
	char *longer;

	if (*count == MAX_NEAR || (near && strstr(near, name)))
		return near;
	(*count)++;
	longer = xasprintf("%s%s%s", near ? near : "; near: ", near ? ", " : "", name);
	free(near);
	return longer;
}

static void add(struct search *s, const struct policy_item *item, const char *name, const char *what, char *near)
{
	const char *slash = strrchr(s->kernel->policy->path, '/');

	GROW(s->lines, s->n, s->cap);
	s->lines[s->n++] = xasprintf("%s (%s:%u): no such %s in this kernel%s", name,
				     slash ? slash + 1 : s->kernel->policy->path, item->line, what, near ? near : "");
	free(near);
}

static void check_files(struct search *s, const struct policy_list *list)
{
	const struct debuginfo *info = s->kernel->debuginfo;

	for (uint32_t i = 0; i < list->n; i++) {
		const char *name = list->v[i].name;
		struct policy_item one = list->v[i];
		const struct policy just_this = { .files = { .v = &one, .n = 1 } };
		uint32_t nr_near = 0;
		bool found = false;
		char *near = NULL;

		for (uint32_t f = 0; f < info->nr_funcs && !found; f++)
			found = policy_has_file(&just_this, info->funcs[f].file);
		for (uint32_t f = 0; f < info->nr_funcs && !found; f++)
			if (distance(info->funcs[f].file, name, 2) <= 2)
				near = add_near(near, &nr_near, info->funcs[f].file);
		if (!found)
			add(s, &list->v[i], name, "file, or no function in it", near);
	}
}

static void check_functions(struct search *s, const struct policy_list *list)
{
	const struct kernel *k = s->kernel;

	for (uint32_t i = 0; i < list->n; i++) {
		const char *name = list->v[i].name;
		uint32_t nr_near = 0;
		bool found = false;
		char *near = NULL;

		if (strpbrk(name, "*?["))
			continue;
		for (uint32_t f = 0; f < k->funcs->n && !found; f++) {
			const struct debug_func *source = funcs_source(k->funcs, f);

			found = !strcmp(k->funcs->v[f].name, name) || (source && !strcmp(source->name, name));
		}
		for (uint32_t f = 0; f < k->debuginfo->nr_funcs && !found; f++)
			if (distance(k->debuginfo->funcs[f].name, name, 2) <= 2)
				near = add_near(near, &nr_near, k->debuginfo->funcs[f].name);
		if (!found)
			add(s, &list->v[i], name, "function", near);
	}
}

void unknown_names(const struct kernel *kernel, char ***lines, uint32_t *n)
{
	struct search s = { .kernel = kernel };

	check_files(&s, &kernel->policy->files);
	check_functions(&s, &kernel->policy->keep_out);
	check_functions(&s, &kernel->policy->keep_in);
	check_functions(&s, &kernel->policy->sidecar);
	*lines = s.lines;
	*n = s.n;
}
