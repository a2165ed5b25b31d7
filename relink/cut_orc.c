// SPDX-License-Identifier: GPL-2.0
/* ORC entries: dropped, carried on, compared. */
#include <string.h>

#include "relink/cut_orc.h"

struct orc_entry {
	uint32_t section;	/* of code */
	uint32_t index;		/* in the table */
	uint64_t place;
	bool dropped;
};

struct orc_table {
	uint32_t ips, data;	/* sections */
	struct orc_entry *v;	/* by section and place */
	uint32_t n, size;	/* entries, bytes of one */
};

static uint32_t section_named(const struct object *object, const char *name)
{
	for (uint32_t i = 1; i < object->nr_sections; i++)
		if (!object->sections[i].removed && !strcmp(object->sections[i].name, name))
			return i;
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct orc_entry *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* No table is an empty one. */
static struct err *table_read(const struct object *object, const struct edges *edges, struct orc_table *ret)
{
	uint32_t ips = section_named(object, ".orc_unwind_ip"), first;

	memset(ret, 0, sizeof(*ret));
	if (!ips)
		return NULL;
	first = edges->first[ips];
	ret->ips = ips;
	ret->data = section_named(object, ".orc_unwind");
	ret->n = edges->first[ips + 1] - first;
	if (!ret->data || !ret->n || object->sections[ips].size != 4ULL * ret->n || !object->sections[ret->data].data ||
	    object->sections[ret->data].size % ret->n || object->sections[ret->data].nr_relocs)
		return err_new(".orc_unwind_ip: not one relocation an entry, or not as many as in .orc_unwind");
	ret->size = object->sections[ret->data].size / ret->n;
	ret->v = xcalloc(ret->n, sizeof(*ret->v));
	for (uint32_t i = 0; i < ret->n; i++) {
		const struct edge *e = &edges->v[first + i];

		ret->v[i] = (struct orc_entry){ .section = e->target_section, .index = i, .place = e->target };
		if (e->offset != 4ULL * i || e->width != 4 || !e->target_section) {
			free(ret->v);
			return err_new(".orc_unwind_ip+0x%lx: not the place of code", (unsigned long)e->offset);
		}
	}
	qsort(ret->v, ret->n, sizeof(*ret->v), compare_entries);
	return NULL;
}

static bool goes_away(const struct object *object, const struct holes *holes, uint32_t section)
{
	uint32_t first = holes->first[section], end = holes->first[section + 1];

	return end - first == 1 && !holes->v[first].low && holes->v[first].high == object->sections[section].size;
}

/* Drops entries in holes and moves the last one of a hole to its end where it holds on. */
static void drop_entries(const struct object *object, const struct holes *holes, struct orc_table *t)
{
	uint64_t where;

	for (uint32_t i = 0; i < t->n; i++) {
		struct orc_entry *e = &t->v[i], *next = i + 1 < t->n ? &t->v[i + 1] : NULL;
		const struct hole *h = NULL;

		if (goes_away(object, holes, e->section)) {
			e->dropped = true;
			continue;
		}
		if (holes_map(holes, e->section, e->place, &where))
			continue;
		for (uint32_t k = holes->first[e->section]; !h; k++)
			if (e->place < holes->v[k].high)
				h = &holes->v[k];
		if (h->high == object->sections[e->section].size ||
		    (next && next->section == e->section && next->place <= h->high))
			e->dropped = true;
		else
			e->place = h->high;
	}
}

static int compare_indexes(const void *a, const void *b)
{
	const struct orc_entry *x = a, *y = b;

	return x->index < y->index ? -1 : 1;
}

struct err *cut_orc(struct object *object, const struct edges *edges, const struct holes *holes,
		    struct object_section *old)
{
	struct object_section *ips, *data;
	struct orc_table t;
	struct err *err = table_read(object, edges, &t);
	uint32_t n = 0;

	if (err || !t.n)
		return err;
	drop_entries(object, holes, &t);
	qsort(t.v, t.n, sizeof(*t.v), compare_indexes);
	for (uint32_t i = 0; i < t.n; i++)
		if (!t.v[i].dropped)
			object_section_symbol(object, t.v[i].section);
	ips = &object->sections[t.ips];
	data = &object->sections[t.data];
	old[t.ips] = *ips;
	old[t.data] = *data;
	ips->data = xcalloc(ips->size, 1);
	ips->relocs = xcalloc(t.n, sizeof(*ips->relocs));
	ips->cap_relocs = t.n;
	data->data = xcalloc(data->size, 1);
	for (uint32_t i = 0; i < t.n; i++) {
		uint64_t where;

		if (t.v[i].dropped)
			continue;
		holes_map(holes, t.v[i].section, t.v[i].place, &where);
		ips->relocs[n] = old[t.ips].relocs[i];
		ips->relocs[n].offset = 4ULL * n;
		ips->relocs[n].symbol = object_section_symbol(object, t.v[i].section);
		ips->relocs[n].addend = where;
		memcpy(data->data + (uint64_t)n * t.size, old[t.data].data + (uint64_t)i * t.size, t.size);
		n++;
	}
	ips->nr_relocs = n;
	ips->size = 4ULL * n;
	data->size = (uint64_t)t.size * n;
	free(t.v);
	return NULL;
}

/* What holds at a place; NULL: nothing does. */
static const uint8_t *entry_at(const struct object *object, const struct orc_table *t, uint32_t section, uint64_t place)
{
	uint32_t lo = 0, hi = t->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (t->v[mid].section < section || (t->v[mid].section == section && t->v[mid].place <= place))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || t->v[lo - 1].section != section)
		return NULL;
	return object->sections[t->data].data + (uint64_t)t->v[lo - 1].index * t->size;
}

struct comparison {
	const struct object *before, *object;
	const struct holes *holes;
	struct orc_table was, is;
};

static struct err *compare_at(const struct comparison *c, uint32_t section, uint64_t place)
{
	const uint8_t *x = entry_at(c->before, &c->was, section, place), *y;
	uint64_t where;

	holes_map(c->holes, section, place, &where);
	y = entry_at(c->object, &c->is, section, where);
	if (!x == !y && (!x || !memcmp(x, y, c->was.size)))
		return NULL;
	return err_new("%s+0x%lx: its unwind data is another after unused code was cut", c->before->sections[section].name,
		       (unsigned long)place);
}

struct err *cut_orc_check(const struct object *before, const struct edges *edges, const struct object *object,
			  const struct edges *now, const struct pieces *pieces, const struct reach *reach,
			  const struct holes *holes)
{
	struct comparison c = { .before = before, .object = object, .holes = holes };
	struct err *err = table_read(before, edges, &c.was);
	uint64_t where;

	err = err ?: table_read(object, now, &c.is);
	if (!err && c.was.size != c.is.size)
		err = err_new(".orc_unwind: entries of another size after unused code was cut");
	for (uint32_t i = 0; i < pieces->n && !err && c.was.n; i++)
		if (reach->piece[i])
			err = compare_at(&c, pieces->v[i].section, pieces->v[i].entry);
	for (uint32_t i = 0; i < c.was.n && !err; i++)
		if (!goes_away(before, holes, c.was.v[i].section) &&
		    holes_map(holes, c.was.v[i].section, c.was.v[i].place, &where))
			err = compare_at(&c, c.was.v[i].section, c.was.v[i].place);
	free(c.was.v);
	free(c.is.v);
	return err;
}
