// SPDX-License-Identifier: GPL-2.0
/* Registers and stack in symbols. */
#include <string.h>

#include "disasm/symbolic.h"

#define WORD 8

static const struct value other = { .kind = VALUE_OTHER };

bool value_equal(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case VALUE_CALLER:
	case VALUE_ARGUMENT:
		return a->reg == b->reg;
	case VALUE_STACK:
		return place_equal(a->place, b->place);
	case VALUE_CPU:
	case VALUE_NUMBER:
		return a->number == b->number;
	case VALUE_SHADOW:
		return a->reg == b->reg && a->number == b->number && place_equal(a->place, b->place);
	default:
		return true;
	}
}

void symbolic_entry(const struct machine *machine, struct symbolic *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint8_t reg = 0; reg < SYMBOLIC_REGS; reg++) {
		ret->reg[reg].kind = machine->callee_saved & (1U << reg) ? VALUE_CALLER : VALUE_ARGUMENT;
		ret->reg[reg].reg = reg;
	}
	ret->reg[machine->sp] = value_stack(BASE_CFA, -WORD);
	symbolic_store(ret, (struct stack_place){ BASE_CFA, -WORD }, (struct value){ .kind = VALUE_RETURN });
}

struct value symbolic_load(const struct symbolic *s, struct stack_place place)
{
	for (uint32_t i = 0; i < s->nr_slots; i++)
		if (place_equal(s->slots[i].place, place))
			return s->slots[i].value;
	return (struct value){ .kind = VALUE_UNSET };
}

/* Whether @size bytes at @at may hit the word at @word. */
static bool may_overlap(const struct symbolic *s, struct stack_place word, struct stack_place at, int64_t size)
{
	if (word.base == at.base)
		return word.offset < at.offset + size && at.offset < word.offset + WORD;
	if (at.base == BASE_CFA)
		return word.offset + WORD + s->aligned_at > at.offset;
	return at.offset + size + s->aligned_at > word.offset;
}

void symbolic_overwrite(struct symbolic *s, struct stack_place at, uint64_t size)
{
	for (uint32_t i = 0; i < s->nr_slots; i++)
		if (may_overlap(s, s->slots[i].place, at, size))
			s->slots[i].value = other;
}

/* Slots are in the order of their first writing. With no room left, the value is not known later. */
void symbolic_store(struct symbolic *s, struct stack_place place, struct value value)
{
	symbolic_overwrite(s, place, WORD);
	for (uint32_t i = 0; i < s->nr_slots; i++)
		if (place_equal(s->slots[i].place, place)) {
			s->slots[i].value = value;
			return;
		}
	if (s->nr_slots < SYMBOLIC_SLOTS)
		s->slots[s->nr_slots++] = (struct slot){ place, value };
}

static bool may_be_below(const struct symbolic *s, struct stack_place p, struct stack_place sp)
{
	if (p.base == sp.base)
		return p.offset < sp.offset;
	return p.base == BASE_ALIGNED || p.offset < s->aligned_at + sp.offset;
}

void symbolic_forget_below(struct symbolic *s, const struct machine *machine)
{
	const struct value *sp = &s->reg[machine->sp];
	uint32_t n = 0;

	if (sp->kind != VALUE_STACK)
		return;
	for (uint32_t i = 0; i < s->nr_slots; i++)
		if (!may_be_below(s, s->slots[i].place, sp->place))
			s->slots[n++] = s->slots[i];
	s->nr_slots = n;
}

bool symbolic_place(const struct symbolic *s, const struct operand *o, struct stack_place *ret)
{
	if (o->kind != OPERAND_MEM || o->segment || o->base >= SYMBOLIC_REGS || o->index != INSN_REG_NONE ||
	    s->reg[o->base].kind != VALUE_STACK)
		return false;
	*ret = s->reg[o->base].place;
	ret->offset += o->value;
	return true;
}

