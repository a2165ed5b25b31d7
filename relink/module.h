/* SPDX-License-Identifier: GPL-2.0 */
/* Other people's tools: ld joins objects, Kbuild makes the module. */
#ifndef ELFKIT_RELINK_MODULE_H
#define ELFKIT_RELINK_MODULE_H

#include "relink/object.h"

/* Runs a program with its output in @log; a failure is explained by what it printed. */
struct err *module_run(const char *const argv[], const char *log);

/* The program that environment variable @variable names, or @fallback. */
const char *module_tool(const char *variable, const char *fallback);

/* A directory of our own under $TMPDIR, removed with all that is in it. */
struct err *workdir_make(char **ret);
void workdir_remove(char *path);

/*
 * Joins the objects into one relocatable file with `ld -r`, without what only the built-in
 * objects of a kernel have and a module has its own of (.modinfo, __param).
 */
struct err *module_join(char *const *paths, uint32_t n, const char *output);

/*
 * Compiles the loader (NULL: none) and links it with @joined into one object, with Kbuild of @kernel_dir in
 * @workdir: the kernel's own flags, and its objtool where the kernel runs it on whole modules.
 * @rebuild: the loader rebuilds runqueues. @object gets the path of the result, which the caller frees.
 */
struct err *module_compile(const char *joined, const char *name, const char *loader_dir,
			   const char *kernel_dir, const char *workdir, bool rebuild, char **object);

/* Makes NAME.ko of @object, which needs nothing more, with Kbuild in @workdir; @built gets its path there. */
struct err *module_build(const struct object *object, const char *name, const char *kernel_dir,
			 const char *workdir, char **built);

/*
 * Moves debug information out of @module into @debug, as distributions do; the module then names the
 * file by its last part, @debug_name, and its checksum.
 */
struct err *module_split_debug(const char *module, const char *debug_name, const char *workdir, char **debug);

/* Signs @module with the kernel's own sign-file and the hash of its config. */
struct err *module_sign(const char *module, const char *key, const char *cert, const char *kernel_dir,
			const char *workdir);

/* Copies a file to where it is wanted, under its name when it is whole. */
struct err *module_install(const char *from, const char *path);

/*
 * Signals that end a program end it in order: the tool that is running ends, what comes next fails with
 * module_interrupted(), and what was made until then is removed.
 */
void module_catch_signals(void);
struct err *module_interrupted(void);

/* What tools print is shown, not only what a failed one printed. */
void module_set_verbose(bool on);

/* The NAME of NAME.ko, which must do as a module's name (scripts/Makefile.lib). Caller frees. */
struct err *module_name(const char *output, char **ret);

/* The release that @kernel_dir is for (UTS_RELEASE in include/generated/utsrelease.h). Caller frees. */
struct err *module_kernel_release(const char *kernel_dir, char **ret);

#endif
