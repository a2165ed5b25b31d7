/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the bodies of replaced functions look like in a running kernel: the bytes of vmlinux,
 * and the places that a kernel rewrites by itself, at boot or later, with what it may make of them.
 */
#ifndef ELFKIT_RELINK_BODIES_H
#define ELFKIT_RELINK_BODIES_H

#include "elfkit/kernel.h"
#include "loader/abi.h"

struct patch_place;

struct bodies {
	const struct kernel *kernel;
	struct patch_place *places;		/* all that the kernel's tables name; sorted by address */
	uint32_t nr_places, cap_places;
	struct decoder *decoder;
	uint64_t low, high;		/* of the image's addresses, which KASLR moves */
	uint64_t percpu_low, percpu_high;	/* of those that it does not move; empty: the kernel has none */
	uint8_t *bytes;			/* of all ranges added so far, one after the other */
	uint64_t size, cap;
	struct elfkit_hole *holes;	/* sorted, disjoint */
	uint32_t nr_holes, cap_holes;
};

/* Reads the kernel's tables of places. bodies_release() in any case. */
struct err *bodies_open(const struct kernel *kernel, struct bodies *ret);
void bodies_release(struct bodies *bodies);

/* Adds the code from @low to @high; fails where the image has no bytes there. */
struct err *bodies_add(struct bodies *bodies, uint64_t low, uint64_t high);

#endif
