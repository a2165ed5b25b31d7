// SPDX-License-Identifier: GPL-2.0
/* Colours (SGR of ECMA-48) and the progress line. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elfkit/terminal.h"

static bool is_terminal(FILE *file)
{
	const char *term = getenv("TERM");

	return isatty(fileno(file)) && term && *term && strcmp(term, "dumb");
}

const char *paint(FILE *file, enum paint colour)
{
	static const char *const codes[] = {
		[PAINT_END] = "\033[0m", [PAINT_BAD] = "\033[1;31m", [PAINT_WARN] = "\033[1;33m",
		[PAINT_GOOD] = "\033[1;32m", [PAINT_NOTE] = "\033[1;36m",
	};
	const char *no = getenv("NO_COLOR");

	return (no && *no) || !is_terminal(file) ? "" : codes[colour];
}

bool progress_is_seen(void)
{
	return is_terminal(stderr);
}

void progress(const char *fmt, ...)
{
	va_list ap;

	if (!is_terminal(stderr))
		return;
	fputs("\r\033[K", stderr);
	if (fmt) {
		va_start(ap, fmt);
		vfprintf(stderr, fmt, ap);
		va_end(ap);
	}
	fflush(stderr);
}
