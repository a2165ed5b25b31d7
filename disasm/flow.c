// SPDX-License-Identifier: GPL-2.0
/* Control flow inside one function of a kernel image. */
#include <string.h>

#include "disasm/flow.h"

struct follow {
	const struct funcs *funcs;
	struct decoder *decoder;
	uint32_t func;		/* the function; its parts belong to it */
	struct flow *flow;
	uint64_t *todo;
	uint32_t nr_todo, cap_todo;
	uint32_t cap;
	int depth;		/* 0: calls are looked into to see whether they return */
};

static void follow(struct follow *f);

static bool is_inside(const struct follow *f, uint64_t addr)
{
	uint32_t id = funcs_at(f->funcs, addr);

	return id == f->func || (id != NO_ID && f->funcs->v[id].parent == f->func);
}

static bool returns(const struct follow *f, uint64_t target)
{
	uint32_t callee = funcs_starting_at(f->funcs, target);
	struct flow flow = { 0 };
	struct follow inner = {
		.funcs = f->funcs,
		.decoder = f->decoder,
		.func = callee,
		.flow = &flow,
		.depth = f->depth + 1,
	};
	bool leaves;

	if (callee == NO_ID || f->depth)
		return true;
	GROW(inner.todo, inner.nr_todo, inner.cap_todo);
	inner.todo[inner.nr_todo++] = target;
	follow(&inner);
	leaves = flow.leaves;
	flow_release(&flow);
	return leaves;
}

static void push(struct follow *f, uint64_t addr)
{
	if (!is_inside(f, addr)) {
		f->flow->leaves = true;
		return;
	}
	GROW(f->todo, f->nr_todo, f->cap_todo);
	f->todo[f->nr_todo++] = addr;
}

/* Position of @addr in the sorted array, or where it belongs. */
static uint32_t position(const struct flow *flow, uint64_t addr)
{
	uint32_t lo = 0, hi = flow->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (flow->v[mid] < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool flow_returns(const struct funcs *funcs, struct decoder *decoder, uint32_t func)
{
	const struct follow f = { .funcs = funcs, .decoder = decoder };

	return returns(&f, funcs->v[func].low);
}

bool flow_has(const struct flow *flow, uint64_t addr)
{
	uint32_t i = position(flow, addr);

	return i < flow->n && flow->v[i] == addr;
}

static bool visit(struct follow *f, uint64_t addr)
{
	struct flow *flow = f->flow;
	uint32_t i = position(flow, addr);

	if (i < flow->n && flow->v[i] == addr)
		return false;
	GROW(flow->v, flow->n, f->cap);
	memmove(&flow->v[i + 1], &flow->v[i], (flow->n - i) * sizeof(*flow->v));
	flow->v[i] = addr;
	flow->n++;
	return true;
}

/* One straight run of instructions; branch targets are put on the list. */
static void follow_run(struct follow *f, uint64_t addr)
{
	for (;;) {
		const uint8_t *bytes;
		uint64_t left;
		struct insn insn;
		uint32_t id;

		id = funcs_at(f->funcs, addr);
		if (!is_inside(f, addr))
			return;		/* fell off the end: behind a call that does not return */
		left = f->funcs->v[id].high - addr;
		bytes = image_bytes(f->funcs->image, addr, left);
		if (!bytes || !visit(f, addr) || !decode(f->decoder, bytes, left, addr, &insn))
			return;
		addr += insn.size;
		switch (insn.kind) {
		case INSN_CALL:
			if (!returns(f, insn.target))
				return;
			break;
		case INSN_BRANCH:
			push(f, insn.target);
			break;
		case INSN_JUMP:
			push(f, insn.target);
			return;
		case INSN_RETURN:
		case INSN_INDIRECT_JUMP:
			f->flow->leaves = true;
			return;
		case INSN_TRAP:
			/* ud2 of WARN() is resumed behind it (arch/x86/kernel/traps.c) */
			break;
		default:
			break;
		}
	}
}

static void follow(struct follow *f)
{
	while (f->nr_todo)
		follow_run(f, f->todo[--f->nr_todo]);
	free(f->todo);
}

void flow_from(const struct funcs *funcs, struct decoder *decoder, uint32_t func, uint64_t start,
	       struct flow *ret)
{
	struct follow f = { .funcs = funcs, .decoder = decoder, .func = func, .flow = ret };

	memset(ret, 0, sizeof(*ret));
	push(&f, start);
	follow(&f);
}

void flow_release(struct flow *flow)
{
	free(flow->v);
	memset(flow, 0, sizeof(*flow));
}
