// SPDX-License-Identifier: GPL-2.0
/* Errors as values, and memory that cannot fail. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "elfkit/err.h"
#include "elfkit/memory.h"

struct err {
	char *message;
};

/* Names in a message may come from a damaged file: what a terminal would act on is not shown. */
static char *one_line(char *message)
{
	for (char *c = message; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return message;
}

struct err *err_new(const char *fmt, ...)
{
	struct err *err = xcalloc(1, sizeof(*err));
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&err->message, fmt, ap) < 0)
		memory_exhausted();
	va_end(ap);
	one_line(err->message);
	return err;
}

struct err *err_in(struct err *err, const char *context)
{
	if (err) {
		char *message = xasprintf("%s: %s", context, err->message);

		free(err->message);
		err->message = one_line(message);
	}
	return err;
}

struct err *err_about(struct err *err, const char *fmt, ...)
{
	AUTO_FREE char *context = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&context, fmt, ap) < 0)
		memory_exhausted();
	va_end(ap);
	return err_in(err, context);
}

const char *err_message(const struct err *err)
{
	return err->message;
}

void err_free(struct err *err)
{
	if (!err)
		return;
	free(err->message);
	free(err);
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		memory_exhausted();
	return p;
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n ? n : 1, size);
	if (!p)
		memory_exhausted();
	return p;
}

char *xstrdup(const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		memory_exhausted();
	return copy;
}

char *xstrndup(const char *s, size_t n)
{
	char *copy = strndup(s, n);

	if (!copy)
		memory_exhausted();
	return copy;
}

FILE *xmemstream(char **text, size_t *len)
{
	FILE *file = open_memstream(text, len);

	if (!file)
		memory_exhausted();
	return file;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		memory_exhausted();
	va_end(ap);
	return s;
}
