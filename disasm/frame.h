/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a function's stack frame is laid out, read from its prologue and held
 * against its call frame information.
 *
 * Offsets count from the CFA: the value of the stack pointer before the call
 * (DWARF 5, section 6.4); the return address lies right below it.
 */
#ifndef ELFKIT_DISASM_FRAME_H
#define ELFKIT_DISASM_FRAME_H

#include "disasm/insn.h"
#include "elfkit/debuginfo.h"

#define FRAME_REGS 16
#define FRAME_MAX_SETUP 32

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

struct frame {
	int64_t sp;			/* stack pointer - CFA in the body */
	bool has_fp;
	int64_t fp;			/* frame pointer - CFA */
	bool is_saved[FRAME_REGS];	/* callee-saved registers that were pushed ... */
	int64_t saved[FRAME_REGS];	/* ... and where they are */
	bool has_canary;
	int64_t canary;			/* slot of the stack protector's value */
	struct setup_insn setup[FRAME_MAX_SETUP];	/* in order; running them again makes the frame */
	uint32_t nr_setup;
};

/*
 * Reads the prologue at the start of @code.  Fails, with the instruction, on one that
 * moves the stack pointer in a way that is not understood.
 */
struct err *frame_read(struct decoder *decoder, const struct machine *machine,
		       const struct code_bytes *code, struct frame *ret);

/* Fails where @frame and the call frame information of a place in the body disagree. */
struct err *frame_agrees(const struct machine *machine, const struct frame *frame,
			 const struct cfi_row *row);

#endif
