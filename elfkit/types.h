/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The types of a program, each once: a type that a thousand units repeat has one id.
 *
 * A struct is known by name, size and place of its declaration, not by its DIE.  Type
 * qualifiers and typedefs are seen through; a struct without a name takes that of its
 * typedef.  Scalars are told apart by size alone, since only aggregates matter here.
 * Members of anonymous structs and unions are members of what encloses them, as in C.
 * An incomplete struct stands for the only complete one of its name, where there is one.
 */
#ifndef ELFKIT_TYPES_H
#define ELFKIT_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "elfkit/err.h"

enum type_kind {
	TYPE_NONE,		/* void, or not understood: id 0 */
	TYPE_SCALAR,
	TYPE_POINTER,		/* to target */
	TYPE_ARRAY,		/* of count times target; count 0: not known */
	TYPE_FUNCTION,		/* returns target */
	TYPE_STRUCT,
	TYPE_UNION,
	TYPE_INCOMPLETE,	/* a struct or union declared without members */
};

struct type_member {
	const char *name;
	uint32_t offset;
	uint32_t type;
	uint32_t size;		/* bytes; 0: a flexible array */
	uint16_t bit_offset;	/* of a bit-field: from offset ... */
	uint16_t bit_size;	/* ... and its width, 0: none */
	char *type_name;	/* as C spells it */
};

struct type {
	enum type_kind kind;
	uint32_t target;
	uint32_t count;
	uint32_t size;
	uint32_t line;		/* of the declaration */
	uint32_t unit;		/* the first unit that has it: its members are those that count ... */
	uint64_t die;		/* ... and where that defines it, in .debug_info */
	bool byte;	/* TYPE_SCALAR: a character or a byte, through which anything may be seen */
	const char *name;	/* NULL where there is none */
	const char *file;	/* of the declaration, relative to the tree where known */
	struct type_member *members;
	uint32_t nr_members;
};

struct types {
	struct type *v;
	uint32_t n;
	struct types_index *index;
};

/* A place inside a type, outermost first: see types_walk(). */
struct type_step {
	uint32_t type;		/* the struct or union */
	uint32_t member;	/* index into its members */
	uint32_t offset;	/* of the type inside the type where the walk began */
	uint32_t depth;		/* a member of the last member before it that had one less */
};

struct types *types_new(void);
void types_free(struct types *types);

/*
 * The id of a type like @key, entered where it is new.  Of keys that are alike, the one with the lowest
 * unit counts, but only until types_next_round(): then the caller reads members, with types_set_members().
 * Strings of the key are copied.  Both are safe to call from several threads.
 */
uint32_t types_intern(struct types *types, const struct type *key);

/* Consumes @members, but not their names, which are copied. */
void types_set_members(struct types *types, uint32_t id, struct type_member *members, uint32_t n);

/* Fixes the units of all types entered so far. */
void types_next_round(struct types *types);

/* When all is read: incomplete types are bound to the complete ones. */
void types_seal(struct types *types);

/* The type itself: incomplete types are replaced by what they stand for. */
uint32_t types_complete(const struct types *types, uint32_t id);

static inline bool type_is_aggregate(const struct type *t)
{
	return t->kind == TYPE_STRUCT || t->kind == TYPE_UNION;
}

/*
 * Calls @step for each member that holds any of the @size bytes at @offset of type @id, at
 * every depth: task_struct.se, then sched_entity.vruntime.  Returns whether the place
 * lies in the type at all (a scalar has no member to report).
 */
bool types_walk(const struct types *types, uint32_t id, int64_t offset, uint32_t size, uint64_t bits,
		void (*step)(const struct type_step *step, void *arg), void *arg);

/*
 * What the pointer at @offset of type @id points to: a type id, 0 for void or where the place holds
 * no pointer, or alternatives of a union that differ.
 */
uint32_t types_pointee(const struct types *types, uint32_t id, int64_t offset);

/* The type that starts at @offset of @id next inside @id, or 0; @ret_offset: what is left of the offset in it. */
uint32_t types_inner(const struct types *types, uint32_t id, int64_t offset, int64_t *ret_offset);

#endif
