// SPDX-License-Identifier: GPL-2.0
/*
 * x86-64 instructions (Intel SDM volume 2, chapter 2 for the encoding).
 *
 * capstone finds the length of every instruction.  Direct branches are read
 * from the bytes, which is much faster than asking for operand detail for all
 * of a kernel; detail is for the few instructions whose operands matter.
 */
#include <capstone/capstone.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "disasm/insn.h"

struct decoder {
	csh fast, detailed;
	cs_insn *fast_insn, *detailed_insn;
};

static const uint8_t nop5[5] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

#define BIT(n) (1U << (n))

/* psABI section 3.2.1: rbx, rbp, r12-r15 are preserved; arguments rdi rsi rdx rcx r8 r9. */
static const struct machine x86_64 = {
	.elf_machine = EM_X86_64,
	.name = "x86-64",
	.jump_size = 5,
	.sp = 7,
	.fp = 6,
	.ret = 16,
	.callee_saved = BIT(3) | BIT(6) | BIT(12) | BIT(13) | BIT(14) | BIT(15),
	.args = BIT(5) | BIT(4) | BIT(1) | BIT(2) | BIT(8) | BIT(9),
	.entry_nop = nop5,
	.landing_pad = { 0xf3, 0x0f, 0x1e, 0xfa },
};

const struct machine *machine_of(uint16_t elf_machine)
{
	return elf_machine == EM_X86_64 ? &x86_64 : NULL;
}

struct err *decoder_open(uint16_t machine, struct decoder **ret)
{
	struct decoder *d;

	if (!machine_of(machine))
		return err_new("ELF machine %u is not supported: elfkit knows x86-64", machine);
	d = xcalloc(1, sizeof(*d));
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &d->fast) != CS_ERR_OK) {
		free(d);
		return err_new("capstone: cannot open a decoder");
	}
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &d->detailed) != CS_ERR_OK ||
	    cs_option(d->detailed, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK) {
		cs_close(&d->fast);
		free(d);
		return err_new("capstone: cannot open a decoder");
	}
	d->fast_insn = cs_malloc(d->fast);
	d->detailed_insn = cs_malloc(d->detailed);
	*ret = d;
	return NULL;
}

void decoder_close(struct decoder *d)
{
	if (!d)
		return;
	cs_free(d->fast_insn, 1);
	cs_free(d->detailed_insn, 1);
	cs_close(&d->fast);
	cs_close(&d->detailed);
	free(d);
}

static bool is_prefix(uint8_t byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:	/* segments */
	case 0x64: case 0x65: case 0x66: case 0x67:
	case 0xf0: case 0xf2: case 0xf3:
	case 0x40 ... 0x4f:				/* REX */
		return true;
	}
	return false;
}

static int64_t read_signed(const uint8_t *p, uint8_t size)
{
	int32_t v32;
	int64_t v64;

	switch (size) {
	case 1:
		return (int8_t)*p;
	case 4:
		memcpy(&v32, p, 4);
		return v32;
	case 8:
		memcpy(&v64, p, 8);
		return v64;
	}
	return 0;
}

static void set_branch(struct insn *insn, enum insn_kind kind, const uint8_t *bytes,
		       uint8_t offset, uint8_t size)
{
	/* capstone takes 66 e8 for four bytes, the processor for six: nothing that a compiler emits */
	if (offset + size != insn->size)
		return;
	insn->kind = kind;
	insn->target_offset = offset;
	insn->target_size = size;
	insn->target = insn->addr + insn->size + read_signed(bytes + offset, size);
}

static void classify(struct insn *insn, const uint8_t *bytes)
{
	uint8_t i = 0, reg;

	while (i + 1 < insn->size && is_prefix(bytes[i]))
		i++;
	switch (bytes[i]) {
	case 0xe8:
		set_branch(insn, INSN_CALL, bytes, i + 1, 4);
		return;
	case 0xe9:
		set_branch(insn, INSN_JUMP, bytes, i + 1, 4);
		return;
	case 0xeb:
		set_branch(insn, INSN_JUMP, bytes, i + 1, 1);
		return;
	case 0x70 ... 0x7f:
	case 0xe0 ... 0xe3:
		set_branch(insn, INSN_BRANCH, bytes, i + 1, 1);
		return;
	case 0x0f:
		if (i + 1 >= insn->size)
			return;
		if (bytes[i + 1] >= 0x80 && bytes[i + 1] <= 0x8f)
			set_branch(insn, INSN_BRANCH, bytes, i + 2, 4);
		else if (bytes[i + 1] == 0x0b || bytes[i + 1] == 0xb9)
			insn->kind = INSN_TRAP;		/* ud2, ud1 */
		return;
	case 0xc2: case 0xc3: case 0xca: case 0xcb: case 0xcf:
		insn->kind = INSN_RETURN;
		return;
	case 0xcc: case 0xf4:
		insn->kind = bytes[i] == 0xcc ? INSN_TRAP : INSN_OTHER;
		return;
	case 0xff:
		if (i + 1 >= insn->size)
			return;
		reg = (bytes[i + 1] >> 3) & 7;
		if (reg == 2 || reg == 3)
			insn->kind = INSN_INDIRECT_CALL;
		else if (reg == 4 || reg == 5)
			insn->kind = INSN_INDIRECT_JUMP;
		return;
	}
}

