// SPDX-License-Identifier: GPL-2.0
/* Symbolic execution of the code behind a stack switch. */
#include <string.h>

#include "disasm/resume.h"

#define MAX_SLOTS 32

struct state {
	int64_t sp;			/* - CFA */
	bool has_fp;			/* the frame pointer is the function's own */
	uint32_t callers;		/* callee-saved registers that hold the caller's value */
	int64_t slots[MAX_SLOTS];	/* stack slots that were written on the way */
	uint32_t nr_slots;
};

struct path {
	uint64_t addr;
	struct state state;
};

struct proof {
	const struct funcs *funcs;
	struct decoder *decoder;
	const struct machine *machine;
	uint32_t func;
	const struct flow *after;
	const struct frame *frame;
	struct path *seen, *todo;
	uint32_t nr_seen, cap_seen, nr_todo, cap_todo;
};

static struct err *refuse(const struct proof *p, uint64_t addr, const char *text, const char *why)
{
	AUTO_FREE char *place = funcs_place(p->funcs, addr);

	return err_new("%s: `%s` behind the stack switch %s", place, text, why);
}

static bool has_slot(const struct state *s, int64_t slot)
{
	for (uint32_t i = 0; i < s->nr_slots; i++)
		if (s->slots[i] == slot)
			return true;
	return false;
}

/* Whether a walk that began in state @seen holds for state @s as well: it has all that the walk could read. */
static bool is_covered(const struct state *seen, const struct state *s)
{
	if (seen->sp != s->sp || seen->has_fp != s->has_fp || seen->callers != s->callers)
		return false;
	for (uint32_t i = 0; i < seen->nr_slots; i++)
		if (!has_slot(s, seen->slots[i]))
			return false;
	return true;
}

/* Puts a path on the list, unless it was walked. */
static struct err *push(struct proof *p, uint64_t addr, const struct state *state)
{
	if (!flow_has(p->after, addr))
		return NULL;	/* behind a call that does not return */
	for (uint32_t i = 0; i < p->nr_seen; i++)
		if (p->seen[i].addr == addr)
			return is_covered(&p->seen[i].state, state) ? NULL :
				refuse(p, addr, "...", "is reached with different frames");
	GROW(p->seen, p->nr_seen, p->cap_seen);
	p->seen[p->nr_seen++] = (struct path){ addr, *state };
	GROW(p->todo, p->nr_todo, p->cap_todo);
	p->todo[p->nr_todo++] = (struct path){ addr, *state };
	return NULL;
}

static bool frame_slot(const struct proof *p, const struct state *s, const struct operand *o, int64_t *slot)
{
	if (o->kind != OPERAND_MEM)
		return false;
	if (o->base == p->machine->sp)
		*slot = s->sp + o->value;
	else if (o->base == p->machine->fp && s->has_fp)
		*slot = p->frame->fp + o->value;
	else
		return false;
	return true;
}

static bool is_supplied(const struct proof *p, const struct state *s, int64_t slot)
{
	if (slot >= -8)
		return true;	/* the return address and the caller's own frame */
	if (p->frame->has_canary && slot == p->frame->canary)
		return true;
	return has_slot(s, slot);
}

static bool overlaps_saved(const struct proof *p, int64_t slot, uint8_t size)
{
	if (slot + size > -8)
		return true;
	for (uint32_t reg = 0; reg < FRAME_REGS; reg++)
		if (p->frame->is_saved[reg] && slot < p->frame->saved[reg] + 8 &&
		    slot + size > p->frame->saved[reg])
			return true;
	return false;
}

static void write_slot(struct state *s, int64_t slot)
{
	if (s->nr_slots < MAX_SLOTS && !has_slot(s, slot))
		s->slots[s->nr_slots++] = slot;
}

/* Operands in memory and registers that are read: all must be there. */
static struct err *check_reads(const struct proof *p, const struct state *s, uint64_t addr,
			       const struct insn_detail *d)
{
	bool to_sp = d->operands[0].kind == OPERAND_REG && d->operands[0].reg == p->machine->sp;
	uint32_t read = d->regs_read & s->callers;

	if (s->has_fp)
		read &= ~(1U << p->machine->fp);
	if (read && d->op != OP_PUSH)
		return refuse(p, addr, d->text, "reads a register that was set before it");
	for (uint8_t i = 0; i < d->nr_operands; i++) {
		const struct operand *o = &d->operands[i];
		int64_t slot;

		if (o->kind == OPERAND_REG && o->read && !to_sp &&
		    (o->reg == p->machine->sp || (o->reg == p->machine->fp && s->has_fp)))
			return refuse(p, addr, d->text, "takes the address of a local variable");
		if (!frame_slot(p, s, o, &slot))
			continue;
		if (o->index != INSN_REG_NONE || d->op == OP_LEA)
			return refuse(p, addr, d->text, "takes the address of a local variable");
		if (o->read && !is_supplied(p, s, slot))
			return refuse(p, addr, d->text, "reads a local variable that was set before it");
	}
	return NULL;
}

static struct err *pop(const struct proof *p, struct state *s, uint64_t addr, const struct insn_detail *d,
		       uint8_t reg)
{
	const struct frame *f = p->frame;

	if (reg >= FRAME_REGS || !f->is_saved[reg] || f->saved[reg] != s->sp)
		return refuse(p, addr, d->text, "restores a register from a slot that holds another");
	s->callers |= 1U << reg;
	if (reg == p->machine->fp)
		s->has_fp = false;
	s->sp += 8;
	return NULL;
}

