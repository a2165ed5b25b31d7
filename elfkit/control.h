/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Switching the elfkit modules of the running kernel, for the commands: through /sys/kernel/elfkit, with what the
 * kernel's log says about a refusal told to the outcome of the command.
 */
#ifndef ELFKIT_CONTROL_H
#define ELFKIT_CONTROL_H

#include <stdbool.h>

#include "elfkit/outcome.h"

/* Whether @name is one of @patterns, which are shell patterns with commas between them. */
bool control_matches(const char *patterns, const char *name);

/* Writes 0 or 1 to a file of module @name, "enabled" or "confirm". 0, or the errno. */
int control_write(const char *name, const char *file, const char *text);

/*
 * Puts the module in (@on) or out; while a task is in the way up to @retry more times, a second apart. 0, or the
 * errno of the last try, whose reasons have been told.
 */
int control_switch(struct outcome *outcome, const char *name, bool on, unsigned int retry);

/* Takes a module that is out from the kernel. 0, or the errno. */
int control_remove(const char *name);

/* Both. False: it is still loaded, and why has been told. */
bool control_unload(struct outcome *outcome, const char *name, unsigned int retry);

/*
 * The first module that is enabled, is not @name, and is not one of @patterns; NULL: none.
 */
const struct loaded *control_conflict(const struct loaded_list *list, const char *name, const char *patterns);

#endif
