/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Turns a rebuilt object into the object of a module: every reference goes where
 * its symbol is bound, what a module must not carry goes away.
 */
#ifndef ELFKIT_RELINK_REWRITE_H
#define ELFKIT_RELINK_REWRITE_H

#include "relink/bind.h"

/* The kernel symbol that all distances are counted from. */
struct anchor {
	uint64_t addr;		/* link-time */
	uint32_t symbol;	/* undefined symbol of the object */
	uint32_t absolute;	/* absolute symbol with value 0, for per-CPU offsets */
};

struct rewrite_result {
	struct anchor anchor;
	bool *address_taken;	/* [object symbols]: replaced functions whose address the new code takes */
	bool *entry_taken;	/* [object symbols]: the new code takes the address of the kernel's function */
	bool *updates_hold;	/* [object symbols]: new functions whose address is in an updated object */
	uint32_t nr_shared;	/* objects of the kernel that the new code uses */
	char *pinned;		/* the name of a new function whose address is taken, or NULL; owned by the object */
	bool *handed_out;	/* [object symbols]: new functions whose address is taken, those that are released too */
};

struct err *anchor_init(const struct kernel *kernel, const struct symvers *symvers, struct object *object,
			struct anchor *ret);

/* Whether link-time address @addr moves with the anchor. */
bool anchor_reaches(const struct anchor *anchor, uint64_t addr);

/* A symbol and an addend that make link-time address @addr; for code of the loader table too. */
void anchor_reference(const struct anchor *anchor, uint64_t addr, uint32_t *symbol, int64_t *addend);

/*
 * Rewrites @object in place. @refs and @bindings describe it as it was. References to nowhere become remarks.
 * New functions whose address is taken pin the module, unless @policy says that they are released.
 */
void rewrite_object(struct object *object, const struct object_refs *refs, const struct match *match,
		    const struct bindings *bindings, const struct symbol_map *map, const struct policy *policy,
		    struct remarks *remarks, struct rewrite_result *result);
void rewrite_result_release(struct rewrite_result *result);

#endif
