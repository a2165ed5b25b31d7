/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Line tables of an object that is cut: programs are run and written anew without the rows of what
 * went, a sequence for each stretch of code that stayed together (DWARF 5, 6.2).
 */
#ifndef ELFKIT_RELINK_DEBUG_LINE_H
#define ELFKIT_RELINK_DEBUG_LINE_H

#include "relink/cut.h"

struct line_units {
	struct line_unit {
		uint64_t was, is;	/* where the unit's table begins */
	} *v;
	uint32_t n, cap;
};

/*
 * Replaces contents and relocations of @section, .debug_line. @before has the symbols as they were; @symbols
 * [sections] the symbol of each section. @ret is for those that refer to a table; the caller frees its v.
 */
struct err *debug_line_cut(struct object *object, const struct object *before, uint32_t section,
			   const uint32_t *symbols, const struct holes *holes, struct line_units *ret);

#endif
