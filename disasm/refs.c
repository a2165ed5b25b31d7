// SPDX-License-Identifier: GPL-2.0
/*
 * References by decoding all code and reading all data of an image.
 *
 * The work is cut into pieces of consecutive addresses that are independent of
 * each other: code is decoded anew from each function's entry, as it would be
 * when it runs.
 */
#include <string.h>

#include "disasm/insn.h"
#include "disasm/refs.h"
#include "disasm/tables.h"
#include "elfkit/parallel.h"

const char *const ref_kind_names[NR_REF_KINDS] = { "call", "jump", "address", "data" };

/* Code that is decoded, or data that is read, as one piece of work. */
struct piece {
	const struct image_section *section;
	uint64_t low, high;
	struct ref *refs;	/* what was found, by address */
	uint32_t nr_refs, cap_refs;
};

struct collect {
	const struct funcs *funcs;
	struct decoder *decoder;
	const struct machine *machine;
	struct tables tables;
	struct piece *pieces;
	uint32_t nr_pieces, cap_pieces;
	uint64_t low, high;	/* all entries lie in here */
	uint8_t *is_entry;	/* bitmap over low..high */
};

static bool entry_at(const struct collect *c, uint64_t addr)
{
	uint64_t i = addr - c->low;

	return addr >= c->low && addr < c->high && (c->is_entry[i / 8] & (1 << i % 8));
}

static void mark_entries(struct collect *c)
{
	const struct funcs *funcs = c->funcs;

	if (!funcs->n)
		return;
	c->low = funcs->v[0].low;
	c->high = funcs->v[funcs->n - 1].low + 1;
	c->is_entry = xcalloc((c->high - c->low + 7) / 8, 1);
	for (uint32_t i = 0; i < funcs->n; i++) {
		uint64_t bit = funcs->v[i].low - c->low;

		c->is_entry[bit / 8] |= 1 << bit % 8;
	}
}

static void add_ref(const struct collect *c, struct piece *p, uint32_t from, uint64_t at, uint64_t target,
		    enum ref_kind kind)
{
	uint32_t to = funcs_at(c->funcs, target);

	if (to == NO_ID)
		return;
	if (from == NO_ID && kind != REF_DATA) {
		/* code that replaces an instruction runs as part of that one's function */
		uint64_t site = tables_alternative_site(&c->tables, at);

		from = site ? funcs_at(c->funcs, site) : NO_ID;
	}
	if (to == from && kind != REF_ADDRESS)
		return;
	GROW(p->refs, p->nr_refs, p->cap_refs);
	p->refs[p->nr_refs++] = (struct ref){
		.from = from, .to = to, .at = at, .kind = kind, .offset = target - c->funcs->v[to].low,
	};
}

/* Fields that can hold an address: 4-byte displacements, 4- and 8-byte immediates. */
static void add_addresses(const struct collect *c, struct piece *p, uint32_t from, const uint8_t *bytes,
			  const struct insn *insn)
{
	int32_t v32;
	int64_t v64;

	if (insn->disp.size == 4) {
		memcpy(&v32, bytes + insn->disp.offset, sizeof(v32));
		v64 = v32 + (insn->pc_relative ? insn->addr + insn->size : 0);
		if (entry_at(c, v64))
			add_ref(c, p, from, insn->addr, v64, REF_ADDRESS);
	}
	if (insn->imm.size == 4) {
		memcpy(&v32, bytes + insn->imm.offset, sizeof(v32));
		if (entry_at(c, (int64_t)v32))
			add_ref(c, p, from, insn->addr, (int64_t)v32, REF_ADDRESS);
	} else if (insn->imm.size == 8) {
		memcpy(&v64, bytes + insn->imm.offset, sizeof(v64));
		if (entry_at(c, v64))
			add_ref(c, p, from, insn->addr, v64, REF_ADDRESS);
	}
}

static void decode_range(const struct collect *c, struct piece *p, uint32_t from, uint64_t low, uint64_t high)
{
	for (uint64_t at = low; at < high;) {
		const uint8_t *bytes = p->section->data + (at - p->section->addr);
		struct insn insn;

		/* three of five instructions of a kernel are traps that pad */
		if (*bytes == c->machine->trap || !decode(c->decoder, bytes, high - at, at, &insn)) {
			at++;
			continue;
		}
		if (insn.kind == INSN_CALL || insn.kind == INSN_JUMP || insn.kind == INSN_BRANCH) {
			/* most branches stay here */
			if (from == NO_ID || insn.target - low >= high - low)
				add_ref(c, p, from, at, insn.target,
					insn.kind == INSN_CALL ? REF_CALL : REF_JUMP);
		} else if (insn.size > 4) {
			add_addresses(c, p, from, bytes, &insn);
		}
		at += insn.size;
	}
}

