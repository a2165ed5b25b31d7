/* SPDX-License-Identifier: GPL-2.0 */
/* A module that elfkit relink has made, as a file: what it says of itself in .modinfo and its notes. */
#ifndef ELFKIT_MODFILE_H
#define ELFKIT_MODFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "elfkit/err.h"

struct modfile {
	char *name;		/* of the module; not of the file */
	char *release;		/* of the kernel that it is for */
	char *kernel_id;	/* the build-id of that kernel, in hex */
	char *functions;	/* how many, in words */
	char *elfkit;		/* the version that made it */
	char *own_id;		/* its own build-id, in hex; NULL: none */
	uint16_t machine;	/* EM_* */
};

struct err *modfile_read(const char *path, struct modfile *ret);
void modfile_release(struct modfile *file);

/*
 * Whether it is for the kernel that runs: by release and by the build-id in ROOT/sys/kernel/notes.  If not,
 * @why (which the caller frees) says what differs.  @root is "" but in tests.
 */
bool modfile_fits(const struct modfile *file, const char *root, const char *release, char **why);

/* Whether the module of this name that is loaded is this very file; no build-id means no. */
bool modfile_is_loaded(const struct modfile *file, const char *root);

#endif
