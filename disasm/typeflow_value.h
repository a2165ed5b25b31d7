/* SPDX-License-Identifier: GPL-2.0 */
/* What typeflow knows of a value, and of all values at one place. */
#ifndef ELFKIT_DISASM_TYPEFLOW_VALUE_H
#define ELFKIT_DISASM_TYPEFLOW_VALUE_H

#include "elfkit/typeinfo.h"

enum value_kind {
	V_UNKNOWN,		/* n: where it was made, see typeflow_learnt.h, or 0 */
	V_INDEX,		/* n plus something that is not known */
	V_POINTER,		/* n bytes behind the start of an object of `type` */
	V_STACK,		/* CFA + n */
	V_CONST,		/* n */
	V_PERCPU,		/* the distance of a CPU's area from the per-CPU variables */
};

struct value {
	enum value_kind kind;
	uint32_t type;
	int64_t n;
};

#define NR_REGS 16
#define NR_SLOTS 40

struct slot {
	int64_t at;		/* CFA + at */
	struct value value;
};

struct state {
	struct value regs[NR_REGS];
	struct slot slots[NR_SLOTS];
	uint32_t nr_slots;
	bool reached;
};

/* A constant that is the address of a variable as a pointer to it; others as they are. */
struct value value_resolve(const struct typeinfo *info, struct value v);

/* What is known of a value that is @a on one path and @b on another. */
struct value value_merge(const struct typeinfo *info, struct value a, struct value b);

/* What is known of @v when DWARF says that it is @hint. */
struct value value_refine(const struct typeinfo *info, struct value v, struct value hint);

/* @a + @b, modulo 2^64, where neither is a constant of the per-CPU area. */
struct value value_add(const struct typeinfo *info, struct value a, struct value b);

/* @v * @factor, for indices and constants. */
struct value value_scale(struct value v, uint64_t factor);

struct value state_load(const struct state *s, int64_t at);
void state_forget(struct state *s, int64_t at, uint32_t size);
void state_store(struct state *s, int64_t at, struct value v);

/* Merges @from into @to; returns whether @to has changed. */
bool state_merge(const struct typeinfo *info, struct state *to, const struct state *from);

#endif
