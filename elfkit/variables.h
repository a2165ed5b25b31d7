/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The scheduler's variables and tables: every object with a fixed address that its units
 * define, by address.
 *
 * A per-CPU variable has the address of its place in the per-CPU section, which before
 * 6.15 counts from 0 on x86-64.
 */
#ifndef ELFKIT_VARIABLES_H
#define ELFKIT_VARIABLES_H

#include "elfkit/debuginfo.h"
#include "elfkit/image.h"
#include "elfkit/policy.h"
#include "elfkit/symbols.h"

enum variable_kind {
	VARIABLE_WRITABLE,
	VARIABLE_CONSTANT,	/* const, or read-only once the kernel has booted */
	VARIABLE_PERCPU,
	VARIABLE_ONCE,		/* a mark that code has been passed (WARN_ONCE): always new in a module */
	VARIABLE_INIT,		/* of the boot: its memory is gone */
	NR_VARIABLE_KINDS,
};

extern const char *const variable_kind_names[NR_VARIABLE_KINDS];

struct variable {
	const char *name;	/* of the symbol: .123 of a function static included */
	uint64_t low, high;
	uint32_t var;		/* index into debuginfo vars */
	enum variable_kind kind;
	bool exported;
	bool local;		/* no other unit can name it */
	bool from_zero;		/* its address counts from 0: many a number looks like it */
};

struct variables {
	const struct debuginfo *debuginfo;
	struct variable *v;	/* sorted by low, without overlap */
	uint32_t n;
	struct variables_filter *filter;
};

/* Borrows all but @policy until variables_free(). */
struct variables *variables_find(const struct image *image, const struct symbols *symbols,
				 const struct debuginfo *debuginfo, const struct policy *policy);
void variables_free(struct variables *variables);

/* The variable that holds @addr, or NO_ID.  Quick where there is none. */
uint32_t variables_at(const struct variables *variables, uint64_t addr);

static inline const struct debug_var *variables_source(const struct variables *variables, uint32_t id)
{
	return &variables->debuginfo->vars[variables->v[id].var];
}

#endif
