/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a change is allowed: what outsiders know of the scheduler must stay as they know it.
 *
 * An outsider is all code that is not replaced: of other units, and of the scheduler's own units
 * what stays the kernel's.  Each check adds remarks and none stops at the first.
 */
#ifndef ELFKIT_RELINK_CHECK_H
#define ELFKIT_RELINK_CHECK_H

#include "relink/compare.h"
#include "relink/remarks.h"
#include "relink/shape.h"

struct check {
	struct kernel *kernel;		/* who uses which member is read when it is asked for */
	const struct boundary *boundary;
	const struct object *object;
	const struct debuginfo *info;	/* of the object */
	const struct match *match;
	const enum verdict *verdict;	/* [object symbols] ... */
	const uint64_t *where;		/* ... and where the first difference is */
	struct shapes *old, *now;	/* of the units that both have */
	struct remarks *remarks;
};

/* Compilers, signatures, layouts, constants, types of objects, copies of changed inline functions. */
struct err *check_change(const struct check *check);

/* The parts of it. */
void check_compilers(const struct check *check);
void check_signatures(const struct check *check);
struct err *check_layouts(const struct check *check);
struct err *check_constants(const struct check *check);
void check_objects(const struct check *check);

/*
 * @follows: [object symbols], set for functions that changed for a reason that is told: a layout, a
 * constant, or an edited function that they have a copy of.
 */
struct err *check_inlines(const struct check *check, bool *follows);

/* "FUNC (FILE:LINE)" for the code at link-time address @addr. Caller frees. */
char *check_user(const struct check *check, uint64_t addr);

/* Outside callers; who holds the address of a callback calls it from anywhere. */
void check_add_callers(const struct check *c, struct remark *f, uint32_t func);

/* Whether the function of the kernel stays as it is while the module is loaded. */
bool check_is_outside(const struct check *check, uint32_t func);

#endif
