// SPDX-License-Identifier: GPL-2.0
/*
 * Reading types and variable locations (DWARF 5, sections 2.6, 4.1 and 5).
 *
 * Each thread takes the next unit, walks its functions, and resolves a type only when a
 * variable or a result needs it.  Then the members of each struct are read, once.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <pthread.h>
#include <string.h>

#include "elfkit/mapping.h"
#include "elfkit/memory.h"
#include "elfkit/typeinfo.h"
#include "elfkit/typeinfo_die.h"
#include "elfkit/typeinfo_place.h"
#include "elfkit/typeinfo_resolve.h"

/* So many units are read before their pages are given back. */
#define UNITS_IN_MEMORY 64

/* A struct whose members are to be read. */
struct unfilled {
	uint32_t id, unit;
	Dwarf_Off die;
};

/* What all threads share. */
struct pool {
	const char *path;
	struct types *types;
	Dwarf_Off *units;	/* offsets of the unit DIEs */
	char **names, **comp_dirs;
	uint32_t nr_units;
	const struct type_filter *filter;
	bool *declares;		/* [units * names of the filter] ... */
	bool *wanted;		/* [units]; without a filter NULL */
	struct unfilled *todo;
	uint32_t nr_todo, cap_todo;
	uint32_t next;		/* atomic: of units, then of todo */
};

struct reader {
	struct pool *pool;
	pthread_t thread;
	struct mapping file;
	Elf *elf;
	struct resolver types;
	struct loclists lists;	/* NULL where the unit under way has none of its kind */
	Dwarf_Addr base;	/* of that unit */
	struct typeinfo out;	/* funcs, hints, parts and vars of this thread */
	uint32_t cap_funcs, cap_hints, cap_parts, cap_vars;
	uint32_t func;		/* the function being read, or UINT32_MAX */
};

static void add_hint(struct reader *r, uint64_t low, uint64_t high, uint8_t reg, uint32_t type, int64_t offset)
{
	if (!type || low >= high || r->func == UINT32_MAX || high - low > UINT32_MAX ||
	    offset != (int32_t)offset)
		return;
	GROW(r->out.hints, r->out.nr_hints, r->cap_hints);
	r->out.hints[r->out.nr_hints] = (struct type_hint){
		.low = low, .len = high - low, .reg = reg, .type = type, .offset = offset,
		.seq = r->out.nr_hints - r->out.funcs[r->func].hints,
	};
	r->out.nr_hints++;
}

static uint32_t pointee_die(struct reader *r, Dwarf_Die type)
{
	if (!type_strip(&r->types, &type, NULL))
		return 0;
	return dwarf_tag(&type) == DW_TAG_pointer_type ? type_resolve_target(&r->types, &type) : 0;
}

/* A variable whose places are being read. */
struct located {
	struct reader *reader;
	Dwarf_Die type;
};

static void add_place(uint64_t low, uint64_t high, struct place place, void *arg)
{
	const struct located *l = arg;
	struct reader *r = l->reader;
	int64_t back = (int64_t)(0 - (uint64_t)place.offset);	/* gcc writes LONG_MIN, too */

	switch (place.kind) {
	case PLACE_FRAME:
		add_hint(r, low, high, HINT_STACK, type_resolve(&r->types, l->type), place.offset);
		return;
	case PLACE_REG:
		if (place.reg < 16)
			add_hint(r, low, high, place.reg, pointee_die(r, l->type), 0);
		return;
	case PLACE_AT:
		if (place.reg < 16 && place.reg != 7)
			add_hint(r, low, high, place.reg, type_resolve(&r->types, l->type), back);
		return;
	case PLACE_SUM:
		if (place.reg < 16 && place.reg != 7)
			add_hint(r, low, high, place.reg, pointee_die(r, l->type), back);
		return;
	default:
		return;
	}
}

