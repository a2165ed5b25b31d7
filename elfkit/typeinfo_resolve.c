// SPDX-License-Identifier: GPL-2.0
/* From a type's DIE to its id (DWARF 5, chapter 5). */
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "elfkit/typeinfo_die.h"
#include "elfkit/typeinfo_resolve.h"

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

bool type_strip(struct resolver *r, Dwarf_Die *die, const char **alias)
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

static const char *below_tree(const struct resolver *r, const char *path)
{
	size_t len = r->comp_dir ? strlen(r->comp_dir) : 0;

	if (path && len && !strncmp(path, r->comp_dir, len) && path[len] == '/')
		path += len + 1;
	while (path && path[0] == '.' && path[1] == '/')
		path += 2;
	return path;
}

uint32_t type_resolve_target(struct resolver *r, Dwarf_Die *die)
{
	Dwarf_Die target;
	uint32_t id;

	if (r->depth > DIE_CHAIN_MAX) {
		die_damaged(&r->dies, die, "a type made of itself");
		return 0;
	}
	r->depth++;
	id = type_die(die, &target) ? type_resolve(r, target) : 0;
	r->depth--;
	return id;
}

static uint32_t resolve_struct(struct resolver *r, Dwarf_Die *die, const char *alias)
{
	struct type key = { .kind = dwarf_tag(die) == DW_TAG_union_type ? TYPE_UNION : TYPE_STRUCT };

	key.name = dwarf_diename(die) ?: alias;
	if (dwarf_hasattr(die, DW_AT_declaration)) {
		key.kind = TYPE_INCOMPLETE;
		return types_intern(r->types, &key);
	}
	key.size = number(die, DW_AT_byte_size, 0);
	key.line = number(die, DW_AT_decl_line, 0);
	key.file = below_tree(r, die_file(&r->dies, die));
	key.unit = r->unit;
	key.die = dwarf_dieoffset(die);
	return types_intern(r->types, &key);
}

static uint32_t resolve_array(struct resolver *r, Dwarf_Die *die)
{
	struct type key = { .kind = TYPE_ARRAY, .count = array_count(die) };
	Dwarf_Die element;
	uint64_t size;

	key.target = type_resolve_target(r, die);
	if (!type_die(die, &element) || !type_size(element, &size))
		size = 0;
	key.size = size * key.count;
	return types_intern(r->types, &key);
}

static uint32_t resolve_scalar(struct resolver *r, Dwarf_Die *die)
{
	struct type key = { .kind = TYPE_SCALAR, .size = number(die, DW_AT_byte_size, 0) };

	key.byte = key.size == 1;
	return key.size ? types_intern(r->types, &key) : 0;
}

uint32_t type_resolve(struct resolver *r, Dwarf_Die die)
{
	Dwarf_Off off = dwarf_dieoffset(&die);
	struct type key = { .kind = TYPE_NONE };
	const char *alias = NULL;
	struct die_slot *slot;
	uint32_t id = 0;

	slot = r->map.cap ? die_slot(&r->map, off) : NULL;
	if (slot && slot->generation == r->map.generation)
		return slot->id;
	if (!type_strip(r, &die, &alias))
		return 0;
	switch (dwarf_tag(&die)) {
	case DW_TAG_structure_type: case DW_TAG_union_type:
		id = resolve_struct(r, &die, alias);
		break;
	case DW_TAG_pointer_type:
		key = (struct type){ .kind = TYPE_POINTER, .size = 8, .target = type_resolve_target(r, &die) };
		id = types_intern(r->types, &key);
		break;
	case DW_TAG_subroutine_type:
		key = (struct type){ .kind = TYPE_FUNCTION, .target = type_resolve_target(r, &die) };
		id = types_intern(r->types, &key);
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

static void fill(struct resolver *r, Dwarf_Die *parent, uint32_t base, struct filling *f, int depth);

static void fill_member(struct resolver *r, Dwarf_Die *die, uint32_t base, struct filling *f, int depth)
{
	struct type_member m = { .name = dwarf_diename(die) };
	Dwarf_Die type, bare;
	uint64_t size, bits;

	if (!type_die(die, &type))
		return;
	m.bit_size = number(die, DW_AT_bit_size, 0);
	if (!type_size(type, &size))
		size = 0;
	m.size = size;
	bits = member_bits(die, size);
	m.offset = base + number(die, DW_AT_data_member_location, 0);
	if (bits != UINT64_MAX && m.size) {
		m.offset = base + bits / 8 / m.size * m.size;
		m.bit_offset = bits - (m.offset - base) * 8ULL;
	}
	if (!m.name) {
		bare = type;
		type_strip(r, &bare, NULL);
		fill(r, &bare, m.offset, f, depth + 1);
		return;
	}
	m.type = type_resolve(r, type);
	m.type_name = type_name(type, 0);
	GROW(f->v, f->n, f->cap);
	f->v[f->n++] = m;
}

static void fill(struct resolver *r, Dwarf_Die *parent, uint32_t base, struct filling *f, int depth)
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

void type_fill(struct resolver *r, uint32_t id, Dwarf_Off off)
{
	struct filling f = { 0 };
	Dwarf_Die die;

	if (dwarf_offdie(r->dwarf, off, &die))
		fill(r, &die, 0, &f, 0);
	types_set_members(r->types, id, f.v, f.n);
}

void resolver_next_unit(struct resolver *r)
{
	r->map.generation++;
	r->map.n = 0;
}

void resolver_release(struct resolver *r)
{
	free(r->map.v);
}
