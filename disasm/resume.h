/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the code behind a call reads before it writes it, and the proof that behind a
 * stack switch this is nothing but what a frame made by the function's prologue holds.
 */
#ifndef ELFKIT_DISASM_RESUME_H
#define ELFKIT_DISASM_RESUME_H

#include "disasm/flow.h"
#include "disasm/frame.h"

enum need_kind {
	NEED_SLOT,		/* a local variable, or the stack protector's value */
	NEED_REGISTER,		/* a register that a call preserves */
	NEED_ADDRESS,		/* the address of a local: what is read through it is not followed */
};

/* Something that the code ahead of the call must have set. */
struct need {
	enum need_kind kind;
	struct stack_place place;	/* NEED_SLOT */
	uint8_t size;		/* NEED_SLOT: bytes */
	uint8_t reg;		/* NEED_REGISTER */
	uint64_t addr;		/* the first instruction, by address, that reads it ... */
	char text[96];		/* ... and how it reads */
};

struct needs {
	struct need *v;		/* by kind, then place or register */
	uint32_t n, cap;
};

/* Whether the stack protector's value is all that @need asks for; or where the sanitizer's marks are. */
bool need_is_canary(const struct need *need, const struct frame *frame);
bool need_is_shadow(const struct need *need, const struct frame *frame);

/*
 * Follows every path of @after, which starts at @resume in @func.  At the start @frame is
 * in place with the saved registers in it.  What else is read is in @ret; restoring a
 * register from its slot is no need.  Fails, with the instruction, on one that cannot be
 * followed, and on a way out that does not give the caller its registers and stack back.
 */
struct err *resume_read(const struct funcs *funcs, struct decoder *decoder, const struct machine *machine,
			uint32_t func, const struct flow *after, uint64_t resume,
			const struct frame *frame, struct needs *ret);
void needs_release(struct needs *needs);

/* Fails with the first need that a frame as the prologue makes it does not answer. */
struct err *resume_prove(const struct funcs *funcs, const struct frame *frame, const struct needs *needs);

#endif
