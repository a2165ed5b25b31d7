/* SPDX-License-Identifier: GPL-2.0 */
/* What is said of a module in the kernel's log from a moment on (Documentation/ABI/testing/dev-kmsg). */
#ifndef ELFKIT_KMSG_H
#define ELFKIT_KMSG_H

#include <stdbool.h>

struct kmsg {
	int fd;		/* -1: the log cannot be read */
};

/* From here on: records that are there already are passed over. */
void kmsg_open(struct kmsg *ret);
void kmsg_close(struct kmsg *kmsg);

/*
 * Hands over each line that the loader of module @name, or the kernel about it, has logged since with
 * the severity of a notice or worse; without the prefix.  Whether there was one.
 */
bool kmsg_read(struct kmsg *kmsg, const char *name, void (*line)(const char *text, void *arg), void *arg);

/* The text of @record that kmsg_read() would hand over, or NULL. The record is cut at the end of the text. */
const char *kmsg_parse(char *record, const char *name);

#endif
