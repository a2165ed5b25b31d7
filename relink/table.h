/* SPDX-License-Identifier: GPL-2.0 */
/* The loader's table (loader/abi.h) as a part of an object. */
#ifndef ELFKIT_RELINK_TABLE_H
#define ELFKIT_RELINK_TABLE_H

#include "relink/updates.h"

struct table_counts {
	uint32_t sites;		/* entries that get a jump */
	uint32_t ranges;	/* pieces of old code */
	uint32_t hooks, pools;	/* records of the new code (loader/elfkit.h) */
};

/*
 * Adds the table, described by what relink has found, to @object.  Called
 * after rewrite_object() and adapters_add().  Fails where an entry that needs a jump  has
 * no room for one. With @rebuild the loader was compiled to rebuild runqueues.
 */
struct err *table_add(const struct kernel *kernel, const struct boundary *boundary, struct object *object,
		      const struct match *match, const struct bindings *bindings,
		      const struct rewrite_result *rewritten, const struct updates *updates,
		      const struct symvers *symvers,
		      const struct symbol_map *map, bool rebuild, struct table_counts *counts);

#endif
