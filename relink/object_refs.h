/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a rebuilt object refers to: every relocation and every branch without
 * one, with the place that it really means.
 *
 * A relocation against a section hides its target: in code the addend counts
 * from the field, the processor from the end of the instruction.  So code is
 * decoded first.
 */
#ifndef ELFKIT_RELINK_OBJECT_REFS_H
#define ELFKIT_RELINK_OBJECT_REFS_H

#include "disasm/insn.h"
#include "relink/object.h"
#include "relink/section.h"

#define NO_REF UINT32_MAX

enum object_ref_kind {
	OBJECT_REF_BRANCH,	/* a direct call or jump */
	OBJECT_REF_ADDRESS,	/* an instruction uses the address */
	OBJECT_REF_POINTER,	/* data holds the address */
	OBJECT_REF_PLACE,	/* a table names a place in code, or data that goes with it */
	OBJECT_REF_KEY,		/* a static call's key, or the trampoline that stands for it */
};

struct object_ref {
	enum object_ref_kind kind;
	uint32_t section;	/* where the field is ... */
	uint64_t offset;
	uint8_t width;		/* ... and its bytes */
	uint32_t reloc;		/* index into the section's relocs, NO_REF: a branch without one */
	uint64_t insn;		/* offset of the instruction; of the field in data */
	uint32_t host;		/* symbol of the function that holds it, or NO_REF */
	int64_t bias;		/* addend = distance from symbol + bias */
	bool pc_relative;
	bool indexed;		/* an index register is added: the target may lie beside the object */
	uint32_t symbol;	/* defined or undefined; NO_REF: unnamed contents of target_section */
	uint32_t target_section;	/* 0: undefined or absolute */
	int64_t target;		/* offset from the symbol, or in target_section without one */
};

struct object_refs {
	struct object_ref *v;	/* by section, then offset */
	uint32_t n, cap;
	uint32_t *first;	/* [nr_sections + 1] */
};

/* Which named symbol covers a place: functions and objects, by section and value. */
struct symbol_map {
	uint32_t *v;		/* defined symbols of functions and data, sorted */
	uint32_t n;
};

void symbol_map_init(const struct object *object, struct symbol_map *ret);
void symbol_map_release(struct symbol_map *map);

/* The symbol whose [value, value + size) holds @offset, or NO_REF. */
uint32_t symbol_at(const struct object *object, const struct symbol_map *map, uint32_t section,
		   uint64_t offset);

/* @map and @object are borrowed. Fails on code that does not decode where a relocation is. */
struct err *object_refs_read(const struct object *object, const struct symbol_map *map,
			     struct object_refs *ret);
void object_refs_release(struct object_refs *refs);

/* Whether the address sanitizer was at work, which moves strings to where other constants are. */
bool object_is_sanitized(const struct object *object);

/*
 * The string that @ref means, which has no name of its own, and its length with the end (and what the sanitizer keeps
 * free behind it). NULL: it is something else.
 */
const uint8_t *object_ref_string(const struct object *object, const struct object_ref *ref, bool sanitized,
				 uint64_t *len);

/* What the field of the same reference leads to in vmlinux, which has it at @addr: a link-time address. */
uint64_t object_ref_target(const struct object_ref *ref, const uint8_t *field, uint64_t addr);

#endif
