/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who has hold of an object of the kernel and stays: functions that are not replaced, and data
 * with a pointer to it.  Code of the boot counts, too: what it did with the address is in use.
 */
#ifndef ELFKIT_RELINK_HOLDERS_H
#define ELFKIT_RELINK_HOLDERS_H

#include "elfkit/kernel.h"

/* Calls @fn with the place of each reference to the object at @addr; @func: NO_ID for data. Returns how many. */
uint32_t holders_of(const struct kernel *kernel, const struct boundary *boundary, uint64_t addr,
		    void (*fn)(uint32_t func, uint64_t at, void *arg), void *arg);

#endif
