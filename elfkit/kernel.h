/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that is known of one kernel, from vmlinux and policy to the boundary.
 */
#ifndef ELFKIT_KERNEL_H
#define ELFKIT_KERNEL_H

#include "elfkit/boundary.h"
#include "elfkit/structs.h"

struct kernel {
	struct policy *policy;
	struct image *image;
	struct symbols *symbols;
	struct debuginfo *debuginfo;
	struct funcs *funcs;
	struct variables *variables;
	struct refs *refs;
	struct boundary *boundary;
	struct structs *structs;	/* NULL until kernel_read_structs() */
};

/* Runs every stage; @ret owns the results and is released in any case by kernel_release(). */
struct err *kernel_read(const char *vmlinux, const char *policy, struct kernel *ret);

/* One more stage, which takes as long as all the others: who uses which member. */
struct err *kernel_read_structs(struct kernel *kernel);

/* The same for the structs of @filter alone, which is quicker; the caller has structs_free(). */
struct err *kernel_users_of(const struct kernel *kernel, const struct type_filter *filter, struct structs **ret);
void kernel_release(struct kernel *kernel);

/* The release the image was built as ("6.1.0-..."), or NULL. Caller frees. */
char *kernel_release_name(const struct kernel *kernel);

#endif
