/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the parts of an x86-64 instruction lie, and so how long it is.
 *
 * This is all that is asked of most instructions of a kernel, and some thirty
 * times as fast as a disassembler, which also works out operands and names.
 */
#ifndef ELFKIT_DISASM_X86_LAYOUT_H
#define ELFKIT_DISASM_X86_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

enum x86_map { X86_MAP_ONE_BYTE, X86_MAP_0F, X86_MAP_0F38, X86_MAP_0F3A, X86_MAP_EVEX };

/*
 * Words rather than bytes: a compiler copies neighbouring bytes in one go, and a
 * processor stalls where those were written one by one just before.
 */
struct x86_layout {
	uint32_t size;
	uint32_t opcode;	/* offset of the opcode's last byte */
	enum x86_map map;
	uint32_t disp, disp_size;	/* offset and bytes; size 0: none */
	uint32_t imm, imm_size;	/* the same; for branches the relative target */
	bool vex;		/* VEX or EVEX encoded */
	bool has_modrm;		/* at opcode + 1 */
	bool pc_relative;	/* the displacement counts from the end of the instruction */
	bool indexed;		/* a register is added to the displacement */
};

/* False where the first bytes of @len are no instruction, or not all of one; @ret is then undefined. */
bool x86_layout(const uint8_t *bytes, uint64_t len, struct x86_layout *ret);

#endif
