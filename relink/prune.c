// SPDX-License-Identifier: GPL-2.0
/* What is unused goes, and what is left is held against what it was. */
#include <string.h>

#include "relink/cut_orc.h"
#include "relink/debug_cut.h"
#include "relink/prune.h"

struct pruning {
	struct object *object;
	struct object before;	/* borrows what has not changed */
	struct symbol_map *map;
	struct edges edges, now;
	struct pieces pieces;
	struct reach reach;
	struct holes holes;
	struct object_section *old;	/* [sections]: contents that were replaced, or nothing */
};

static bool *find_roots(const struct object *object, const struct match *match, const enum verdict *verdict,
			const struct bindings *bindings)
{
	bool *root = xcalloc(bindings->n, sizeof(*root));

	for (uint32_t i = 1; i < bindings->n; i++) {
		const struct object_symbol *s = &object->symbols[i];
		bool code = object_symbol_defined(s) && section_has_pieces(&object->sections[s->section]);

		if (!object_symbol_defined(s) || s->type == STT_FILE)
			continue;
		/* changed data that travels is meant to take its kernel's place, whoever puts it there */
		root[i] = match->foreign[i] || bindings->v[i].replaced ||
			  (!code && s->type == STT_OBJECT && match->symbol[i] != NO_ID && verdict[i] == VERDICT_CHANGED);
	}
	return root;
}

static void remember(struct pruning *p)
{
	const struct object *o = p->object;

	p->old = xcalloc(o->nr_sections, sizeof(*p->old));
	p->before = *o;
	p->before.symbols = xcalloc(o->nr_symbols, sizeof(*o->symbols));
	memcpy(p->before.symbols, o->symbols, o->nr_symbols * sizeof(*o->symbols));
	p->before.sections = xcalloc(o->nr_sections, sizeof(*o->sections));
	memcpy(p->before.sections, o->sections, o->nr_sections * sizeof(*o->sections));
}

static struct err *differs(const struct pruning *p, const struct edge *e, const char *how)
{
	return err_new("%s+0x%lx: %s after unused code was cut", p->before.sections[e->section].name,
		       (unsigned long)e->offset, how);
}

/* Places are equal if they are where the holes say and, told by symbols alone, in the same function or object. */
static bool same_place(const struct pruning *p, uint32_t section, uint64_t was, uint64_t is, const struct symbol_map *map)
{
	uint32_t x = symbol_at(&p->before, p->map, section, was), y = symbol_at(p->object, map, section, is);
	uint64_t want;

	if (!holes_map(&p->holes, section, was, &want) || want != is)
		return false;
	return x == y && (x == NO_REF || was - p->before.symbols[x].value == is - p->object->symbols[y].value);
}

static struct err *compare_edge(const struct pruning *p, const struct edge *was, const struct edge *is,
				const struct symbol_map *map)
{
	const struct object_section *s = &p->object->sections[is->section];

	if (was->section != is->section || was->width != is->width || (was->reloc == NO_REF) != (is->reloc == NO_REF) ||
	    was->target_section != is->target_section)
		return differs(p, was, "not the same reference");
	if (section_has_pieces(s) && !same_place(p, was->section, was->offset, is->offset, map))
		return differs(p, was, "not at the same place");
	if (was->reloc != NO_REF && p->before.sections[was->section].relocs[was->reloc].type != s->relocs[is->reloc].type)
		return differs(p, was, "a relocation of another type");
	if (was->target_section ? !same_place(p, was->target_section, was->target, is->target, map) :
	    was->target != is->target || was->symbol != is->symbol)
		return differs(p, was, "another target");
	return NULL;
}

/* Each reference that stays, in order, and no other. */
static struct err *compare_edges(const struct pruning *p, const struct symbol_map *map)
{
	struct err *err = NULL;
	uint32_t k = 0;

	for (uint32_t i = 0; i < p->edges.n && !err; i++) {
		const struct edge *e = &p->edges.v[i];

		if (section_is_orc_ip(&p->before.sections[e->section]) ||
		    !reach_keeps(&p->reach, &p->before, &p->edges, &p->pieces, i))
			continue;
		while (k < p->now.n && section_is_orc_ip(&p->object->sections[p->now.v[k].section]))
			k++;
		err = k == p->now.n ? differs(p, e, "no reference") : compare_edge(p, e, &p->now.v[k++], map);
	}
	while (k < p->now.n && section_is_orc_ip(&p->object->sections[p->now.v[k].section]))
		k++;
	if (!err && k != p->now.n)
		err = differs(p, &p->now.v[k], "one reference more");
	return err;
}

/* Code that stays has the bytes that it had, the fields of references left out. */
static struct err *compare_code(const struct pruning *p)
{
	uint32_t e = 0;

