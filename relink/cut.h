/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cutting what is not in use out of an object.
 *
 * What stays of a section of code moves towards its beginning by multiples of the section's alignment, so each
 * function keeps its own; the few bytes that are left of a hole become traps. Distances between two
 * places never grow, so those that stand in the code still fit. Entries of tables close up, and code that refers to one,
 * as x86's warnings in 7.3 do, follows it.
 */
#ifndef ELFKIT_RELINK_CUT_H
#define ELFKIT_RELINK_CUT_H

#include "relink/reach.h"

struct hole {
	uint64_t low, high;	/* what is not in use */
	uint64_t cut;		/* bytes that go: the last of it */
	uint64_t before;	/* bytes that went below */
};

struct holes {
	struct hole *v;
	uint32_t n, cap;
	uint32_t *first;	/* [nr_sections + 1] */
};

/* Of code, and of tables entry by entry. @ret is left empty where nothing is to go. */
void holes_find(const struct object *object, const struct edges *edges, const struct pieces *pieces,
		const struct reach *reach, struct holes *ret);
void holes_release(struct holes *holes);

/* Where a place of the object as it was is now; false: in a hole. The end of a section is a place, too. */
bool holes_map(const struct holes *holes, uint32_t section, uint64_t offset, uint64_t *ret);

/*
 * Edits @object, which @edges, @pieces and @reach describe as it was. Contents that were replaced are put
 * into @old [nr_sections], for the caller to compare and to free.
 */
struct err *cut_object(struct object *object, const struct edges *edges, const struct pieces *pieces,
		       const struct reach *reach, const struct holes *holes, struct object_section *old);

#endif
