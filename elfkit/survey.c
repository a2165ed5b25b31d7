// SPDX-License-Identifier: GPL-2.0
/* The stages behind the boundary, and the answer to "why". */
#include <string.h>

#include "elfkit/survey.h"
#include "elfkit/unknown.h"

struct err *survey_make(const char *vmlinux, const char *policy, struct survey *ret)
{
	struct kernel *k = &ret->kernel;
	struct err *err;

	memset(ret, 0, sizeof(*ret));
	err = kernel_read(vmlinux, policy, k);
	if (err)
		return err;
	sleep_compute(k->funcs, k->refs, k->policy, k->boundary, &ret->sleep);
	sharing_find(k->funcs, k->variables, k->refs, k->boundary, &ret->sharing);
	copies_find(k->debuginfo, k->policy, &ret->copies);
	declarations_find(k->funcs, k->policy, k->boundary, &ret->copies, &ret->declarations);
	unknown_names(k, &ret->unknown, &ret->nr_unknown);
	return crosscheck(k->funcs, k->variables, k->refs, &ret->findings);
}

void survey_release(struct survey *survey)
{
	for (uint32_t i = 0; i < survey->nr_unknown; i++)
		free(survey->unknown[i]);
	free(survey->unknown);
	findings_release(&survey->findings);
	declarations_release(&survey->declarations);
	copies_release(&survey->copies);
	sharing_release(&survey->sharing);
	sleep_release(&survey->sleep);
	kernel_release(&survey->kernel);
}

#define MAX_REFS_SHOWN 8

static void why_func(const struct survey *s, uint32_t func, FILE *file)
{
	const struct kernel *k = &s->kernel;
	const struct decision *d = &k->boundary->v[func];
	const struct debug_func *source = funcs_source(k->funcs, func);
	AUTO_FREE char *path = boundary_is_inside(k->boundary, func) ? sleep_path(&s->sleep, k->funcs, func) : NULL;
	uint32_t first = k->refs->to[func], end = k->refs->to[func + 1];

	if (d->side == SIDE_NONE) {
		const struct policy_item *item = source ? policy_left_out(k->policy, source->file) : NULL;
		AUTO_FREE char *reason = item ? policy_reason(k->policy, item) : NULL;

		fprintf(file, "%s: not a function of the scheduler's files%s%s%s%s\n", k->funcs->v[func].name,
			source ? ": declared in " : "", source ? source->file : "",
			item ? ", left out: " : "", reason ?: "");
	}
	if (d->side != SIDE_NONE)
		fprintf(file, "%s (%s:%u): %s: %s\n", k->funcs->v[func].name, source->file, source->line,
			side_names[d->side], d->because);
	if (path)
		fprintf(file, "  a task can sleep in it: %s > %s\n", k->funcs->v[func].name, path);
	for (uint32_t r = first; r < end && r < first + MAX_REFS_SHOWN; r++) {
		static const char *const kinds[] = {
			[REF_CALL] = "called at", [REF_JUMP] = "jumped to at",
			[REF_ADDRESS] = "address taken at", [REF_DATA] = "address in",
		};
		AUTO_FREE char *place = funcs_place(k->funcs, k->refs->v[r].at);

		fprintf(file, "  %s %s\n", kinds[k->refs->v[r].kind], place);
	}
	if (end - first > MAX_REFS_SHOWN)
		fprintf(file, "  and %u references more\n", end - first - MAX_REFS_SHOWN);
}

/* foo answers for foo.isra.0 as well. */
static bool is_named(const char *symbol, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(symbol, name, len) && (!symbol[len] || symbol[len] == '.');
}

struct err *survey_why(const struct survey *s, const char *name, FILE *file)
{
	const struct kernel *k = &s->kernel;
	bool found = false;

	for (uint32_t i = 0; i < k->funcs->n; i++)
		if (k->funcs->v[i].parent == NO_ID && is_named(k->funcs->v[i].name, name)) {
			why_func(s, i, file);
			found = true;
		}
	for (uint32_t i = 0; i < s->declarations.n; i++) {
		const struct declaration *d = &s->declarations.v[i];
		const struct debug_func *source = &k->debuginfo->funcs[d->source];

		if (strcmp(source->name, name))
			continue;
		fprintf(file, "%s (%s:%u): %s: %s\n", name, source->file, source->line,
			d->modifiable ? "an edit takes effect everywhere" : "an edit would not take effect everywhere",
			d->because);
		found = true;
	}
	return found ? NULL : err_new("%s has no function %s", k->image->path, name);
}
