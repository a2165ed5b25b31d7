// SPDX-License-Identifier: GPL-2.0
/* Prologues. */
#include <string.h>

#include "disasm/frame.h"

struct prologue {
	const struct machine *machine;
	struct frame *frame;
	struct symbolic state;
	struct setup_insn cpu_load;	/* the last load from per-CPU memory */
	struct setup_insn made[FRAME_REGS][2];	/* of a register: the address on the stack, and its shift */
};

const char *const frame_reg_names[FRAME_REGS] = {
	"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
};

/* In the order of addresses, whatever the order in which it is known what each is for. */
static struct err *add_setup(struct frame *frame, const struct setup_insn *insn)
{
	uint32_t at = frame->nr_setup;

	if (frame->nr_setup == FRAME_MAX_SETUP)
		return err_new("the prologue has more than %u instructions", FRAME_MAX_SETUP);
	for (; at && frame->setup[at - 1].addr >= insn->addr; at--)
		if (frame->setup[at - 1].addr == insn->addr)
			return NULL;
	memmove(&frame->setup[at + 1], &frame->setup[at], (frame->nr_setup - at) * sizeof(*insn));
	frame->setup[at] = *insn;
	frame->nr_setup++;
	return NULL;
}

/*
 * The address sanitizer (gcc -fsanitize=kernel-address --param asan-stack=1): an address of the frame, shifted, is
 * where the marks are, but for a constant; it is kept for the way out, which takes them off.
 */
static struct err *keep_shadow(struct prologue *p, struct value value, uint8_t reg)
{
	struct frame *f = p->frame;
	struct err *err = NULL;

	f->shadow = value;
	for (uint32_t i = 0; i < 2 && !err; i++)
		err = add_setup(f, &p->made[reg][i]);
	return err;
}

/* Whether it is known how what is in @reg was made, and that it is the one that is kept, if one is. */
static bool is_shadow(const struct prologue *p, struct value value, uint8_t reg)
{
	const struct frame *f = p->frame;

	return value.kind == VALUE_SHADOW && !value.number && p->made[reg][0].size && p->made[reg][1].size &&
	       (!f->in_slot || value_equal(&value, &f->shadow));
}

static struct err *note_shadow(struct prologue *p, struct stack_place place, struct value value, uint8_t reg,
			       const struct setup_insn *setup)
{
	struct frame *f = p->frame;
	struct err *err;

	if (f->in_slot || !is_shadow(p, value, reg))
		return NULL;
	err = keep_shadow(p, value, reg);
	f->in_slot = true;
	f->shadow_slot = place;
	return err ?: add_setup(f, setup);
}

/* Registers, when the prologue is over. */
static struct err *find_shadow(struct prologue *p)
{
	struct frame *f = p->frame;

	for (uint8_t reg = 0; reg < FRAME_REGS && !f->in_reg; reg++)
		if ((p->machine->callee_saved & (1U << reg)) && is_shadow(p, p->state.reg[reg], reg)) {
			f->in_reg = true;
			f->shadow_reg = reg;
			return keep_shadow(p, p->state.reg[reg], reg);
		}
	return NULL;
}

static struct err *note_mark(struct frame *f, struct value addr, uint8_t size)
{
	if (f->nr_marks == FRAME_MAX_MARKS)
		return err_new("the prologue marks more than %u places in shadow memory", FRAME_MAX_MARKS);
	f->marks[f->nr_marks++] = (struct frame_mark){ addr, size };
	return NULL;
}

/*
 * The stack protector: its value is loaded from per-CPU memory (%gs) into a register
 * and stored in the frame (gcc -fstack-protector, arch/x86/include/asm/stackprotector.h).
 */
