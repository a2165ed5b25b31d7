/* SPDX-License-Identifier: GPL-2.0 */
/* A kernel with all that a report says of it. */
#ifndef ELFKIT_SURVEY_H
#define ELFKIT_SURVEY_H

#include "elfkit/crosscheck.h"
#include "elfkit/declarations.h"
#include "elfkit/kernel.h"
#include "elfkit/sharing.h"
#include "elfkit/sleep.h"

struct survey {
	struct kernel kernel;
	struct sleep sleep;
	struct sharing sharing;
	struct copies copies;
	struct declarations declarations;
	struct findings findings;	/* references that somebody else sees otherwise */
	char **unknown;			/* names of the policy that the kernel does not have, with near misses */
	uint32_t nr_unknown;
};

/* @ret is released in any case by survey_release(). */
struct err *survey_make(const char *vmlinux, const char *policy, struct survey *ret);
void survey_release(struct survey *survey);

#endif
