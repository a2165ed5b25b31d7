// SPDX-License-Identifier: GPL-2.0
/* Code in pieces, references of all kinds. */
#include <string.h>

#include "relink/pieces.h"

bool section_has_pieces(const struct object_section *s)
{
	return !s->removed && s->size && s->data && section_classify(s) == SECTION_CODE;
}

struct reader {
	struct object *object;
	const struct symbol_map *map;
	struct decoder *decoder;
	struct edges *edges;
};

static bool is_pc_relative(uint32_t type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32 || type == R_X86_64_PC64 ||
	       type == R_X86_64_PC16 || type == R_X86_64_PC8;
}

static void add(struct reader *r, const struct edge *edge)
{
	GROW(r->edges->v, r->edges->n, r->edges->cap);
	r->edges->v[r->edges->n++] = *edge;
}

/* @end: of the instruction; 0 in data, where distances count from the field. */
static void add_reloc(struct reader *r, uint32_t section, uint32_t index, uint64_t end)
{
	const struct object_reloc *reloc = &r->object->sections[section].relocs[index];
	const struct object_symbol *s = &r->object->symbols[reloc->symbol];
	struct edge edge = {
		.section = section, .offset = reloc->offset, .width = object_reloc_width(reloc->type),
		.reloc = index, .symbol = reloc->symbol, .target = reloc->addend,
	};

	if (end && is_pc_relative(reloc->type)) {
		edge.end = end;
		edge.target += end - reloc->offset;
	}
	if (object_symbol_defined(s)) {
		edge.target_section = s->section;
		edge.target += s->value;
	}
	add(r, &edge);
}

static void add_distance(struct reader *r, uint32_t section, const struct insn *insn, struct insn_field_at field,
			 uint64_t target)
{
	add(r, &(struct edge){
		.section = section, .offset = insn->addr + field.offset, .width = field.size, .reloc = NO_REF,
		.end = insn->addr + insn->size, .symbol = NO_REF, .target_section = section, .target = target,
	});
}

static bool has_reloc(const struct object_section *s, uint32_t from, uint32_t to, uint64_t offset)
{
	for (uint32_t i = from; i < to; i++)
		if (s->relocs[i].offset == offset)
			return true;
	return false;
}

static void read_insn(struct reader *r, uint32_t section, const struct insn *insn, uint32_t *next)
{
	const struct object_section *s = &r->object->sections[section];
	uint32_t from = *next;
	int32_t disp;

	while (*next < s->nr_relocs && s->relocs[*next].offset < insn->addr + insn->size)
		add_reloc(r, section, (*next)++, insn->addr + insn->size);
	if ((insn->kind == INSN_CALL || insn->kind == INSN_JUMP || insn->kind == INSN_BRANCH) &&
	    !has_reloc(s, from, *next, insn->addr + insn->target_offset))
		add_distance(r, section, insn, (struct insn_field_at){ insn->target_offset, insn->target_size },
			     insn->target);
	if (!insn->pc_relative || insn->disp.size != 4 || has_reloc(s, from, *next, insn->addr + insn->disp.offset))
		return;
	memcpy(&disp, s->data + insn->addr + insn->disp.offset, sizeof(disp));
	add_distance(r, section, insn, insn->disp, insn->addr + insn->size + disp);
}

/* Where the next symbol begins that covers something, behind @at; else the section's end. */
static uint64_t next_symbol(const struct reader *r, uint32_t section, uint64_t at)
{
	uint32_t lo = 0, hi = r->map->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct object_symbol *s = &r->object->symbols[r->map->v[mid]];

		if (s->section < section || (s->section == section && s->value <= at))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < r->map->n && r->object->symbols[r->map->v[lo]].section == section)
		return r->object->symbols[r->map->v[lo]].value;
	return r->object->sections[section].size;
}

static struct err *read_code(struct reader *r, uint32_t section)
{
	const struct object_section *s = &r->object->sections[section];
	uint32_t next = 0;

	for (uint64_t at = 0; at < s->size;) {
		uint32_t host = symbol_at(r->object, r->map, section, at);
		uint64_t end = host == NO_REF ? next_symbol(r, section, at) :
			r->object->symbols[host].value + r->object->symbols[host].size;
		struct insn insn;

		if (end > s->size || !decode(r->decoder, s->data + at, end - at, at, &insn))
			return err_new("%s+0x%lx: not decodable: what it refers to could not be followed", s->name,
				       (unsigned long)at);
		read_insn(r, section, &insn, &next);
		at += insn.size;
	}
	return NULL;
}

static int compare_relocs(const void *a, const void *b)
{
	const struct object_reloc *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void relocs_tidy(struct object_section *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->nr_relocs; i++)
		if (!s->relocs[i].removed)
			s->relocs[n++] = s->relocs[i];
	s->nr_relocs = n;
	if (n)
		qsort(s->relocs, n, sizeof(*s->relocs), compare_relocs);
}

struct err *edges_read(struct object *object, const struct symbol_map *map, struct edges *ret)
{
	struct reader r = { .object = object, .map = map, .edges = ret };
	struct err *err = decoder_open(object->machine, &r.decoder);

	memset(ret, 0, sizeof(*ret));
	ret->first = xcalloc(object->nr_sections + 1, sizeof(*ret->first));
	for (uint32_t i = 1; i < object->nr_sections && !err; i++) {
		struct object_section *s = &object->sections[i];

		ret->first[i] = ret->n;
		if (s->removed)
			continue;
		relocs_tidy(s);
		if (section_has_pieces(s))
			err = read_code(&r, i);
		else
			for (uint32_t k = 0; k < s->nr_relocs; k++)
				add_reloc(&r, i, k, 0);
	}
	ret->first[object->nr_sections] = ret->n;
	decoder_close(r.decoder);
	return err;
}