	for (uint32_t i = 0; i < p->pieces.n; i++) {
		const struct piece *piece = &p->pieces.v[i];
		const uint8_t *is = p->object->sections[piece->section].data;
		const uint8_t *was = p->before.sections[piece->section].data;
		uint64_t at = piece->low, where, high;

		if (!p->reach.piece[i])
			continue;
		holes_map(&p->holes, piece->section, piece->low, &where);
		e = e > p->edges.first[piece->section] ? e : p->edges.first[piece->section];
		while (at < piece->high) {
			const struct edge *edge = &p->edges.v[e];
			bool done = e >= p->edges.first[piece->section + 1] || edge->offset >= piece->high;

			e += !done;
			if (!done && edge->offset < at)
				continue;
			high = done ? piece->high : edge->offset;
			if (memcmp(was + at, is + where + (at - piece->low), high - at))
				return differs(p, &(struct edge){ .section = piece->section, .offset = at }, "other code");
			at = done ? high : high + edge->width;
		}
	}
	return NULL;
}

static struct err *check(struct pruning *p, struct symbol_map *map)
{
	struct err *err = edges_read(p->object, map, &p->now);

	err = err ?: compare_edges(p, map);
	err = err ?: compare_code(p);
	return err ?: cut_orc_check(&p->before, &p->edges, p->object, &p->now, &p->pieces, &p->reach, &p->holes);
}

static void count(const struct pruning *p, struct pruned *ret)
{
	for (uint32_t i = 0; i < p->pieces.n; i++)
		ret->functions += !p->reach.piece[i] && p->pieces.v[i].symbol != NO_REF;
	for (uint32_t i = 1; i < p->object->nr_sections; i++) {
		if (!section_has_pieces(&p->before.sections[i]))
			continue;
		for (uint32_t k = p->holes.first[i]; k < p->holes.first[i + 1]; k++)
			ret->code += p->holes.v[k].cut;
	}
}

/* Names of the kernel's variables stand for the kernel's instances alone: the module's unused copy has none. */
static void drop_names(struct object *o, const struct bindings *bindings, const bool *root)
{
	bool *used = xcalloc(o->nr_symbols, sizeof(*used));

	for (uint32_t i = 1; i < o->nr_sections; i++)
		for (uint32_t r = 0; r < o->sections[i].nr_relocs && !o->sections[i].removed; r++)
			used[o->sections[i].relocs[r].symbol] |= !o->sections[i].relocs[r].removed;
	for (uint32_t i = 1; i < bindings->n; i++) {
		struct object_symbol *s = &o->symbols[i];

		if (object_symbol_defined(s) && s->type != STT_SECTION && !used[i] && !root[i] &&
		    bindings->v[i].call == PLACE_KERNEL && bindings->v[i].address == PLACE_KERNEL &&
		    !section_has_pieces(&o->sections[s->section]))
			s->removed = true;
	}
	free(used);
}

/* Without it the module is as good. */
static void keep_debug(struct pruning *p, struct pruned *ret)
{
	struct err *err = debug_cut(p->object, &p->before, &p->holes);

	if (err)
		ret->no_debug = xstrdup(err_message(err));
	err_free(err);
}

static void forget(struct pruning *p)
{
	for (uint32_t i = 1; p->old && i < p->before.nr_sections; i++)
		if (p->old[i].name) {
			free(p->old[i].data);
			free(p->old[i].relocs);
		}
	free(p->old);
	free(p->before.symbols);
	free(p->before.sections);
	edges_release(&p->edges);
	edges_release(&p->now);
	pieces_release(&p->pieces);
	reach_release(&p->reach);
	holes_release(&p->holes);
}

void pruned_release(struct pruned *pruned)
{
	free(pruned->whole);
	free(pruned->no_debug);
}

struct err *prune_object(struct object *object, const struct match *match, const enum verdict *verdict,
			 const struct bindings *bindings, struct symbol_map *map, struct pruned *ret)
{
	bool *root = find_roots(object, match, verdict, bindings);
	struct pruning p = { .object = object, .map = map };
	struct symbol_map now;
	struct err *err;

	memset(ret, 0, sizeof(*ret));
	symbol_map_release(map);
	symbol_map_init(object, map);	/* rewriting has added code */
	err = edges_read(object, map, &p.edges);
	if (err) {
		ret->whole = xstrdup(err_message(err));
		ret->no_debug = xstrdup("unused code was not left out");
		err_free(err);
		edges_release(&p.edges);
		free(root);
		return NULL;
	}
	err = pieces_read(object, map, &p.edges, &p.pieces);
	if (!err) {
		reach_compute(object, &p.edges, &p.pieces, root, bindings->n, &p.reach);
		holes_find(object, &p.edges, &p.pieces, &p.reach, &p.holes);
		remember(&p);
		err = cut_orc(object, &p.edges, &p.holes, p.old);
	}
	err = err ?: cut_object(object, &p.edges, &p.pieces, &p.reach, &p.holes, p.old);
	if (!err) {
		symbol_map_init(object, &now);
		err = check(&p, &now);
		count(&p, ret);
		symbol_map_release(&now);
	}
	if (!err) {
		drop_names(object, bindings, root);
		keep_debug(&p, ret);
		symbol_map_release(map);
		symbol_map_init(object, map);
	}
	forget(&p);
	free(root);
	return err_about(err, "unused code");
}
