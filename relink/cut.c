// SPDX-License-Identifier: GPL-2.0
/* Code, table entries and symbols that are not in use go; what stays moves. */
#include <assert.h>
#include <string.h>

#include "relink/cut.h"

static void add_hole(struct holes *h, uint32_t section, uint64_t low, uint64_t high)
{
	struct hole *last = h->n > h->first[section] ? &h->v[h->n - 1] : NULL;

	if (last && last->high == low) {
		last->high = high;
		return;
	}
	GROW(h->v, h->n, h->cap);
	h->v[h->n++] = (struct hole){ .low = low, .high = high };
}

/* Entries of a table whose code goes. */
static void find_entries(const struct object *object, const struct edges *edges, const struct pieces *pieces,
			 const struct reach *reach, uint32_t section, struct holes *ret)
{
	const struct table_shape *shape = &reach->shape[section];
	uint64_t at = 0;

	for (uint32_t i = edges->first[section]; i < edges->first[section + 1]; i += shape->fields, at += shape->entry)
		if (!reach_keeps(reach, object, edges, pieces, i))
			add_hole(ret, section, at, at + shape->entry);
}

void holes_find(const struct object *object, const struct edges *edges, const struct pieces *pieces,
		const struct reach *reach, struct holes *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->first = xcalloc(object->nr_sections + 1, sizeof(*ret->first));
	for (uint32_t i = 1; i < object->nr_sections; i++) {
		uint64_t align = object->sections[i].align ? object->sections[i].align : 1, before = 0;

		ret->first[i] = ret->n;
		for (uint32_t p = pieces->first[i]; p < pieces->first[i + 1]; p++)
			if (!reach->piece[p])
				add_hole(ret, i, pieces->v[p].low, pieces->v[p].high);
		if (reach->shape[i].entry) {
			find_entries(object, edges, pieces, reach, i, ret);
			align = 1;
		}
		for (uint32_t k = ret->first[i]; k < ret->n; k++) {
			struct hole *h = &ret->v[k];

			h->before = before;
			h->cut = (h->high - h->low) / align * align;
			if (h->high == object->sections[i].size)
				h->cut = h->high - h->low;	/* nothing comes behind */
			before += h->cut;
		}
	}
	ret->first[object->nr_sections] = ret->n;
}

void holes_release(struct holes *holes)
{
	free(holes->v);
	free(holes->first);
	memset(holes, 0, sizeof(*holes));
}

