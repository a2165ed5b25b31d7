// SPDX-License-Identifier: GPL-2.0
/*
 * Variables of DWARF joined with symbols by address; where they lie says what kind they are
 * (include/asm-generic/vmlinux.lds.h, include/asm-generic/sections.h).
 */
#include <string.h>

#include "elfkit/variables.h"

const char *const variable_kind_names[NR_VARIABLE_KINDS] = { "writable", "constant", "percpu", "once", "init" };

/*
 * One bit for 64 bytes, over addresses that lie close together.  Few of a kernel's constants
 * pass, so that a search for the rest costs nothing.  An image has two groups at most, its data and
 * the per-CPU section; what lies elsewhere is damage and is left out.
 */
#define GRAIN 6
#define CLOSE (1UL << 30)
#define MAX_GROUPS 4

struct variables_filter {
	struct group {
		uint64_t low, high;
		uint8_t *bits;
	} groups[MAX_GROUPS];
	uint32_t n;
};

struct range {
	uint64_t low, high;
};

struct finder {
	const struct image *image;
	const struct symbols *symbols;
	const struct debuginfo *info;
	struct range percpu, constant, once;
	struct variables *variables;
	uint32_t cap;
};

static struct range between(const struct symbols *symbols, const char *from, const char *to)
{
	uint32_t low = symbols_find(symbols, from), high = symbols_find(symbols, to);

	if (low == NO_ID || high == NO_ID)
		return (struct range){ 0 };
	return (struct range){ symbols->v[low].value, symbols->v[high].value };
}

static bool holds(struct range r, uint64_t addr)
{
	return addr >= r.low && addr < r.high;
}

/* foo is foo, and foo.123 where it is static in a function. */
static bool is_named(const char *symbol, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(symbol, name, len) && (!symbol[len] || symbol[len] == '.');
}

/* The object of that name at @addr.  DWARF also has variables that the linker has dropped: they have none. */
static uint32_t symbol_of(const struct symbols *symbols, uint64_t addr, const char *name)
{
	for (uint32_t i = symbols_lower_bound(symbols, addr); i < symbols->n; i++) {
		const struct symbol *s = &symbols->v[symbols->by_addr[i]];

		if (s->value != addr)
			break;
		if (s->type == STT_OBJECT && s->size && is_named(s->name, name))
			return symbols->by_addr[i];
	}
	return NO_ID;
}

static enum variable_kind kind_of(const struct finder *f, const struct symbol *s)
{
	const struct image_section *section = s->shndx < f->image->nr_sections ? &f->image->sections[s->shndx] : NULL;

	if (holds(f->percpu, s->value))
		return VARIABLE_PERCPU;
	if (holds(f->once, s->value))
		return VARIABLE_ONCE;
	if (section && !strncmp(section->name, ".init", 5))
		return VARIABLE_INIT;
	if ((section && !(section->flags & SHF_WRITE)) || holds(f->constant, s->value))
		return VARIABLE_CONSTANT;
	return VARIABLE_WRITABLE;
}

/*
 * What a header of others makes in a unit (a tracepoint, say) is the scheduler's where the
 * unit's own file is.
 */
static bool is_wanted(const struct finder *f, const struct policy *policy, const struct debug_var *v)
{
	size_t len = strlen(v->file);

	if (policy_has_file(policy, v->file))
		return true;
	return len > 2 && !strcmp(v->file + len - 2, ".h") && policy_has_file(policy, f->info->units[v->unit]);
}

static void add(struct finder *f, uint32_t var)
{
	const struct debug_var *v = &f->info->vars[var];
	uint32_t symbol = symbol_of(f->symbols, v->addr, v->name);
	const struct symbol *s;

	if (symbol == NO_ID)
		return;
	s = &f->symbols->v[symbol];
	if (s->value + s->size < s->value)
		return;
	GROW(f->variables->v, f->variables->n, f->cap);
	f->variables->v[f->variables->n++] = (struct variable){
		.name = s->name, .low = s->value, .high = s->value + s->size, .var = var,
		.kind = kind_of(f, s), .exported = s->exported, .local = s->bind == STB_LOCAL,
		.from_zero = s->value <= INT32_MAX,
	};
}

static int compare(const void *a, const void *b)
{
	const struct variable *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return x->var < y->var ? -1 : x->var > y->var;
}

/* Sorted; of two that claim the same bytes the first stands. */
static void sort_variables(struct variables *variables)
{
	uint32_t n = 0;

	if (!variables->n)
		return;
	qsort(variables->v, variables->n, sizeof(*variables->v), compare);
	for (uint32_t i = 1; i < variables->n; i++)
		if (variables->v[i].low >= variables->v[n].high)
			variables->v[++n] = variables->v[i];
	variables->n = n + 1;
}

static void make_filter(struct variables *variables)
{
	struct variables_filter *filter = variables->filter = xcalloc(1, sizeof(*filter));

	for (uint32_t i = 0; i < variables->n; i++) {
		const struct variable *v = &variables->v[i];
		struct group *last = filter->n ? &filter->groups[filter->n - 1] : NULL;

		if (last && v->high - last->low < CLOSE)
			last->high = v->high;
		else if (filter->n < MAX_GROUPS && v->high - v->low < CLOSE)
			filter->groups[filter->n++] = (struct group){ v->low, v->high, NULL };
		else
			variables->n = i;
	}
	for (uint32_t g = 0, i = 0; g < filter->n; g++) {
		struct group *group = &filter->groups[g];

		group->bits = xcalloc(((group->high - group->low) >> GRAIN) / 8 + 1, 1);
		for (; i < variables->n && variables->v[i].low < group->high; i++)
			for (uint64_t bit = (variables->v[i].low - group->low) >> GRAIN;
			     bit <= (variables->v[i].high - 1 - group->low) >> GRAIN; bit++)
				group->bits[bit / 8] |= 1 << bit % 8;
	}
}

struct variables *variables_find(const struct image *image, const struct symbols *symbols,
				 const struct debuginfo *debuginfo, const struct policy *policy)
{
	struct finder f = {
		.image = image, .symbols = symbols, .info = debuginfo,
		.percpu = between(symbols, "__per_cpu_start", "__per_cpu_end"),
		.constant = between(symbols, "__start_rodata", "__end_rodata"),
		.once = between(symbols, "__start_once", "__end_once"),
		.variables = xcalloc(1, sizeof(*f.variables)),
	};

	f.variables->debuginfo = debuginfo;
	for (uint32_t i = 0; i < debuginfo->nr_vars; i++)
		if (is_wanted(&f, policy, &debuginfo->vars[i]))
			add(&f, i);
	sort_variables(f.variables);
	make_filter(f.variables);
	return f.variables;
}

void variables_free(struct variables *variables)
{
	if (!variables)
		return;
	for (uint32_t i = 0; i < variables->filter->n; i++)
		free(variables->filter->groups[i].bits);
	free(variables->filter);
	free(variables->v);
	free(variables);
}

uint32_t variables_at(const struct variables *variables, uint64_t addr)
{
	uint32_t lo = 0, hi = variables->n;
	const struct group *group = variables->filter->groups, *end = group + variables->filter->n;
	uint64_t bit;

	while (group < end && addr - group->low >= group->high - group->low)
		group++;
	if (group == end)
		return NO_ID;
	bit = (addr - group->low) >> GRAIN;
	if (!(group->bits[bit / 8] & (1 << bit % 8)))
		return NO_ID;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (variables->v[mid].low <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr < variables->v[lo - 1].high ? lo - 1 : NO_ID;
}
