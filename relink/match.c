// SPDX-License-Identifier: GPL-2.0
/* Symbols of an object met with those of vmlinux. */
#include <string.h>

#include "relink/match.h"

struct matching {
	const struct kernel *kernel;
	const struct object *object;
	const struct debuginfo *info;
	uint32_t *kernel_group;	/* [object groups + 1]: group of the same unit in vmlinux, 0: none */
	struct match *match;
};

static uint32_t kernel_unit(const struct matching *m, const char *name)
{
	const struct debuginfo *info = m->kernel->debuginfo;

	for (uint32_t i = 0; i < info->nr_units; i++)
		if (!strcmp(info->units[i], name))
			return i;
	return NO_ID;
}

/* GCC names a function's static variable NAME.NUMBER */
static bool is_symbol_of_var(const char *symbol, const char *var)
{
	size_t len = strlen(var);

	return !strncmp(symbol, var, len) && (symbol[len] == '\0' || symbol[len] == '.');
}

/* The symbol of variable @name at @addr: objects without contents share an address with others. */
static uint32_t symbol_of_var(const struct symbols *symbols, uint64_t addr, const char *name)
{
	uint32_t i = symbols_lower_bound(symbols, addr);

	for (; i < symbols->n && symbols->v[symbols->by_addr[i]].value == addr; i++) {
		const struct symbol *s = &symbols->v[symbols->by_addr[i]];

		if (s->type == STT_OBJECT && is_symbol_of_var(s->name, name))
			return symbols->by_addr[i];
	}
	return NO_ID;
}

/* The file group of a unit of vmlinux: that of any local function of the unit, or of any local variable. */
static uint32_t group_of_kernel_unit(const struct matching *m, uint32_t unit)
{
	const struct kernel *k = m->kernel;

	for (uint32_t c = 0; c < k->debuginfo->nr_codes; c++) {
		uint32_t func;

		if (k->debuginfo->funcs[k->debuginfo->codes[c].func].unit != unit)
			continue;
		func = funcs_starting_at(k->funcs, k->debuginfo->codes[c].ranges[0].low);
		if (func != NO_ID && k->symbols->v[k->funcs->v[func].symbol].group)
			return k->symbols->v[k->funcs->v[func].symbol].group;
	}
	for (uint32_t i = 0; i < k->debuginfo->nr_vars; i++) {
		const struct debug_var *v = &k->debuginfo->vars[i];
		uint32_t symbol = v->unit == unit ? symbol_of_var(k->symbols, v->addr, v->name) : NO_ID;

		if (symbol != NO_ID && k->symbols->v[symbol].group)
			return k->symbols->v[symbol].group;
	}
	return 0;
}

static uint32_t group_of_object_unit(const struct matching *m, uint32_t unit)
{
	const struct object *o = m->object;

	for (uint32_t c = 0; c < m->info->nr_codes; c++) {
		const struct debug_range *r = &m->info->codes[c].ranges[0];

		if (m->info->funcs[m->info->codes[c].func].unit != unit)
			continue;
		for (uint32_t i = 1; i < o->nr_symbols; i++) {
			const struct object_symbol *s = &o->symbols[i];

			if (s->type == STT_FUNC && s->group && object_symbol_defined(s) &&
			    s->section == r->section && s->value == r->low)
				return s->group;
		}
	}
	for (uint32_t k = 0; k < m->info->nr_vars; k++) {
		const struct debug_var *v = &m->info->vars[k];

		for (uint32_t i = 1; v->unit == unit && i < o->nr_symbols; i++) {
			const struct object_symbol *s = &o->symbols[i];

			if (s->type == STT_OBJECT && s->group && object_symbol_defined(s) && s->section == v->section &&
			    s->value == v->addr && is_symbol_of_var(s->name, v->name))
				return s->group;
		}
	}
	return 0;
}

static struct err *map_groups(struct matching *m)
{
	bool any = false;

	m->kernel_group = xcalloc(m->object->nr_groups + 1, sizeof(uint32_t));
	for (uint32_t i = 0; i < m->info->nr_units; i++) {
		uint32_t unit = kernel_unit(m, m->info->units[i]);
		uint32_t group = group_of_object_unit(m, i);

		if (unit == NO_ID)
			continue;
		any = true;
		m->kernel_group[group] = group ? group_of_kernel_unit(m, unit) : 0;
	}
	if (!any)
		return err_new("none of the objects' units (%s, ...) is in %s: not objects of this kernel's scheduler",
			       m->info->nr_units ? m->info->units[0] : "?",
			       m->kernel->image->path);
	return NULL;
}

