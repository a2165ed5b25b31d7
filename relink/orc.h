/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unwind data of adapters for the kernel's ORC unwinder.
 *
 * Knows no more of the format than this: .orc_unwind is an array of entries, .orc_unwind_ip
 * one of the places where each begins to hold, in the same order, which the module loader sorts.
 * What an entry says is read from call frame information at its place.  So an entry that
 * objtool made for one frame does for another of the same kind, in any kernel's format.
 */
#ifndef ELFKIT_RELINK_ORC_H
#define ELFKIT_RELINK_ORC_H

#include "elfkit/debuginfo.h"
#include "relink/adapter_proof.h"
#include "relink/object.h"

/* Code that a call leads to, and the call. */
struct orc_code {
	uint32_t section;
	uint64_t start;
	uint32_t call_section;
	uint64_t call;		/* offset of the instruction */
};

/*
 * Gives @code entries that say what @rows do.  An object without ORC data gets none.  Fails where
 * no entry of the object is for such a frame.
 */
struct err *orc_add(struct object *object, const struct debuginfo *info, const struct machine *machine,
		    const struct orc_code *code, const struct unwind_rows *rows);

#endif
