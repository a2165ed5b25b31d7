/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which instructions of a function can run from a given one on.
 *
 * Follows fall-through and direct branches inside a function and its cold
 * parts.  A call to a function in which no return can be reached ends the path
 * (panic, __stack_chk_fail): the compiler emits nothing behind it.
 */
#ifndef ELFKIT_DISASM_FLOW_H
#define ELFKIT_DISASM_FLOW_H

#include "disasm/insn.h"
#include "elfkit/funcs.h"

struct flow {
	uint64_t *v;		/* addresses of instructions, sorted */
	uint32_t n;
	bool leaves;		/* returns, or jumps out of the function */
};

/* From @start, an instruction of @func. The caller releases @ret. */
void flow_from(const struct funcs *funcs, struct decoder *decoder, uint32_t func, uint64_t start,
	       struct flow *ret);
void flow_release(struct flow *flow);

/* Whether a call of @func can come back: a return can be reached in it. */
bool flow_returns(const struct funcs *funcs, struct decoder *decoder, uint32_t func);

bool flow_has(const struct flow *flow, uint64_t addr);

#endif
