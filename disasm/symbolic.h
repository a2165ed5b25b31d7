/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What instructions make of registers and stack, in symbols: whose value is where.
 *
 * Knows the instructions that make and undo frames; of all others only which
 * registers and stack slots they overwrite.  Addresses on the stack count from the
 * CFA or, behind a realignment, from where the stack pointer was rounded down to:
 * how far the two are apart is known only when the code runs.
 */
#ifndef ELFKIT_DISASM_SYMBOLIC_H
#define ELFKIT_DISASM_SYMBOLIC_H

#include "disasm/insn.h"

#define SYMBOLIC_REGS 16
#define SYMBOLIC_SLOTS 64

enum stack_base {
	BASE_CFA,
	BASE_ALIGNED,	/* where the stack pointer was rounded down to; below all that was written before */
};

/* A place on the stack. */
struct stack_place {
	enum stack_base base;
	int64_t offset;
};

enum value_kind {
	VALUE_UNSET,	/* whatever was there when the walk began */
	VALUE_OTHER,	/* something that the code made */
	VALUE_CALLER,	/* what register @reg held in the caller */
	VALUE_ARGUMENT,	/* what register @reg, not preserved by calls, held when the walk began */
	VALUE_RETURN,	/* the return address */
	VALUE_STACK,	/* the address @place */
	VALUE_CPU,	/* the word of per-CPU memory (%gs) at @number: the stack protector's value */
	VALUE_NUMBER,	/* the constant @number */
	VALUE_SHADOW,	/* the address @place shifted right by @reg bits, plus @number */
};

struct value {
	enum value_kind kind;
	uint8_t reg;
	struct stack_place place;
	uint64_t number;
};

/* A word of the stack that was written, or known when the walk began. */
struct slot {
	struct stack_place place;
	struct value value;
};

struct symbolic {
	struct value reg[SYMBOLIC_REGS];
	struct slot slots[SYMBOLIC_SLOTS];	/* any others are VALUE_UNSET */
	uint32_t nr_slots;
	int64_t aligned_at;	/* stack pointer - CFA when it was rounded down: BASE_ALIGNED is there or lower */
};

static inline struct value value_caller(uint8_t reg)
{
	return (struct value){ .kind = VALUE_CALLER, .reg = reg };
}

static inline struct value value_stack(enum stack_base base, int64_t offset)
{
	return (struct value){ .kind = VALUE_STACK, .place = { base, offset } };
}

static inline bool place_equal(struct stack_place a, struct stack_place b)
{
	return a.base == b.base && a.offset == b.offset;
}

bool value_equal(const struct value *a, const struct value *b);

/* The state at a function's entry: the stack pointer is at the return address. */
void symbolic_entry(const struct machine *machine, struct symbolic *ret);

struct value symbolic_load(const struct symbolic *s, struct stack_place place);
void symbolic_store(struct symbolic *s, struct stack_place place, struct value value);

/* @size bytes at @at get some other value. */
void symbolic_overwrite(struct symbolic *s, struct stack_place at, uint64_t size);

/* Forgets what lies below the stack pointer: an exception may overwrite it at any time. */
void symbolic_forget_below(struct symbolic *s, const struct machine *machine);

/* Whether @o is a word on the stack, and where.  False with an index register. */
bool symbolic_place(const struct symbolic *s, const struct operand *o, struct stack_place *ret);

/*
 * Whether @o is memory at an address made of one on the stack by shifting it: what the address
 * sanitizer knows of the stack is kept there (Documentation/dev-tools/kasan.rst). @ret: the address.
 */
bool symbolic_shadow(const struct symbolic *s, const struct operand *o, struct value *ret);

/*
 * One instruction that does not branch.  @pc_target is what its pc-relative field leads
 * to, if it has one.  True: all it does is in the state; flags are not looked at.  False:
 * the registers and stack words that it names as written are VALUE_OTHER, and no more is known.
 */
bool symbolic_step(struct symbolic *s, const struct machine *machine, const struct insn_detail *d,
		   uint64_t pc_target);

/* Whether @d sets its register to zero whatever it held (`xor %ebx,%ebx`). */
bool insn_zeroes(const struct insn_detail *d);

#endif
