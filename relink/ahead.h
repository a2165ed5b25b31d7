/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The new function ahead of its stack switch: that its frame there is the one of its prologue.
 *
 * Finds what an object's relocations and tables say of where the code can go on: parts that were
 * split off, jump labels in either state, exceptions, calls that do not return.
 */
#ifndef ELFKIT_RELINK_AHEAD_H
#define ELFKIT_RELINK_AHEAD_H

#include "disasm/keep.h"
#include "relink/match.h"
#include "relink/object_refs.h"

/* Fails with the first instruction of @call's function that keeps @frame from being what @call finds. */
struct err *ahead_keeps_frame(const struct funcs *funcs, const struct object *object, const struct object_refs *refs,
			      const struct match *match, struct decoder *decoder, const struct object_ref *call,
			      const struct frame *frame);

#endif
