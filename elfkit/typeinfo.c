// SPDX-License-Identifier: GPL-2.0
/*
 * Reading types and variable locations (DWARF 5, sections 2.6, 4.1 and 5).
 *
 * Each thread takes the next unit, walks its functions, and resolves a type only when a
 * variable, a result or a member needs it.  A struct that another unit has brought
 * already costs one look-up.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "elfkit/debuginfo_file.h"
#include "elfkit/typeinfo.h"
#include "elfkit/typeinfo_die.h"

/* A hash from DIE offsets to type ids, emptied for each unit by a new generation. */
struct die_map {
	struct die_slot {
		Dwarf_Off die;
		uint32_t id, generation;
	} *v;
	uint32_t n, cap, generation;
};

struct unfilled {
	Dwarf_Die die;
	uint32_t id;
};

/* What all threads share. */
struct pool {
	const char *path;
	struct types *types;
	Dwarf_Off *units;	/* offsets of the unit DIEs */
	char **names;
	uint32_t nr_units;
	uint32_t next;		/* atomic */
};

struct reader {
	struct pool *pool;
	pthread_t thread;
	struct err *err;
	struct die_walk dies;
	int depth;		/* of pointers, arrays and functions around the type being resolved */
	Dwarf *dwarf;
	const char *comp_dir;
	uint32_t unit;
	struct die_map map;
	struct unfilled *todo;	/* structs whose members are still to be read */
	uint32_t nr_todo, cap_todo;
	struct typeinfo out;	/* funcs, hints, parts and vars of this thread */
	uint32_t cap_funcs, cap_hints, cap_parts, cap_vars;
	uint32_t func;		/* the function being read, or UINT32_MAX */
};

static struct die_slot *die_slot(struct die_map *m, Dwarf_Off die)
{
	uint32_t i = (uint32_t)((die * 0x9e3779b97f4a7c15ULL) >> 40) & (m->cap - 1);

	while (m->v[i].generation == m->generation && m->v[i].die != die)
		i = (i + 1) & (m->cap - 1);
	return &m->v[i];
}

static void map_put(struct die_map *m, Dwarf_Off die, uint32_t id)
{
	if (2 * m->n >= m->cap) {
		struct die_map old = *m;

		m->cap = old.cap ? 2 * old.cap : 4096;
		m->v = xcalloc(m->cap, sizeof(*m->v));
		for (uint32_t i = 0; i < old.cap; i++)
			if (old.v[i].generation == m->generation)
				*die_slot(m, old.v[i].die) = old.v[i];
		free(old.v);
	}
	*die_slot(m, die) = (struct die_slot){ die, id, m->generation };
	m->n++;
}

/* Through typedefs and qualifiers; the name of the last typedef into @alias.  False: to void, or nowhere. */
static bool strip(struct reader *r, Dwarf_Die *die, const char **alias)
{
	for (int hops = 0; type_is_transparent(dwarf_tag(die)); hops++) {
		if (alias && dwarf_tag(die) == DW_TAG_typedef)
			*alias = dwarf_diename(die);
		if (hops == DIE_CHAIN_MAX)
			die_damaged(&r->dies, die, "a type made of itself");
		if (hops == DIE_CHAIN_MAX || !type_die(die, die))
			return false;
	}
	return true;
}

static const char *below_tree(const struct reader *r, const char *path)
{
	size_t len = r->comp_dir ? strlen(r->comp_dir) : 0;

	if (path && len && !strncmp(path, r->comp_dir, len) && path[len] == '/')
		path += len + 1;
	while (path && path[0] == '.' && path[1] == '/')
		path += 2;
	return path;
}

static uint32_t resolve(struct reader *r, Dwarf_Die die);

static uint32_t resolve_target(struct reader *r, Dwarf_Die *die)
{
	Dwarf_Die target;
	uint32_t id;

	if (r->depth > DIE_CHAIN_MAX) {
		die_damaged(&r->dies, die, "a type made of itself");
		return 0;
	}
	r->depth++;
	id = type_die(die, &target) ? resolve(r, target) : 0;
	r->depth--;
	return id;
}

