/* SPDX-License-Identifier: GPL-2.0 */
/* What came of loading or unloading: told on stderr as it happens, and in the end as JSON if that is wanted. */
#ifndef ELFKIT_OUTCOME_H
#define ELFKIT_OUTCOME_H

#include <stdio.h>

#include "elfkit/loaded.h"

struct outcome {
	const char *command;	/* load, unload */
	const char *name;	/* of the module that it is about; others may be told of, too */
	char **lines;		/* what was told */
	uint32_t n, cap;
};

/* "COMMAND: NAME: TEXT" on stderr. */
void outcome_say(struct outcome *outcome, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same for lines of the kernel's log (kmsg_read): @arg is one of these. */
struct outcome_of {
	struct outcome *outcome;
	const char *name;
};
void outcome_line(const char *text, void *arg);

/* { "elfkit_load": 1, "name", "done", "log", and with @module what elfkit status says of it } */
struct err *outcome_write_json(const struct outcome *outcome, bool done, const struct loaded *module, FILE *file);
void outcome_release(struct outcome *outcome);

#endif
