/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Errors as values: an input or a machine that will not do.
 *
 * A function that can fail returns `struct err *`, NULL for success.  The caller
 * owns the error: it returns it, adds context with err_in(), or frees it.  The
 * message is one line without a full stop and goes from file to section or
 * function to value; control characters, which a damaged file may have in its
 * names, are made question marks.  Bugs of ours are assert()ed instead, and
 * running out of memory ends the program: nothing in here is worth saving then.
 */
#ifndef ELFKIT_ERR_H
#define ELFKIT_ERR_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct err;

struct err *err_new(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prefixes @err's message with "CONTEXT: ". NULL stays NULL. Consumes @err. */
struct err *err_in(struct err *err, const char *context);

/* The same with a context that is made here. */
struct err *err_about(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

const char *err_message(const struct err *err);
void err_free(struct err *err);

/* Allocation that cannot fail; memory is zeroed and freed with free(). */
void *xcalloc(size_t n, size_t size) __attribute__((returns_nonnull));
void *xreallocarray(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* open_memstream(3): @text is whole when the stream is closed. */
FILE *xmemstream(char **text, size_t *len) __attribute__((returns_nonnull));

/*
 * Makes room for one more element at the end of @array, which holds @n and has
 * room for @cap; new room is not zeroed.
 */
#define GROW(array, n, cap)                                                                   \
	do {                                                                                  \
		if ((n) == (cap)) {                                                           \
			(cap) = (cap) ? (cap) * 2 : 64;                                       \
			(array) = xreallocarray((array), (cap), sizeof(*(array)));            \
		}                                                                             \
	} while (0)

static inline void free_ptr(void *p)
{
	free(*(void **)p);
}

#define AUTO_FREE __attribute__((cleanup(free_ptr)))

#endif
