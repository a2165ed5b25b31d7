/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a function's DWARF teaches late.  A variable gets its location only some instructions
 * after its value was made, so what it says holds for what went before, too: of the value (a void * argument,
 * the result of a call, a load), known by where it was made, and of the member that it was loaded from.
 */
#ifndef ELFKIT_DISASM_TYPEFLOW_LEARNT_H
#define ELFKIT_DISASM_TYPEFLOW_LEARNT_H

#include "disasm/typeflow_value.h"

/* What stands at @n of @type, or what was made at @n (type 0), is @value. */
struct fact {
	uint32_t type;
	int64_t n;
	struct value value;	/* unknown: not the same everywhere */
};

struct learnt {
	struct fact *v;
	uint32_t n, cap;
};

/* Adds a fact; one that contradicts an earlier one cancels both. */
void learn(struct learnt *learnt, uint32_t type, int64_t n, struct value value);

/* What was learnt, or an unknown value. */
struct value recall(const struct learnt *learnt, uint32_t type, int64_t n);

#endif
