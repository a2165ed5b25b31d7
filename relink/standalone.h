/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A rebuilt object made into an image, so that what reads a kernel can read it: linked alone, with a
 * stub for each symbol that it lacks.  The stub of a function that does not return in the kernel does not
 * return either, since the compiler emits nothing behind a call of one.
 */
#ifndef ELFKIT_RELINK_STANDALONE_H
#define ELFKIT_RELINK_STANDALONE_H

#include "elfkit/funcs.h"

/* Writes @image in @workdir. @kernel says which functions return. */
struct err *standalone_link(const char *path, const struct funcs *kernel, const char *workdir, char **image);

#endif
