/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where each symbol of a rebuilt object is to be found once it is a module.
 *
 * Calls and addresses differ for a replaced function: a call goes to the new
 * body, its address is the old entry, which jumps there.  So no pointer to the
 * module ever gets into the kernel's hands.
 */
#ifndef ELFKIT_RELINK_BIND_H
#define ELFKIT_RELINK_BIND_H

#include "relink/compare.h"
#include "relink/remarks.h"
#include "relink/symvers.h"

enum place {
	PLACE_UNBOUND,		/* nowhere: an error for code that can run */
	PLACE_MODULE,		/* the object's own */
	PLACE_KERNEL,		/* vmlinux's, as the anchor plus a distance */
	PLACE_NAME,		/* exported by name */
};

struct binding {
	enum place call;	/* for direct calls and jumps */
	enum place address;	/* for everything else */
	uint64_t kernel;	/* link-time address for PLACE_KERNEL */
	bool replaced;		/* a function whose new body takes over */
	bool updated;		/* an object of the kernel that gets the new contents */
};

struct bindings {
	struct binding *v;	/* [object symbols] */
	char **problem;		/* [object symbols]: why PLACE_UNBOUND, or why nothing that runs may refer to it; or NULL */
	uint32_t n;
	uint64_t *strings;	/* [references]: where the kernel has the string that is meant, or 0 (relink/literals.h) */
};

/*
 * @boundary must have been computed for the bodies that @object has. What is not allowed (a
 * changed function outside of the boundary, an object's size) becomes a remark.
 */
void bind_symbols(const struct kernel *kernel, const struct boundary *boundary, const struct object *object,
		  const struct match *match, const enum verdict *verdict, char *const *difference,
		  const struct symvers *symvers, struct remarks *remarks, struct bindings *ret);
void bindings_release(struct bindings *bindings);

/* foo.cold runs as a piece of foo: it goes where foo's new body goes. */
bool bind_is_cold_part(const struct object_symbol *s);

#endif