/* The sum of two of which one is shifted from an address and the other a constant. */
static bool add_shadow(const struct value *a, const struct value *b, struct value *ret)
{
	if (a->kind == VALUE_NUMBER && b->kind == VALUE_SHADOW)
		return add_shadow(b, a, ret);
	if (a->kind != VALUE_SHADOW || b->kind != VALUE_NUMBER)
		return false;
	*ret = (struct value){ VALUE_SHADOW, a->reg, a->place, a->number + b->number };
	return true;
}

bool symbolic_shadow(const struct symbolic *s, const struct operand *o, struct value *ret)
{
	struct value index = { .kind = VALUE_NUMBER };

	if (o->kind != OPERAND_MEM || o->segment || o->base >= SYMBOLIC_REGS ||
	    (o->index != INSN_REG_NONE && (o->index >= SYMBOLIC_REGS || o->scale != 1)))
		return false;
	if (o->index != INSN_REG_NONE)
		index = s->reg[o->index];
	if (!add_shadow(&s->reg[o->base], &index, ret))
		return false;
	ret->number += o->value;
	return true;
}

bool insn_zeroes(const struct insn_detail *d)
{
	const struct operand *a = &d->operands[0], *b = &d->operands[1];

	return (d->op == OP_XOR || d->op == OP_SUB) && d->nr_operands == 2 && a->kind == OPERAND_REG &&
	       b->kind == OPERAND_REG && a->reg == b->reg && a->reg != INSN_REG_NONE && a->size >= 4;
}

/* What a 64-bit operand holds. */
static struct value operand_value(const struct symbolic *s, const struct operand *o, uint64_t pc_target)
{
	struct stack_place place;

	if (o->size != WORD)
		return other;
	if (o->kind == OPERAND_REG && o->reg < SYMBOLIC_REGS)
		return s->reg[o->reg];
	if (o->kind == OPERAND_IMM)
		return (struct value){ .kind = VALUE_NUMBER, .number = o->value };
	if (o->kind != OPERAND_MEM)
		return other;
	if (o->segment == SEGMENT_GS && o->base == INSN_REG_NONE && o->index == INSN_REG_NONE)
		return (struct value){ .kind = VALUE_CPU, .number = o->pc_relative ? pc_target : (uint64_t)o->value };
	return symbolic_place(s, o, &place) ? symbolic_load(s, place) : other;
}

/* An instruction of which no more is known than what it writes. */
static void clobber(struct symbolic *s, const struct insn_detail *d)
{
	struct stack_place place;

	for (uint8_t i = 0; i < d->nr_operands; i++) {
		if (d->operands[i].written && symbolic_place(s, &d->operands[i], &place)) {
			if (d->operands[i].size == WORD)
				symbolic_store(s, place, other);
			else
				symbolic_overwrite(s, place, d->operands[i].size);
		}
	}
	for (uint8_t reg = 0; reg < SYMBOLIC_REGS; reg++)
		if (d->regs_written & (1U << reg))
			s->reg[reg] = other;
}

static bool step_stack(struct symbolic *s, const struct machine *m, const struct insn_detail *d,
		       uint64_t pc_target)
{
	const struct operand *dst = &d->operands[0];
	struct value *sp = &s->reg[m->sp], value;

	if (d->op == OP_LEAVE) {
		if (s->reg[m->fp].kind != VALUE_STACK)
			return false;
		*sp = s->reg[m->fp];
	}
	if (sp->kind != VALUE_STACK)
		return false;
	if (d->op == OP_PUSHF || d->op == OP_POPF) {
		sp->place.offset += d->op == OP_PUSHF ? -WORD : WORD;
		if (d->op == OP_PUSHF)
			symbolic_store(s, sp->place, other);
		return true;
	}
	if (d->op != OP_LEAVE && (!d->nr_operands || dst->size != WORD))
		return false;
	if (d->op == OP_PUSH) {
		value = operand_value(s, dst, pc_target);
		sp->place.offset -= WORD;
		symbolic_store(s, sp->place, value);
		return true;
	}
	value = symbolic_load(s, sp->place);
	if (d->op == OP_POP && (dst->kind != OPERAND_REG || dst->reg >= SYMBOLIC_REGS || dst->reg == m->sp))
		return false;
	sp->place.offset += WORD;
	s->reg[d->op == OP_LEAVE ? m->fp : dst->reg] = value;
	return true;
}

