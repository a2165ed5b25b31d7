/* SPDX-License-Identifier: GPL-2.0 */
/* The commands, and what they share: defaults, output files, exit status. */
#ifndef ELFKIT_CMD_H
#define ELFKIT_CMD_H

#include <stdio.h>

#include "elfkit/err.h"

/* Exit status of every command. */
enum { EXIT_CLEAN = 0, EXIT_FINDINGS = 1, EXIT_ERROR = 2 };

/* Each returns an error or sets the exit status. */
struct err *cmd_boundary(int argc, char **argv, int *status);
struct err *cmd_diff(int argc, char **argv, int *status);
struct err *cmd_frame(int argc, char **argv, int *status);
struct err *cmd_load(int argc, char **argv, int *status);
struct err *cmd_pack(int argc, char **argv, int *status);
struct err *cmd_refs(int argc, char **argv, int *status);
struct err *cmd_relink(int argc, char **argv, int *status);
struct err *cmd_status(int argc, char **argv, int *status);
struct err *cmd_unload(int argc, char **argv, int *status);

/*
 * A file of elfkit's own data, found beside the build or where `make install` put
 * it; $ELFKIT_DATADIR overrides both. Caller frees.
 */
struct err *data_path(const char *name, char **ret);

/* @given, or boundary.yaml of the installation where that is NULL. Caller frees. */
struct err *policy_path(const char *given, char **ret);

/*
 * The vmlinux that @given names: a file or, where there is none of that name, a build-id that a debuginfod
 * server knows.  NULL: that of the running kernel.  Caller frees.
 */
struct err *vmlinux_path(const char *given, char **ret);

/* Has @write write to @path, which appears when it is whole, or to stdout where that is NULL. */
struct err *cmd_write(const char *path, struct err *(*write)(void *arg, FILE *file), void *arg);

struct argp_state;

/* A whole number from 0 on that an option takes; anything else is a usage error. */
unsigned int cmd_number(const char *text, struct argp_state *state, const char *option);

#endif
