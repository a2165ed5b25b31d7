/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One machine instruction: where it branches, which of its fields can hold an
 * address, what it does to registers and to the stack.
 *
 * Only disasm/x86.c knows capstone and the encoding.  Registers have the
 * numbers of DWARF (x86-64 psABI, figure 3.36), so they compare with CFI.
 */
#ifndef ELFKIT_DISASM_INSN_H
#define ELFKIT_DISASM_INSN_H

#include <stdbool.h>
#include <stdint.h>

#include "elfkit/err.h"

enum insn_kind {
	INSN_OTHER,
	INSN_CALL,		/* direct call */
	INSN_JUMP,		/* direct unconditional jump */
	INSN_BRANCH,		/* direct conditional jump */
	INSN_INDIRECT_CALL,
	INSN_INDIRECT_JUMP,
	INSN_RETURN,
	INSN_TRAP,		/* execution does not go on behind it */
};

#define INSN_REG_NONE 0xff
#define INSN_REG_ARG1 5		/* where a function finds its first arguments: rdi, rsi (psABI section 3.2.3) */
#define INSN_REG_ARG2 4

/* A field of an instruction that holds a 32- or 64-bit constant. */
struct insn_field {
	uint8_t offset;		/* from the start of the instruction */
	uint8_t size;		/* bytes */
	bool pc_relative;	/* counted from the end of the instruction */
	bool indexed;		/* a displacement to which an index register is added */
	int64_t value;		/* as encoded, sign-extended */
};

struct insn {
	uint64_t addr;
	uint8_t size;
	enum insn_kind kind;
	uint64_t target;	/* of INSN_CALL, INSN_JUMP and INSN_BRANCH */
	uint8_t target_offset;	/* where the displacement of the target is encoded ... */
	uint8_t target_size;	/* ... and its size: 1 or 4 */
	struct insn_field_at {
		uint8_t offset, size;	/* size 0: the instruction has none */
	} disp, imm;		/* displacement of a memory operand, immediate */
	bool pc_relative;	/* the displacement counts from the end of the instruction */
};

enum operand_segment { SEGMENT_NONE, SEGMENT_FS, SEGMENT_GS };

enum operand_kind { OPERAND_NONE, OPERAND_REG, OPERAND_IMM, OPERAND_MEM };

struct operand {
	enum operand_kind kind;
	uint8_t reg;		/* OPERAND_REG: DWARF number or INSN_REG_NONE */
	uint8_t base, index;	/* OPERAND_MEM: the same */
	uint8_t scale;		/* OPERAND_MEM: of the index */
	enum operand_segment segment;	/* OPERAND_MEM */
	bool pc_relative;	/* OPERAND_MEM */
	int64_t value;		/* immediate or displacement */
	uint8_t size;		/* bytes */
	bool read, written;
};

enum insn_op {
	OP_OTHER,
	OP_PUSH, OP_POP, OP_PUSHF, OP_POPF, OP_MOV, OP_LEA, OP_ADD, OP_SUB, OP_AND, OP_LEAVE, OP_NOP, OP_ENDBR,
	OP_CMOV, OP_XCHG, OP_XOR, OP_OR, OP_TEST, OP_SHL, OP_SHR,
	OP_REP,			/* a string instruction that rcx repeats */
};

/* What one instruction does, in detail. */
struct insn_detail {
	enum insn_op op;
	struct operand operands[4];	/* destination first */
	uint8_t nr_operands;
	struct insn_field fields[2];
	uint8_t nr_fields;
	uint32_t regs_read;	/* bit per DWARF register number, 0 to 15 */
	uint32_t regs_written;
	char text[96];		/* for messages */
};

struct decoder;

/* A decoder for ELF machine @machine (EM_*); an unknown machine is an error. */
struct err *decoder_open(uint16_t machine, struct decoder **ret);
void decoder_close(struct decoder *decoder);

/*
 * Decodes the instruction at @bytes; false where the bytes are no instruction.
 * Needs no state of @decoder: threads may share one.
 */
bool decode(struct decoder *decoder, const uint8_t *bytes, uint64_t len, uint64_t addr,
	    struct insn *ret);

/* The same instruction in detail: about thirty times slower. */
bool decode_detail(struct decoder *decoder, const uint8_t *bytes, uint64_t len, uint64_t addr,
		   struct insn_detail *ret);

/* Both, but without fields and text, which cost most. */
bool decode_operands(struct decoder *decoder, const uint8_t *bytes, uint64_t len, uint64_t addr,
		     struct insn *ret, struct insn_detail *ret_detail);

/* What a processor's code looks like. One instance a machine. */
struct machine {
	uint16_t elf_machine;
	const char *name;
	uint8_t jump_size;		/* bytes of the jump that is written at an entry */
	uint8_t sp, fp, ret;		/* DWARF numbers: stack pointer, frame pointer, return address */
	uint32_t callee_saved;		/* registers that a call preserves; sp left out */
	uint32_t args;			/* registers that can hold arguments */
	const uint8_t *entry_nop;	/* what the kernel makes of `call __fentry__` */
	uint8_t landing_pad[4];		/* endbr64 */
	uint8_t trap;			/* the one-byte trap that fills gaps */
};

const struct machine *machine_of(uint16_t elf_machine);

#endif
