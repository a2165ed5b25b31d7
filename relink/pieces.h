/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The code of an object in pieces that stay or go as one, and every reference of the object,
 * those included that the assembler resolved and that have no relocation.
 *
 * A piece is a function with the padding before it (calls through thunks need that), or code
 * without a symbol, from one place that something refers to until the next.
 */
#ifndef ELFKIT_RELINK_PIECES_H
#define ELFKIT_RELINK_PIECES_H

#include "relink/object_refs.h"

struct edge {
	uint32_t section;	/* where the field is ... */
	uint64_t offset;
	uint8_t width;		/* ... and its bytes */
	uint32_t reloc;		/* index into the section's relocs; NO_REF: the distance stands in the code */
	uint64_t end;		/* what the distance counts from; 0 for data and for absolute addresses */
	uint32_t symbol;	/* of the relocation, or NO_REF */
	uint32_t target_section;	/* 0: not in the object */
	uint64_t target;	/* offset in it; else distance from the symbol */
};

struct edges {
	struct edge *v;		/* by section, then offset */
	uint32_t n, cap;
	uint32_t *first;	/* [nr_sections + 1] */
};

/* Sorts a section's relocations by place and drops removed ones. */
void relocs_tidy(struct object_section *section);

/* Sorts the object's relocations and drops removed ones. Fails on code that cannot be followed. */
struct err *edges_read(struct object *object, const struct symbol_map *map, struct edges *ret);
void edges_release(struct edges *edges);

struct piece {
	uint32_t section;
	uint64_t low, high;
	uint64_t entry;		/* behind the padding */
	uint32_t symbol;	/* or NO_REF */
	bool falls;		/* the processor may go on behind it, in the next piece */
};

struct pieces {
	struct piece *v;	/* without gaps, by section and place */
	uint32_t n, cap;
	uint32_t *first;	/* [nr_sections + 1] */
};

/* The pieces of all code that is not removed. */
struct err *pieces_read(const struct object *object, const struct symbol_map *map, const struct edges *edges,
			struct pieces *ret);
void pieces_release(struct pieces *pieces);

/* The piece that holds a place, or NO_REF. */
uint32_t piece_at(const struct pieces *pieces, uint32_t section, uint64_t offset);

/* Is it a section that is taken apart into pieces? */
bool section_has_pieces(const struct object_section *section);

#endif
