/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Proof that the code behind a stack switch needs nothing of its own top half but
 * what a frame made by its prologue holds.
 */
#ifndef ELFKIT_DISASM_RESUME_H
#define ELFKIT_DISASM_RESUME_H

#include "disasm/flow.h"
#include "disasm/frame.h"

/*
 * Follows every path of @after, which starts at @resume in @func.  At the start the
 * callee-saved registers hold the values of the function's caller, except for the
 * frame pointer; of the frame only the saved registers and the canary are there.
 * Fails, with the instruction, on one that reads anything else, and on a way out
 * that does not give the caller its registers and stack back.
 */
struct err *resume_prove(const struct funcs *funcs, struct decoder *decoder, const struct machine *machine,
			 uint32_t func, const struct flow *after, uint64_t resume,
			 const struct frame *frame);

#endif
