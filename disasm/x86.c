// SPDX-License-Identifier: GPL-2.0
/*
 * x86-64 instructions (Intel SDM volume 2, chapter 2 for the encoding).
 *
 * Length, fields and direct branches are read from the encoding, which is much
 * faster than disassembling all of a kernel; capstone knows the operands of the
 * few instructions where they matter.
 */
#include <capstone/capstone.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "disasm/insn.h"
#include "disasm/x86_layout.h"
#include "disasm/x86_operands.h"

struct decoder {
	csh detailed;
	cs_insn *detailed_insn;
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
	.trap = 0xcc,
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
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &d->detailed) != CS_ERR_OK ||
	    cs_option(d->detailed, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK) {
		free(d);
		return err_new("capstone: cannot open a decoder");
	}
	d->detailed_insn = cs_malloc(d->detailed);
	*ret = d;
	return NULL;
}

void decoder_close(struct decoder *d)
{
	if (!d)
		return;
	cs_free(d->detailed_insn, 1);
	cs_close(&d->detailed);
	free(d);
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

static void set_branch(struct insn *insn, enum insn_kind kind, const uint8_t *bytes)
{
	insn->kind = kind;
	insn->target_offset = insn->imm.offset;
	insn->target_size = insn->imm.size;
	insn->target = insn->addr + insn->size + read_signed(bytes + insn->imm.offset, insn->imm.size);
}

static void classify_two_byte(struct insn *insn, const uint8_t *bytes, uint8_t opcode)
{
	switch (opcode) {
	case 0x80 ... 0x8f:
		set_branch(insn, INSN_BRANCH, bytes);
		return;
	case 0x0b: case 0xb9: case 0xff:	/* ud2, ud1, ud0 */
		insn->kind = INSN_TRAP;
		return;
	}
}

static void classify_one_byte(struct insn *insn, const uint8_t *bytes, uint8_t at)
{
	uint8_t reg;

	switch (bytes[at]) {
	case 0xe8:
		set_branch(insn, INSN_CALL, bytes);
		return;
	case 0xe9:
	case 0xeb:
		set_branch(insn, INSN_JUMP, bytes);
		return;
	case 0x70 ... 0x7f:
	case 0xe0 ... 0xe3:
		set_branch(insn, INSN_BRANCH, bytes);
		return;
	case 0xc2: case 0xc3: case 0xca: case 0xcb: case 0xcf:
		insn->kind = INSN_RETURN;
		return;
	case 0xcc:
		insn->kind = INSN_TRAP;
		return;
	case 0xff:
		reg = (bytes[at + 1] >> 3) & 7;
		if (reg == 2 || reg == 3)
			insn->kind = INSN_INDIRECT_CALL;
		else if (reg == 4 || reg == 5)
			insn->kind = INSN_INDIRECT_JUMP;
		return;
	}
}

static void classify(struct insn *ret, const uint8_t *bytes, uint64_t addr, const struct x86_layout *l)
{
	*ret = (struct insn){
		.addr = addr,
		.size = l->size,
		.disp = { l->disp, l->disp_size },
		.imm = { l->imm, l->imm_size },
		.pc_relative = l->pc_relative,
	};
	if (l->map == X86_MAP_ONE_BYTE)
		classify_one_byte(ret, bytes, l->opcode);
	else if (l->map == X86_MAP_0F && !l->vex)
		classify_two_byte(ret, bytes, bytes[l->opcode]);
}

bool decode(struct decoder *d __attribute__((unused)), const uint8_t *bytes, uint64_t len, uint64_t addr,
	    struct insn *ret)
{
	struct x86_layout l;

	if (!x86_layout(bytes, len, &l))
		return false;
	classify(ret, bytes, addr, &l);
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
	case X86_INS_PUSHFQ: return OP_PUSHF;
	case X86_INS_POPFQ: return OP_POPF;
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
	case X86_INS_SHL: case X86_INS_SAL: return OP_SHL;
	case X86_INS_SHR: return OP_SHR;
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
		o.scale = op->mem.scale;
		/* a 67 prefix makes it %eip, which is the same below 4 GB and in kernel code */
		o.pc_relative = op->mem.base == X86_REG_RIP || op->mem.base == X86_REG_EIP;
		o.segment = op->mem.segment == X86_REG_GS ? SEGMENT_GS :
			    op->mem.segment == X86_REG_FS ? SEGMENT_FS : SEGMENT_NONE;
		o.value = op->mem.disp;
		break;
	default:
		break;
	}
	return o;
}

static void add_field(struct insn_detail *ret, const uint8_t *bytes, uint8_t offset, uint8_t size,
		      bool pc_relative, bool indexed)
{
	if (size != 4 && size != 8)
		return;
	ret->fields[ret->nr_fields++] = (struct insn_field){
		.offset = offset,
		.size = size,
		.pc_relative = pc_relative,
		.indexed = indexed,
		.value = read_signed(bytes + offset, size),
	};
}

/* A string instruction with a rep prefix. */
static bool is_repeated(const cs_insn *insn)
{
	if (insn->detail->x86.prefix[0] != X86_PREFIX_REP)
		return false;
	switch (insn->id) {
	case X86_INS_STOSB: case X86_INS_STOSW: case X86_INS_STOSD: case X86_INS_STOSQ:
	case X86_INS_MOVSB: case X86_INS_MOVSW: case X86_INS_MOVSD: case X86_INS_MOVSQ:
		return true;
	}
	return false;
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
	struct x86_layout l;

	if (!x86_layout(bytes, len, &l) || !cs_disasm_iter(d->detailed, &code, &left, &pc, insn))
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->op = is_repeated(insn) ? OP_REP : op_of(insn->id);
	for (uint8_t i = 0; i < x86->op_count && i < 4; i++)
		ret->operands[ret->nr_operands++] = operand_of(&x86->operands[i]);
	add_field(ret, bytes, l.disp, l.disp_size, l.pc_relative, l.indexed);
	add_field(ret, bytes, l.imm, l.imm_size, false, false);
	if (!cs_regs_access(d->detailed, insn, read, &nr_read, written, &nr_written)) {
		ret->regs_read = reg_mask(read, nr_read);
		ret->regs_written = reg_mask(written, nr_written);
	}
	if (ret->op == OP_REP)
		ret->regs_written |= BIT(2);
	snprintf(ret->text, sizeof(ret->text), "%s%s%.60s", insn->mnemonic, *insn->op_str ? " " : "",
		 insn->op_str);
	return true;
}

bool decode_operands(struct decoder *d, const uint8_t *bytes, uint64_t len, uint64_t addr,
		     struct insn *ret, struct insn_detail *ret_detail)
{
	const uint8_t *code = bytes;
	size_t left = len;
	uint64_t pc = addr;
	cs_insn *insn = d->detailed_insn;
	const cs_detail *detail = insn->detail;
	struct x86_layout l;

	if (!x86_layout(bytes, len, &l))
		return false;
	classify(ret, bytes, addr, &l);
	ret_detail->nr_fields = 0;
	*ret_detail->text = '\0';
	if (x86_operands(bytes, &l, addr, ret_detail))
		return true;
	if (!cs_disasm_iter(d->detailed, &code, &left, &pc, insn))
		return false;
	ret_detail->op = is_repeated(insn) ? OP_REP : op_of(insn->id);
	ret_detail->nr_operands = 0;
	ret_detail->regs_written = (ret_detail->op == OP_REP ? BIT(2) : 0) |
		reg_mask(detail->regs_write, detail->regs_write_count);
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
