/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bound for the memory of the program, whatever its input says: a part that is fixed, and a multiple of the size
 * of the files that are read, each counted once.  What is mapped of a file comes on top.  An input that would take
 * more ends the program with one line and exit status 2; what real kernels take is far below (docs/testing.md).
 *
 * Nothing is bounded before memory_bound(), nor under a sanitizer, whose own memory has no bound.
 */
#ifndef ELFKIT_MEMORY_H
#define ELFKIT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#define MEMORY_FIXED	(512UL << 20)	/* decoders, tables, stacks of threads */
#define MEMORY_MULTIPLE	4

void memory_bound(void);

/* Was the program built with a sanitizer that has memory of its own? */
bool memory_is_sanitized(void);

/* Counts a file that is going to be read, once; what is not there counts nothing. */
void memory_count_file(const char *path);

/* @size bytes of a file are in memory from here on; negative: no longer. */
void memory_count_mapping(long size);

/* Children inherit the bound (setrlimit(2)): it is lifted while one is started. */
void memory_lift(void);
void memory_set_again(void);

/* Says so, removes what was registered, and ends the program. */
void memory_exhausted(void) __attribute__((noreturn));

/* To be run at such an end: files that must not be left behind. */
void memory_at_end(void (*fn)(void));

#endif
