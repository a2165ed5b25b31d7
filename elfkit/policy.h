/* SPDX-License-Identifier: GPL-2.0 */
/*
 * boundary.yaml: what the scheduler is, what stays out of it, and why.
 *
 * Any item may say why; the line it stands on is kept so that a verdict can
 * point at it where nothing is said.
 */
#ifndef ELFKIT_POLICY_H
#define ELFKIT_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "elfkit/err.h"

/* What becomes of an object that the kernel has and the new code changes. */
enum data_policy {
	DATA_NONE,		/* no item names it */
	DATA_PRIVATE,		/* the module has an instance of its own */
	DATA_SHARE,		/* the kernel's instance is used as it is, whatever the new code has in it */
	DATA_UPDATE,		/* the new contents are copied over the kernel's, and back */
};

struct policy_item {
	char *name;		/* of a file, a function, an object, a symbol */
	char *to;		/* `unpatchable` only: the symbol that ends the range */
	char *file;		/* `keep_in` and `sidecar` only: where the function is declared */
	char *policy;		/* `data` only: as it is written */
	char *why;		/* NULL where nothing is said */
	enum data_policy data;
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
	struct policy_list keep_in;	/* functions of other files, or in spite of keep_out: the scheduler's */
	struct policy_list sidecar;	/* functions outside the scheduler that are replaced alone */
	struct policy_list data;	/* objects that do not just stay the kernel's; fnmatch(3) patterns */
	struct policy_list released;	/* new functions that a hook takes back from the kernel; fnmatch(3) patterns */
	bool state_keep;		/* runqueues are left as they are when the code is switched */
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

/* Whether function @name declared in @path is the scheduler's: by its file, kept in, or a sidecar. */
bool policy_has_func(const struct policy *policy, const char *path, const char *name);

/* The item of @list (keep_in or sidecar) for function @name declared in @path, or NULL. */
const struct policy_item *policy_func_item(const struct policy_list *list, const char *path, const char *name);

/* The keep_out item that matches function @name declared in @path and not kept in, or NULL. */
const struct policy_item *policy_kept_out(const struct policy *policy, const char *path, const char *name);

/* What the policy says of the object @name. */
enum data_policy policy_of_object(const struct policy *policy, const char *name);

/* Why, or where it is written: "boundary.yaml:12". Caller frees. */
char *policy_reason(const struct policy *policy, const struct policy_item *item);

/* The left_out item for the file @path, or NULL. */
const struct policy_item *policy_left_out(const struct policy *policy, const char *path);

/* The item of @list that matches @name, or NULL. */
const struct policy_item *policy_match(const struct policy_list *list, const char *name);

/* Whether the unit @unit lies in a folder that has a file of the scheduler, or is the file of a single function. */
bool policy_wants_unit(const char *unit, void *policy);

#endif