bool decode(struct decoder *d, const uint8_t *bytes, uint64_t len, uint64_t addr, struct insn *ret)
{
	const uint8_t *code = bytes;
	size_t left = len;
	uint64_t pc = addr;

	if (!cs_disasm_iter(d->fast, &code, &left, &pc, d->fast_insn))
		return false;
	*ret = (struct insn){ .addr = addr, .size = pc - addr };
	classify(ret, bytes);
	return true;
}

/* The DWARF number of any part of a general register. */
static uint8_t dwarf_reg(unsigned int reg)
{
	switch (reg) {
#define LEGACY(n, r64, r32, r16, r8)                                                            \
	case X86_REG_##r64: case X86_REG_##r32: case X86_REG_##r16: case X86_REG_##r8: return n;
	LEGACY(0, RAX, EAX, AX, AL)
	LEGACY(1, RDX, EDX, DX, DL)
	LEGACY(2, RCX, ECX, CX, CL)
	LEGACY(3, RBX, EBX, BX, BL)
	LEGACY(4, RSI, ESI, SI, SIL)
	LEGACY(5, RDI, EDI, DI, DIL)
	LEGACY(6, RBP, EBP, BP, BPL)
	LEGACY(7, RSP, ESP, SP, SPL)
#undef LEGACY
	case X86_REG_AH: return 0;
	case X86_REG_DH: return 1;
	case X86_REG_CH: return 2;
	case X86_REG_BH: return 3;
#define NUMBERED(n)                                                                             \
	case X86_REG_R##n: case X86_REG_R##n##D: case X86_REG_R##n##W: case X86_REG_R##n##B: return n;
	NUMBERED(8) NUMBERED(9) NUMBERED(10) NUMBERED(11)
	NUMBERED(12) NUMBERED(13) NUMBERED(14) NUMBERED(15)
#undef NUMBERED
	}
	return INSN_REG_NONE;
}

static uint32_t reg_mask(const uint16_t *regs, uint8_t n)
{
	uint32_t mask = 0;

	for (uint8_t i = 0; i < n; i++) {
		uint8_t reg = dwarf_reg(regs[i]);

		if (reg != INSN_REG_NONE)
			mask |= BIT(reg);
	}
	return mask;
}

static enum insn_op op_of(unsigned int id)
{
	switch (id) {
	case X86_INS_PUSH: return OP_PUSH;
	case X86_INS_POP: return OP_POP;
	case X86_INS_MOV: case X86_INS_MOVABS: return OP_MOV;
	case X86_INS_LEA: return OP_LEA;
	case X86_INS_ADD: return OP_ADD;
	case X86_INS_SUB: return OP_SUB;
	case X86_INS_AND: return OP_AND;
	case X86_INS_LEAVE: return OP_LEAVE;
	case X86_INS_NOP: return OP_NOP;
	case X86_INS_ENDBR64: return OP_ENDBR;
	case X86_INS_XCHG: return OP_XCHG;
	case X86_INS_XOR: return OP_XOR;
	case X86_INS_OR: return OP_OR;
	case X86_INS_TEST: return OP_TEST;
	case X86_INS_CMOVA: case X86_INS_CMOVAE: case X86_INS_CMOVB: case X86_INS_CMOVBE:
	case X86_INS_CMOVE: case X86_INS_CMOVG: case X86_INS_CMOVGE: case X86_INS_CMOVL:
	case X86_INS_CMOVLE: case X86_INS_CMOVNE: case X86_INS_CMOVNO: case X86_INS_CMOVNP:
	case X86_INS_CMOVNS: case X86_INS_CMOVO: case X86_INS_CMOVP: case X86_INS_CMOVS:
		return OP_CMOV;
	}
	return OP_OTHER;
}

static struct operand operand_of(const cs_x86_op *op)
{
	struct operand o = {
		.reg = INSN_REG_NONE,
		.base = INSN_REG_NONE,
		.index = INSN_REG_NONE,
		.size = op->size,
		.read = op->access & CS_AC_READ,
		.written = op->access & CS_AC_WRITE,
	};

	switch (op->type) {
	case X86_OP_REG:
		o.kind = OPERAND_REG;
		o.reg = dwarf_reg(op->reg);
		break;
	case X86_OP_IMM:
		o.kind = OPERAND_IMM;
		o.value = op->imm;
		break;
	case X86_OP_MEM:
		o.kind = OPERAND_MEM;
		o.base = dwarf_reg(op->mem.base);
		o.index = dwarf_reg(op->mem.index);
		o.pc_relative = op->mem.base == X86_REG_RIP;
		o.segment = op->mem.segment == X86_REG_GS || op->mem.segment == X86_REG_FS;
		o.value = op->mem.disp;
		break;
	default:
		break;
	}
	return o;
}

