// SPDX-License-Identifier: GPL-2.0
/* What is in use, as a walk along references. */
#include <string.h>

#include "relink/reach.h"

struct walker {
	const struct object *object;
	const struct edges *edges;
	const struct pieces *pieces;
	struct reach *reach;
	uint32_t *todo;		/* pieces whose references are to be followed */
	uint32_t nr_todo;
	bool *entry_done;	/* [edges]: first field of a table's entry */
};

/* How many fields an entry has at least, where fewer would make a pattern too. */
static uint32_t fewest_fields(const char *name)
{
	static const struct {
		const char *name;
		uint32_t fields;
	} known[] = {
		{ "__jump_table", 3 },		/* struct jump_entry: code, target, key */
		{ ".static_call_sites", 2 },	/* struct static_call_site: addr, key */
		{ "__ex_table", 2 },		/* struct exception_table_entry: insn, fixup */
		{ ".altinstructions", 2 },	/* struct alt_instr: instruction, replacement */
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, name))
			return known[i].fields;
	return 1;
}

bool section_is_orc_ip(const struct object_section *s)
{
	return !strcmp(s->name, ".orc_unwind_ip");
}

/* What the loader finds by the section alone. It is in use, whatever it names. */
static bool is_loaders(const struct object_section *s)
{
	return !strncmp(s->name, ".elfkit", 7);
}

static bool is_own_table(const struct object_section *s)
{
	return !s->removed && (section_classify(s) == SECTION_TABLE || is_loaders(s));
}

/* Whether relocations @fields by @fields lie at the same distances, @entry bytes apart, and begin with code. */
static bool has_shape(const struct walker *w, uint32_t section, uint32_t entry, uint32_t fields)
{
	const struct edge *first = &w->edges->v[w->edges->first[section]];
	uint32_t n = w->edges->first[section + 1] - w->edges->first[section];

	for (uint32_t i = 0; i < n; i++) {
		const struct edge *e = &first[i];

		if (e->offset != (uint64_t)(i / fields) * entry + first[i % fields].offset || e->width != first[i % fields].width)
			return false;
		if (i % fields == 0 && (!e->target_section || !section_has_pieces(&w->object->sections[e->target_section]) ||
					e->target >= w->object->sections[e->target_section].size))
			return false;
	}
	return first[fields - 1].offset + first[fields - 1].width <= entry;
}

static struct table_shape shape_of(const struct walker *w, uint32_t section)
{
	const struct object_section *s = &w->object->sections[section];
	uint32_t n = w->edges->first[section + 1] - w->edges->first[section];
	struct table_shape none = { 0 };

	if (s->removed || section_classify(s) != SECTION_TABLE || section_is_orc_ip(s) || is_loaders(s))
		return none;
	for (uint32_t fields = fewest_fields(s->name); fields <= n && fields <= 4; fields++) {
		uint32_t nr = n / fields;

		if (n % fields == 0 && s->size % nr == 0 && s->data && has_shape(w, section, s->size / nr, fields))
			return (struct table_shape){ s->size / nr, fields };
	}
	return none;
}

static void reach_piece(struct walker *w, uint32_t piece)
{
	if (w->reach->piece[piece])
		return;
	w->reach->piece[piece] = true;
	w->todo[w->nr_todo++] = piece;
}

static void reach_section(struct walker *w, uint32_t section);

static void reach_target(struct walker *w, const struct edge *e)
{
	const struct object_section *s = &w->object->sections[e->target_section];
	uint32_t piece;

	if (!e->target_section)
		return;
	if (!section_has_pieces(s)) {
		reach_section(w, e->target_section);
		return;
	}
	piece = piece_at(w->pieces, e->target_section, e->target);
	/* the end of a section is the end of its last piece */
	if (piece == NO_REF)
		piece = w->pieces->first[e->target_section + 1] - 1;
	reach_piece(w, piece);
}

/* Data is in use as a whole: what lies beside an object may be reached through it. */
static void reach_section(struct walker *w, uint32_t section)
{
	if (w->reach->section[section])
		return;
	w->reach->section[section] = true;
	if (w->reach->shape[section].entry || section_is_orc_ip(&w->object->sections[section]))
		return;
	for (uint32_t i = w->edges->first[section]; i < w->edges->first[section + 1]; i++)
		reach_target(w, &w->edges->v[i]);
}

