// SPDX-License-Identifier: GPL-2.0
/* Symbolic execution of a function up to a call. */
#include <string.h>

#include "disasm/keep.h"

#define WORD 8
#define RCX 2

/* What must hold at the call: one for each register, and these. */
enum { KEEP_CFA_SLOT = SYMBOLIC_REGS, KEEP_RETURN, NR_KEEPS };

/* An instruction that was reached, and what holds ahead of it on every path so far. */
struct visit {
	uint64_t addr;
	struct symbolic state;
	bool waiting;		/* on the list */
};

struct walk {
	struct decoder *decoder;
	const struct machine *machine;
	const struct body *body;
	const struct frame *frame;
	struct visit *seen;
	uint32_t nr_seen, cap_seen;
	uint32_t *todo;		/* indices into seen */
	uint32_t nr_todo, cap_todo;
	uint64_t at_call;
	struct loss {
		uint64_t addr;
		char text[96];	/* empty: none */
	} lost[NR_KEEPS];	/* the first instruction, by address, that makes an end of each */
};

static const struct body_part *part_at(const struct walk *w, uint64_t addr)
{
	for (uint32_t i = 0; i < w->body->nr_parts; i++) {
		const struct body_part *part = &w->body->parts[i];

		if (addr >= part->code.addr && addr - part->code.addr < part->code.size)
			return part;
	}
	return NULL;
}

static struct err *refuse(const struct walk *w, uint64_t addr, const char *text, const char *what, const char *reg)
{
	const struct body_part *part = part_at(w, addr);

	return err_new("%s+0x%lx: `%s` ahead of the stack switch %s%s", part->name,
		       (unsigned long)(addr - part->code.addr), text, what, reg);
}

static struct value met(const struct value *a, const struct value *b)
{
	if (value_equal(a, b))
		return *a;
	return (struct value){ .kind = a->kind == VALUE_UNSET || b->kind == VALUE_UNSET ? VALUE_UNSET : VALUE_OTHER };
}

/* Keeps in @into what holds in @s as well; true where that is less than before. */
static bool meet(struct symbolic *into, const struct symbolic *s)
{
	bool changed = false;

	for (uint8_t reg = 0; reg < SYMBOLIC_REGS; reg++) {
		struct value v = met(&into->reg[reg], &s->reg[reg]);

		changed |= !value_equal(&v, &into->reg[reg]);
		into->reg[reg] = v;
	}
	for (uint32_t i = 0; i < into->nr_slots; i++) {
		struct value there = symbolic_load(s, into->slots[i].place);
		struct value v = met(&into->slots[i].value, &there);

		changed |= !value_equal(&v, &into->slots[i].value);
		into->slots[i].value = v;
	}
	return changed;
}

static void wait_for(struct walk *w, uint32_t i)
{
	if (w->seen[i].waiting)
		return;
	w->seen[i].waiting = true;
	GROW(w->todo, w->nr_todo, w->cap_todo);
	w->todo[w->nr_todo++] = i;
}

/* Goes on at @addr, unless that was walked with no more than @state has. */
static struct err *push(struct walk *w, uint64_t addr, const struct symbolic *state)
{
	uint8_t sp = w->machine->sp;

	if (!part_at(w, addr))
		return NULL;	/* behind a call that does not return */
	for (uint32_t i = 0; i < w->nr_seen; i++) {
		if (w->seen[i].addr != addr)
			continue;
		if (!value_equal(&w->seen[i].state.reg[sp], &state->reg[sp]) ||
		    w->seen[i].state.aligned_at != state->aligned_at)
			return refuse(w, addr, "...", "is reached with different stack pointers", "");
		if (meet(&w->seen[i].state, state))
			wait_for(w, i);
		return NULL;
	}
	GROW(w->seen, w->nr_seen, w->cap_seen);
	w->seen[w->nr_seen] = (struct visit){ .addr = addr, .state = *state };
	wait_for(w, w->nr_seen++);
	return NULL;
}

/* A string instruction that is repeated overwrites more than its operand; false where it is not known how much. */
static bool repeat(const struct insn_detail *d, const struct symbolic *before, struct symbolic *s)
{
	const struct operand *dst = &d->operands[0];
	const struct value *count = &before->reg[RCX];
	struct stack_place place;

	if (!dst->written || !symbolic_place(before, dst, &place))
		return true;
	if (count->kind != VALUE_NUMBER || count->number > UINT16_MAX)
		return false;
	symbolic_overwrite(s, place, count->number * dst->size);
	return true;
}

