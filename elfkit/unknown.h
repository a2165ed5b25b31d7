/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of the policy that mean nothing in a kernel: a typo, or a kernel of another age.
 */
#ifndef ELFKIT_UNKNOWN_H
#define ELFKIT_UNKNOWN_H

#include "elfkit/kernel.h"

/*
 * One line a name, "kernel/sched/syscall.c (boundary.yaml:9): no such file; near: ...", in the
 * order of the policy.  Patterns are not checked.  The caller frees the lines and the array.
 */
void unknown_names(const struct kernel *kernel, char ***lines, uint32_t *n);

#endif
