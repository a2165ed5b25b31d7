/* SPDX-License-Identifier: GPL-2.0 */
/* The elfkit modules of the running kernel, as /sys/kernel/elfkit shows them (loader/sysfs.c). */
#ifndef ELFKIT_LOADED_H
#define ELFKIT_LOADED_H

#include <stdbool.h>
#include <stdint.h>

#include "elfkit/err.h"

struct loaded_time {
	char *name;		/* as the file "timing" has it */
	uint64_t value;
};

struct loaded_blocker {
	int pid;
	char *comm;
	char *function;		/* NULL: its stack cannot be unwound reliably */
};

struct loaded {
	char *name;
	char *build_id;		/* of the kernel it is for, in hex */
	bool enabled, confirmed;
	uint32_t nr_functions;	/* entries that it replaces */
	struct loaded_time *times;
	uint32_t nr_times, cap_times;
	struct loaded_blocker *blockers;	/* of the last switch, if that failed */
	uint32_t nr_blockers, cap_blockers;
};

struct loaded_list {
	struct loaded *v;	/* by name */
	uint32_t n, cap;
};

/* @root is put before each path: "" for the running kernel. No directory at all: no modules. */
struct err *loaded_read(const char *root, struct loaded_list *ret);
void loaded_release(struct loaded_list *list);

const struct loaded *loaded_find(const struct loaded_list *list, const char *name);

/* The value of @name, or 0. */
uint64_t loaded_time(const struct loaded *module, const char *name);

#endif