/* Whether @d writes into the stack at an index. */
static bool is_indexed_write(const struct insn_detail *d, const struct symbolic *s)
{
	for (uint8_t i = 0; i < d->nr_operands; i++) {
		const struct operand *o = &d->operands[i];

		if (o->kind != OPERAND_MEM || !o->written || o->segment || o->index == INSN_REG_NONE)
			continue;
		if ((o->base < SYMBOLIC_REGS && s->reg[o->base].kind == VALUE_STACK) ||
		    (o->index < SYMBOLIC_REGS && s->reg[o->index].kind == VALUE_STACK))
			return true;
	}
	return false;
}

static bool holds_at(const struct symbolic *s, struct stack_place place, struct value value)
{
	struct value there = symbolic_load(s, place);

	return value_equal(&there, &value);
}

static bool holds(const struct walk *w, const struct symbolic *s, uint32_t what)
{
	const struct frame *f = w->frame;
	struct value place = { .kind = VALUE_STACK };
	struct value own = value_caller(what);

	if (what == KEEP_CFA_SLOT)
		return !f->has_cfa_slot || holds_at(s, f->cfa_slot, value_stack(BASE_CFA, 0));
	if (what == KEEP_RETURN)
		return holds_at(s, (struct stack_place){ BASE_CFA, -WORD }, (struct value){ .kind = VALUE_RETURN });
	place.place = what == w->machine->sp ? f->sp : f->fp;
	if (what == w->machine->sp || (what == w->machine->fp && f->has_fp))
		if (!value_equal(&s->reg[what], &place))
			return false;
	if (!(w->machine->callee_saved & (1U << what)))
		return true;
	return f->is_saved[what] ? holds_at(s, f->saved[what], own) : value_equal(&s->reg[what], &own);
}

/* What @d makes an end of, unless it is the way out. */
static void note_losses(struct walk *w, const struct symbolic *before, const struct symbolic *after, uint64_t addr,
			const struct insn_detail *d)
{
	if (d->op == OP_POP || d->op == OP_LEAVE)
		return;
	for (uint32_t what = 0; what < NR_KEEPS; what++) {
		struct loss *lost = &w->lost[what];

		if ((*lost->text && lost->addr <= addr) || !holds(w, before, what) || holds(w, after, what))
			continue;
		lost->addr = addr;
		memcpy(lost->text, d->text, sizeof(lost->text));
	}
}

static struct err *run(struct walk *w, struct symbolic *s, uint64_t addr, const struct insn_detail *d)
{
	const struct operand *dst = &d->operands[0], *src = &d->operands[1];
	const struct symbolic before = *s;

	if (is_indexed_write(d, s))
		return refuse(w, addr, d->text, "writes into the frame at an index that is not known", "");
	symbolic_step(s, w->machine, d, 0);
	if (d->op == OP_REP && !repeat(d, &before, s))
		return refuse(w, addr, d->text, "overwrites a part of the frame that is not known", "");
	if (d->op == OP_MOV && dst->kind == OPERAND_REG && dst->reg < SYMBOLIC_REGS && dst->size >= 4 &&
	    src->kind == OPERAND_IMM)
		s->reg[dst->reg] = (struct value){ .kind = VALUE_NUMBER, .number = src->value };
	if (s->reg[w->machine->sp].kind != VALUE_STACK)
		return refuse(w, addr, d->text, "moves the stack pointer in a way that is not understood", "");
	note_losses(w, &before, s, addr, d);
	return NULL;
}

/* A callee keeps what it must keep. */
static void call(const struct machine *m, struct symbolic *s)
{
	symbolic_forget_below(s, m);
	for (uint8_t reg = 0; reg < SYMBOLIC_REGS; reg++)
		if (reg != m->sp && !(m->callee_saved & (1U << reg)))
			s->reg[reg] = (struct value){ .kind = VALUE_OTHER };
}

static const struct body_edge *edge_of(const struct walk *w, uint64_t addr)
{
	for (uint32_t i = 0; i < w->body->nr_edges; i++)
		if (w->body->edges[i].from == addr && w->body->edges[i].kind != EDGE_MAYBE)
			return &w->body->edges[i];
	return NULL;
}

/* A branch that leaves from within the frame would come back where nobody looks. */
static struct err *check_leaves(const struct walk *w, const struct symbolic *s, uint64_t addr, const char *text)
{
	struct value entry = value_stack(BASE_CFA, -WORD);

