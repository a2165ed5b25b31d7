/* SPDX-License-Identifier: GPL-2.0 */
/* A kernel with all that a report says of it. */
#ifndef ELFKIT_SURVEY_H
#define ELFKIT_SURVEY_H

#include <stdio.h>

#include "elfkit/declarations.h"
#include "elfkit/kernel.h"
#include "elfkit/sleep.h"

struct survey {
	struct kernel kernel;
	struct sleep sleep;
	struct copies copies;
	struct declarations declarations;
};

/* @ret is released in any case by survey_release(). */
struct err *survey_make(const char *vmlinux, const char *policy, struct survey *ret);
void survey_release(struct survey *survey);

/* Says why @name (of a function) is what it is, one line a function. An unknown name is an error. */
struct err *survey_why(const struct survey *survey, const char *name, FILE *file);

#endif