void edges_release(struct edges *edges)
{
	free(edges->v);
	free(edges->first);
	memset(edges, 0, sizeof(*edges));
}

struct cutter {
	const struct object *object;
	const struct symbol_map *map;
	struct decoder *decoder;
	const struct machine *machine;
	struct pieces *pieces;
	bool **referred;	/* [sections][bytes]: something refers to the place */
};

/* Nothing but what fills the room between functions. */
static bool is_padding(const struct cutter *c, uint32_t section, uint64_t low, uint64_t high)
{
	const uint8_t *data = c->object->sections[section].data;

	while (low < high) {
		struct insn insn;
		struct insn_detail d;

		if (data[low] == c->machine->trap) {
			low++;
			continue;
		}
		if (!decode_operands(c->decoder, data + low, high - low, low, &insn, &d) || d.op != OP_NOP)
			return false;
		low += insn.size;
	}
	return true;
}

/* Whether execution can go on at @high; a call that ends a function does not return. */
static bool falls(const struct cutter *c, const struct piece *p)
{
	const uint8_t *data = c->object->sections[p->section].data;
	struct insn insn = { .kind = INSN_OTHER };

	for (uint64_t at = p->entry; at < p->high; at += insn.size)
		if (!decode(c->decoder, data + at, p->high - at, at, &insn))
			return true;
	switch (insn.kind) {
	case INSN_JUMP: case INSN_INDIRECT_JUMP: case INSN_RETURN: case INSN_TRAP:
		return false;
	case INSN_CALL: case INSN_INDIRECT_CALL:
		return p->symbol == NO_REF;
	default:
		return true;
	}
}

static void add_piece(struct cutter *c, uint32_t section, uint64_t low, uint64_t entry, uint64_t high, uint32_t symbol)
{
	struct piece p = { .section = section, .low = low, .entry = entry, .high = high, .symbol = symbol };

	if (low >= high)
		return;
	p.falls = entry < high && falls(c, &p);
	GROW(c->pieces->v, c->pieces->n, c->pieces->cap);
	c->pieces->v[c->pieces->n++] = p;
}

/* Code without a symbol, in [@low, @high). */
static void add_unnamed(struct cutter *c, uint32_t section, uint64_t low, uint64_t high)
{
	for (uint64_t at = low + 1; at < high; at++)
		if (c->referred[section][at]) {
			add_piece(c, section, low, low, at, NO_REF);
			low = at;
		}
	add_piece(c, section, low, low, high, NO_REF);
}

static void read_section(struct cutter *c, uint32_t section)
{
	const struct object_section *s = &c->object->sections[section];
	uint64_t at = 0;	/* everything below is in a piece */

	for (uint32_t k = 0; k < c->map->n; k++) {
		uint32_t symbol = c->map->v[k];
		const struct object_symbol *f = &c->object->symbols[symbol];
		uint64_t low = f->value, high = f->value + f->size;

		if (f->section != section || high <= at)
			continue;
		/* an alias that is longer, or one function in another: they are one piece */
		if (low < at) {
			struct piece *p = &c->pieces->v[c->pieces->n - 1];

			p->high = at = high;
			p->falls = falls(c, p);
			continue;
		}
		/* the room before a function has a symbol of its own in some kernels */
		if (is_padding(c, section, low, high))
			continue;
		if (is_padding(c, section, at, low)) {
			add_piece(c, section, at, low, high, symbol);
		} else {
			add_unnamed(c, section, at, low);
			add_piece(c, section, low, low, high, symbol);
		}
		at = high;
	}
	if (is_padding(c, section, at, s->size))
		add_piece(c, section, at, s->size, s->size, NO_REF);
	else
		add_unnamed(c, section, at, s->size);
}

static void find_referred(struct cutter *c, const struct edges *edges)
{
	const struct object *o = c->object;

	c->referred = xcalloc(o->nr_sections, sizeof(*c->referred));
	for (uint32_t i = 1; i < o->nr_sections; i++)
		if (section_has_pieces(&o->sections[i]))
			c->referred[i] = xcalloc(o->sections[i].size + 1, sizeof(bool));
	for (uint32_t i = 0; i < edges->n; i++) {
		const struct edge *e = &edges->v[i];

		if (e->target_section && c->referred[e->target_section] &&
		    e->target <= o->sections[e->target_section].size)
			c->referred[e->target_section][e->target] = true;
	}
}

struct err *pieces_read(const struct object *object, const struct symbol_map *map, const struct edges *edges,
			struct pieces *ret)
{
	struct cutter c = {
		.object = object, .map = map, .pieces = ret, .machine = machine_of(object->machine),
	};
	struct err *err = decoder_open(object->machine, &c.decoder);

	memset(ret, 0, sizeof(*ret));
	if (err)
		return err;
	find_referred(&c, edges);
	ret->first = xcalloc(object->nr_sections + 1, sizeof(*ret->first));
	for (uint32_t i = 1; i < object->nr_sections; i++) {
		ret->first[i] = ret->n;
		if (section_has_pieces(&object->sections[i]))
			read_section(&c, i);
		free(c.referred[i]);
	}
	ret->first[object->nr_sections] = ret->n;
	free(c.referred);
	decoder_close(c.decoder);
	return NULL;
}

void pieces_release(struct pieces *pieces)
{
	free(pieces->v);
	free(pieces->first);
	memset(pieces, 0, sizeof(*pieces));
}

uint32_t piece_at(const struct pieces *pieces, uint32_t section, uint64_t offset)
{
	uint32_t lo = pieces->first[section], hi = pieces->first[section + 1];

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (pieces->v[mid].high <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < pieces->first[section + 1] && pieces->v[lo].low <= offset ? lo : NO_REF;
}
