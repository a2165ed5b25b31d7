/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The vmlinux of the running kernel: where debug packages and kernel builds put it, or from
 * a debuginfod server.  The build-id decides, not the name.
 */
#ifndef ELFKIT_RUNNING_H
#define ELFKIT_RUNNING_H

#include "elfkit/err.h"

/*
 * The path of the vmlinux of kernel @release, whose build-id stands in ROOT/sys/kernel/notes;
 * @root is "" but in tests.  A server is asked only where
 * DEBUGINFOD_URLS names one.  Caller frees.
 */
struct err *running_vmlinux(const char *root, const char *release, char **ret);

#endif