static void add_global(struct reader *r, uint64_t addr, Dwarf_Die type)
{
	uint32_t id = type_resolve(&r->types, type);
	uint64_t size;

	if (!id || !type_size(type, &size) || !size)
		return;
	GROW(r->out.vars, r->out.nr_vars, r->cap_vars);
	r->out.vars[r->out.nr_vars++] = (struct type_var){ addr, id, size, r->types.unit };
}

/* A variable or parameter; @scope: what encloses it, for locations without a range. */
static void add_variable(struct reader *r, Dwarf_Die *die, Dwarf_Die *scope)
{
	struct located l = { .reader = r };
	Dwarf_Addr base, low, high;
	Dwarf_Attribute attr;
	struct place place;
	Dwarf_Block block;
	Dwarf_Word list;
	Dwarf_Op *ops;
	size_t n;

	if (!dwarf_attr(die, DW_AT_location, &attr) || !type_die(die, &l.type))
		return;
	if (dwarf_whatform(&attr) == DW_FORM_exprloc) {
		if (dwarf_formblock(&attr, &block))
			return;
		place = place_read(block.data, block.length);
		if (place.kind == PLACE_FIXED)
			add_global(r, place.offset, l.type);
		else if (scope)
			for (ptrdiff_t off = 0; (off = dwarf_ranges(scope, off, &base, &low, &high)) > 0;)
				add_place(low, high, place, &l);
		return;
	}
	if (r->lists.data && dwarf_whatform(&attr) == DW_FORM_sec_offset && !dwarf_formudata(&attr, &list) &&
	    loclists_read(&r->lists, list, r->base, add_place, &l))
		return;
	for (ptrdiff_t off = 0; (off = dwarf_getlocations(&attr, off, &base, &low, &high, &ops, &n)) > 0;)
		add_place(low, high, place_of_ops(ops, n), &l);
}

static void read_body(struct reader *r, Dwarf_Die *parent, Dwarf_Die *scope, int depth)
{
	struct die_walk *dies = &r->types.dies;
	Dwarf_Die die;
	int result;

	if (depth > DIE_DEPTH_MAX) {
		die_damaged(dies, parent, "nested too deeply");
		return;
	}
	for (result = dwarf_child(parent, &die); die_arrived(dies, result, parent, &die);
	     result = dwarf_siblingof(&die, &die)) {
		switch (dwarf_tag(&die)) {
		case DW_TAG_variable: case DW_TAG_formal_parameter:
			add_variable(r, &die, scope);
			break;
		case DW_TAG_inlined_subroutine: case DW_TAG_lexical_block:
			/* a block without code of its own is as wide as what encloses it */
			read_body(r, &die, dwarf_hasattr(&die, DW_AT_ranges) ||
				  dwarf_hasattr(&die, DW_AT_low_pc) ? &die : scope, depth + 1);
			break;
		}
	}
}

static void read_function(struct reader *r, Dwarf_Die *die)
{
	Dwarf_Addr entry, base, low, high;
	uint32_t first = r->out.nr_hints;
	Dwarf_Die type;
	ptrdiff_t off;

	/* without code, only its static variables matter */
	r->func = UINT32_MAX;
	off = dwarf_ranges(die, 0, &base, &entry, &high);
	if (off > 0) {
		GROW(r->out.funcs, r->out.nr_funcs, r->cap_funcs);
		r->func = r->out.nr_funcs++;
		r->out.funcs[r->func] = (struct type_func){
			.low = entry,
			.returns = type_die(die, &type) ? type_resolve(&r->types, type) : 0,
			.hints = first,
			.unit = r->pool->names[r->types.unit],
		};
		while ((off = dwarf_ranges(die, off, &base, &low, &high)) > 0) {
			GROW(r->out.parts, r->out.nr_parts, r->cap_parts);
			r->out.parts[r->out.nr_parts++] = (struct type_part){ entry, low };
		}
	}
	read_body(r, die, r->func == UINT32_MAX ? NULL : die, 0);
	if (r->func != UINT32_MAX)
		r->out.funcs[r->func].nr_hints = r->out.nr_hints - first;
	r->func = UINT32_MAX;
}

