// SPDX-License-Identifier: GPL-2.0
/* Compilers, signatures and types of objects; and the order of the checks. */
#include <string.h>

#include "relink/check.h"
#include "relink/lines.h"

bool check_is_outside(const struct check *c, uint32_t func)
{
	return !boundary_is_inside(c->boundary, boundary_owner(c->kernel->funcs, func));
}

char *check_user(const struct check *c, uint64_t addr)
{
	uint32_t func = funcs_at(c->kernel->funcs, addr);
	AUTO_FREE char *place = func == NO_ID ? funcs_place(c->kernel->funcs, addr) :
		xstrdup(c->kernel->funcs->v[boundary_owner(c->kernel->funcs, func)].name);
	const struct debug_func *source = func == NO_ID ? NULL : funcs_source(c->kernel->funcs, func);
	/* the first code of a function may be that of another */
	AUTO_FREE char *line = source && addr == c->kernel->funcs->v[func].low ?
		xasprintf("%s:%u", source->file, source->line) : lines_place(c->kernel->debuginfo, addr);

	return line ? xasprintf("%s (%s)", place, line) : xstrdup(place);
}

/* The first words that differ. */
static char *compare_producers(const char *old, const char *now)
{
	const char *word = old;

	for (size_t i = 0; old[i] && old[i] == now[i]; i++)
		if (old[i] == ' ')
			word = old + i + 1;
	now += word - old;
	return xasprintf("`%.*s` instead of `%.*s`", (int)strcspn(now, " "), now, (int)strcspn(word, " "), word);
}

void check_compilers(const struct check *c)
{
	for (uint32_t i = 0; i < c->now->nr_units; i++)
		for (uint32_t k = 0; k < c->old->nr_units; k++) {
			const struct shape_unit *now = &c->now->units[i], *old = &c->old->units[k];
			AUTO_FREE char *difference = NULL;

			if (strcmp(now->name, old->name) || !now->producer || !old->producer ||
			    !strcmp(now->producer, old->producer))
				continue;
			difference = compare_producers(old->producer, now->producer);
			remarks_add(c->remarks, REMARK_COMPILER, xstrdup(now->name), NULL, 0,
				     xasprintf("another compiler or other flags: %s", difference));
		}
}

static bool has_source(const struct check *c, const struct shape_func *f, uint32_t func)
{
	const struct debug_func *source = funcs_source(c->kernel->funcs, func);

	return source && !strcmp(source->name, f->name) && !strcmp(source->file, f->file);
}

/* Outside callers; who holds the address of a callback calls it from anywhere. */
static void add_callers(const struct check *c, struct remark *f, uint32_t func)
{
	const struct refs *refs = c->kernel->refs;

	for (uint32_t r = refs->to[func]; r < refs->to[func + 1]; r++) {
		const struct ref *ref = &refs->v[r];

		if (ref->kind == REF_DATA || ref->kind == REF_ADDRESS ||
		    (ref->from != NO_ID && check_is_outside(c, ref->from)))
			remark_add_user(f, check_user(c, ref->at));
	}
}

void check_signatures(const struct check *c)
{
	for (uint32_t i = 0; i < c->old->nr_funcs; i++) {
		const struct shape_func *old = &c->old->funcs[i], *now;
		struct remark *f = NULL;

		if (i && !strcmp(old->name, old[-1].name) && !strcmp(old->file, old[-1].file))
			continue;
		now = shapes_func(c->now, old->name, old->file);
		if (!now || !strcmp(old->signature, now->signature))
			continue;
		for (uint32_t k = 0; k < c->boundary->n; k++) {
			enum side side = c->boundary->v[k].side;

			if ((side != SIDE_INTERFACE && side != SIDE_CALLBACK) || !has_source(c, old, k))
				continue;
			f = f ? f : remarks_add(c->remarks, REMARK_SIGNATURE, xstrdup(old->name), xstrdup(now->file),
						 now->line, xasprintf("`%s` instead of `%s`, and others call it",
								      now->signature, old->signature));
			add_callers(c, f, k);
		}
	}
}

static bool same_place(const struct shape_var *a, const struct shape_var *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->unit, b->unit) && !strcmp(a->file, b->file);
}

/* What differs in size or contents has been judged when it was bound. */
static bool differs_anyway(const struct check *c, const char *name)
{
	for (uint32_t i = 1; i < c->object->nr_symbols; i++)
		if (c->verdict[i] == VERDICT_CHANGED && !strcmp(c->object->symbols[i].name, name))
			return true;
	return false;
}

void check_object_types(const struct check *c)
{
	for (uint32_t i = 0; i < c->now->nr_vars; i++) {
		const struct shape_var *now = &c->now->vars[i];
		enum data_policy policy = policy_of_object(c->kernel->policy, now->name);

		for (uint32_t k = 0; k < c->old->nr_vars; k++) {
			const struct shape_var *old = &c->old->vars[k];

			if (!same_place(now, old) || !strcmp(now->type, old->type))
				continue;
			if (policy == DATA_NONE && !differs_anyway(c, now->name))
				remarks_add(c->remarks, REMARK_OBJECT, xstrdup(now->name), xstrdup(now->file), 0,
					     xasprintf("its type is `%s` instead of `%s`", now->type, old->type));
		}
	}
}

struct err *check_change(const struct check *c)
{
	struct err *err;

	check_compilers(c);
	check_signatures(c);
	check_constants(c);
	check_object_types(c);
	err = check_layouts(c);
	return err ?: check_inlines(c);
}