/* First function at or above @addr. */
static uint32_t lower_bound(const struct funcs *funcs, uint64_t addr)
{
	uint32_t lo = 0, hi = funcs->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (funcs->v[mid].low < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * Functions from their entries, and what lies between them as code of nobody.  One
 * symbol may lie inside another (relocate_range holds identity_mapped): the code is
 * that of the last one to begin, as funcs_at() has it.
 */
static void decode_piece(const struct collect *c, struct piece *p)
{
	const struct funcs *funcs = c->funcs;
	uint64_t at = p->low;

	for (uint32_t i = lower_bound(funcs, p->low); i < funcs->n && funcs->v[i].low < p->high; i++) {
		const struct func *f = &funcs->v[i];
		uint64_t high = f->high < p->high ? f->high : p->high;

		if (i + 1 < funcs->n && funcs->v[i + 1].low < high)
			high = funcs->v[i + 1].low;
		decode_range(c, p, NO_ID, at, f->low);
		decode_range(c, p, i, f->low, high);
		at = high;
	}
	decode_range(c, p, NO_ID, at, p->high);
}

static void read_pointers(const struct collect *c, struct piece *p, uint64_t at, uint64_t end)
{
	const struct image_section *s = p->section;

	/* an ELF note (.notes: Xen's entry points) and packed structs align pointers to 4 bytes */
	for (; at < end && s->addr + s->size - at >= 8; at += 4) {
		uint64_t value;

		memcpy(&value, s->data + (at - s->addr), sizeof(value));
		if (entry_at(c, value))
			add_ref(c, p, NO_ID, at, value, REF_DATA);
	}
}

static void read_distances(const struct collect *c, struct piece *p, uint64_t at, uint64_t end)
{
	for (; at < end && end - at >= 4; at += 4) {
		int32_t value;

		memcpy(&value, p->section->data + (at - p->section->addr), sizeof(value));
		if (entry_at(c, at + value))
			add_ref(c, p, NO_ID, at, at + value, REF_DATA);
	}
}

/* Data is pointers but where a table says otherwise. */
static void read_piece(const struct collect *c, struct piece *p)
{
	uint64_t at = p->low + (-p->low & 3);

	while (at < p->high) {
		const struct table *t = tables_from(&c->tables, at);
		uint64_t end = !t ? p->high : t->low > at ? t->low : t->high;

		if (end > p->high)
			end = p->high;
		if (!t || t->low > at)
			read_pointers(c, p, at, end);
		else if (t->kind == TABLE_DISTANCES)
			read_distances(c, p, at, end);
		at = end + (-end & 3);
	}
}

static void run_piece(void *arg, uint32_t i)
{
	struct collect *c = arg;

	if (image_section_is_code(c->pieces[i].section))
		decode_piece(c, &c->pieces[i]);
	else
		read_piece(c, &c->pieces[i]);
}

static void add_piece(struct collect *c, const struct image_section *s, uint64_t low, uint64_t high)
{
	GROW(c->pieces, c->nr_pieces, c->cap_pieces);
	c->pieces[c->nr_pieces++] = (struct piece){ .section = s, .low = low, .high = high };
}

/* Code is cut where functions begin. */
static void cut_section(struct collect *c, const struct image_section *s)
{
	const uint64_t size = 512 << 10;
	uint64_t low = s->addr, end = s->addr + s->size;

	while (image_section_is_code(s) && end - low > size) {
		uint32_t next = lower_bound(c->funcs, low + size);

		if (next == c->funcs->n || c->funcs->v[next].low >= end)
			break;
		add_piece(c, s, low, c->funcs->v[next].low);
		low = c->funcs->v[next].low;
	}
	add_piece(c, s, low, end);
}

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return x->section < y->section ? -1 : x->section > y->section;
}

static void cut_image(struct collect *c)
{
	const struct image *image = c->funcs->image;

	for (uint32_t i = 1; i < image->nr_sections; i++) {
		const struct image_section *s = &image->sections[i];

		if ((s->flags & SHF_ALLOC) && s->data && (s->type == SHT_PROGBITS || s->type == SHT_NOTE))
			cut_section(c, s);
	}
	if (c->nr_pieces)
		qsort(c->pieces, c->nr_pieces, sizeof(*c->pieces), compare_pieces);
}

/* All pieces as one array by target; pieces and what they hold are in the order of addresses. */
static struct refs *join_pieces(const struct collect *c)
{
	struct refs *refs = xcalloc(1, sizeof(*refs));
	uint32_t nr_funcs = c->funcs->n, *next = xcalloc(nr_funcs + 1, sizeof(*next));

	for (uint32_t i = 0; i < c->nr_pieces; i++) {
		refs->n += c->pieces[i].nr_refs;
		for (uint32_t r = 0; r < c->pieces[i].nr_refs; r++)
			next[c->pieces[i].refs[r].to + 1]++;
	}
	for (uint32_t to = 0; to < nr_funcs; to++)
		next[to + 1] += next[to];
	refs->to = xcalloc(nr_funcs + 1, sizeof(*refs->to));
	memcpy(refs->to, next, (nr_funcs + 1) * sizeof(*next));
	refs->v = xcalloc(refs->n, sizeof(*refs->v));
	for (uint32_t i = 0; i < c->nr_pieces; i++)
		for (uint32_t r = 0; r < c->pieces[i].nr_refs; r++)
			refs->v[next[c->pieces[i].refs[r].to]++] = c->pieces[i].refs[r];
	free(next);
	return refs;
}

struct err *refs_collect(const struct funcs *funcs, struct refs **ret)
{
	const struct image *image = funcs->image;
	struct collect c = { .funcs = funcs };
	struct err *err = decoder_open(image->machine, &c.decoder);

	if (err)
		return err_in(err, image->path);
	c.machine = machine_of(image->machine);
	mark_entries(&c);
	tables_find(image, funcs->symbols, &c.tables);
	cut_image(&c);
	parallel_run(c.nr_pieces, run_piece, &c);
	*ret = join_pieces(&c);
	for (uint32_t i = 0; i < c.nr_pieces; i++)
		free(c.pieces[i].refs);
	free(c.pieces);
	tables_release(&c.tables);
	decoder_close(c.decoder);
	free(c.is_entry);
	return NULL;
}

void refs_free(struct refs *refs)
{
	if (!refs)
		return;
	free(refs->v);
	free(refs->to);
	free(refs);
}
