/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the code and the data of a kernel image refer to.
 */
#ifndef ELFKIT_DISASM_REFS_H
#define ELFKIT_DISASM_REFS_H

#include "elfkit/funcs.h"

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

struct refs {
	struct ref *v;		/* sorted by to, then at */
	uint32_t n;
	uint32_t *to;		/* [number of functions + 1]: where the references to each start */
};

/*
 * Collects every reference to a function: direct calls and jumps out of their
 * function, addresses of entries in instructions, 64-bit pointers to entries in
 * data.  Fails where the machine is unknown.
 */
struct err *refs_collect(const struct funcs *funcs, struct refs **ret);
void refs_free(struct refs *refs);

#endif