static uint32_t first_edge_from(const struct edges *edges, uint32_t section, uint64_t offset)
{
	uint32_t lo = edges->first[section], hi = edges->first[section + 1];

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (edges->v[mid].offset < offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void follow(struct walker *w)
{
	while (w->nr_todo) {
		uint32_t id = w->todo[--w->nr_todo];
		const struct piece *p = &w->pieces->v[id];

		for (uint32_t i = first_edge_from(w->edges, p->section, p->low);
		     i < w->edges->first[p->section + 1] && w->edges->v[i].offset < p->high; i++)
			reach_target(w, &w->edges->v[i]);
		if (p->falls && id + 1 < w->pieces->first[p->section + 1])
			reach_piece(w, id + 1);
	}
}

static bool is_reached(const struct walker *w, const struct edge *e)
{
	uint32_t piece = piece_at(w->pieces, e->target_section, e->target);

	return piece != NO_REF && w->reach->piece[piece];
}

/* What goes with code in use. True if there was more of it. */
static bool follow_tables(struct walker *w)
{
	bool more = false;

	for (uint32_t s = 1; s < w->object->nr_sections; s++) {
		uint32_t fields = w->reach->shape[s].fields;

		if (!fields)
			continue;
		for (uint32_t i = w->edges->first[s]; i < w->edges->first[s + 1]; i += fields) {
			if (w->entry_done[i] || !is_reached(w, &w->edges->v[i]))
				continue;
			w->entry_done[i] = more = true;
			for (uint32_t k = 1; k < fields; k++)
				reach_target(w, &w->edges->v[i + k]);
		}
	}
	return more;
}

static void reach_roots(struct walker *w, const bool *root, uint32_t nr_roots)
{
	const struct object *o = w->object;

	for (uint32_t i = 1; i < o->nr_sections; i++)
		if (is_own_table(&o->sections[i]))
			reach_section(w, i);
	for (uint32_t i = 1; i < o->nr_symbols; i++) {
		const struct object_symbol *s = &o->symbols[i];

		if (object_symbol_defined(s) && !s->removed && s->type != STT_SECTION && (i >= nr_roots || root[i]) &&
		    !o->sections[s->section].removed)
			reach_target(w, &(struct edge){ .target_section = s->section, .target = s->value });
	}
}

void reach_compute(const struct object *object, const struct edges *edges, const struct pieces *pieces,
		   const bool *root, uint32_t nr_roots, struct reach *ret)
{
	struct walker w = {
		.object = object, .edges = edges, .pieces = pieces, .reach = ret,
		.todo = xcalloc(pieces->n, sizeof(*w.todo)),
		.entry_done = xcalloc(edges->n, sizeof(*w.entry_done)),
	};

	ret->piece = xcalloc(pieces->n, sizeof(*ret->piece));
	ret->section = xcalloc(object->nr_sections, sizeof(*ret->section));
	ret->shape = xcalloc(object->nr_sections, sizeof(*ret->shape));
	for (uint32_t i = 1; i < object->nr_sections; i++)
		ret->shape[i] = shape_of(&w, i);
	reach_roots(&w, root, nr_roots);
	do
		follow(&w);
	while (follow_tables(&w));
	free(w.todo);
	free(w.entry_done);
}

void reach_release(struct reach *reach)
{
	free(reach->piece);
	free(reach->section);
	free(reach->shape);
	memset(reach, 0, sizeof(*reach));
}

bool reach_keeps(const struct reach *reach, const struct object *object, const struct edges *edges,
		 const struct pieces *pieces, uint32_t edge)
{
	const struct edge *e = &edges->v[edge];
	uint32_t fields = reach->shape[e->section].fields;

	if (section_has_pieces(&object->sections[e->section]))
		return reach->piece[piece_at(pieces, e->section, e->offset)];
	if (fields) {
		e = &edges->v[edge - (edge - edges->first[e->section]) % fields];
		return reach->piece[piece_at(pieces, e->target_section, e->target)];
	}
	return reach->section[e->section];
}
