// SPDX-License-Identifier: GPL-2.0
/* ModRM, SIB and one-byte opcodes (Intel SDM volume 2, sections 2.1 and A.3). */
#include <string.h>

#include "disasm/insn.h"
#include "disasm/x86_operands.h"

enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };

/* An instruction taken apart. */
struct parts {
	const uint8_t *bytes;
	const struct x86_layout *l;
	uint8_t opcode, modrm, rex;
	bool has_rex;
	enum operand_segment segment;
	int64_t disp, imm;
};

/* DWARF orders the eight old registers differently. */
static uint8_t dwarf_number(uint8_t reg)
{
	static const uint8_t numbers[] = { 0, 2, 1, 3, 7, 6, 4, 5 };

	return reg < 8 ? numbers[reg] : reg;
}

static int64_t read_signed(const uint8_t *p, uint32_t size)
{
	int32_t v32;
	int64_t v64;

	switch (size) {
	case 1:
		return (int8_t)*p;
	case 4:
		memcpy(&v32, p, sizeof(v32));
		return v32;
	case 8:
		memcpy(&v64, p, sizeof(v64));
		return v64;
	}
	return 0;
}

/* False where there are prefixes that change more than size and segment. */
static bool take_apart(const uint8_t *bytes, const struct x86_layout *l, struct parts *p)
{
	uint32_t at = 0;

	if (l->map != X86_MAP_ONE_BYTE || l->vex)
		return false;
	memset(p, 0, sizeof(*p));
	p->bytes = bytes;
	p->l = l;
	if (at < l->opcode && (bytes[at] == 0x65 || bytes[at] == 0x64)) {
		p->segment = bytes[at++] == 0x65 ? SEGMENT_GS : SEGMENT_FS;
	}
	if (at < l->opcode && (bytes[at] & 0xf0) == 0x40) {
		p->has_rex = true;
		p->rex = bytes[at++] & 15;
	}
	if (at != l->opcode)
		return false;
	p->opcode = bytes[at];
	p->modrm = l->has_modrm ? bytes[at + 1] : 0;
	p->disp = read_signed(bytes + l->disp, l->disp_size);
	p->imm = read_signed(bytes + l->imm, l->imm_size);
	return true;
}

static struct operand reg_operand(const struct parts *p, uint8_t reg, uint8_t size)
{
	/* without REX, the second four byte registers are the upper halves of the first four */
	if (size == 1 && !p->has_rex && reg >= 4)
		reg -= 4;
	return (struct operand){ .kind = OPERAND_REG, .reg = dwarf_number(reg), .base = INSN_REG_NONE,
				 .index = INSN_REG_NONE, .size = size };
}

/* Cut to the size of the operand. */
static struct operand imm_operand(int64_t value, uint8_t size)
{
	if (size < 8)
		value &= (1LL << 8 * size) - 1;
	return (struct operand){ .kind = OPERAND_IMM, .reg = INSN_REG_NONE, .base = INSN_REG_NONE,
				 .index = INSN_REG_NONE, .value = value, .size = size };
}

/* The operand of ModRM's reg field, and that of its r/m field. */
static struct operand field_reg(const struct parts *p, uint8_t size)
{
	return reg_operand(p, ((p->modrm >> 3) & 7) | (p->rex & REX_R ? 8 : 0), size);
}

static struct operand field_rm(const struct parts *p, uint8_t size)
{
	uint8_t mod = p->modrm >> 6, rm = p->modrm & 7, high = p->rex & REX_B ? 8 : 0;
	struct operand o = { .kind = OPERAND_MEM, .reg = INSN_REG_NONE, .base = INSN_REG_NONE,
			     .index = INSN_REG_NONE, .scale = 1, .segment = p->segment, .value = p->disp, .size = size };

