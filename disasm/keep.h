/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a function keeps its frame from its entry up to a call in it.
 *
 * Follows every path through its instructions in symbols.  What it believes: memory that
 * is written through a pointer, by the function or by one that it calls, is not the frame's
 * own; callees preserve what the psABI says; what the kernel patches in (alternatives)
 * leaves the frame alone, as objtool has checked.  Everything that is written at a known
 * place of the stack is followed, and what is written at an unknown one is refused.
 */
#ifndef ELFKIT_DISASM_KEEP_H
#define ELFKIT_DISASM_KEEP_H

#include "disasm/frame.h"

/* Code of the function: itself, or what the compiler has split off. */
struct body_part {
	const char *name;	/* for messages */
	struct code_bytes code;	/* addresses of parts do not overlap */
};

enum body_edge_kind {
	EDGE_BRANCH,	/* the branch at @from leads to @to, whatever its bytes say */
	EDGE_LEAVES,	/* the branch at @from leaves the function */
	EDGE_MAYBE,	/* what is at @from may go on at @to: a jump label, an exception */
	EDGE_ENDS,	/* the call at @from does not come back */
};

struct body_edge {
	uint64_t from, to;
	enum body_edge_kind kind;
};

struct body {
	const struct body_part *parts;	/* the function itself is the first */
	uint32_t nr_parts;
	const struct body_edge *edges;
	uint32_t nr_edges;
};

/*
 * Fails, with the instruction, where on some path to the instruction at @call the stack pointer, the frame
 * pointer, a callee-saved register or its slot, the word with the CFA or the return address is not as @frame has it.
 */
struct err *body_keeps_frame(struct decoder *decoder, const struct machine *machine, const struct body *body,
			     uint64_t call, const struct frame *frame);

#endif
