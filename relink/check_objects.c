// SPDX-License-Identifier: GPL-2.0
/* Objects that the kernel has: their types, and who else knows those that changed. */
#include <string.h>

#include "relink/check.h"
#include "relink/holders.h"

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

/* The object's symbol of a variable that is not a function's; 0: none. */
static uint32_t symbol_of(const struct check *c, const char *name)
{
	for (uint32_t i = 1; i < c->object->nr_symbols; i++)
		if (c->object->symbols[i].type == STT_OBJECT && c->match->symbol[i] != NO_ID &&
		    !strcmp(c->object->symbols[i].name, name))
			return i;
	return 0;
}

static void add_type(const struct check *c, uint32_t symbol, const char *name, const char *now, const char *old)
{
	struct remark *f = remarks_add(c->remarks, REMARK_OBJECT, xstrdup(name), NULL, 0,
				       xasprintf("its type is `%s` instead of `%s`", now, old));

	f->symbol = symbol;
}

static void check_file_variables(const struct check *c)
{
	for (uint32_t i = 0; i < c->now->nr_vars; i++) {
		const struct shape_var *now = &c->now->vars[i];
		enum data_policy policy = policy_of_object(c->kernel->policy, now->name);

		for (uint32_t k = 0; k < c->old->nr_vars; k++) {
			const struct shape_var *old = &c->old->vars[k];

			if (!same_place(now, old) || !strcmp(now->type, old->type))
				continue;
			if (policy == DATA_NONE && !differs_anyway(c, now->name))
				add_type(c, symbol_of(c, now->name), now->name, now->type, old->type);
		}
	}
}

static const struct debug_var *var_at(const struct debuginfo *info, uint32_t section, uint64_t addr, const char *symbol)
{
	for (uint32_t i = 0; i < info->nr_vars; i++) {
		const struct debug_var *v = &info->vars[i];

		if (v->section == section && v->addr == addr && !strncmp(v->name, symbol, strlen(v->name)))
			return v;
	}
	return NULL;
}

static void check_function_statics(const struct check *c)
{
	for (uint32_t i = 1; i < c->object->nr_symbols; i++) {
		const struct object_symbol *s = &c->object->symbols[i];
		const struct symbol *theirs = c->match->symbol[i] == NO_ID ? NULL :
			&c->kernel->symbols->v[c->match->symbol[i]];
		const struct debug_var *now, *old;
		AUTO_FREE char *type = NULL, *was = NULL;

		if (s->type != STT_OBJECT || !theirs || c->verdict[i] != VERDICT_SAME)
			continue;
		now = var_at(c->info, s->section, s->value, s->name);
		old = now && now->func != UINT32_MAX ? var_at(c->kernel->debuginfo, 0, theirs->value, theirs->name) : NULL;
		if (!old || old->func == UINT32_MAX || policy_of_object(c->kernel->policy, theirs->name) != DATA_NONE)
			continue;
		type = debuginfo_var_type(c->info, now);
		was = debuginfo_var_type(c->kernel->debuginfo, old);
		if (type && was && strcmp(type, was))
			add_type(c, i, theirs->name, type, was);
	}
}

struct holding {
	const struct check *check;
	struct remark *remark;
};

static void add_holder(uint32_t func, uint64_t at, void *arg)
{
	const struct holding *h = arg;
	const struct funcs *funcs = h->check->kernel->funcs;
	bool boot = func != NO_ID && boundary_is_init(funcs, func);
	AUTO_FREE char *user = check_user(h->check, func == NO_ID ? at : funcs->v[func].low);

	remark_add_user(h->remark, xasprintf("%s%s", user, boot ? ", when the kernel booted" : ""));
}

/* Where the objects are declared that remarks are about, and who else knows them. */
static void add_places(const struct check *c)
{
	for (uint32_t i = 0; i < c->remarks->n; i++) {
		struct remark *f = &c->remarks->v[i];
		uint32_t id = f->symbol ? c->match->symbol[f->symbol] : NO_ID;
		const struct symbol *theirs = id == NO_ID ? NULL : &c->kernel->symbols->v[id];
		const struct debug_var *var;

		if (f->kind != REMARK_OBJECT || !theirs)
			continue;
		var = var_at(c->kernel->debuginfo, 0, theirs->value, theirs->name);
		if (var && var->file) {
			f->file = xstrdup(var->file);
			f->line = var->line;
		}
		holders_of(c->kernel, c->boundary, theirs->value, add_holder, &(struct holding){ c, f });
	}
}

void check_objects(const struct check *c)
{
	check_file_variables(c);
	check_function_statics(c);
	add_places(c);
}
