/* SPDX-License-Identifier: GPL-2.0 */
/* A module on probation: a health command decides whether it stays. */
#ifndef ELFKIT_TRIAL_H
#define ELFKIT_TRIAL_H

#include <stdbool.h>

#include "elfkit/outcome.h"

/*
 * The module of @before that @name has taken over from: enabled then, and now no more.  NULL: none, @name has
 * taken over from the kernel's own scheduler.
 */
struct err *trial_replaced(const struct loaded_list *before, const char *name, const struct loaded **ret);

/*
 * Runs @command with sh, for @seconds at most, and confirms the module of @outcome if it succeeds.  If not, @old is
 * put in again in one stop, or the kernel's own where that is NULL, and the module is removed; @ret is false then.
 * All of it is told.  Whatever ends the process meanwhile, the probation of the module itself is still there.
 */
struct err *trial_run(struct outcome *outcome, const struct loaded *old, const char *command, unsigned int seconds,
		      unsigned int retry, bool *ret);

#endif