static struct err *note_store(struct prologue *p, struct stack_place place, const struct operand *from,
			      const struct setup_insn *setup)
{
	struct value value = symbolic_load(&p->state, place);
	struct frame *f = p->frame;
	struct err *err;

	if (value.kind == VALUE_CPU && !f->has_canary) {
		f->has_canary = true;
		f->canary = place;
		f->canary_source = value.number;
		err = add_setup(f, &p->cpu_load);
		return err ?: add_setup(f, setup);
	}
	if (value.kind == VALUE_SHADOW && from->kind == OPERAND_REG)
		return note_shadow(p, place, value, from->reg, setup);
	return value.kind == VALUE_CALLER ? add_setup(f, setup) : NULL;
}

/* What an instruction has done to the frame, now that the state knows of it. */
static struct err *note(struct prologue *p, const struct insn_detail *d, const struct setup_insn *setup)
{
	const struct operand *dst = &d->operands[0];
	const struct machine *m = p->machine;
	const struct value *fp = &p->state.reg[m->fp];
	struct frame *f = p->frame;
	struct stack_place place;
	struct value addr;

	if (d->regs_written & (1U << m->sp)) {
		if (p->state.reg[m->sp].kind != VALUE_STACK || d->op == OP_POP || d->op == OP_LEAVE)
			return err_new("`%s` moves the stack pointer in a way that is not understood", d->text);
		return add_setup(f, setup);
	}
	if (dst->kind == OPERAND_REG && dst->written && dst->reg < FRAME_REGS) {
		if (p->state.reg[dst->reg].kind == VALUE_CPU)
			p->cpu_load = *setup;
		if (p->state.reg[dst->reg].kind == VALUE_STACK)
			p->made[dst->reg][0] = *setup;
		else if (d->op == OP_SHR)
			p->made[dst->reg][1] = *setup;
		if (dst->reg == m->fp && fp->kind == VALUE_STACK && !f->has_fp) {
			f->has_fp = true;
			f->fp = fp->place;
			return add_setup(f, setup);
		}
	}
	if (f->has_fp && (fp->kind != VALUE_STACK || !place_equal(fp->place, f->fp)))
		return err_new("`%s` changes the frame pointer", d->text);
	if (!dst->written || dst->kind != OPERAND_MEM)
		return NULL;
	if (symbolic_shadow(&p->state, dst, &addr))
		return note_mark(f, addr, dst->size);
	return symbolic_place(&p->state, dst, &place) ? note_store(p, place, &d->operands[1], setup) : NULL;
}

/* Where things are when the prologue is over. Of two copies the first is the one to be restored. */
static void find_slots(const struct prologue *p)
{
	struct frame *f = p->frame;

	for (uint32_t i = p->state.nr_slots; i--;) {
		const struct slot *slot = &p->state.slots[i];

		if (slot->value.kind == VALUE_CALLER) {
			f->is_saved[slot->value.reg] = true;
			f->saved[slot->value.reg] = slot->place;
		} else if (slot->value.kind == VALUE_STACK && slot->value.place.base == BASE_CFA &&
			   !slot->value.place.offset) {
			f->has_cfa_slot = true;
			f->cfa_slot = slot->place;
		}
	}
	f->sp = p->state.reg[p->machine->sp].place;
	f->realigned = f->sp.base == BASE_ALIGNED;
	f->aligned_at = p->state.aligned_at;
}

struct err *frame_read(struct decoder *decoder, const struct machine *machine,
		       const struct code_bytes *code, struct frame *ret)
{
	struct prologue p = { .machine = machine, .frame = ret };
	bool first = true;

	memset(ret, 0, sizeof(*ret));
	symbolic_entry(machine, &p.state);
	for (uint64_t at = 0; at < code->size;) {
		struct setup_insn setup = { .addr = code->addr + at };
		struct insn_detail d;
		struct insn insn;
		struct err *err;

		if (!decode(decoder, code->data + at, code->size - at, code->addr + at, &insn) ||
		    !decode_detail(decoder, code->data + at, insn.size, code->addr + at, &d))
			return err_new("not decodable at +0x%lx", (unsigned long)at);
		at += insn.size;
		if (d.op == OP_ENDBR)
			continue;
		/* a call as the very first instruction is the one to __fentry__ */
		if (insn.kind != INSN_OTHER && !(first && insn.kind == INSN_CALL))
			break;
		first = false;
		if (insn.kind != INSN_OTHER)
			continue;
		setup.size = insn.size;
		for (uint8_t i = 0; i < d.nr_fields; i++)
			if (d.fields[i].pc_relative) {
				setup.field = d.fields[i].offset;
				setup.target = insn.addr + insn.size + d.fields[i].value;
			}
		symbolic_step(&p.state, machine, &d, setup.target);
		err = note(&p, &d, &setup);
		if (err)
			return err;
	}
	find_slots(&p);
	return find_shadow(&p);
}

