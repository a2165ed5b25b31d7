// SPDX-License-Identifier: GPL-2.0
/*
 * References by decoding all code and reading all data of an image.
 */
#include <string.h>

#include "disasm/insn.h"
#include "disasm/refs.h"

struct collect {
	const struct funcs *funcs;
	struct decoder *decoder;
	struct refs *refs;
	uint32_t cap_refs;
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

static void add_ref(struct collect *c, uint32_t from, uint64_t at, uint64_t target, enum ref_kind kind)
{
	uint32_t to = funcs_at(c->funcs, target);

	if (to == NO_ID || (to == from && kind != REF_ADDRESS))
		return;
	GROW(c->refs->v, c->refs->n, c->cap_refs);
	c->refs->v[c->refs->n++] = (struct ref){ .from = from, .to = to, .at = at, .kind = kind };
}

/* Fields that can hold an address: 4-byte displacements, 4- and 8-byte immediates. */
static void add_addresses(struct collect *c, uint32_t from, const uint8_t *bytes, const struct insn *insn)
{
	int32_t v32;
	int64_t v64;

	if (insn->disp.size == 4) {
		memcpy(&v32, bytes + insn->disp.offset, sizeof(v32));
		v64 = v32 + (insn->pc_relative ? insn->addr + insn->size : 0);
		if (entry_at(c, v64))
			add_ref(c, from, insn->addr, v64, REF_ADDRESS);
	}
	if (insn->imm.size == 4) {
		memcpy(&v32, bytes + insn->imm.offset, sizeof(v32));
		if (entry_at(c, (int64_t)v32))
			add_ref(c, from, insn->addr, (int64_t)v32, REF_ADDRESS);
	} else if (insn->imm.size == 8) {
		memcpy(&v64, bytes + insn->imm.offset, sizeof(v64));
		if (entry_at(c, v64))
			add_ref(c, from, insn->addr, v64, REF_ADDRESS);
	}
}

static void decode_range(struct collect *c, const struct image_section *s, uint32_t from,
			 uint64_t low, uint64_t high)
{
	while (low < high) {
		const uint8_t *bytes = s->data + (low - s->addr);
		struct insn insn;

		if (!decode(c->decoder, bytes, high - low, low, &insn)) {
			low++;
			continue;
		}
		if (insn.kind == INSN_CALL)
			add_ref(c, from, low, insn.target, REF_CALL);
		else if (insn.kind == INSN_JUMP || insn.kind == INSN_BRANCH)
			add_ref(c, from, low, insn.target, REF_JUMP);
		else if (insn.size > 4)
			add_addresses(c, from, bytes, &insn);
		low += insn.size;
	}
}

/* Functions from their entries, and what lies between them as code of nobody. */
static void decode_section(struct collect *c, uint32_t section)
{
	const struct image_section *s = &c->funcs->image->sections[section];
	uint64_t at = s->addr, end = s->addr + s->size;

	for (uint32_t i = 0; i < c->funcs->n; i++) {
		const struct func *f = &c->funcs->v[i];
		uint64_t high = f->high < end ? f->high : end;

		if (f->section != section || f->low < s->addr || f->low >= end)
			continue;
		if (f->low > at)
			decode_range(c, s, NO_ID, at, f->low);
		if (high > at)
			decode_range(c, s, i, f->low > at ? f->low : at, high);
		at = high > at ? high : at;
	}
	if (at < end)
		decode_range(c, s, NO_ID, at, end);
}

/*
 * Tables that list places in code rather than functions to be called: the
 * places that ftrace and kprobes know (include/asm-generic/vmlinux.lds.h).
 */
static const struct {
	const char *start, *stop;
} code_tables[] = {
	{ "__start_mcount_loc", "__stop_mcount_loc" },
	{ "__start_kprobe_blacklist", "__stop_kprobe_blacklist" },
	{ "__start_error_injection_whitelist", "__stop_error_injection_whitelist" },
};

static bool in_code_table(const struct funcs *funcs, uint64_t addr, uint64_t *end)
{
	for (size_t i = 0; i < sizeof(code_tables) / sizeof(code_tables[0]); i++) {
		uint32_t start = symbols_find(funcs->symbols, code_tables[i].start);
		uint32_t stop = symbols_find(funcs->symbols, code_tables[i].stop);

		if (start == NO_ID || stop == NO_ID)
			continue;
		if (addr >= funcs->symbols->v[start].value && addr < funcs->symbols->v[stop].value) {
			*end = funcs->symbols->v[stop].value;
			return true;
		}
	}
	return false;
}

static void read_pointers(struct collect *c, const struct image_section *s)
{
	uint64_t off = -s->addr & 7;

	while (off + 8 <= s->size) {
		uint64_t value, end;

		memcpy(&value, s->data + off, sizeof(value));
		if (entry_at(c, value)) {
			if (in_code_table(c->funcs, s->addr + off, &end) && end > s->addr + off) {
				off = end - s->addr;
				continue;
			}
			add_ref(c, NO_ID, s->addr + off, value, REF_DATA);
		}
		off += 8;
	}
}

static int compare_refs(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;

	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void sort_refs(struct refs *refs, uint32_t nr_funcs)
{
	if (refs->n)
		qsort(refs->v, refs->n, sizeof(*refs->v), compare_refs);
	refs->to = xcalloc(nr_funcs + 1, sizeof(uint32_t));
	for (uint32_t i = 0, to = 0; to <= nr_funcs; to++) {
		while (i < refs->n && refs->v[i].to < to)
			i++;
		refs->to[to] = i;
	}
}

struct err *refs_collect(const struct funcs *funcs, struct refs **ret)
{
	const struct image *image = funcs->image;
	struct collect c = { .funcs = funcs };
	struct err *err = decoder_open(image->machine, &c.decoder);

	if (err)
		return err_in(err, image->path);
	c.refs = xcalloc(1, sizeof(*c.refs));
	mark_entries(&c);
	for (uint32_t i = 1; i < image->nr_sections; i++) {
		const struct image_section *s = &image->sections[i];

		if (image_section_is_code(s))
			decode_section(&c, i);
		else if ((s->flags & SHF_ALLOC) && s->data && s->type == SHT_PROGBITS)
			read_pointers(&c, s);
	}
	sort_refs(c.refs, funcs->n);
	decoder_close(c.decoder);
	free(c.is_entry);
	*ret = c.refs;
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
