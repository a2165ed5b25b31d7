/* SPDX-License-Identifier: GPL-2.0 */
/* A file in memory, for reading, whose pages can be given back while it is in use. */
#ifndef ELFKIT_MAPPING_H
#define ELFKIT_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

#include "elfkit/err.h"

struct mapping {
	char *base;		/* NULL: none */
	size_t size;
	bool written;		/* its pages hold more than the file does */
};

/* Maps all of @path, which must be a regular file that is not empty. */
struct err *mapping_open(const char *path, struct mapping *ret);
void mapping_close(struct mapping *mapping);

/*
 * Gives back the pages that were touched so far: they stay in the page cache and come back
 * when they are read again.  A walk over all of a kernel's DWARF does not pile up that way.
 * Nothing is given back of what was written to.
 */
void mapping_forget(const struct mapping *mapping);

#endif
