// SPDX-License-Identifier: GPL-2.0
/* Decoding a function, and where control can go without a branch that shows it. */
#include <string.h>

#include "disasm/typeflow_code.h"

static int compare_edges(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

/*
 * Tables of entries that begin with two 32-bit distances, counted from where they stand: struct
 * jump_entry (include/linux/jump_label.h), struct exception_table_entry (asm/extable.h).
 */
static void add_edges(struct code *c, const char *start, const char *stop, uint64_t entry)
{
	uint32_t from = symbols_find(c->funcs->symbols, start), to = symbols_find(c->funcs->symbols, stop);
	uint64_t at, end;

	if (from == NO_ID || to == NO_ID)
		return;
	end = c->funcs->symbols->v[to].value;
	for (at = c->funcs->symbols->v[from].value; at < end && end - at >= entry; at += entry) {
		const uint8_t *p = image_bytes(c->funcs->image, at, entry);
		int32_t d[2];

		if (!p)
			return;
		memcpy(d, p, sizeof(d));
		GROW(c->edges, c->nr_edges, c->cap_edges);
		c->edges[c->nr_edges++] = (struct edge){ at + d[0], at + 4 + d[1] };
	}
}

static uint32_t step_at(const struct code *c, uint64_t addr)
{
	uint32_t lo = 0, hi = c->nr_steps;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->steps[mid].insn.addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->nr_steps && c->steps[lo].insn.addr == addr ? lo : UINT32_MAX;
}

static void decode_part(struct code *c, uint64_t low, uint64_t high)
{
	bool leader = true;

	for (uint64_t at = low; at < high;) {
		const uint8_t *bytes = image_bytes(c->funcs->image, at, high - at);
		struct insn_detail detail;
		struct step *step;

		GROW(c->steps, c->nr_steps, c->cap_steps);
		step = &c->steps[c->nr_steps];
		if (!bytes || !decode_operands(c->decoder, bytes, high - at, at, &step->insn, &detail)) {
			c->nr_stops++;
			c->bytes_left += high - at;
			return;
		}
		step->op = detail.op;
		step->nr_operands = detail.nr_operands;
		memcpy(step->operands, detail.operands, sizeof(step->operands));
		step->regs_written = detail.regs_written;
		step->leader = leader;
		leader = step->insn.kind == INSN_JUMP || step->insn.kind == INSN_BRANCH ||
			 step->insn.kind == INSN_RETURN || step->insn.kind == INSN_INDIRECT_JUMP;
		at += step->insn.size;
		c->nr_steps++;
	}
}

uint32_t code_first_edge(const struct code *c, uint64_t from)
{
	uint32_t lo = 0, hi = c->nr_edges;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->edges[mid].from < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void mark_leader(struct code *c, uint64_t addr)
{
	uint32_t i = step_at(c, addr);

	if (i != UINT32_MAX)
		c->steps[i].leader = true;
}

static void split_blocks(struct code *c)
{
	uint32_t e = c->nr_steps ? code_first_edge(c, c->steps[0].insn.addr) : 0;

	for (uint32_t i = 0; i < c->nr_steps; i++) {
		const struct insn *insn = &c->steps[i].insn;

		if (insn->kind == INSN_JUMP || insn->kind == INSN_BRANCH)
			mark_leader(c, insn->target);
		/* steps and edges are sorted: one walk */
		while (e < c->nr_edges && c->edges[e].from < insn->addr)
			e++;
		c->steps[i].has_edge = e < c->nr_edges && c->edges[e].from == insn->addr;
		for (; e < c->nr_edges && c->edges[e].from == insn->addr; e++)
			mark_leader(c, c->edges[e].to);
	}
	c->nr_blocks = 0;
	for (uint32_t i = 0; i < c->nr_steps; i++) {
		if (c->steps[i].leader) {
			GROW(c->blocks, c->nr_blocks, c->cap_blocks);
			memset(&c->blocks[c->nr_blocks], 0, sizeof(*c->blocks));
			c->blocks[c->nr_blocks++].first = i;
		}
		c->blocks[c->nr_blocks - 1].end = i + 1;
	}
}

uint32_t code_block_at(const struct code *c, uint64_t addr)
{
	uint32_t lo = 0, hi = c->nr_blocks;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->steps[c->blocks[mid].first].insn.addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->nr_blocks && c->steps[c->blocks[lo].first].insn.addr == addr ? lo : UINT32_MAX;
}

static int compare_steps(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	return x->insn.addr < y->insn.addr ? -1 : x->insn.addr > y->insn.addr;
}

struct err *code_open(const struct funcs *funcs, struct code *ret)
{
	struct err *err;

	memset(ret, 0, sizeof(*ret));
	ret->funcs = funcs;
	err = decoder_open(funcs->image->machine, &ret->decoder);
	if (err)
		return err;
	add_edges(ret, "__start___jump_table", "__stop___jump_table", 16);
	add_edges(ret, "__start___ex_table", "__stop___ex_table", 12);
	if (ret->nr_edges)
		qsort(ret->edges, ret->nr_edges, sizeof(*ret->edges), compare_edges);
	return NULL;
}

void code_release(struct code *c)
{
	decoder_close(c->decoder);
	free(c->edges);
	free(c->steps);
	free(c->blocks);
}

void code_read(struct code *c, const struct typeinfo *info, uint32_t func)
{
	const struct func *entry = &c->funcs->v[func];
	bool parted = false;

	c->nr_steps = 0;
	decode_part(c, entry->low, entry->high);
	for (uint32_t i = typeinfo_parts(info, entry->low);
	     i < info->nr_parts && info->parts[i].entry == entry->low; i++) {
		uint32_t part = funcs_starting_at(c->funcs, info->parts[i].low);

		if (part != NO_ID && part != func) {
			decode_part(c, c->funcs->v[part].low, c->funcs->v[part].high);
			parted = true;
		}
	}
	if (parted)
		qsort(c->steps, c->nr_steps, sizeof(*c->steps), compare_steps);
	split_blocks(c);
}

uint64_t step_bits(const struct step *step)
{
	const struct operand *o = step->operands;

	if (step->nr_operands != 2 || o[1].kind != OPERAND_IMM)
		return 0;
	switch (step->op) {
	case OP_OR: case OP_TEST: case OP_XOR:
		return o[1].value;
	case OP_AND:
		return ~(uint64_t)o[1].value & (o[0].size < 8 ? (1ULL << 8 * o[0].size) - 1 : UINT64_MAX);
	default:
		return 0;
	}
}
