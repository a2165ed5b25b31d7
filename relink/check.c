// SPDX-License-Identifier: GPL-2.0
/* Compilers and signatures; and the order of the checks. */
#include <string.h>

#include "relink/check.h"
#include "relink/lines.h"

bool check_is_outside(const struct check *c, uint32_t func)
{
	return !boundary_is_inside(c->boundary, boundary_owner(c->kernel->funcs, func));
}

/* "NAME+0x10 (FILE:LINE)" of data. */
static char *variable_place(const struct check *c, uint64_t addr)
{
	uint32_t id = variables_at(c->kernel->variables, addr);
	const struct debug_var *var = id == NO_ID ? NULL : variables_source(c->kernel->variables, id);
	AUTO_FREE char *place = funcs_place(c->kernel->funcs, addr);

	return var && var->file ? xasprintf("%s (%s:%u)", place, var->file, var->line) : xstrdup(place);
}

char *check_user(const struct check *c, uint64_t addr)
{
	uint32_t func = funcs_at(c->kernel->funcs, addr);
	AUTO_FREE char *place = func == NO_ID ? variable_place(c, addr) :
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

void check_add_callers(const struct check *c, struct remark *f, uint32_t func)
{
	const struct refs *refs = c->kernel->refs;

	for (uint32_t r = refs->to[func]; r < refs->to[func + 1]; r++) {
		const struct ref *ref = &refs->v[r];

		if (ref->from != NO_ID && boundary_is_init(c->kernel->funcs, ref->from))
			continue;
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
			check_add_callers(c, f, k);
		}
	}
}

/* The cause is told, and not each function that follows from it. */
static void drop_consequences(const struct check *c, const bool *follows)
{
	for (uint32_t i = c->remarks->n; i-- > 0;) {
		const struct remark *f = &c->remarks->v[i];

		if ((f->kind == REMARK_OUTSIDE || f->kind == REMARK_INIT) && f->symbol && follows[f->symbol])
			remarks_drop(c->remarks, i);
	}
}

struct err *check_change(const struct check *c)
{
	bool *follows = xcalloc(c->object->nr_symbols, sizeof(*follows));
	struct err *err;

	check_compilers(c);
	check_signatures(c);
	check_objects(c);
	err = check_constants(c);
	err = err ?: check_layouts(c);
	err = err ?: check_inlines(c, follows);
	if (!err)
		drop_consequences(c, follows);
	free(follows);
	return err;
}
