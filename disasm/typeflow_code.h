/* SPDX-License-Identifier: GPL-2.0 */
/* The code of one function for typeflow: instructions with operands, cut into blocks. */
#ifndef ELFKIT_DISASM_TYPEFLOW_CODE_H
#define ELFKIT_DISASM_TYPEFLOW_CODE_H

#include "disasm/typeflow_value.h"
#include "elfkit/funcs.h"

struct step {
	struct insn insn;
	enum insn_op op;
	uint8_t nr_operands;
	struct operand operands[4];
	uint32_t regs_written;
	bool leader;		/* starts a block */
	bool has_edge;		/* some edges leave here */
};

struct block {
	uint32_t first, end;	/* steps */
	bool dirty;
	struct state in;
};

/* Control flow that no branch shows: jump labels and fixups of faults. */
struct edge {
	uint64_t from, to;
};

struct code {
	const struct funcs *funcs;
	struct decoder *decoder;
	struct edge *edges;	/* of the whole kernel, sorted by from */
	uint32_t nr_edges, cap_edges;

	uint64_t nr_stops, bytes_left;	/* see typeflow_stops() */

	/* the function that code_read() read last */
	struct step *steps;	/* sorted by address */
	uint32_t nr_steps, cap_steps;
	struct block *blocks;	/* the same */
	uint32_t nr_blocks, cap_blocks;
};

struct err *code_open(const struct funcs *funcs, struct code *ret);
void code_release(struct code *code);

/* Reads function @func with its cold parts. */
void code_read(struct code *code, const struct typeinfo *info, uint32_t func);

/* The block that starts at @addr, or UINT32_MAX. */
uint32_t code_block_at(const struct code *code, uint64_t addr);

/* Position of the first edge that leaves @from or a later place. */
uint32_t code_first_edge(const struct code *code, uint64_t from);

/* Which bits of memory an instruction with a constant looks at or changes; 0: all. */
uint64_t step_bits(const struct step *step);

#endif
