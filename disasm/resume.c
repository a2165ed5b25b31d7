// SPDX-License-Identifier: GPL-2.0
/* Symbolic execution of the code behind a call. */
#include <stdio.h>
#include <string.h>

#include "disasm/resume.h"

/* An instruction that was reached, and what holds there on every path so far. */
struct visit {
	uint64_t addr;
	struct symbolic state;
	bool waiting;		/* on the list */
};

struct walk {
	const struct funcs *funcs;
	struct decoder *decoder;
	const struct machine *machine;
	uint32_t func;
	const struct flow *after;
	const struct frame *frame;
	struct needs *needs;
	struct visit *seen;
	uint32_t nr_seen, cap_seen;
	uint32_t *todo;		/* indices into seen */
	uint32_t nr_todo, cap_todo;
	uint32_t took_off;	/* registers by which marks were taken off */
};

static struct err *refuse(const struct funcs *funcs, uint64_t addr, const char *text, const char *why)
{
	AUTO_FREE char *place = funcs_place(funcs, addr);

	return err_new("%s: `%s` behind the stack switch %s", place, text, why);
}

static struct value met(const struct value *a, const struct value *b)
{
	if (value_equal(a, b))
		return *a;
	return (struct value){ a->kind == VALUE_UNSET || b->kind == VALUE_UNSET ? VALUE_UNSET : VALUE_OTHER, 0,
			       { 0, 0 }, 0 };
}

/*
 * Keeps in @into what holds in @s as well; @changed says whether that is less than before.
 * False where the two have different frames.
 */
static bool meet(const struct machine *m, struct symbolic *into, const struct symbolic *s, bool *changed)
{
	bool frame = into->reg[m->fp].kind == VALUE_STACK || s->reg[m->fp].kind == VALUE_STACK;

	*changed = false;
	if (!value_equal(&into->reg[m->sp], &s->reg[m->sp]) ||
	    (frame && !value_equal(&into->reg[m->fp], &s->reg[m->fp])))
		return false;
	for (uint8_t reg = 0; reg < SYMBOLIC_REGS; reg++) {
		struct value v = met(&into->reg[reg], &s->reg[reg]);

		*changed |= !value_equal(&v, &into->reg[reg]);
		into->reg[reg] = v;
	}
	for (uint32_t i = 0; i < into->nr_slots; i++) {
		struct value there = symbolic_load(s, into->slots[i].place);
		struct value v = met(&into->slots[i].value, &there);

		*changed |= !value_equal(&v, &into->slots[i].value);
		into->slots[i].value = v;
	}
	return true;
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
	bool changed;

	if (!flow_has(w->after, addr))
		return NULL;	/* behind a call that does not return */
	for (uint32_t i = 0; i < w->nr_seen; i++) {
		if (w->seen[i].addr != addr)
			continue;
		if (!meet(w->machine, &w->seen[i].state, state, &changed))
			return refuse(w->funcs, addr, "...", "is reached with different frames");
		if (changed)
			wait_for(w, i);
		return NULL;
	}
	GROW(w->seen, w->nr_seen, w->cap_seen);
	w->seen[w->nr_seen] = (struct visit){ addr, *state, false };
	wait_for(w, w->nr_seen++);
	return NULL;
}

static int compare_needs(const void *a, const void *b)
{
	const struct need *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->place.base != y->place.base)
		return x->place.base < y->place.base ? -1 : 1;
	if (x->place.offset != y->place.offset)
		return x->place.offset < y->place.offset ? -1 : 1;
	if (x->reg != y->reg)
		return x->reg < y->reg ? -1 : 1;
	return (x->size > y->size) - (x->size < y->size);
}

static void add_need(struct walk *w, struct need need, uint64_t addr, const char *text)
{
	struct needs *needs = w->needs;

	need.addr = addr;
	snprintf(need.text, sizeof(need.text), "%s", text);
	for (uint32_t i = 0; i < needs->n; i++)
		if (!compare_needs(&needs->v[i], &need)) {
			if (addr < needs->v[i].addr)
				needs->v[i] = need;
			return;
		}
	GROW(needs->v, needs->n, needs->cap);
	needs->v[needs->n++] = need;
}

/* A value of the caller's that was never saved is as good as one that the top half has set. */
static bool is_from_above(const struct value *v)
{
	return v->kind == VALUE_UNSET || v->kind == VALUE_CALLER;
}

