/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Debug information from a server, by build-id (debuginfod(8)).  libdebuginfod is loaded when it
 * is needed: elfkit works without it.  What was fetched stays in libdebuginfod's cache.
 */
#ifndef ELFKIT_DEBUGINFOD_H
#define ELFKIT_DEBUGINFOD_H

#include <stdbool.h>

#include "elfkit/err.h"

/* Whether @text is a build-id: hexadecimal, 8 to 32 bytes. */
bool debuginfod_is_build_id(const char *text);

/* Whether DEBUGINFOD_URLS names a server. */
bool debuginfod_is_set(void);

/*
 * Where the file with the debug information of @build_id is now.  Shows progress on a terminal; a
 * signal that ends programs ends the transfer, as an error.  Caller frees.
 */
struct err *debuginfod_fetch(const char *build_id, char **ret);

#endif