static uint32_t resolve_struct(struct reader *r, Dwarf_Die *die, const char *alias)
{
	struct type key = { .kind = dwarf_tag(die) == DW_TAG_union_type ? TYPE_UNION : TYPE_STRUCT };
	uint32_t id;
	bool is_new;

	key.name = dwarf_diename(die) ?: alias;
	if (dwarf_hasattr(die, DW_AT_declaration)) {
		key.kind = TYPE_INCOMPLETE;
		return types_intern(r->pool->types, &key, &is_new);
	}
	key.size = number(die, DW_AT_byte_size, 0);
	key.line = number(die, DW_AT_decl_line, 0);
	key.file = below_tree(r, die_file(&r->dies, die));
	key.unit = r->unit;
	id = types_intern(r->pool->types, &key, &is_new);
	if (is_new) {
		GROW(r->todo, r->nr_todo, r->cap_todo);
		r->todo[r->nr_todo++] = (struct unfilled){ *die, id };
	}
	return id;
}

static uint32_t resolve_array(struct reader *r, Dwarf_Die *die)
{
	struct type key = { .kind = TYPE_ARRAY, .count = array_count(die) };
	Dwarf_Die element;
	uint64_t size;
	bool is_new;

	key.target = resolve_target(r, die);
	if (!type_die(die, &element) || !type_size(element, &size))
		size = 0;
	key.size = size * key.count;
	return types_intern(r->pool->types, &key, &is_new);
}

static uint32_t resolve_scalar(struct reader *r, Dwarf_Die *die)
{
	struct type key = { .kind = TYPE_SCALAR, .size = number(die, DW_AT_byte_size, 0) };
	bool is_new;

	key.byte = key.size == 1;
	return key.size ? types_intern(r->pool->types, &key, &is_new) : 0;
}

static uint32_t resolve(struct reader *r, Dwarf_Die die)
{
	Dwarf_Off off = dwarf_dieoffset(&die);
	struct type key = { .kind = TYPE_NONE };
	const char *alias = NULL;
	struct die_slot *slot;
	bool is_new;
	uint32_t id = 0;

	slot = r->map.cap ? die_slot(&r->map, off) : NULL;
	if (slot && slot->generation == r->map.generation)
		return slot->id;
	if (!strip(r, &die, &alias))
		return 0;
	switch (dwarf_tag(&die)) {
	case DW_TAG_structure_type: case DW_TAG_union_type:
		id = resolve_struct(r, &die, alias);
		break;
	case DW_TAG_pointer_type:
		key = (struct type){ .kind = TYPE_POINTER, .size = 8, .target = resolve_target(r, &die) };
		id = types_intern(r->pool->types, &key, &is_new);
		break;
	case DW_TAG_subroutine_type:
		key = (struct type){ .kind = TYPE_FUNCTION, .target = resolve_target(r, &die) };
		id = types_intern(r->pool->types, &key, &is_new);
		break;
	case DW_TAG_array_type:
		id = resolve_array(r, &die);
		break;
	case DW_TAG_base_type: case DW_TAG_enumeration_type:
		id = resolve_scalar(r, &die);
		break;
	}
	map_put(&r->map, off, id);
	return id;
}

struct filling {
	struct type_member *v;
	uint32_t n, cap;
	uint32_t seen;		/* DIEs */
};

#define MEMBERS_MAX (1 << 20)

static void fill(struct reader *r, Dwarf_Die *parent, uint32_t base, struct filling *f, int depth);

static void fill_member(struct reader *r, Dwarf_Die *die, uint32_t base, struct filling *f, int depth)
{
	struct type_member m = { .name = dwarf_diename(die) };
	uint64_t bits = number(die, DW_AT_data_bit_offset, UINT64_MAX);
	Dwarf_Die type, bare;
	uint64_t size;

	if (!type_die(die, &type))
		return;
	m.bit_size = number(die, DW_AT_bit_size, 0);
	if (!type_size(type, &size))
		size = 0;
	m.size = size;
	m.offset = base + number(die, DW_AT_data_member_location, 0);
	if (bits != UINT64_MAX && m.size) {
		m.offset = base + bits / 8 / m.size * m.size;
		m.bit_offset = bits - (m.offset - base) * 8ULL;
	}
	if (!m.name) {
		bare = type;
		strip(r, &bare, NULL);
		fill(r, &bare, m.offset, f, depth + 1);
		return;
	}
	m.type = resolve(r, type);
	m.type_name = type_name(type, 0);
	GROW(f->v, f->n, f->cap);
	f->v[f->n++] = m;
}