/* Whether @o is written and lies between the first and the last of the marks at this place of the frame. */
static bool is_among_marks(const struct frame *f, const struct operand *o, const struct value *addr)
{
	uint64_t low = UINT64_MAX, high = 0;

	for (uint32_t i = 0; i < f->nr_marks; i++) {
		struct value mark = f->marks[i].addr;
		uint64_t start = mark.number;

		mark.number = addr->number;
		if (!value_equal(&mark, addr))
			continue;
		low = start < low ? start : low;
		high = start + f->marks[i].size > high ? start + f->marks[i].size : high;
	}
	return o->written && !o->read && addr->number >= low && addr->number < high && o->size <= high - addr->number;
}

/* Whether @o makes something else of where the sanitizer's marks are than to take them off. */
static bool misuses_shadow(const struct frame *f, const struct symbolic *s, const struct insn_detail *d,
			   const struct operand *o)
{
	struct value addr;

	if (o->kind == OPERAND_REG)
		return o->read && o->reg < SYMBOLIC_REGS && s->reg[o->reg].kind == VALUE_SHADOW && d->op != OP_ADD &&
		       (d->op != OP_MOV || d->operands[0].kind != OPERAND_REG);
	if (o->kind != OPERAND_MEM)
		return false;
	if (symbolic_shadow(s, o, &addr))
		return !is_among_marks(f, o, &addr);
	return (o->base < SYMBOLIC_REGS && s->reg[o->base].kind == VALUE_SHADOW) ||
	       (o->index < SYMBOLIC_REGS && s->reg[o->index].kind == VALUE_SHADOW);
}

/* Whether @d reads the place of the marks into a register, and nothing else. */
static bool loads_shadow(const struct frame *f, const struct symbolic *s, const struct insn_detail *d)
{
	const struct operand *dst = &d->operands[0];
	struct stack_place place;

	return f->in_slot && d->op == OP_MOV && dst->kind == OPERAND_REG && dst->size == 8 && dst->reg < SYMBOLIC_REGS &&
	       symbolic_place(s, &d->operands[1], &place) && place_equal(place, f->shadow_slot) &&
	       symbolic_load(s, place).kind == VALUE_UNSET;
}

/* The place of the marks is not for anything else than what loads_shadow() knows. */
static struct need slot_need(const struct frame *f, const struct symbolic *s, const struct insn_detail *d,
			     const struct operand *o, struct stack_place place)
{
	if (f->in_slot && place_equal(place, f->shadow_slot) && !loads_shadow(f, s, d))
		return (struct need){ .kind = NEED_ADDRESS };
	return (struct need){ .kind = NEED_SLOT, .place = place, .size = o->size };
}

static void note_reads(struct walk *w, const struct symbolic *s, uint64_t addr, const struct insn_detail *d)
{
	const struct machine *m = w->machine;
	bool to_sp = d->operands[0].kind == OPERAND_REG && d->operands[0].reg == m->sp;
	struct stack_place place;

	for (uint8_t reg = 0; reg < SYMBOLIC_REGS; reg++)
		if ((d->regs_read & (1U << reg)) && d->op != OP_PUSH && !insn_zeroes(d) &&
		    is_from_above(&s->reg[reg]))
			add_need(w, (struct need){ .kind = NEED_REGISTER, .reg = reg }, addr, d->text);
	for (uint8_t i = 0; i < d->nr_operands; i++) {
		const struct operand *o = &d->operands[i];
		bool on_stack = o->kind == OPERAND_MEM && o->base < SYMBOLIC_REGS && !o->segment &&
				s->reg[o->base].kind == VALUE_STACK;

		if (!to_sp && ((o->kind == OPERAND_REG && o->read && o->reg < SYMBOLIC_REGS &&
				s->reg[o->reg].kind == VALUE_STACK) ||
			       (on_stack && (o->index != INSN_REG_NONE || d->op == OP_LEA))))
			add_need(w, (struct need){ .kind = NEED_ADDRESS }, addr, d->text);
		else if (misuses_shadow(w->frame, s, d, o))
			add_need(w, (struct need){ .kind = NEED_ADDRESS }, addr, d->text);
		else if (o->read && d->op != OP_LEA && symbolic_place(s, o, &place) &&
			 (place.base != BASE_CFA || place.offset < -8) &&
			 symbolic_load(s, place).kind == VALUE_UNSET)
			add_need(w, slot_need(w->frame, s, d, o, place), addr, d->text);
	}
}

static bool overlaps_saved(const struct frame *f, struct stack_place place, uint8_t size)
{
	if (place.base == BASE_CFA && place.offset + size > -8)
		return true;
	for (uint32_t reg = 0; reg < FRAME_REGS; reg++)
		if (f->is_saved[reg] && place.base == f->saved[reg].base &&
		    place.offset < f->saved[reg].offset + 8 && place.offset + size > f->saved[reg].offset)
			return true;
	return false;
}

