/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Objects of the kernel that get new contents while the module is in (policy `update`).
 *
 * The module carries both contents of each, with relocations: what vmlinux has, so that the
 * loader can tell whether the running kernel has it, too, and what the rebuilt object has.
 */
#ifndef ELFKIT_RELINK_UPDATES_H
#define ELFKIT_RELINK_UPDATES_H

#include "relink/rewrite.h"

struct update {
	uint32_t symbol;	/* of the object */
	uint64_t at;		/* in both sections */
	uint64_t size;
	uint32_t flags;		/* ELFKIT_UPDATE_* */
};

struct updates {
	struct update *v;
	uint32_t n;
	uint32_t old, now;	/* sections of the contents; 0: there are none */
};

/*
 * After rewrite_object(), whose references it takes over. Contents that cannot be moved to another
 * address, or are not in vmlinux, become remarks; so does a new function in them that must not be
 * called through a pointer.
 */
void updates_add(const struct kernel *kernel, struct object *object, const struct object_refs *refs,
		 const struct bindings *bindings, const struct rewrite_result *rewritten, struct remarks *remarks,
		 struct updates *ret);
void updates_release(struct updates *updates);

#endif
