/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the code and the data of a kernel image refer to.
 */
#ifndef ELFKIT_DISASM_REFS_H
#define ELFKIT_DISASM_REFS_H

#include "elfkit/funcs.h"
#include "elfkit/variables.h"

enum ref_kind {
	REF_CALL,
	REF_JUMP,
	REF_ADDRESS,		/* an instruction takes the address */
	REF_DATA,		/* data holds the address */
	NR_REF_KINDS,
};

extern const char *const ref_kind_names[NR_REF_KINDS];

struct ref {
	uint32_t from;		/* func id; NO_ID: data, or code outside of all functions */
	uint32_t to;		/* func id */
	uint64_t at;		/* address of the instruction or of the pointer */
	enum ref_kind kind;
	uint32_t offset;	/* of the target in @to: 0 is the entry */
};

/* A reference to a variable: an address or an access, or a pointer in data. */
struct var_ref {
	uint32_t from;		/* as in struct ref */
	uint32_t to;		/* variable id */
	uint64_t at;
};

struct refs {
	struct ref *v;		/* sorted by to, then at */
	uint32_t n;
	uint32_t *to;		/* [number of functions + 1]: where the references to each start */
	struct var_ref *vars;	/* sorted by to, then at */
	uint32_t nr_vars;
	uint32_t *to_var;	/* [number of variables + 1]; NULL where none were asked for */
};

/*
 * Collects every reference to a function: direct calls and jumps out of their
 * function, addresses of entries in instructions, 64-bit pointers to entries in
 * data.  The same for @variables, if not NULL: constants in instructions that lie in one,
 * pointers in data, keys of static branches and calls.  Fails where the machine is unknown.
 */
struct err *refs_collect(const struct funcs *funcs, const struct variables *variables, struct refs **ret);
void refs_free(struct refs *refs);

#endif
