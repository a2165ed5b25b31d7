/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ORC entries of an object that is cut.
 *
 * An entry holds from its place to the next one's, and objtool leaves out an entry that would repeat the one
 * before. So the last one in a hole goes on to where the hole ended, unless one begins there.
 */
#ifndef ELFKIT_RELINK_CUT_ORC_H
#define ELFKIT_RELINK_CUT_ORC_H

#include "relink/cut.h"

/* Called before cut_object(), with what that gets. */
struct err *cut_orc(struct object *object, const struct edges *edges, const struct holes *holes,
		    struct object_section *old);

/*
 * Whether at each place where an entry began or a piece begins the same holds now. @before is the
 * object as it was, @now describes it as it is.
 */
struct err *cut_orc_check(const struct object *before, const struct edges *edges, const struct object *object,
			  const struct edges *now, const struct pieces *pieces, const struct reach *reach,
			  const struct holes *holes);

#endif
