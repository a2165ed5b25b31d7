/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a module does not use does not travel: code that nothing in it reaches, the table entries that
 * describe such code, data and strings that only it referred to.
 *
 * What was written is read again, and each reference, instruction and unwind entry that stays is held
 * against what it was before; a difference is an error. An object whose code cannot be followed stays whole. Debug information follows the code, and is in the
 * object again, for a file beside the module.
 */
#ifndef ELFKIT_RELINK_PRUNE_H
#define ELFKIT_RELINK_PRUNE_H

#include "relink/bind.h"
#include "relink/object_refs.h"

struct pruned {
	uint64_t code;		/* bytes of code that went */
	uint32_t functions;
	char *whole;		/* why nothing was left out, or NULL */
	char *no_debug;		/* why the object has no debug sections now, or NULL */
};

void pruned_release(struct pruned *pruned);

/*
 * Called after rewrite_object() and adapters_add(), before table_add(). In use for their own sake are new
 * bodies, what is not the kernel's (the loader), and data whose contents are changed. @map is made anew.
 */
struct err *prune_object(struct object *object, const struct match *match, const enum verdict *verdict,
			 const struct bindings *bindings, struct symbol_map *map, struct pruned *ret);

#endif