	if (value_equal(&s->reg[w->machine->sp], &entry))
		return NULL;
	return refuse(w, addr, text, "leads to a place that is not known", "");
}

static struct err *branch(struct walk *w, const struct symbolic *state, const struct insn *insn, const char *text)
{
	const struct body_edge *edge = edge_of(w, insn->addr);
	uint64_t to = edge ? edge->to : insn->target;

	if ((edge && edge->kind == EDGE_LEAVES) || !part_at(w, to))
		return check_leaves(w, state, insn->addr, text);
	return push(w, to, state);
}

static bool decode_at(const struct walk *w, uint64_t addr, struct insn *insn, struct insn_detail *d)
{
	const struct code_bytes *code = &part_at(w, addr)->code;
	const uint8_t *bytes = code->data + (addr - code->addr);
	uint64_t left = code->size - (addr - code->addr);

	return decode(w->decoder, bytes, left, addr, insn) && decode_detail(w->decoder, bytes, insn->size, addr, d);
}

static struct err *step(struct walk *w, uint64_t addr, struct symbolic state)
{
	const struct body_edge *edge = edge_of(w, addr);
	struct insn_detail d;
	struct insn insn;
	struct err *err = NULL;

	if (addr == w->at_call)
		return NULL;
	if (!decode_at(w, addr, &insn, &d))
		return refuse(w, addr, "?", "is not decodable", "");
	for (uint32_t i = 0; i < w->body->nr_edges && !err; i++)
		if (w->body->edges[i].from == addr && w->body->edges[i].kind == EDGE_MAYBE)
			err = push(w, w->body->edges[i].to, &state);
	if (err)
		return err;
	switch (insn.kind) {
	case INSN_RETURN:
	case INSN_INDIRECT_JUMP:
		return check_leaves(w, &state, addr, d.text);
	case INSN_JUMP:
		return branch(w, &state, &insn, d.text);
	case INSN_BRANCH:
		err = branch(w, &state, &insn, d.text);
		break;
	case INSN_CALL:
	case INSN_INDIRECT_CALL:
		if (edge && edge->kind == EDGE_ENDS)
			return NULL;
		call(w->machine, &state);
		break;
	case INSN_TRAP:
		break;
	default:
		err = run(w, &state, addr, &d);
	}
	return err ?: push(w, addr + insn.size, &state);
}

static struct err *blame(const struct walk *w, uint32_t what)
{
	static const char *const why[] = {
		[KEEP_CFA_SLOT] = "overwrites the word with the CFA", [KEEP_RETURN] = "overwrites the return address",
	};
	const struct loss *lost = &w->lost[what];

	if (what == w->machine->sp || !*lost->text)
		return refuse(w, w->at_call, "...", "is reached with another frame than the prologue's: ",
			      what < SYMBOLIC_REGS ? frame_reg_names[what] : why[what]);
	if (what >= SYMBOLIC_REGS)
		return refuse(w, lost->addr, lost->text, why[what], "");
	if (what == w->machine->fp && w->frame->has_fp)
		return refuse(w, lost->addr, lost->text, "changes the frame pointer, or the slot with the caller's", "");
	return refuse(w, lost->addr, lost->text, w->frame->is_saved[what] ? "overwrites the slot of %" :
		      "overwrites a register that the frame does not save: %", frame_reg_names[what]);
}

static struct err *check_call(const struct walk *w)
{
	for (uint32_t i = 0; i < w->nr_seen; i++) {
		if (w->seen[i].addr != w->at_call)
			continue;
		for (uint32_t what = 0; what < NR_KEEPS; what++)
			if (!holds(w, &w->seen[i].state, what))
				return blame(w, what);
		return NULL;
	}
	return refuse(w, w->at_call, "...", "is reached on no path that can be followed", "");
}

struct err *body_keeps_frame(struct decoder *decoder, const struct machine *machine, const struct body *body,
			     uint64_t call, const struct frame *frame)
{
	struct walk w = { .decoder = decoder, .machine = machine, .body = body, .frame = frame, .at_call = call };
	struct symbolic entry;
	struct err *err;

	symbolic_entry(machine, &entry);
	err = push(&w, body->parts[0].code.addr, &entry);
	while (!err && w.nr_todo) {
		struct visit *next = &w.seen[w.todo[--w.nr_todo]];

		next->waiting = false;
		err = step(&w, next->addr, next->state);
	}
	err = err ?: check_call(&w);
	free(w.seen);
	free(w.todo);
	return err;
}