static struct err *run(const struct proof *p, struct state *s, uint64_t addr, const struct insn_detail *d)
{
	const struct operand *dst = &d->operands[0], *src = &d->operands[1];
	const struct machine *m = p->machine;
	bool to_sp = dst->kind == OPERAND_REG && dst->reg == m->sp;
	struct err *err;
	int64_t slot;

	if (d->op == OP_POP && dst->kind == OPERAND_REG)
		return pop(p, s, addr, d, dst->reg);
	if (d->op == OP_LEAVE && s->has_fp) {
		s->sp = p->frame->fp;
		return pop(p, s, addr, d, m->fp);
	}
	if (to_sp && s->has_fp && d->op == OP_LEA && src->base == m->fp && src->index == INSN_REG_NONE) {
		s->sp = p->frame->fp + src->value;
		return NULL;
	}
	err = check_reads(p, s, addr, d);
	if (err)
		return err;
	if (d->op == OP_PUSH) {
		s->sp -= 8;
		write_slot(s, s->sp);
		return NULL;
	}
	if (to_sp && (d->op == OP_ADD || d->op == OP_SUB) && src->kind == OPERAND_IMM) {
		s->sp += d->op == OP_ADD ? src->value : -src->value;
		return NULL;
	}
	if (to_sp && s->has_fp && d->op == OP_MOV && src->kind == OPERAND_REG && src->reg == m->fp) {
		s->sp = p->frame->fp;
		return NULL;
	}
	if (d->regs_written & (1U << m->sp))
		return refuse(p, addr, d->text, "moves the stack pointer in a way that is not understood");
	if (s->has_fp && (d->regs_written & (1U << m->fp)))
		return refuse(p, addr, d->text, "changes the frame pointer");
	if (dst->written && frame_slot(p, s, dst, &slot)) {
		if (overlaps_saved(p, slot, dst->size))
			return refuse(p, addr, d->text, "overwrites a saved register or the return address");
		if (dst->size == 8)
			write_slot(s, slot);	/* a shorter one supplies nothing */
	}
	s->callers &= ~d->regs_written;
	return NULL;
}

/* On leaving, stack and callee-saved registers must be the caller's again. */
static struct err *check_exit(const struct proof *p, const struct state *s, uint64_t addr, const char *text)
{
	if (s->sp != -8)
		return refuse(p, addr, text, "leaves with the stack pointer at another place than on entry");
	if ((s->callers & p->machine->callee_saved) != p->machine->callee_saved)
		return refuse(p, addr, text, "leaves without restoring the caller's registers");
	return NULL;
}

static bool is_inside(const struct proof *p, uint64_t addr)
{
	uint32_t id = funcs_at(p->funcs, addr);

	return id == p->func || (id != NO_ID && p->funcs->v[id].parent == p->func);
}

static struct err *step(struct proof *p, struct path path)
{
	uint64_t left = p->funcs->v[funcs_at(p->funcs, path.addr)].high - path.addr;
	const uint8_t *bytes = image_bytes(p->funcs->image, path.addr, left);
	struct insn_detail d;
	struct insn insn;
	struct err *err;

	if (!bytes || !decode(p->decoder, bytes, left, path.addr, &insn) ||
	    !decode_detail(p->decoder, bytes, insn.size, path.addr, &d))
		return refuse(p, path.addr, "?", "is not decodable");
	switch (insn.kind) {
	case INSN_RETURN:
	case INSN_INDIRECT_JUMP:
		return check_exit(p, &path.state, path.addr, d.text);
	case INSN_JUMP:
		if (!is_inside(p, insn.target))
			return check_exit(p, &path.state, path.addr, d.text);
		return push(p, insn.target, &path.state);
	case INSN_BRANCH:
		if (!is_inside(p, insn.target))
			return refuse(p, path.addr, d.text, "leaves the function");
		err = push(p, insn.target, &path.state);
		return err ?: push(p, path.addr + insn.size, &path.state);
	case INSN_CALL:
	case INSN_TRAP:
		break;		/* a callee keeps what it must keep and gets what was set for it */
	default:
		err = run(p, &path.state, path.addr, &d);
		if (err)
			return err;
	}
	return push(p, path.addr + insn.size, &path.state);
}

struct err *resume_prove(const struct funcs *funcs, struct decoder *decoder, const struct machine *machine,
			 uint32_t func, const struct flow *after, uint64_t resume,
			 const struct frame *frame)
{
	struct proof p = {
		.funcs = funcs, .decoder = decoder, .machine = machine,
		.func = func, .after = after, .frame = frame,
	};
	struct state start = {
		.sp = frame->sp,
		.has_fp = frame->has_fp,
		.callers = machine->callee_saved & ~(frame->has_fp ? 1U << machine->fp : 0),
	};
	struct err *err = flow_has(after, resume) ? push(&p, resume, &start) :
			  refuse(&p, resume, "...", "cannot be followed");

	while (!err && p.nr_todo)
		err = step(&p, p.todo[--p.nr_todo]);
	free(p.seen);
	free(p.todo);
	return err;
}