static bool step_move(struct symbolic *s, const struct insn_detail *d, uint64_t pc_target)
{
	const struct operand *dst = &d->operands[0];
	struct stack_place place;

	if (d->nr_operands != 2 || dst->size != WORD)
		return false;
	if (dst->kind == OPERAND_REG && dst->reg < SYMBOLIC_REGS) {
		s->reg[dst->reg] = operand_value(s, &d->operands[1], pc_target);
		return true;
	}
	if (!symbolic_place(s, dst, &place))
		return false;
	symbolic_store(s, place, operand_value(s, &d->operands[1], pc_target));
	return true;
}

/* Addresses of shadow memory: an address on the stack, shifted; a constant is added. */
static bool step_shadow(struct symbolic *s, const struct insn_detail *d)
{
	const struct operand *dst = &d->operands[0], *src = &d->operands[1];
	struct value *value, added;

	if (d->nr_operands != 2 || dst->kind != OPERAND_REG || dst->reg >= SYMBOLIC_REGS || dst->size != WORD)
		return false;
	value = &s->reg[dst->reg];
	if (d->op == OP_ADD) {
		added = src->kind == OPERAND_IMM ? (struct value){ .kind = VALUE_NUMBER, .number = src->value } :
			operand_value(s, src, 0);
		return add_shadow(value, &added, value);
	}
	if (src->kind != OPERAND_IMM || value->kind != VALUE_STACK || src->value < 1 || src->value > 63)
		return false;
	value->kind = VALUE_SHADOW;
	value->reg = src->value;
	value->number = 0;
	return true;
}

/* Addresses on the stack: lea; add, sub and and with a constant. */
static bool step_address(struct symbolic *s, const struct machine *m, const struct insn_detail *d)
{
	const struct operand *dst = &d->operands[0], *src = &d->operands[1];
	struct value *value;
	struct stack_place place;

	if (d->nr_operands != 2 || dst->kind != OPERAND_REG || dst->reg >= SYMBOLIC_REGS || dst->size != WORD)
		return false;
	value = &s->reg[dst->reg];
	if (d->op == OP_LEA) {
		if (symbolic_shadow(s, src, value))
			return true;
		if (!symbolic_place(s, src, &place))
			return false;
		*value = value_stack(place.base, place.offset);
		return true;
	}
	if (src->kind != OPERAND_IMM || value->kind != VALUE_STACK)
		return false;
	if (d->op == OP_AND) {
		/* once, and of the stack pointer: below it nothing was written yet */
		if (dst->reg != m->sp || value->place.base != BASE_CFA || src->value >= 0 ||
		    (-src->value & (-src->value - 1)))
			return false;
		s->aligned_at = value->place.offset;
		*value = value_stack(BASE_ALIGNED, 0);
		return true;
	}
	value->place.offset += d->op == OP_ADD ? src->value : -src->value;
	return true;
}

bool symbolic_step(struct symbolic *s, const struct machine *machine, const struct insn_detail *d,
		   uint64_t pc_target)
{
	bool exact = false;

	switch (d->op) {
	case OP_PUSH:
	case OP_POP:
	case OP_PUSHF:
	case OP_POPF:
	case OP_LEAVE:
		exact = step_stack(s, machine, d, pc_target);
		break;
	case OP_MOV:
		exact = step_move(s, d, pc_target);
		break;
	case OP_SHR:
		exact = step_shadow(s, d);
		break;
	case OP_ADD:
		exact = step_shadow(s, d) || step_address(s, machine, d);
		break;
	case OP_LEA:
	case OP_SUB:
	case OP_AND:
		exact = step_address(s, machine, d);
		break;
	case OP_NOP:
	case OP_ENDBR:
		return true;
	default:
		break;
	}
	if (!exact)
		clobber(s, d);
	return exact;
}
