/* SPDX-License-Identifier: GPL-2.0 */
/* What came of loading or unloading: told on stderr as it happens, and in the end as JSON if that is wanted. */
#ifndef ELFKIT_OUTCOME_H
#define ELFKIT_OUTCOME_H

#include <stdio.h>

#include "elfkit/loaded.h"

struct outcome {
	const char *command;	/* load, unload */
	const char *name;	/* of the module */
	char **lines;		/* what was told */
	uint32_t n, cap;
};

/* "COMMAND: NAME: TEXT" on stderr. */
void outcome_say(struct outcome *outcome, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same for a line of the kernel's log: @arg is the outcome (kmsg_read). */
void outcome_line(const char *text, void *arg);

/* { "elfkit_load": 1, "name", "done", "log", and with @module what elfkit status says of it } */
struct err *outcome_write_json(const struct outcome *outcome, bool done, const struct loaded *module, FILE *file);
void outcome_release(struct outcome *outcome);

#endif