/* Fields that can hold an address: 4-byte displacements, 4- and 8-byte immediates. */
static void add_fields(const cs_x86 *x86, const uint8_t *bytes, struct insn_detail *ret)
{
	const cs_x86_encoding *enc = &x86->encoding;
	bool pc_relative = false, indexed = false;
	/* capstone says 2 under a 66 prefix, but 64-bit code has no such displacement */
	uint8_t disp_size = enc->disp_size == 2 ? 4 : enc->disp_size;

	for (uint8_t i = 0; i < x86->op_count; i++)
		if (x86->operands[i].type == X86_OP_MEM) {
			pc_relative = x86->operands[i].mem.base == X86_REG_RIP;
			indexed = x86->operands[i].mem.index != X86_REG_INVALID ||
				  (x86->operands[i].mem.base != X86_REG_INVALID && !pc_relative);
		}
	if (enc->disp_offset && (disp_size == 4 || disp_size == 8))
		ret->fields[ret->nr_fields++] = (struct insn_field){
			.offset = enc->disp_offset,
			.size = disp_size,
			.pc_relative = pc_relative,
			.indexed = indexed,
			.value = read_signed(bytes + enc->disp_offset, disp_size),
		};
	if (enc->imm_offset && (enc->imm_size == 4 || enc->imm_size == 8))
		ret->fields[ret->nr_fields++] = (struct insn_field){
			.offset = enc->imm_offset,
			.size = enc->imm_size,
			.value = read_signed(bytes + enc->imm_offset, enc->imm_size),
		};
}

bool decode_detail(struct decoder *d, const uint8_t *bytes, uint64_t len, uint64_t addr,
		   struct insn_detail *ret)
{
	const uint8_t *code = bytes;
	size_t left = len;
	uint64_t pc = addr;
	cs_insn *insn = d->detailed_insn;
	const cs_x86 *x86 = &insn->detail->x86;
	uint8_t nr_read, nr_written;
	cs_regs read, written;

	if (!cs_disasm_iter(d->detailed, &code, &left, &pc, insn))
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->op = op_of(insn->id);
	for (uint8_t i = 0; i < x86->op_count && i < 4; i++)
		ret->operands[ret->nr_operands++] = operand_of(&x86->operands[i]);
	add_fields(x86, bytes, ret);
	if (!cs_regs_access(d->detailed, insn, read, &nr_read, written, &nr_written)) {
		ret->regs_read = reg_mask(read, nr_read);
		ret->regs_written = reg_mask(written, nr_written);
	}
	snprintf(ret->text, sizeof(ret->text), "%s%s%.60s", insn->mnemonic, *insn->op_str ? " " : "",
		 insn->op_str);
	return true;
}

static bool is_string(unsigned int id)
{
	switch (id) {
	case X86_INS_STOSB: case X86_INS_STOSW: case X86_INS_STOSD: case X86_INS_STOSQ:
	case X86_INS_MOVSB: case X86_INS_MOVSW: case X86_INS_MOVSD: case X86_INS_MOVSQ:
		return true;
	}
	return false;
}

bool decode_operands(struct decoder *d, const uint8_t *bytes, uint64_t len, uint64_t addr,
		     struct insn *ret, struct insn_detail *ret_detail)
{
	const uint8_t *code = bytes;
	size_t left = len;
	uint64_t pc = addr;
	cs_insn *insn = d->detailed_insn;
	const cs_detail *detail = insn->detail;

	if (!cs_disasm_iter(d->detailed, &code, &left, &pc, insn))
		return false;
	*ret = (struct insn){ .addr = addr, .size = pc - addr };
	classify(ret, bytes);
	ret_detail->op = op_of(insn->id);
	if (detail->x86.prefix[0] == X86_PREFIX_REP && is_string(insn->id))
		ret_detail->op = OP_REP;
	ret_detail->nr_operands = 0;
	ret_detail->nr_fields = 0;
	ret_detail->regs_written = (ret_detail->op == OP_REP ? BIT(2) : 0) |
		reg_mask(detail->regs_write, detail->regs_write_count);
	*ret_detail->text = '\0';
	for (uint8_t i = 0; i < detail->x86.op_count && i < 4; i++) {
		struct operand *o = &ret_detail->operands[ret_detail->nr_operands++];

		*o = operand_of(&detail->x86.operands[i]);
		/* capstone 4 takes test for a write */
		o->written &= ret_detail->op != OP_TEST;
		if (o->kind == OPERAND_REG && o->written && o->reg != INSN_REG_NONE)
			ret_detail->regs_written |= BIT(o->reg);
	}
	return true;
}
