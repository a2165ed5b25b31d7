/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every function of a kernel image.
 *
 * Functions come from symbols; DWARF, where it was read, says which source
 * function a piece of code belongs to and which cold parts it has.
 */
#ifndef ELFKIT_FUNCS_H
#define ELFKIT_FUNCS_H

#include "disasm/insn.h"
#include "elfkit/debuginfo.h"
#include "elfkit/image.h"
#include "elfkit/symbols.h"

struct func {
	const char *name;	/* of the preferred symbol; .isra.0 and its like included */
	uint64_t low, high;
	uint32_t symbol;	/* index into symbols */
	uint32_t section;	/* index into image sections */
	uint32_t parent;	/* the function that this is a cold part of, or NO_ID */
	uint32_t source;	/* index into debuginfo funcs, or NO_ID where DWARF was not read */
	bool exported;		/* under any of its names */
	bool traced;		/* the entry holds a call to (or nop for) __fentry__ */
};

struct funcs {
	const struct image *image;
	const struct symbols *symbols;
	const struct debuginfo *debuginfo;
	struct func *v;		/* sorted by low */
	uint32_t n;
};

/* Borrows all three until funcs_free(). */
struct funcs *funcs_build(const struct image *image, const struct symbols *symbols,
			  const struct debuginfo *debuginfo);
void funcs_free(struct funcs *funcs);

/* The function whose code holds @addr, or the one that starts there; NO_ID for none. */
uint32_t funcs_at(const struct funcs *funcs, uint64_t addr);
uint32_t funcs_starting_at(const struct funcs *funcs, uint64_t addr);

/* "func+0x12" or "object+0x8" or ".section+0x30": where @addr is, for people. Caller frees. */
char *funcs_place(const struct funcs *funcs, uint64_t addr);

/* The source function that @func was compiled from; NULL where DWARF was not read for it. */
const struct debug_func *funcs_source(const struct funcs *funcs, uint32_t func);

#endif
