/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which function of the source was edited, from the line tables of old and new code.
 *
 * A changed function has copies of others in it, and its bytes do not say which of them was
 * edited.  Positions do: lines counted from the function's declaration, and columns (gcc writes
 * both).  A function with code at a position that the old code has nowhere was edited, if a position
 * that it had is gone, or all code with copies of it changed: else the compiler may just have
 * emitted code for a statement for the first time.  Where nothing else explains a change, the
 * function whose line the first different byte belongs to was edited.
 *
 * What that cannot tell: an edit that moves no statement, next to one in the same changed code
 * that does.
 */
#ifndef ELFKIT_RELINK_LINES_H
#define ELFKIT_RELINK_LINES_H

#include "relink/compare.h"

/* Why code changed. */
enum lines_cause {
	CAUSE_UNKNOWN,
	CAUSE_COPY,		/* an edit of a function that it has a copy of */
	CAUSE_OWN,		/* an edit of its own */
};

struct lines_edited {
	struct lines_edit {
		const char *name;	/* owned by the DWARF that was read */
		const char *file;
		uint32_t line;		/* of the declaration, as it is now */
		const char *host;	/* changed code that it was found in */
	} *v;				/* sorted by name, then file; each once */
	uint32_t n, cap;
	enum lines_cause *cause;	/* [object symbols] */
};

/*
 * @positions_only: something else, such as a layout, changes code all over; edited is then only what
 * has a position more and another less.
 */
void lines_find_edited(const struct debuginfo *old, const struct debuginfo *now, const struct object *object,
		       const struct match *match, const enum verdict *verdict, const uint64_t *where,
		       bool positions_only, struct lines_edited *ret);

void lines_edited_release(struct lines_edited *edited);

/* "FILE:LINE" of the code at @addr of an image, or NULL. Caller frees. */
char *lines_place(const struct debuginfo *info, uint64_t addr);

#endif
