/* SPDX-License-Identifier: GPL-2.0 */
/*
 * boundary.yaml: what the scheduler is, what stays out of it, and why.
 *
 * Every item that takes something out says why; the line it stands on is kept
 * so that a verdict can point at it.
 */
#ifndef ELFKIT_POLICY_H
#define ELFKIT_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "elfkit/err.h"

struct policy_item {
	char *name;		/* of a file, a function, a symbol */
	char *to;		/* `unpatchable` only: the symbol that ends the range */
	char *why;		/* NULL where none is asked for */
	uint32_t line;
};

struct policy_list {
	struct policy_item *v;
	uint32_t n, cap;
};

struct policy {
	char *path;
	struct policy_list files;	/* source files, relative to the tree */
	struct policy_list left_out;	/* files of the same folder that are not, for the record */
	struct policy_list keep_out;	/* functions left to the kernel; fnmatch(3) patterns */
	struct policy_list switches;	/* functions that switch stacks */
	struct policy_list cuts;	/* functions taken not to sleep; fnmatch(3) patterns */
	struct policy_list unpatchable;	/* code between two symbols that must not be written to */
	struct policy_list entry_tables; /* objects whose pointers are called from user space */
};

/* Reads a policy; an error names file, line and column. */
struct err *policy_read(const char *path, struct policy **ret);
struct err *policy_parse(const char *text, size_t len, const char *path, struct policy **ret);
void policy_free(struct policy *policy);

/* Whether @path (as DWARF declares it) is one of the scheduler's files. */
bool policy_has_file(const struct policy *policy, const char *path);

/* The keep_out item that matches function @name, or NULL. */
const struct policy_item *policy_kept_out(const struct policy *policy, const char *name);

/* The left_out item for the file @path, or NULL. */
const struct policy_item *policy_left_out(const struct policy *policy, const char *path);

/* The item of @list that matches @name, or NULL. */
const struct policy_item *policy_match(const struct policy_list *list, const char *name);

/* Whether the unit @unit lies in a folder that has a file of the scheduler. */
bool policy_wants_unit(const char *unit, void *policy);

#endif