static void fill(struct reader *r, Dwarf_Die *parent, uint32_t base, struct filling *f, int depth)
{
	Dwarf_Die die;
	int result;

	if (depth > 16)
		return;
	for (result = dwarf_child(parent, &die); !result && f->seen < MEMBERS_MAX;
	     result = dwarf_siblingof(&die, &die)) {
		f->seen++;
		if (dwarf_tag(&die) == DW_TAG_member)
			fill_member(r, &die, base, f, depth);
	}
	if (result < 0)
		die_damaged(&r->dies, parent, dwarf_errmsg(-1));
	else if (!result)
		die_damaged(&r->dies, parent, "a struct without end");
}

static void fill_all(struct reader *r)
{
	while (r->nr_todo) {
		struct unfilled u = r->todo[--r->nr_todo];
		struct filling f = { 0 };

		fill(r, &u.die, 0, &f, 0);
		types_set_members(r->pool->types, u.id, r->unit, f.v, f.n);
	}
}

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
	if (!strip(r, &type, NULL))
		return 0;
	return dwarf_tag(&type) == DW_TAG_pointer_type ? resolve_target(r, &type) : 0;
}

/* The register of DW_OP_reg* or DW_OP_breg*, or -1. */
static int op_reg(const Dwarf_Op *op, int first, int extended)
{
	if (op->atom >= first && op->atom < first + 32)
		return op->atom - first;
	return op->atom == extended ? (int)op->number : -1;
}

static void add_location(struct reader *r, Dwarf_Die type, uint64_t low, uint64_t high,
			 const Dwarf_Op *ops, size_t n)
{
	int reg;

	if (!n)
		return;
	reg = op_reg(&ops[0], DW_OP_reg0, DW_OP_regx);
	if (n == 1 && reg >= 0 && reg < 16) {
		add_hint(r, low, high, reg, pointee_die(r, type), 0);
		return;
	}
	if (n == 1 && ops[0].atom == DW_OP_fbreg) {
		add_hint(r, low, high, HINT_STACK, resolve(r, type), (int64_t)ops[0].number);
		return;
	}
	reg = op_reg(&ops[0], DW_OP_breg0, DW_OP_bregx);
	if (reg < 0 || reg > 15 || reg == 7)
		return;
	/* breg: an object in memory there; with stack_value: the pointer's value itself */
	if (n == 1)
		add_hint(r, low, high, reg, resolve(r, type), (int64_t)-ops[0].number);
	else if (n == 2 && ops[1].atom == DW_OP_stack_value)
		add_hint(r, low, high, reg, pointee_die(r, type), (int64_t)-ops[0].number);
}

static void add_global(struct reader *r, uint64_t addr, Dwarf_Die type)
{
	uint32_t id = resolve(r, type);
	uint64_t size;

	if (!id || !type_size(type, &size) || !size)
		return;
	GROW(r->out.vars, r->out.nr_vars, r->cap_vars);
	r->out.vars[r->out.nr_vars++] = (struct type_var){ addr, id, size, r->unit };
}

/* A variable or parameter; @scope: what encloses it, for locations without a range. */
static void add_variable(struct reader *r, Dwarf_Die *die, Dwarf_Die *scope)
{
	Dwarf_Addr base, low, high;
	Dwarf_Attribute attr;
	Dwarf_Die type;
	Dwarf_Op *ops;
	size_t n;

	if (!dwarf_attr(die, DW_AT_location, &attr) || !type_die(die, &type))
		return;
	if (dwarf_whatform(&attr) == DW_FORM_exprloc) {
		if (dwarf_getlocation(&attr, &ops, &n) || !n)
			return;
		if (ops[0].atom == DW_OP_addr && n == 1)
			add_global(r, ops[0].number, type);
		else if (scope)
			for (ptrdiff_t off = 0; (off = dwarf_ranges(scope, off, &base, &low, &high)) > 0;)
				add_location(r, type, low, high, ops, n);
		return;
	}
	for (ptrdiff_t off = 0; (off = dwarf_getlocations(&attr, off, &base, &low, &high, &ops, &n)) > 0;)
		add_location(r, type, low, high, ops, n);
}

