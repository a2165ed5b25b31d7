/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file under way: written under another name beside its place and renamed when it
 * is whole, so that a half-written one is never seen.  What is there already and is no
 * regular file (a pipe, /dev/stdout) is written to as it is.
 */
#ifndef ELFKIT_OUTPUT_H
#define ELFKIT_OUTPUT_H

#include <stdio.h>

#include "elfkit/err.h"

struct output {
	char *path;
	char *temporary;	/* NULL: written in place */
	FILE *file;
};

struct err *output_open(const char *path, struct output *ret);
struct err *output_commit(struct output *output);	/* consumes */
void output_abort(struct output *output);		/* consumes */

/* A small file of our own, which nobody else looks at: written in place. */
struct err *output_text(const char *path, const char *text);

#endif
