/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which function of the source was edited, from the line tables of old and new code.
 *
 * A changed function has copies of others in it, and its bytes do not say which of them was
 * edited.  Positions do: lines counted from the function's declaration, and columns (gcc writes
 * both).  A function with code at a position that the old code has nowhere was edited.  Where
 * nothing else explains a change, the function whose line the first different byte belongs to was.
 *
 * What that cannot tell: an edit that moves no statement, next to one in the same changed code
 * that does.  And where the compiler emits code for a statement for the first time, an edit
 * is seen that is none.
 */
#ifndef ELFKIT_RELINK_LINES_H
#define ELFKIT_RELINK_LINES_H

#include "relink/compare.h"

struct lines_edited {
	struct lines_edit {
		const char *name;	/* owned by the DWARF that was read */
		const char *file;
		uint32_t line;		/* of the declaration, as it is now */
		const char *host;	/* changed code that it was found in */
	} *v;				/* sorted by name, then file; each once */
	uint32_t n, cap;
};

/* @positions_only: something else, such as a layout, explains changed code that no position does. */
void lines_find_edited(const struct debuginfo *old, const struct debuginfo *now, const struct object *object,
		       const struct match *match, const enum verdict *verdict, const uint64_t *where,
		       bool positions_only, struct lines_edited *ret);

/* "FILE:LINE" of the code at @addr of an image, or NULL. Caller frees. */
char *lines_place(const struct debuginfo *info, uint64_t addr);

#endif
