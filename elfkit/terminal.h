/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What only a person at a terminal gets: colours, and a line that says what takes so long.
 * Neither goes to a file or a pipe, nor to TERM=dumb; NO_COLOR takes the colours away.
 */
#ifndef ELFKIT_TERMINAL_H
#define ELFKIT_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

enum paint { PAINT_END, PAINT_BAD, PAINT_WARN, PAINT_GOOD, PAINT_NOTE };

/* What switches to a colour on @file, and back with PAINT_END; "" where there are none. */
const char *paint(FILE *file, enum paint colour);

/* A line on stderr that the next one takes; NULL takes it away. */
void progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Whether progress() shows anything. */
bool progress_is_seen(void);

#endif
