/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The running kernel: its build-id, and its vmlinux, which is where debug packages and kernel builds put it or
 * comes from a debuginfod server.  The build-id decides, not the name.
 */
#ifndef ELFKIT_RUNNING_H
#define ELFKIT_RUNNING_H

#include <stdint.h>

#include "elfkit/err.h"

/*
 * The path of the vmlinux of kernel @release, whose build-id stands in ROOT/sys/kernel/notes;
 * @root is "" but in tests.  A server is asked only where
 * DEBUGINFOD_URLS names one.  Caller frees.
 */
struct err *running_vmlinux(const char *root, const char *release, char **ret);

/*
 * Build-ids in hex, or NULL: of the kernel that runs, of a file of notes as sysfs has them, and of @len bytes
 * of notes.  Caller frees.
 */
char *running_build_id(const char *root);
char *running_notes_file(const char *path);
char *running_note_build_id(const uint8_t *notes, size_t len);

#endif