static void start_unit(struct reader *r, uint32_t unit)
{
	r->types.dies.unit = r->pool->names[unit];
	r->types.unit = unit;
	r->types.comp_dir = r->pool->comp_dirs[unit];
}

static void read_unit(struct reader *r)
{
	struct loclists none = { 0 };
	Dwarf_Die unit, die;
	struct die_walk *dies = &r->types.dies;
	Dwarf_Half version;
	int result;

	if (!dwarf_offdie(r->types.dwarf, r->pool->units[r->types.unit], &unit))
		return;
	die_begin(dies, &unit, r->pool->names[r->types.unit]);
	resolver_next_unit(&r->types);
	if (dwarf_cu_info(unit.cu, &version, NULL, NULL, NULL, NULL, NULL, NULL) || version < 5)
		version = 0;
	r->lists = version ? loclists_of(r->types.dwarf) : none;
	if (dwarf_lowpc(&unit, &r->base))
		r->base = 0;
	for (result = dwarf_child(&unit, &die); die_arrived(dies, result, &unit, &die);
	     result = dwarf_siblingof(&die, &die)) {
		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
			if (!dwarf_hasattr(&die, DW_AT_declaration))
				read_function(r, &die);
			break;
		case DW_TAG_variable:
			add_variable(r, &die, NULL);
			break;
		}
	}
}

/* Each thread has a mapping of its own, since libelf writes to the headers of compressed sections. */
static struct err *open_dwarf(struct reader *r, struct pool *pool)
{
	struct err *err = mapping_open(pool->path, &r->file);

	if (err)
		return err;
	r->pool = pool;
	r->types.types = pool->types;
	r->elf = elf_memory(r->file.base, r->file.size);
	if (!r->elf)
		return err_new("not an ELF file: %s", elf_errmsg(-1));
	r->file.written = elf_has_compressed(r->elf);
	r->types.dwarf = dwarf_begin_elf(r->elf, DWARF_C_READ, NULL);
	if (!r->types.dwarf)
		return err_new("no DWARF: %s", dwarf_errmsg(-1));
	dwarf_new_oom_handler(r->types.dwarf, memory_exhausted);
	return NULL;
}

static void note_declared(const struct type_filter *filter, Dwarf_Die *die, bool *declares)
{
	int tag = dwarf_tag(die);
	const char *name;

	if ((tag != DW_TAG_structure_type && tag != DW_TAG_union_type && tag != DW_TAG_typedef) ||
	    dwarf_hasattr(die, DW_AT_declaration))
		return;
	name = dwarf_diename(die);
	for (uint32_t i = 0; name && i < filter->n; i++)
		declares[i] |= !strcmp(name, filter->names[i]);
}

/* Which of the structs that are looked for each unit has. */
static void *filter_units(void *arg)
{
	struct reader *r = arg;
	struct pool *pool = r->pool;
	uint32_t i;

	while ((i = __atomic_fetch_add(&pool->next, 1, __ATOMIC_RELAXED)) < pool->nr_units) {
		struct die_walk *dies = &r->types.dies;
		Dwarf_Die unit, die;
		int result;

		if (!dwarf_offdie(r->types.dwarf, pool->units[i], &unit))
			continue;
		die_begin(dies, &unit, pool->names[i]);
		for (result = dwarf_child(&unit, &die); die_arrived(dies, result, &unit, &die);
		     result = dwarf_siblingof(&die, &die))
			note_declared(pool->filter, &die, pool->declares + (size_t)i * pool->filter->n);
		if (i % UNITS_IN_MEMORY == 0)
			mapping_forget(&r->file);
	}
	return NULL;
}

static void choose_units(struct pool *pool)
{
	const struct type_filter *filter = pool->filter;

	for (uint32_t name = 0; name < filter->n; name++) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < pool->nr_units; i++) {
			if (!pool->declares[(size_t)i * filter->n + name])
				continue;
			if (n++ < filter->max_units)
				pool->wanted[i] = true;
			else
				filter->left_out[name] = true;
		}
	}
}

