/* SPDX-License-Identifier: GPL-2.0 */
/* Names that are nearly the one that was given: what an error can offer. */
#ifndef ELFKIT_NEAR_H
#define ELFKIT_NEAR_H

#include <stdint.h>

/* Edits that make one of the other (Levenshtein), or more than @limit. */
unsigned int near_distance(const char *a, const char *b, unsigned int limit);

/* Up to three near misses of one name, each once: "; near: A, B", or "" as long as there is none. */
struct near {
	const char *name;
	char *text;
	uint32_t n;
};

void near_offer(struct near *near, const char *candidate);
const char *near_text(const struct near *near);
void near_release(struct near *near);

#endif
