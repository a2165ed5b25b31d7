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
	err = err_in(copies_find(k->debuginfo, k->policy, &ret->copies), vmlinux);
	if (err)
		return err;
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

static bool why_functions(const struct survey *s, const char *name, FILE *file)
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
	return found;
}

static bool why_objects(const struct survey *s, const char *name, FILE *file)
{
	const struct kernel *k = &s->kernel;
	bool found = false;

	for (uint32_t i = 0; i < k->variables->n; i++) {
		const struct shared_variable *v = &s->sharing.v[i];
		const struct debug_var *source = variables_source(k->variables, i);

		if (!is_named(k->variables->v[i].name, name))
			continue;
		found = true;
		fprintf(file, "%s (%s:%u): %s, %s: %s\n", k->variables->v[i].name, source->file, source->line,
			variable_kind_names[k->variables->v[i].kind], v->shared ? "shared" : "private", v->because);
		for (uint32_t u = 0; u < v->nr_users && u < MAX_REFS_SHOWN; u++) {
			AUTO_FREE char *place = funcs_place(k->funcs, v->users[u]);

			fprintf(file, "  used outside at %s\n", place);
		}
		if (v->nr_users > MAX_REFS_SHOWN)
			fprintf(file, "  and %u users more\n", v->nr_users - MAX_REFS_SHOWN);
	}
	return found;
}

static void why_member(const struct survey *s, const struct type *type, const struct struct_member *m, FILE *file)
{
	fprintf(file, "%s.%s (%s, offset %u): %s%s\n", type->name, m->member->name, m->member->type_name,
		m->member->offset, m->nr_users ? "shared" : "private: no use outside was found",
		m->inside ? "; used inside" : "");
	for (uint32_t u = 0; u < m->nr_users && u < MAX_REFS_SHOWN; u++)
		fprintf(file, "  %s%s%s by %s\n", m->users[u].how & ACCESS_READ ? "read" : "",
			m->users[u].how & ACCESS_WRITE ? m->users[u].how & ACCESS_READ ? ", written" : "written" : "",
			m->users[u].how & (ACCESS_READ | ACCESS_WRITE) ? "" : "address taken",
			s->kernel.funcs->v[m->users[u].func].name);
	if (m->nr_users > MAX_REFS_SHOWN)
		fprintf(file, "  and %u functions more\n", m->nr_users - MAX_REFS_SHOWN);
}

/* STRUCT or STRUCT.MEMBER */
static bool why_structs(const struct survey *s, const char *name, FILE *file)
{
	const struct structs *structs = s->kernel.structs;
	size_t len = strcspn(name, ".");
	bool found = false;

	for (uint32_t i = 0; structs && i < structs->n; i++) {
		const struct struct_entry *e = &structs->v[i];
		uint32_t shared = 0;

		if (strncmp(e->type->name, name, len) || e->type->name[len])
			continue;
		for (uint32_t m = 0; m < e->type->nr_members; m++) {
			shared += e->members[m].nr_users > 0;
			if (name[len] && !strcmp(e->members[m].member->name, name + len + 1)) {
				why_member(s, e->type, &e->members[m], file);
				found = true;
			}
		}
		if (name[len])
			continue;
		fprintf(file, "struct %s (%s:%u), %u bytes: %s: %u of %u members are used outside\n", name,
			e->type->file ?: "?", e->type->line, e->type->size, e->shared ? "shared" : "private", shared,
			e->type->nr_members);
		found = true;
	}
	return found;
}

struct err *survey_why(struct survey *s, const char *name, FILE *file)
{
	bool found = why_functions(s, name, file);
	struct err *err;

	found |= why_objects(s, name, file);
	if (found)
		return NULL;
	/* what is neither may be a struct: that takes longer to find out */
	err = s->kernel.structs ? NULL : kernel_read_structs(&s->kernel);
	if (err || why_structs(s, name, file))
		return err;
	return err_new("%s has no function, object of the scheduler, struct or STRUCT.MEMBER that it uses, by the name %s",
		       s->kernel.image->path, name);
}
