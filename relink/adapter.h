/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The way from a new function that switches stacks into the old one's frame.
 *
 * The new body runs up to its own switch; there its call becomes a jump to an
 * adapter, which gives the caller's registers back, makes the old frame and goes
 * on at the old call.  So every sleeping task sleeps in the kernel's own code.
 */
#ifndef ELFKIT_RELINK_ADAPTER_H
#define ELFKIT_RELINK_ADAPTER_H

#include "disasm/resume.h"
#include "relink/match.h"
#include "relink/object_refs.h"
#include "relink/rewrite.h"

/*
 * Adds an adapter for every stack switch of @boundary whose function the object
 * replaces and leads the object's calls into it.  @info is the DWARF of the object.
 * Called after rewrite_object().  Fails where the frames cannot be proven, or where
 * such a function of the object does not switch stacks at all.
 */
struct err *adapters_add(const struct kernel *kernel, const struct boundary *boundary, struct object *object,
			 const struct object_refs *refs, const struct match *match,
			 const struct debuginfo *info, const struct anchor *anchor, uint32_t *count);

#endif