	if (mod == 3)
		return reg_operand(p, rm | high, size);
	if (mod == 0 && rm == 5) {
		o.pc_relative = true;
	} else if (rm == 4) {
		uint8_t sib = p->bytes[p->l->opcode + 2], base = sib & 7;
		uint8_t index = ((sib >> 3) & 7) | (p->rex & REX_X ? 8 : 0);

		if (mod != 0 || base != 5)
			o.base = dwarf_number(base | high);
		if (index != 4) {
			o.index = dwarf_number(index);
			o.scale = 1 << (sib >> 6);
		}
	} else {
		o.base = dwarf_number(rm | high);
	}
	return o;
}

static void add(struct insn_detail *ret, struct operand o, bool read, bool written)
{
	o.read = read;
	o.written = written;
	if (o.kind == OPERAND_REG && written)
		ret->regs_written |= 1U << o.reg;
	ret->operands[ret->nr_operands++] = o;
}

/* add, or, adc, sbb, and, sub, xor, cmp in the order of their numbers */
static void arithmetic(struct insn_detail *ret, uint8_t number, struct operand dst, struct operand src)
{
	static const enum insn_op ops[] = { OP_ADD, OP_OR, OP_OTHER, OP_OTHER, OP_AND, OP_SUB, OP_XOR, OP_OTHER };

	ret->op = ops[number];
	add(ret, dst, true, number != 7);
	add(ret, src, src.kind != OPERAND_IMM, false);
}

static void two(struct insn_detail *ret, enum insn_op op, struct operand dst, bool dst_read, struct operand src)
{
	ret->op = op;
	add(ret, dst, dst_read, !dst_read);
	add(ret, src, src.kind != OPERAND_IMM, false);
}

bool x86_operands(const uint8_t *bytes, const struct x86_layout *l, uint64_t addr, struct insn_detail *ret)
{
	struct parts p;
	uint8_t wide, size, number;

	if (!take_apart(bytes, l, &p))
		return false;
	wide = p.rex & REX_W ? 8 : 4;
	size = p.opcode & 1 ? wide : 1;
	number = (p.modrm >> 3) & 7;
	ret->op = OP_OTHER;
	ret->nr_operands = 0;
	ret->regs_written = 0;
	switch (p.opcode) {
	case 0x00 ... 0x3f:
		if ((p.opcode & 7) > 3)
			return false;
		if (p.opcode & 2)
			arithmetic(ret, p.opcode >> 3, field_reg(&p, size), field_rm(&p, size));
		else
			arithmetic(ret, p.opcode >> 3, field_rm(&p, size), field_reg(&p, size));
		return true;
	case 0x80: case 0x81: case 0x83:
		arithmetic(ret, number, field_rm(&p, size), imm_operand(p.imm, size));
		return true;
	case 0x50 ... 0x57:
		ret->op = OP_PUSH;
		add(ret, reg_operand(&p, (p.opcode & 7) | (p.rex & REX_B ? 8 : 0), 8), true, false);
		ret->regs_written = 1U << dwarf_number(4);
		return true;
	case 0x58 ... 0x5f:
		ret->op = OP_POP;
		add(ret, reg_operand(&p, (p.opcode & 7) | (p.rex & REX_B ? 8 : 0), 8), false, true);
		ret->regs_written |= 1U << dwarf_number(4);
		return true;
	case 0x63:
		two(ret, OP_OTHER, field_reg(&p, wide), false, field_rm(&p, 4));
		return wide == 8;
	case 0x70 ... 0x7f: case 0xe9: case 0xeb:
		add(ret, imm_operand(addr + l->size + p.imm, 8), false, false);
		return true;
	case 0x84: case 0x85:
		two(ret, OP_TEST, field_rm(&p, size), true, field_reg(&p, size));
		return true;
	case 0x88: case 0x89:
		two(ret, OP_MOV, field_rm(&p, size), false, field_reg(&p, size));
		return true;
	case 0x8a: case 0x8b:
		two(ret, OP_MOV, field_reg(&p, size), false, field_rm(&p, size));
		return true;
	case 0x8d:
		two(ret, OP_LEA, field_reg(&p, wide), false, field_rm(&p, wide));
		return true;
	case 0xc6: case 0xc7:
		two(ret, OP_MOV, field_rm(&p, size), false, imm_operand(p.imm, size));
		return number == 0;
	}
	return false;
}
