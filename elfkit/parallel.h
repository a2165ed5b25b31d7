/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Independent pieces of work on all processors.  Each piece writes only what is
 * its own, so results do not depend on which thread runs what, or when.
 */
#ifndef ELFKIT_PARALLEL_H
#define ELFKIT_PARALLEL_H

#include <stdint.h>

/* Calls @work(@arg, i) once for each i below @n, in any order, and returns when all have returned. */
void parallel_run(uint32_t n, void (*work)(void *arg, uint32_t i), void *arg);

#endif
