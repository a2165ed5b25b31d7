/* SPDX-License-Identifier: GPL-2.0 */
/*
 * References held against what others know of them: the linker's relocations, where
 * the image has kept them, the call sites in DWARF, and the compiler's and objtool's
 * marks for indirect branch tracking.  A disagreement is a finding that names both sides.
 */
#ifndef ELFKIT_CROSSCHECK_H
#define ELFKIT_CROSSCHECK_H

#include "disasm/refs.h"

enum finding_kind {
	FINDING_RELOCATION,	/* a relocation shows a reference that was not found */
	FINDING_CALL_SITE,	/* the compiler wrote down a call that was not found */
	FINDING_NO_LANDING_PAD,	/* address taken, but an indirect call would trap */
	FINDING_SEALED,		/* address taken, though objtool saw nobody take it */
	FINDING_NOT_TAKEN,	/* objtool saw the address taken, and it was not found */
	NR_FINDINGS,
};

extern const char *const finding_names[NR_FINDINGS];

struct finding {
	enum finding_kind kind;
	uint32_t func;		/* the function that the reference is to; NO_ID: a variable */
	char *text;		/* one line with both sides; no addresses */
};

struct findings {
	struct finding *v;	/* by kind, then by address */
	uint32_t n;
	uint32_t nr_relocations;	/* references that relocations show: 0: none were kept */
	uint32_t nr_call_sites;	/* direct calls that DWARF shows */
	uint32_t nr_sealed;	/* functions whose landing pad objtool found unused; 0: no such marks */
};

/* @variables: those whose references were collected, or NULL. */
struct err *crosscheck(const struct funcs *funcs, const struct variables *variables, const struct refs *refs,
		       struct findings *ret);
void findings_release(struct findings *findings);

#endif
