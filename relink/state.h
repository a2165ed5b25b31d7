/* SPDX-License-Identifier: GPL-2.0 */
/* Whether the loader can rebuild the runqueues of a kernel, and what it must know of them. */
#ifndef ELFKIT_RELINK_STATE_H
#define ELFKIT_RELINK_STATE_H

#include "elfkit/kernel.h"
#include "loader/abi.h"

/*
 * NULL if runqueues are rebuilt at the switch, else why they stay as they are: boundary.yaml
 * says so, or the kernel lacks something. Caller frees.
 */
char *state_why_kept(const struct kernel *kernel);

/* Whether the loader calls @name while it rebuilds. */
bool state_calls(const char *name);

/* Fills in the offsets in @table. The kernel must have them: state_why_kept() was NULL. */
void state_offsets(const struct kernel *kernel, struct elfkit_table *table);

#endif