bool holes_map(const struct holes *holes, uint32_t section, uint64_t offset, uint64_t *ret)
{
	uint32_t lo = holes->first[section], hi = holes->first[section + 1], first = lo;
	const struct hole *h;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (holes->v[mid].low <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret = offset;
	if (lo == first)
		return true;
	h = &holes->v[lo - 1];
	*ret = offset - h->before - h->cut;
	return offset >= h->high;
}

struct cut {
	struct object *object;
	const struct edges *edges;
	const struct pieces *pieces;
	const struct reach *reach;
	const struct holes *holes;
	struct object_section *old;
	uint8_t trap;
};

static bool has_holes(const struct cut *c, uint32_t section)
{
	return c->holes->first[section] != c->holes->first[section + 1];
}

static struct err *lost(const struct cut *c, const struct edge *e)
{
	const struct object *o = c->object;

	return err_new("%s+0x%lx refers to %s+0x%lx, which was taken for unused", o->sections[e->section].name,
		       (unsigned long)e->offset, o->sections[e->target_section].name, (unsigned long)e->target);
}

static struct err *move_distance(struct cut *c, const struct edge *e, int64_t by)
{
	uint8_t *field = c->object->sections[e->section].data + e->offset;
	int64_t distance = e->target - e->end + by;
	uint64_t end;

	holes_map(c->holes, e->section, e->offset, &end);
	distance += e->offset - end;	/* so much has the instruction moved itself */
	if (e->width == 1 && distance == (int8_t)distance)
		*field = distance;
	else if (e->width == 4 && distance == (int32_t)distance)
		memcpy(field, &(int32_t){ distance }, 4);
	else
		return err_new("%s+0x%lx: its target is out of reach", c->object->sections[e->section].name,
			       (unsigned long)e->offset);
	return NULL;
}

/* Makes a reference that stays lead to where its target is going to be. */
static struct err *move_edge(struct cut *c, const struct edge *e)
{
	const struct object_symbol *s = e->symbol == NO_REF ? NULL : &c->object->symbols[e->symbol];
	uint64_t target, symbol;
	int64_t by;

	if (!e->target_section)
		return NULL;
	if (!holes_map(c->holes, e->target_section, e->target, &target))
		return lost(c, e);
	by = target - e->target;
	if (e->reloc == NO_REF)
		return move_distance(c, e, by);
	assert(s);	/* a relocation has one */
	if (s->type != STT_SECTION) {
		if (!holes_map(c->holes, s->section, s->value, &symbol))
			return lost(c, e);
		by -= symbol - s->value;
	}
	c->object->sections[e->section].relocs[e->reloc].addend += by;
	return NULL;
}

static struct err *move_edges(struct cut *c)
{
	struct err *err = NULL;

	for (uint32_t i = 0; i < c->edges->n && !err; i++) {
		const struct edge *e = &c->edges->v[i];

		if (!section_is_orc_ip(&c->object->sections[e->section]) &&
		    reach_keeps(c->reach, c->object, c->edges, c->pieces, i))
			err = move_edge(c, e);
	}
	return err;
}

/* Gives a section new contents of @size bytes and room for its relocations; the old ones are kept aside. */
static struct object_section *renew(struct cut *c, uint32_t section, uint64_t size)
{
	struct object_section *s = &c->object->sections[section];

	c->old[section] = *s;
	s->data = xcalloc(size + 1, 1);
	s->size = size;
	s->relocs = xcalloc(s->nr_relocs + 1, sizeof(*s->relocs));
	s->cap_relocs = s->nr_relocs + 1;
	s->nr_relocs = 0;
	return s;
}

static void cut_section(struct cut *c, uint32_t section)
{
	uint64_t size = c->object->sections[section].size, at = 0, to = 0, where;
	const struct hole *last = &c->holes->v[c->holes->first[section + 1] - 1];
	struct object_section *s = renew(c, section, size - last->before - last->cut);
	const struct object_section *old = &c->old[section];

	for (uint32_t k = c->holes->first[section]; k < c->holes->first[section + 1]; k++) {
		const struct hole *h = &c->holes->v[k];

		memcpy(s->data + to, old->data + at, h->low - at);
		to += h->low - at;
		memset(s->data + to, c->trap, h->high - h->low - h->cut);
		to += h->high - h->low - h->cut;
		at = h->high;
	}
	memcpy(s->data + to, old->data + at, size - at);
	for (uint32_t r = 0; r < old->nr_relocs; r++)
		if (holes_map(c->holes, section, old->relocs[r].offset, &where)) {
			s->relocs[s->nr_relocs] = old->relocs[r];
			s->relocs[s->nr_relocs++].offset = where;
		}
	s->removed = !s->size;
}

static void move_symbols(struct cut *c)
{
	for (uint32_t i = 1; i < c->object->nr_symbols; i++) {
		struct object_symbol *s = &c->object->symbols[i];
		uint64_t where;

		if (!object_symbol_defined(s) || s->type == STT_SECTION || !has_holes(c, s->section))
			continue;
		if (holes_map(c->holes, s->section, s->value, &where))
			s->value = where;
		else
			s->removed = true;
	}
}

struct err *cut_object(struct object *object, const struct edges *edges, const struct pieces *pieces,
		       const struct reach *reach, const struct holes *holes, struct object_section *old)
{
	struct cut c = {
		.object = object, .edges = edges, .pieces = pieces, .reach = reach, .holes = holes, .old = old,
		.trap = machine_of(object->machine)->trap,
	};
	struct err *err = move_edges(&c);

	if (err)
		return err;
	/* symbols last: relocations were moved by where they were */
	for (uint32_t i = 1; i < object->nr_sections; i++) {
		const struct object_section *s = &object->sections[i];

		if (s->removed)
			continue;
		if (has_holes(&c, i))
			cut_section(&c, i);
		else if (!section_has_pieces(s) && !reach->shape[i].entry && !reach->section[i])
			object->sections[i].removed = true;
	}
	move_symbols(&c);
	return NULL;
}
