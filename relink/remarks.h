/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What relink finds out about a change: each function and object of the new code against
 * the kernel's, and what speaks against loading it.
 *
 * The kinds are a table: what each means, whether it is refused, and the way out.
 * The stages add remarks; whoever asked decides what to do with them.
 */
#ifndef ELFKIT_RELINK_REMARKS_H
#define ELFKIT_RELINK_REMARKS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "elfkit/err.h"

enum remark_weight {
	REMARK_REFUSED,	/* such a module is not made */
	REMARK_WARNING,
	REMARK_NOTE,
	NR_REMARK_WEIGHTS
};

/* In the order of the output. */
enum remark_kind {
	REMARK_COMPILER, REMARK_LAYOUT, REMARK_CONSTANT, REMARK_SIGNATURE, REMARK_INLINE, REMARK_OBJECT, REMARK_KEY,
	REMARK_OUTSIDE, REMARK_SEALED, REMARK_REFERENCE, REMARK_SWITCH, REMARK_INIT, REMARK_PINNED,
	REMARK_RELEASED, REMARK_GONE, REMARK_POLICY, REMARK_MEMBER, REMARK_LOCAL,
	NR_REMARK_KINDS
};

struct remark_kind_info {
	const char *name;	/* in JSON, and in front of the text */
	enum remark_weight weight;
	const char *way_out;	/* or NULL */
};
extern const struct remark_kind_info remark_kinds[NR_REMARK_KINDS];
extern const char *const remark_weights[NR_REMARK_WEIGHTS];

struct remark {
	enum remark_kind kind;
	enum remark_weight weight;
	char *name;		/* of a function, object, struct, constant or unit */
	char *file;		/* where it is declared, or NULL */
	uint32_t line;
	char *what;		/* one clause */
	uint32_t symbol;	/* of the object, that it is about; 0: none */
	char **users;		/* who outside is concerned: "NAME (FILE:LINE)"; the first few */
	uint32_t nr_users;	/* ... of so many */
	bool more_users;	/* there are more that were not looked for */
};

#define REMARK_MAX_USERS 8

enum change {
	CHANGE_SAME,
	CHANGE_CHANGED,
	CHANGE_NEW,
	CHANGE_GONE,
	NR_CHANGES
};
extern const char *const change_names[NR_CHANGES];

/* A function or an object of the new code or of the kernel's. */
struct change_entry {
	bool object;
	enum change change;
	char *name;
	char *file;		/* of the declaration, or NULL */
	uint32_t line;
	char *how;		/* the first difference, or NULL */
	const char *side;	/* of a function: the boundary's word, or NULL */
};

struct remarks {
	struct remark *v;
	uint32_t n, cap;
	struct change_entry *changes;
	uint32_t nr_changes, cap_changes;
	uint32_t counts[2][NR_CHANGES];	/* of functions, of objects */
	bool strict;			/* what would be a note about lost edits is refused */
};

/* Strings are taken over. The result can be given users until the next one is added. */
struct remark *remarks_add(struct remarks *remarks, enum remark_kind kind, char *name, char *file,
			     uint32_t line, char *what);
void remarks_drop(struct remarks *remarks, uint32_t i);
void remarks_drop_last(struct remarks *remarks);
void remark_add_user(struct remark *f, char *user);
void remarks_add_change(struct remarks *remarks, const struct change_entry *entry);

/* Puts both lists in the order of the output, and drops what is there twice. */
void remarks_sort(struct remarks *remarks);
uint32_t remarks_count(const struct remarks *remarks, enum remark_weight weight);
void remarks_release(struct remarks *remarks);

#endif
