/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the scheduler begins and ends: a decision and its reason for each
 * function that its source files declare.
 */
#ifndef ELFKIT_BOUNDARY_H
#define ELFKIT_BOUNDARY_H

#include "disasm/flow.h"
#include "disasm/refs.h"
#include "elfkit/policy.h"

enum side {
	SIDE_NONE,		/* not a function of the scheduler's files */
	SIDE_INTERFACE,		/* called from outside, exported, a system call: gets a jump */
	SIDE_CALLBACK,		/* its address is taken: gets a jump */
	SIDE_INSIDER,		/* reached only from inside */
	SIDE_OUTSIDER,		/* left to the kernel */
	SIDE_INIT,		/* for the boot: it has run and is gone */
	NR_SIDES,
};

extern const char *const side_names[NR_SIDES];

struct decision {
	enum side side;
	uint64_t site;		/* where the jump that it needs is written; 0: needs none, or nowhere */
	uint64_t room;		/* where one could be, insiders included */
	char *because;		/* one clause; NULL for SIDE_NONE */
};

/* A call that switches stacks, in a function of the scheduler. */
struct stack_switch {
	uint32_t func;		/* the function that calls */
	uint32_t callee;	/* the function that switches */
	uint64_t call;		/* address of the call */
	uint64_t resume;	/* the instruction behind it, where sleeping tasks go on */
	struct flow after;	/* all that can run from there on: it stays the kernel's */
};

struct boundary {
	struct decision *v;	/* one a function */
	uint32_t n;
	uint32_t *closure;	/* references (ids) from outside to insiders: must be none */
	uint32_t nr_closure;
	struct stack_switch *switches;
	uint32_t nr_switches;
	uint32_t counts[NR_SIDES];
};

/*
 * Computes the boundary.  @has_body, where given, says for each function whether
 * there is a new body to put in its place; one without is left to the kernel.
 */
struct err *boundary_compute(const struct funcs *funcs, const struct refs *refs,
			     const struct policy *policy, const bool *has_body,
			     struct boundary **ret);
void boundary_free(struct boundary *boundary);

/* The function that @func speaks for: itself, or the one that it is a cold part of. */
uint32_t boundary_owner(const struct funcs *funcs, uint32_t func);

/* Whether @func was for the boot alone: it has run and its memory is gone. */
bool boundary_is_init(const struct funcs *funcs, uint32_t func);

/*
 * Whether the instruction at @at of function @from (NO_ID: of none) is not replaced: because
 * of where it is, or because it runs behind a stack switch.
 */
bool boundary_runs_outside(const struct boundary *boundary, const struct funcs *funcs, uint32_t from, uint64_t at);

static inline bool boundary_is_inside(const struct boundary *b, uint32_t func)
{
	enum side side = b->v[func].side;

	return side == SIDE_INTERFACE || side == SIDE_CALLBACK || side == SIDE_INSIDER;
}

#endif
