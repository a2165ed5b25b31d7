/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a function's stack frame is laid out, read from its prologue and held
 * against its call frame information.
 *
 * Offsets count from the CFA: the value of the stack pointer before the call
 * (DWARF 5, section 6.4); the return address lies right below it.  Where the
 * prologue realigns the stack they count from there (disasm/symbolic.h).
 */
#ifndef ELFKIT_DISASM_FRAME_H
#define ELFKIT_DISASM_FRAME_H

#include "disasm/symbolic.h"
#include "elfkit/debuginfo.h"

#define FRAME_REGS SYMBOLIC_REGS
#define FRAME_MAX_SETUP 32
#define FRAME_MAX_MARKS 16

/* Code to be read: @size bytes at @data, the first of which has address @addr. */
struct code_bytes {
	const uint8_t *data;
	uint64_t addr;
	uint64_t size;
};

/* An instruction of the prologue that makes the frame. */
struct setup_insn {
	uint64_t addr;
	uint8_t size;
	uint8_t field;		/* offset of a pc-relative displacement in it, or 0 ... */
	uint64_t target;	/* ... and what it leads to */
};

/* Bytes of shadow memory that the address sanitizer marks while the frame is there. */
struct frame_mark {
	struct value addr;	/* VALUE_SHADOW */
	uint8_t size;
};

struct frame {
	struct stack_place sp;		/* the stack pointer in the body */
	bool realigned;			/* the stack pointer was rounded down, ... */
	int64_t aligned_at;		/* ... when it was so far from the CFA */
	bool has_fp;
	struct stack_place fp;		/* the frame pointer */
	bool is_saved[FRAME_REGS];	/* callee-saved registers that were stored ... */
	struct stack_place saved[FRAME_REGS];	/* ... and where they are */
	bool has_cfa_slot;
	struct stack_place cfa_slot;		/* a word that holds the CFA */
	bool has_canary;
	struct stack_place canary;		/* slot of the stack protector's value ... */
	uint64_t canary_source;		/* ... and where in per-CPU memory that is from */
	struct frame_mark marks[FRAME_MAX_MARKS];	/* in order */
	uint32_t nr_marks;
	struct value shadow;			/* VALUE_SHADOW: where the marks are, but for a constant; it is kept ... */
	bool in_slot, in_reg;
	struct stack_place shadow_slot;		/* ... in this word ... */
	uint8_t shadow_reg;			/* ... or in this register, which calls preserve */
	struct setup_insn setup[FRAME_MAX_SETUP];	/* in order; running them again makes the frame */
	uint32_t nr_setup;
};

/* psABI names, by DWARF number. */
extern const char *const frame_reg_names[FRAME_REGS];

/*
 * Reads the prologue at the start of @code, up to its first branch or call.  Fails, with the
 * instruction, on one that moves the stack pointer in a way that is not understood.
 */
struct err *frame_read(struct decoder *decoder, const struct machine *machine,
		       const struct code_bytes *code, struct frame *ret);

/* Fails where @frame and the call frame information of a place in the body disagree. */
struct err *frame_agrees(const struct machine *machine, const struct frame *frame,
			 const struct cfi_row *row);

/* The state of a machine in the body: of registers and stack, what the prologue has put there and keeps. */
void frame_state(const struct frame *frame, const struct machine *machine, struct symbolic *ret);

#endif
