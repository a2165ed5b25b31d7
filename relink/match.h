/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which symbol of the kernel each symbol of a rebuilt object is.
 *
 * Global symbols match by name.  Local ones match by name within the file group
 * of their unit, which DWARF ties to the same unit of vmlinux; a variable that is
 * static in a function matches by function and variable name, since its .123
 * suffix moves with every edit.
 */
#ifndef ELFKIT_RELINK_MATCH_H
#define ELFKIT_RELINK_MATCH_H

#include "elfkit/kernel.h"
#include "relink/object.h"

struct match {
	uint32_t *symbol;	/* [object symbols]: kernel symbol id or NO_ID */
	uint32_t *func;		/* [object symbols]: kernel func id or NO_ID */
	bool *foreign;		/* [object symbols]: code of a unit that vmlinux has not: the loader's */
};

/*
 * @info is the DWARF of @object. Fails where no unit of the object is one of
 * vmlinux's: the objects are not of this kernel.
 */
struct err *match_symbols(const struct kernel *kernel, const struct object *object,
			  const struct debuginfo *info, struct match *ret);
void match_release(struct match *match);

#endif