/* What a register that call frame information counts from holds in the body. */
static bool register_place(const struct machine *machine, const struct frame *frame, uint32_t reg,
			   struct stack_place *ret)
{
	if (reg == machine->sp)
		*ret = frame->sp;
	else if (reg == machine->fp && frame->has_fp)
		*ret = frame->fp;
	else
		return false;
	return true;
}

static struct err *cfa_agrees(const struct machine *machine, const struct frame *frame,
			      const struct cfi_row *row)
{
	struct stack_place place;

	if (!row->cfa_known)
		return err_new("call frame information gives the CFA as an expression that is not understood");
	if (!register_place(machine, frame, row->cfa_reg, &place))
		return err_new("call frame information counts the CFA from register %u", row->cfa_reg);
	place.offset += row->cfa_offset;
	if (row->cfa_in_memory) {
		if (!frame->has_cfa_slot || !place_equal(place, frame->cfa_slot))
			return err_new("prologue and call frame information disagree about the word with the CFA");
		return NULL;
	}
	if (place.base != BASE_CFA)
		return err_new("call frame information counts the CFA from a realigned stack");
	if (place.offset)
		return err_new("prologue and call frame information disagree about the CFA (by %ld bytes)",
			       (long)place.offset);
	return NULL;
}

struct err *frame_agrees(const struct machine *machine, const struct frame *frame,
			 const struct cfi_row *row)
{
	struct err *err = cfa_agrees(machine, frame, row);

	for (uint32_t reg = 0; reg < FRAME_REGS && !err; reg++) {
		bool saved = row->rule[reg] == CFI_SAVED || row->rule[reg] == CFI_SAVED_BY_REGISTER;
		struct stack_place place = { BASE_CFA, 0 };

		if (!(machine->callee_saved & (1U << reg)))
			continue;
		if (row->rule[reg] == CFI_OTHER || row->rule[reg] == CFI_UNDEFINED ||
		    (row->rule[reg] == CFI_SAVED_BY_REGISTER &&
		     !register_place(machine, frame, row->base[reg], &place)))
			return err_new("call frame information does not say where %%%s is", frame_reg_names[reg]);
		place.offset += row->offset[reg];
		if (saved != frame->is_saved[reg] || (saved && !place_equal(place, frame->saved[reg])))
			err = err_new("prologue and call frame information disagree about %%%s",
				      frame_reg_names[reg]);
	}
	return err;
}

void frame_state(const struct frame *frame, const struct machine *machine, struct symbolic *ret)
{
	symbolic_entry(machine, ret);
	ret->reg[machine->sp] = (struct value){ .kind = VALUE_STACK, .place = frame->sp };
	ret->aligned_at = frame->aligned_at;
	for (uint8_t reg = 0; reg < FRAME_REGS; reg++)
		if (frame->is_saved[reg]) {
			symbolic_store(ret, frame->saved[reg], value_caller(reg));
			ret->reg[reg].kind = VALUE_UNSET;
		}
	if (frame->has_fp)
		ret->reg[machine->fp] = (struct value){ .kind = VALUE_STACK, .place = frame->fp };
	if (frame->has_cfa_slot)
		symbolic_store(ret, frame->cfa_slot, value_stack(BASE_CFA, 0));
	if (frame->has_canary)
		symbolic_store(ret, frame->canary,
			       (struct value){ .kind = VALUE_CPU, .number = frame->canary_source });
	if (frame->in_slot)
		symbolic_store(ret, frame->shadow_slot, frame->shadow);
}
