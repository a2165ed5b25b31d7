/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that is known of one kernel, from vmlinux and policy to the boundary.
 */
#ifndef ELFKIT_KERNEL_H
#define ELFKIT_KERNEL_H

#include "elfkit/boundary.h"

struct kernel {
	struct policy *policy;
	struct image *image;
	struct symbols *symbols;
	struct debuginfo *debuginfo;
	struct funcs *funcs;
	struct refs *refs;
	struct boundary *boundary;
};

/* Runs every stage; @ret owns the results and is released in any case by kernel_release(). */
struct err *kernel_read(const char *vmlinux, const char *policy, struct kernel *ret);
void kernel_release(struct kernel *kernel);

/* The release the image was built as ("6.1.0-..."), or NULL. Caller frees. */
char *kernel_release_name(const struct kernel *kernel);

#endif