static void *read_units(void *arg)
{
	struct reader *r = arg;
	uint32_t unit;

	r->func = UINT32_MAX;
	while ((unit = __atomic_fetch_add(&r->pool->next, 1, __ATOMIC_RELAXED)) < r->pool->nr_units) {
		if (r->pool->wanted && !r->pool->wanted[unit])
			continue;
		start_unit(r, unit);
		read_unit(r);
		if (unit % UNITS_IN_MEMORY == 0)
			mapping_forget(&r->file);
	}
	resolver_next_unit(&r->types);
	return NULL;
}

#define FILLS_A_TURN 32

static void *fill_structs(void *arg)
{
	struct reader *r = arg;
	struct pool *pool = r->pool;
	uint32_t i;

	while ((i = __atomic_fetch_add(&pool->next, FILLS_A_TURN, __ATOMIC_RELAXED)) < pool->nr_todo)
		for (uint32_t end = i + FILLS_A_TURN; i < end && i < pool->nr_todo; i++) {
			start_unit(r, pool->todo[i].unit);
			type_fill(&r->types, pool->todo[i].id, pool->todo[i].die);
		}
	return NULL;
}

static struct err *list_units(struct pool *pool, Dwarf *dwarf)
{
	Dwarf_CU *cu = NULL;
	uint32_t cap = 0, cap_names = 0, cap_dirs = 0;
	Dwarf_Attribute attr;
	Dwarf_Die die;
	uint8_t type;
	int result;

	while (!(result = dwarf_get_units(dwarf, cu, &cu, NULL, &type, &die, NULL))) {
		uint32_t n = pool->nr_units;

		if (type != DW_UT_compile)
			continue;
		GROW(pool->units, pool->nr_units, cap);
		pool->units[n] = dwarf_dieoffset(&die);
		GROW(pool->names, n, cap_names);
		pool->names[n] = xstrdup(dwarf_diename(&die) ?: "");
		GROW(pool->comp_dirs, n, cap_dirs);
		pool->comp_dirs[n] = xstrdup(dwarf_formstring(dwarf_attr(&die, DW_AT_comp_dir, &attr)) ?: "");
		pool->nr_units++;
	}
	return result < 0 ? err_new(".debug_info: units: %s", dwarf_errmsg(-1)) : NULL;
}

static void *append(void *to, uint32_t *n, void *from, uint32_t nr_from, size_t size)
{
	to = xreallocarray(to, *n + nr_from, size);
	if (nr_from)
		memcpy((char *)to + *n * size, from, nr_from * size);
	*n += nr_from;
	free(from);
	return to;
}

static void collect(struct typeinfo *info, struct reader *r)
{
	uint32_t first = info->nr_hints, n = info->nr_funcs;

	info->hints = append(info->hints, &info->nr_hints, r->out.hints, r->out.nr_hints, sizeof(*info->hints));
	info->vars = append(info->vars, &info->nr_vars, r->out.vars, r->out.nr_vars, sizeof(*info->vars));
	info->parts = append(info->parts, &info->nr_parts, r->out.parts, r->out.nr_parts, sizeof(*info->parts));
	info->funcs = append(info->funcs, &info->nr_funcs, r->out.funcs, r->out.nr_funcs, sizeof(*info->funcs));
	for (; n < info->nr_funcs; n++)
		info->funcs[n].hints += first;
}

static struct err *run_readers(struct reader *readers, uint32_t n, void *(*run)(void *arg))
{
	struct err *err = NULL;
	uint32_t started = 0;

	readers->pool->next = 0;
	while (!err && started < n) {
		if (pthread_create(&readers[started].thread, NULL, run, &readers[started]))
			err = err_new("cannot start a thread");
		else
			started++;
	}
	while (started)
		pthread_join(readers[--started].thread, NULL);
	return err;
}

