/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the units of the scheduler declare: layouts, constants, signatures, variables.
 *
 * A type is spelled as text, so that it can be compared between two files: qualifiers and
 * typedefs are seen through, a struct or an enum with a name is that name, one without is
 * what it holds.  So spelling ends at names, and no cycle is followed; a named struct is
 * compared for itself.  A type that several units have is read once.
 */
#ifndef ELFKIT_RELINK_SHAPE_H
#define ELFKIT_RELINK_SHAPE_H

#include "elfkit/debuginfo.h"

struct shape_member {
	const char *name;
	const char *type;
	uint64_t offset, size;	/* in bits */
};

/* A struct or union with a name, its own or its typedef's; members of anonymous ones inside are its own. */
struct shape_type {
	const char *name;
	const char *file;
	uint32_t line;
	uint64_t size;		/* in bytes */
	struct shape_member *members;
	uint32_t nr_members;
};

struct shape_constant {
	const char *name;
	const char *enumeration;	/* its name, or NULL */
	const char *file;
	uint32_t line;
	int64_t value;
};

struct shape_func {
	const char *name;
	const char *file;
	uint32_t line;
	const char *signature;	/* "int (struct rq *, int)" */
};

struct shape_var {
	const char *name;
	const char *file;
	const char *unit;
	const char *type;
	bool external;
};

struct shape_unit {
	const char *name;
	const char *producer;	/* DW_AT_producer: compiler and flags; or NULL */
};

struct shapes {
	struct shape_type *types;		/* all sorted by name, then file */
	struct shape_constant *constants;
	struct shape_func *funcs;
	struct shape_var *vars;
	struct shape_unit *units;
	uint32_t nr_types, nr_constants, nr_funcs, nr_vars, nr_units;
	struct shape_strings *strings;		/* owns all of the strings */
};

/* Reads those units of @info whose name is one of @only's, too. */
struct shapes *shapes_read(const struct debuginfo *info, const struct debuginfo *only);
void shapes_free(struct shapes *shapes);

/* Puts all in the order that the look-ups below need. */
void shapes_sort(struct shapes *shapes);

/* Each finds @name, in @file if several have that name; NULL: none, or several elsewhere. */
const struct shape_type *shapes_type(const struct shapes *shapes, const char *name, const char *file);
const struct shape_constant *shapes_constant(const struct shapes *shapes, const char *name, const char *file);
const struct shape_func *shapes_func(const struct shapes *shapes, const char *name, const char *file);
const struct shape_var *shapes_var(const struct shapes *shapes, const char *name, const char *file);

/* All that have @name, which stand together; NULL for none. */
const struct shape_type *shapes_types(const struct shapes *shapes, const char *name, uint32_t *count);

/* Calls @fn with each name of a struct, union or enum that @spelled mentions. */
void shape_mentions(const char *spelled, void (*fn)(const char *name, size_t len, void *arg), void *arg);

/*
 * Calls @fn with the type of each parameter and local variable of those functions of @info for
 * whose entry @want holds. @shapes takes the strings.
 */
void shapes_locals(const struct debuginfo *info, struct shapes *shapes,
		   bool (*want)(uint64_t entry, void *arg), void (*fn)(const char *spelled, void *arg), void *arg);

#endif