/* Whether a register that calls preserve is loaded from a slot that holds no value of its own. */
static bool restores_another(const struct walk *w, const struct symbolic *s, const struct insn_detail *d)
{
	const struct value *sp = &s->reg[w->machine->sp], *fp = &s->reg[w->machine->fp];
	uint8_t reg = d->op == OP_LEAVE ? w->machine->fp : d->operands[0].reg;
	struct value own = value_caller(reg), value;

	if ((d->op != OP_POP && d->op != OP_LEAVE) || (d->op == OP_LEAVE ? fp : sp)->kind != VALUE_STACK)
		return false;
	value = symbolic_load(s, (d->op == OP_LEAVE ? fp : sp)->place);
	return is_from_above(&value) && !value_equal(&value, &own);
}

/*
 * What is read where the place of the marks is kept, unless that was written meanwhile: it is what is done with it that
 * tells that it is that.
 */
static void take_shadow(struct walk *w, struct symbolic *s, uint64_t addr, const struct insn_detail *d)
{
	const struct frame *f = w->frame;

	if (!f->in_reg || !(d->regs_read & (1U << f->shadow_reg)) || d->op == OP_PUSH || insn_zeroes(d) ||
	    s->reg[f->shadow_reg].kind != VALUE_UNSET)
		return;
	add_need(w, (struct need){ .kind = NEED_REGISTER, .reg = f->shadow_reg }, addr, d->text);
	s->reg[f->shadow_reg] = f->shadow;
}

static struct err *run(struct walk *w, struct symbolic *s, uint64_t addr, const struct insn_detail *d)
{
	const struct operand *dst = &d->operands[0];
	const struct machine *m = w->machine;
	bool has_fp = s->reg[m->fp].kind == VALUE_STACK, shadow;
	struct stack_place place;
	struct value mark;

	if (restores_another(w, s, d))
		return refuse(w->funcs, addr, d->text, "restores a register from a slot that holds another");
	if (dst->written && symbolic_place(s, dst, &place) && overlaps_saved(w->frame, place, dst->size))
		return refuse(w->funcs, addr, d->text, "overwrites a saved register or the return address");
	take_shadow(w, s, addr, d);
	note_reads(w, s, addr, d);
	if (symbolic_shadow(s, dst, &mark))
		w->took_off |= (dst->base < SYMBOLIC_REGS ? 1U << dst->base : 0) |
			       (dst->index < SYMBOLIC_REGS ? 1U << dst->index : 0);
	shadow = loads_shadow(w->frame, s, d);
	symbolic_step(s, m, d, 0);
	if (shadow)
		s->reg[dst->reg] = w->frame->shadow;
	if (dst->kind == OPERAND_REG && dst->written && dst->reg < SYMBOLIC_REGS &&
	    s->reg[dst->reg].kind == VALUE_UNSET)
		s->reg[dst->reg].kind = VALUE_OTHER;	/* a need by now: that is told once */
	if (s->reg[m->sp].kind != VALUE_STACK || (d->op == OP_AND && (d->regs_written & (1U << m->sp))))
		return refuse(w->funcs, addr, d->text, "moves the stack pointer in a way that is not understood");
	if (has_fp && s->reg[m->fp].kind != VALUE_STACK && s->reg[m->fp].kind != VALUE_CALLER)
		return refuse(w->funcs, addr, d->text, "changes the frame pointer");
	return NULL;
}

/* A callee has nothing to do with the place of the marks; in registers by which they were taken off it may be left. */
static void note_handed(struct walk *w, const struct symbolic *s, uint64_t addr, const struct insn_detail *d)
{
	for (uint8_t reg = 0; reg < SYMBOLIC_REGS; reg++)
		if ((w->machine->args & ~w->took_off & (1U << reg)) && s->reg[reg].kind == VALUE_SHADOW)
			add_need(w, (struct need){ .kind = NEED_ADDRESS }, addr, d->text);
}

/* A callee keeps what it must keep, and gets what was set for it. */
static void call(const struct machine *m, struct symbolic *s)
{
	symbolic_forget_below(s, m);
	for (uint8_t reg = 0; reg < SYMBOLIC_REGS; reg++)
		if (reg != m->sp && !(m->callee_saved & (1U << reg)))
			s->reg[reg] = (struct value){ .kind = VALUE_OTHER };
}

/* On leaving, stack and callee-saved registers must be the caller's again. */
static struct err *check_exit(const struct walk *w, const struct symbolic *s, uint64_t addr, const char *text)
{
	struct value entry = value_stack(BASE_CFA, -8);

