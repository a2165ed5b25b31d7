/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a function does behind its stack switch, old and new.
 *
 * That half of the new body never runs: every task goes on in the kernel's own.  An edit
 * there would be lost, so it must not go unnoticed.
 */
#ifndef ELFKIT_RELINK_BEHIND_H
#define ELFKIT_RELINK_BEHIND_H

#include "elfkit/boundary.h"
#include "relink/match.h"
#include "relink/object_refs.h"

/*
 * Compares what runs behind @call of the object with what runs behind @sw in vmlinux: the
 * functions that are called and the writes to memory other than the frame.  Frames may
 * differ.  Fails with the first difference.
 */
struct err *behind_switch_same(const struct funcs *funcs, const struct object *object,
			       const struct object_refs *refs, const struct match *match,
			       struct decoder *decoder, const struct stack_switch *sw,
			       const struct object_ref *call);

#endif
