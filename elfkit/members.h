/* SPDX-License-Identifier: GPL-2.0 */
/* Where a member of a struct lies, asked by name: for what a table of offsets needs. */
#ifndef ELFKIT_MEMBERS_H
#define ELFKIT_MEMBERS_H

#include "elfkit/debuginfo.h"

/*
 * The place of member @path in `struct TYPE`, as the units of @info know it. The path goes
 * through structs by dots; a name may have alternatives, of which the first that is there
 * counts: "cfs.h_nr_queued|h_nr_running". "" is the struct itself. Offset and size are bytes.
 */
bool member_find(const struct debuginfo *info, const char *type, const char *path, uint64_t *ret_offset,
		 uint64_t *ret_size);

#endif
