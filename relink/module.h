/* SPDX-License-Identifier: GPL-2.0 */
/* Other people's tools: ld joins objects, Kbuild makes the module. */
#ifndef ELFKIT_RELINK_MODULE_H
#define ELFKIT_RELINK_MODULE_H

#include "relink/object.h"

/* A directory of our own under $TMPDIR, removed with all that is in it. */
struct err *workdir_make(char **ret);
void workdir_remove(char *path);

/* Joins the objects into one relocatable file with `ld -r`. */
struct err *module_join(char *const *paths, uint32_t n, const char *output);

/*
 * Builds @output (NAME.ko) from @object and the loader's sources with Kbuild of @kernel_dir, in
 * @workdir.  @output is written beside and renamed.
 */
struct err *module_build(const struct object *object, const char *loader_dir, const char *kernel_dir,
			 const char *workdir, const char *output);

/* The NAME of NAME.ko, which must do as a module's name (scripts/Makefile.lib). Caller frees. */
struct err *module_name(const char *output, char **ret);

/* The release that @kernel_dir is for (UTS_RELEASE in include/generated/utsrelease.h). Caller frees. */
struct err *module_kernel_release(const char *kernel_dir, char **ret);

#endif
