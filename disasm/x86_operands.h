/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operands of the instructions that make up most of a kernel: moves, arithmetic, compares, pushes, branches.
 * What is not among them is left to the disassembler, which takes ten times as long.
 */
#ifndef ELFKIT_DISASM_X86_OPERANDS_H
#define ELFKIT_DISASM_X86_OPERANDS_H

#include "disasm/insn.h"
#include "disasm/x86_layout.h"

/* Fills in op, operands and regs_written; false where the instruction is none of those. */
bool x86_operands(const uint8_t *bytes, const struct x86_layout *l, uint64_t addr, struct insn_detail *ret);

#endif