static int compare_unfilled(const void *a, const void *b)
{
	const struct unfilled *x = a, *y = b;

	return x->die < y->die ? -1 : x->die > y->die;
}

/*
 * Members lead to more structs, and those are read in the next round.  A struct counts as that of the
 * first unit that leads to it in its round, so the result does not depend on which thread was first.
 */
static struct err *fill_all(struct pool *pool, struct reader *readers, uint32_t nr_readers)
{
	const struct types *types = pool->types;
	struct err *err = NULL;

	for (uint32_t first = 1, end; !err && first < types->n; first = end) {
		end = types->n;
		pool->nr_todo = 0;
		for (uint32_t id = first; id < end; id++) {
			const struct type *t = &types->v[id];

			if (!type_is_aggregate(t))
				continue;
			GROW(pool->todo, pool->nr_todo, pool->cap_todo);
			pool->todo[pool->nr_todo++] = (struct unfilled){ id, t->unit, t->die };
		}
		if (pool->nr_todo)
			qsort(pool->todo, pool->nr_todo, sizeof(*pool->todo), compare_unfilled);
		types_next_round(pool->types);
		err = run_readers(readers, nr_readers, fill_structs);
	}
	return err;
}

/* The damage that some thread came across, as an error; that of the others is dropped. */
static struct err *damage_found(struct reader *readers, uint32_t n)
{
	struct err *first = NULL;

	for (uint32_t i = 0; i < n; i++) {
		struct err *err = readers[i].types.dies.err;

		readers[i].types.dies.err = NULL;
		if (first)
			err_free(err);
		else
			first = err;
	}
	return first;
}

static struct err *read_all(struct pool *pool, struct reader *readers, uint32_t nr_readers)
{
	struct err *err = NULL;

	elf_version(EV_CURRENT);
	for (uint32_t i = 0; !err && i < nr_readers; i++)
		err = open_dwarf(&readers[i], pool);
	err = err ?: list_units(pool, readers[0].types.dwarf);
	if (!err && pool->filter) {
		pool->declares = xcalloc((size_t)pool->nr_units * pool->filter->n + 1, sizeof(*pool->declares));
		pool->wanted = xcalloc(pool->nr_units + 1, sizeof(*pool->wanted));
		err = run_readers(readers, nr_readers, filter_units);
		choose_units(pool);
	}
	err = err ?: run_readers(readers, nr_readers, read_units);
	err = err ?: damage_found(readers, nr_readers);
	err = err ?: fill_all(pool, readers, nr_readers);
	err = err ?: damage_found(readers, nr_readers);
	return err_in(err, pool->path);
}

static void close_reader(struct reader *r)
{
	if (r->types.dwarf)
		dwarf_end(r->types.dwarf);
	if (r->elf)
		elf_end(r->elf);
	mapping_close(&r->file);
	resolver_release(&r->types);
}

struct err *typeinfo_read(const char *path, uint32_t nr_threads, const struct type_filter *filter,
			  struct typeinfo **ret)
{
	struct typeinfo *info = xcalloc(1, sizeof(*info));
	struct reader *readers = xcalloc(nr_threads, sizeof(*readers));
	struct pool pool = { .path = path, .types = types_new(), .filter = filter };
	struct err *err = read_all(&pool, readers, nr_threads);

	for (uint32_t i = 0; i < nr_threads; i++) {
		collect(info, &readers[i]);
		close_reader(&readers[i]);
	}
	free(readers);
	for (uint32_t i = 0; i < pool.nr_units; i++)
		free(pool.comp_dirs[i]);
	free(pool.comp_dirs);
	free(pool.units);
	free(pool.declares);
	free(pool.wanted);
	free(pool.todo);
	info->types = pool.types;
	info->units = pool.names;
	info->nr_units = pool.nr_units;
	if (err) {
		typeinfo_free(info);
		return err;
	}
	types_seal(info->types);
	typeinfo_sort(info);
	*ret = info;
	return NULL;
}