static void read_body(struct reader *r, Dwarf_Die *parent, Dwarf_Die *scope, int depth)
{
	Dwarf_Die die;
	int result;

	if (depth > DIE_DEPTH_MAX) {
		die_damaged(&r->dies, parent, "nested too deeply");
		return;
	}
	for (result = dwarf_child(parent, &die); die_arrived(&r->dies, result, parent, &die);
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
			.returns = type_die(die, &type) ? resolve(r, type) : 0,
			.hints = first,
			.unit = r->pool->names[r->unit],
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

static void read_unit(struct reader *r)
{
	Dwarf_Attribute attr;
	Dwarf_Die unit, die;
	int result;

	if (!dwarf_offdie(r->dwarf, r->pool->units[r->unit], &unit))
		return;
	die_begin(&r->dies, &unit, r->pool->names[r->unit]);
	r->map.generation++;
	r->map.n = 0;
	r->comp_dir = dwarf_formstring(dwarf_attr(&unit, DW_AT_comp_dir, &attr));
	for (result = dwarf_child(&unit, &die); die_arrived(&r->dies, result, &unit, &die);
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
	fill_all(r);
}

static struct err *open_dwarf(const char *path, int *fd, Dwarf **ret)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return err_new("%s: %s", path, strerror(errno));
	*ret = dwarf_begin(*fd, DWARF_C_READ);
	if (!*ret) {
		close(*fd);
		return err_new("%s: %s", path, dwarf_errmsg(-1));
	}
	return NULL;
}

static void *read_units(void *arg)
{
	struct reader *r = arg;
	int fd;

	r->err = open_dwarf(r->pool->path, &fd, &r->dwarf);
	if (r->err)
		return NULL;
	r->func = UINT32_MAX;
	while ((r->unit = __atomic_fetch_add(&r->pool->next, 1, __ATOMIC_RELAXED)) < r->pool->nr_units)
		read_unit(r);
	r->err = err_in(r->dies.err, r->pool->path);
	dwarf_end(r->dwarf);
	close(fd);
	free(r->map.v);
	free(r->todo);
	return NULL;
}

static struct err *list_units(struct pool *pool)
{
	Dwarf_CU *cu = NULL;
	uint32_t cap = 0, cap_names = 0;
	struct err *err;
	Dwarf *dwarf;
	Dwarf_Die die;
	int fd, result;
	uint8_t type;

	err = open_dwarf(pool->path, &fd, &dwarf);
	if (err)
		return err;
	while (!(result = dwarf_get_units(dwarf, cu, &cu, NULL, &type, &die, NULL))) {
		uint32_t n = pool->nr_units;

		if (type != DW_UT_compile)
			continue;
		GROW(pool->units, pool->nr_units, cap);
		pool->units[n] = dwarf_dieoffset(&die);
		GROW(pool->names, n, cap_names);
		pool->names[n] = xstrdup(dwarf_diename(&die) ?: "");
		pool->nr_units++;
	}
	if (result < 0)
		err = err_new("%s: .debug_info: units: %s", pool->path, dwarf_errmsg(-1));
	dwarf_end(dwarf);
	close(fd);
	return err;
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

struct err *typeinfo_read(const char *path, uint32_t nr_threads, struct typeinfo **ret)
{
	struct typeinfo *info = xcalloc(1, sizeof(*info));
	struct reader *readers = xcalloc(nr_threads, sizeof(*readers));
	struct pool pool = { .path = path, .types = types_new() };
	struct err *err = list_units(&pool);

	info->types = pool.types;
	if (err)
		nr_threads = 0;
	for (uint32_t i = 0; !err && i < nr_threads; i++) {
		readers[i].pool = &pool;
		if (pthread_create(&readers[i].thread, NULL, read_units, &readers[i]))
			err = err_new("cannot start a thread");
		if (err)
			nr_threads = i;
	}
	for (uint32_t i = 0; i < nr_threads; i++) {
		pthread_join(readers[i].thread, NULL);
		collect(info, &readers[i]);
		if (!err)
			err = readers[i].err;
		else
			err_free(readers[i].err);
	}
	free(readers);
	free(pool.units);
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
