// SPDX-License-Identifier: GPL-2.0
/* Policy names held against the kernel's files, functions and symbols. */
#include <string.h>

#include "elfkit/near.h"
#include "elfkit/unknown.h"

struct search {
	const struct kernel *kernel;
	char **lines;
	uint32_t n, cap;
};

static void add(struct search *s, const struct policy_item *item, const char *name, const char *what, struct near *near)
{
	const char *slash = strrchr(s->kernel->policy->path, '/');

	GROW(s->lines, s->n, s->cap);
	s->lines[s->n++] = xasprintf("%s (%s:%u): no such %s in this kernel%s", name,
				     slash ? slash + 1 : s->kernel->policy->path, item->line, what, near_text(near));
}

static void check_files(struct search *s, const struct policy_list *list)
{
	const struct debuginfo *info = s->kernel->debuginfo;

	for (uint32_t i = 0; i < list->n; i++) {
		const char *name = list->v[i].name;
		struct policy_item one = list->v[i];
		const struct policy just_this = { .files = { .v = &one, .n = 1 } };
		struct near near = { .name = name };
		bool found = false;

		for (uint32_t f = 0; f < info->nr_funcs && !found; f++)
			found = policy_has_file(&just_this, info->funcs[f].file);
		for (uint32_t f = 0; f < info->nr_funcs && !found; f++)
			near_offer(&near, info->funcs[f].file);
		if (!found)
			add(s, &list->v[i], name, "file, or no function in it", &near);
		near_release(&near);
	}
}

static void check_functions(struct search *s, const struct policy_list *list)
{
	const struct kernel *k = s->kernel;

	for (uint32_t i = 0; i < list->n; i++) {
		const char *name = list->v[i].name;
		struct near near = { .name = name };
		bool found = false;

		if (strpbrk(name, "*?["))
			continue;
		for (uint32_t f = 0; f < k->funcs->n && !found; f++) {
			const struct debug_func *source = funcs_source(k->funcs, f);

			found = !strcmp(k->funcs->v[f].name, name) || (source && !strcmp(source->name, name));
		}
		for (uint32_t f = 0; f < k->debuginfo->nr_funcs && !found; f++)
			near_offer(&near, k->debuginfo->funcs[f].name);
		if (!found)
			add(s, &list->v[i], name, "function", &near);
		near_release(&near);
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