	if (!value_equal(&s->reg[w->machine->sp], &entry))
		return refuse(w->funcs, addr, text, "leaves with the stack pointer at another place than on entry");
	for (uint8_t reg = 0; reg < SYMBOLIC_REGS; reg++) {
		struct value own = value_caller(reg);

		if ((w->machine->callee_saved & (1U << reg)) && !value_equal(&s->reg[reg], &own))
			return refuse(w->funcs, addr, text, "leaves without restoring the caller's registers");
	}
	return NULL;
}

static bool is_inside(const struct walk *w, uint64_t addr)
{
	uint32_t id = funcs_at(w->funcs, addr);

	return id == w->func || (id != NO_ID && w->funcs->v[id].parent == w->func);
}

static struct err *step(struct walk *w, uint64_t addr, struct symbolic state)
{
	uint64_t left = w->funcs->v[funcs_at(w->funcs, addr)].high - addr;
	const uint8_t *bytes = image_bytes(w->funcs->image, addr, left);
	struct insn_detail d;
	struct insn insn;
	struct err *err = NULL;

	if (!bytes || !decode(w->decoder, bytes, left, addr, &insn) ||
	    !decode_detail(w->decoder, bytes, insn.size, addr, &d))
		return refuse(w->funcs, addr, "?", "is not decodable");
	switch (insn.kind) {
	case INSN_RETURN:
	case INSN_INDIRECT_JUMP:
		return check_exit(w, &state, addr, d.text);
	case INSN_JUMP:
		if (!is_inside(w, insn.target))
			return check_exit(w, &state, addr, d.text);
		return push(w, insn.target, &state);
	case INSN_BRANCH:
		if (!is_inside(w, insn.target))
			return refuse(w->funcs, addr, d.text, "leaves the function");
		err = push(w, insn.target, &state);
		break;
	case INSN_INDIRECT_CALL:
		take_shadow(w, &state, addr, &d);
		note_reads(w, &state, addr, &d);
		/* fall through */
	case INSN_CALL:
		note_handed(w, &state, addr, &d);
		call(w->machine, &state);
		break;
	case INSN_TRAP:
		break;
	default:
		err = run(w, &state, addr, &d);
	}
	return err ?: push(w, addr + insn.size, &state);
}

struct err *resume_read(const struct funcs *funcs, struct decoder *decoder, const struct machine *machine,
			uint32_t func, const struct flow *after, uint64_t resume,
			const struct frame *frame, struct needs *ret)
{
	struct walk w = {
		.funcs = funcs, .decoder = decoder, .machine = machine,
		.func = func, .after = after, .frame = frame, .needs = ret,
	};
	struct symbolic start;
	struct err *err;

	memset(ret, 0, sizeof(*ret));
	frame_state(frame, machine, &start);
	if (frame->has_canary)	/* like any local: who reads it is told */
		symbolic_store(&start, frame->canary, (struct value){ .kind = VALUE_UNSET });
	if (frame->in_slot)
		symbolic_store(&start, frame->shadow_slot, (struct value){ .kind = VALUE_UNSET });
	call(machine, &start);
	err = flow_has(after, resume) ? push(&w, resume, &start) :
	      refuse(funcs, resume, "...", "cannot be followed");
	while (!err && w.nr_todo) {
		struct visit *next = &w.seen[w.todo[--w.nr_todo]];

		next->waiting = false;
		err = step(&w, next->addr, next->state);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_needs);
	free(w.seen);
	free(w.todo);
	return err;
}

void needs_release(struct needs *needs)
{
	free(needs->v);
	memset(needs, 0, sizeof(*needs));
}

bool need_is_canary(const struct need *need, const struct frame *frame)
{
	return need->kind == NEED_SLOT && frame->has_canary && place_equal(need->place, frame->canary) &&
	       need->size == 8;
}

bool need_is_shadow(const struct need *need, const struct frame *frame)
{
	if (need->kind == NEED_REGISTER)
		return frame->in_reg && need->reg == frame->shadow_reg;
	return need->kind == NEED_SLOT && frame->in_slot && place_equal(need->place, frame->shadow_slot) &&
	       need->size == 8;
}

struct err *resume_prove(const struct funcs *funcs, const struct frame *frame, const struct needs *needs)
{
	static const char *const why[] = {
		[NEED_SLOT] = "reads a local variable that was set before it",
		[NEED_REGISTER] = "reads a register that was set before it",
		[NEED_ADDRESS] = "takes the address of a local variable",
	};

	for (uint32_t i = 0; i < needs->n; i++)
		if (!need_is_canary(&needs->v[i], frame) && !need_is_shadow(&needs->v[i], frame))
			return refuse(funcs, needs->v[i].addr, needs->v[i].text, why[needs->v[i].kind]);
	return NULL;
}
