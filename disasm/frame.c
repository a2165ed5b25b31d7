// SPDX-License-Identifier: GPL-2.0
/* Prologues. */
#include <string.h>

#include "disasm/frame.h"

struct prologue {
	const struct machine *machine;
	struct frame *frame;
	uint8_t canary_reg;	/* register that the last %gs load went to */
	struct setup_insn canary_load;
	bool fp_set;
};

static const char *const reg_names[FRAME_REGS] = {
	"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
};

static struct err *add_setup(struct frame *frame, const struct setup_insn *insn)
{
	if (frame->nr_setup == FRAME_MAX_SETUP)
		return err_new("the prologue has more than %u instructions", FRAME_MAX_SETUP);
	frame->setup[frame->nr_setup++] = *insn;
	return NULL;
}

static bool is_frame_base(const struct prologue *p, uint8_t reg, int64_t *base)
{
	if (reg == p->machine->sp)
		*base = p->frame->sp;
	else if (reg == p->machine->fp && p->frame->has_fp)
		*base = p->frame->fp;
	else
		return false;
	return true;
}

static struct err *read_push(struct prologue *p, const struct insn_detail *d, const struct setup_insn *setup)
{
	struct frame *f = p->frame;
	uint8_t reg = d->operands[0].reg;

	f->sp -= 8;
	if (d->operands[0].kind == OPERAND_REG && reg < FRAME_REGS &&
	    (p->machine->callee_saved & (1U << reg)) && !f->is_saved[reg]) {
		f->is_saved[reg] = true;
		f->saved[reg] = f->sp;
	}
	return add_setup(f, setup);
}

/*
 * The stack protector: its value is loaded from per-CPU memory (%gs) into a register
 * and stored in the frame (gcc -fstack-protector, arch/x86/include/asm/stackprotector.h).
 */
static struct err *read_move(struct prologue *p, const struct insn_detail *d, const struct setup_insn *setup)
{
	const struct operand *dst = &d->operands[0], *src = &d->operands[1];
	struct frame *f = p->frame;
	struct err *err;
	int64_t base;

	if (dst->kind == OPERAND_REG && src->kind == OPERAND_MEM && src->segment &&
	    src->base == INSN_REG_NONE && src->index == INSN_REG_NONE && src->size == 8) {
		p->canary_reg = dst->reg;
		p->canary_load = *setup;
		return NULL;
	}
	if (dst->kind == OPERAND_REG && dst->reg == p->canary_reg)
		p->canary_reg = INSN_REG_NONE;
	if (dst->kind == OPERAND_MEM && src->kind == OPERAND_REG && src->reg == p->canary_reg &&
	    src->reg != INSN_REG_NONE && !f->has_canary && dst->index == INSN_REG_NONE &&
	    is_frame_base(p, dst->base, &base)) {
		f->has_canary = true;
		f->canary = base + dst->value;
		p->canary_reg = INSN_REG_NONE;
		err = add_setup(f, &p->canary_load);
		return err ?: add_setup(f, setup);
	}
	return NULL;
}

static struct err *read_insn(struct prologue *p, const struct insn_detail *d, const struct setup_insn *setup)
{
	const struct operand *dst = &d->operands[0], *src = &d->operands[1];
	const struct machine *m = p->machine;
	struct frame *f = p->frame;

	if (d->op == OP_PUSH)
		return read_push(p, d, setup);
	if (d->op == OP_MOV && dst->kind == OPERAND_REG && dst->reg == m->fp &&
	    src->kind == OPERAND_REG && src->reg == m->sp) {
		f->has_fp = true;
		f->fp = f->sp;
		return add_setup(f, setup);
	}
	if ((d->op == OP_SUB || d->op == OP_ADD) && dst->kind == OPERAND_REG && dst->reg == m->sp &&
	    src->kind == OPERAND_IMM) {
		f->sp += d->op == OP_ADD ? src->value : -src->value;
		return add_setup(f, setup);
	}
	if (d->regs_written & (1U << m->sp))
		return err_new("`%s` moves the stack pointer in a way that is not understood", d->text);
	if (f->has_fp && (d->regs_written & (1U << m->fp)))
		return err_new("`%s` changes the frame pointer", d->text);
	if (p->canary_reg != INSN_REG_NONE && d->op != OP_MOV && (d->regs_written & (1U << p->canary_reg)))
		p->canary_reg = INSN_REG_NONE;
	return d->op == OP_MOV ? read_move(p, d, setup) : NULL;
}

struct err *frame_read(struct decoder *decoder, const struct machine *machine,
		       const struct code_bytes *code, struct frame *ret)
{
	struct prologue p = { .machine = machine, .frame = ret, .canary_reg = INSN_REG_NONE };
	bool first = true;

	memset(ret, 0, sizeof(*ret));
	ret->sp = -8;		/* the return address */
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
		err = read_insn(&p, &d, &setup);
		if (err)
			return err;
	}
	return NULL;
}

struct err *frame_agrees(const struct machine *machine, const struct frame *frame,
			 const struct cfi_row *row)
{
	int64_t base;

	if (!row->cfa_known)
		return err_new("call frame information gives the CFA as an expression");
	if (row->cfa_reg == machine->sp)
		base = frame->sp;
	else if (row->cfa_reg == machine->fp && frame->has_fp)
		base = frame->fp;
	else
		return err_new("call frame information counts the CFA from register %u", row->cfa_reg);
	if (base + row->cfa_offset != 0)
		return err_new("prologue and call frame information disagree about the CFA (by %ld bytes)",
			       (long)(base + row->cfa_offset));
	for (uint32_t reg = 0; reg < FRAME_REGS; reg++) {
		bool saved = row->rule[reg] == CFI_SAVED;

		if (!(machine->callee_saved & (1U << reg)))
			continue;
		if (row->rule[reg] == CFI_OTHER || row->rule[reg] == CFI_UNDEFINED)
			return err_new("call frame information does not say where %%%s is", reg_names[reg]);
		if (saved != frame->is_saved[reg] || (saved && row->offset[reg] != frame->saved[reg]))
			return err_new("prologue and call frame information disagree about %%%s", reg_names[reg]);
	}
	return NULL;
}