/* The rank of a variable among those of the same unit, function and name, and how many there are. */
static uint32_t rank_of_var(const struct debuginfo *info, uint32_t var, uint32_t *count)
{
	const struct debug_var *v = &info->vars[var];
	uint32_t rank = 0;

	*count = 0;
	for (uint32_t i = 0; i < info->nr_vars; i++) {
		const struct debug_var *o = &info->vars[i];

		if (o->unit != v->unit || o->func == UINT32_MAX || strcmp(o->name, v->name) ||
		    strcmp(info->funcs[o->func].name, info->funcs[v->func].name))
			continue;
		if (o->addr == v->addr && o->section == v->section) {
			if (i < var)
				return rank_of_var(info, i, count);
			if (i > var)
				continue;
		}
		(*count)++;
		rank += o->line < v->line || (o->line == v->line && o->addr < v->addr);
	}
	return rank;
}

static uint32_t kernel_var(const struct matching *m, const struct debug_var *v, uint32_t rank,
			   uint32_t count)
{
	const struct debuginfo *info = m->kernel->debuginfo;
	uint32_t unit = kernel_unit(m, m->info->units[v->unit]);

	for (uint32_t i = 0; unit != NO_ID && i < info->nr_vars; i++) {
		const struct debug_var *o = &info->vars[i];
		uint32_t kernel_count;

		if (o->unit != unit || o->func == UINT32_MAX || strcmp(o->name, v->name) ||
		    strcmp(info->funcs[o->func].name, m->info->funcs[v->func].name))
			continue;
		if (rank_of_var(info, i, &kernel_count) == rank && kernel_count == count)
			return i;
	}
	return NO_ID;
}

static bool has_number_suffix(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot[1] && strspn(dot + 1, "0123456789") == strlen(dot + 1);
}

static uint32_t match_function_static(const struct matching *m, const struct object_symbol *s)
{
	for (uint32_t i = 0; i < m->info->nr_vars; i++) {
		const struct debug_var *v = &m->info->vars[i];
		uint32_t rank, count, var;

		if (v->func == UINT32_MAX || v->section != s->section || v->addr != s->value ||
		    !is_symbol_of_var(s->name, v->name))
			continue;
		rank = rank_of_var(m->info, i, &count);
		var = kernel_var(m, v, rank, count);
		return var == NO_ID ? NO_ID :
			symbol_of_var(m->kernel->symbols, m->kernel->debuginfo->vars[var].addr, v->name);
	}
	return NO_ID;	/* the compiler's own, such as __func__.1: new with the object */
}

static uint32_t match_symbol(const struct matching *m, const struct object_symbol *s)
{
	if (!*s->name || s->type == STT_FILE || s->type == STT_SECTION)
		return NO_ID;
	if (s->bind != STB_LOCAL)
		return symbols_find_global(m->kernel->symbols, s->name);
	if (!object_symbol_defined(s) || !s->group || !m->kernel_group[s->group])
		return NO_ID;
	if (s->type == STT_OBJECT && has_number_suffix(s->name))
		return match_function_static(m, s);
	return symbols_find_local(m->kernel->symbols, m->kernel_group[s->group], s->name);
}

static uint32_t func_symbol_at(const struct object *o, uint32_t from, const struct debug_range *r)
{
	for (uint32_t i = from; i < o->nr_symbols; i++)
		if (o->symbols[i].type == STT_FUNC && object_symbol_defined(&o->symbols[i]) &&
		    o->symbols[i].section == r->section && o->symbols[i].value == r->low)
			return i;
	return NO_ID;
}

static void mark_foreign(const struct matching *m)
{
	for (uint32_t c = 0; c < m->info->nr_codes; c++) {
		const struct debug_code *code = &m->info->codes[c];

		if (kernel_unit(m, m->info->units[m->info->funcs[code->func].unit]) != NO_ID)
			continue;
		for (uint32_t r = 0; r < code->nr_ranges; r++)
			for (uint32_t i = 0; (i = func_symbol_at(m->object, i, &code->ranges[r])) != NO_ID; i++)
				m->match->foreign[i] = true;
	}
}

struct err *match_symbols(const struct kernel *kernel, const struct object *object,
			  const struct debuginfo *info, struct match *ret)
{
	struct matching m = { .kernel = kernel, .object = object, .info = info, .match = ret };
	struct err *err = map_groups(&m);

	memset(ret, 0, sizeof(*ret));
	if (!err) {
		ret->symbol = xcalloc(object->nr_symbols, sizeof(uint32_t));
		ret->func = xcalloc(object->nr_symbols, sizeof(uint32_t));
		ret->foreign = xcalloc(object->nr_symbols, sizeof(bool));
		mark_foreign(&m);
		for (uint32_t i = 0; i < object->nr_symbols; i++) {
			ret->symbol[i] = ret->foreign[i] ? NO_ID : match_symbol(&m, &object->symbols[i]);
			ret->func[i] = ret->symbol[i] == NO_ID ? NO_ID :
				funcs_starting_at(kernel->funcs, kernel->symbols->v[ret->symbol[i]].value);
		}
	}
	free(m.kernel_group);
	return err;
}

void match_release(struct match *match)
{
	free(match->symbol);
	free(match->func);
	free(match->foreign);
}
