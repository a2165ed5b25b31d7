// SPDX-License-Identifier: GPL-2.0
/* Copies that outsiders have of functions which were edited: those stay as they were. */
#include <string.h>

#include "elfkit/copies.h"
#include "relink/check.h"
#include "relink/lines.h"

static bool is_header(const char *file)
{
	size_t len = strlen(file);

	return len > 2 && !strcmp(file + len - 2, ".h");
}

/* Whether code may be changed all over because of what it knows of a struct or a constant. */
static bool has_other_reasons(const struct check *c)
{
	for (uint32_t i = 0; i < c->remarks->n; i++)
		switch (c->remarks->v[i].kind) {
		case REMARK_LAYOUT: case REMARK_CONSTANT: case REMARK_LOCAL: case REMARK_COMPILER:
			return true;
		default:
			break;
		}
	return false;
}

/* ... so much that the change is refused for that. */
static bool has_moved(const struct check *c)
{
	for (uint32_t i = 0; i < c->remarks->n; i++)
		if (c->remarks->v[i].weight == REMARK_REFUSED &&
		    (c->remarks->v[i].kind == REMARK_LAYOUT || c->remarks->v[i].kind == REMARK_CONSTANT))
			return true;
	return false;
}

static bool is_the_function(const struct check *c, const struct lines_edit *e, uint32_t func)
{
	const struct debug_func *source = funcs_source(c->kernel->funcs, func);

	return source && !strcmp(source->name, e->name) && !strcmp(source->file, e->file);
}

/* Copies in the scheduler's own units, in functions that stay. */
static void copies_near(const struct check *c, const struct lines_edit *e, struct remark *f, bool *told)
{
	const struct debuginfo *info = c->kernel->debuginfo;

	for (uint32_t i = 0; i < info->nr_inlines; i++) {
		const struct debug_func *callee = &info->funcs[info->inlines[i].callee];
		uint32_t host;

		if (strcmp(callee->name, e->name) || strcmp(callee->file, e->file))
			continue;
		host = funcs_starting_at(c->kernel->funcs, info->codes[info->inlines[i].host].ranges[0].low);
		if (host != NO_ID && !is_the_function(c, e, host) && check_is_outside(c, host) &&
		    !boundary_is_init(c->kernel->funcs, host)) {
			remark_add_user(f, check_user(c, c->kernel->funcs->v[host].low));
			told[host] = true;
		}
	}
}

static struct err *copies_elsewhere(const struct check *c, const struct lines_edit *e, struct remark *f)
{
	struct copies copies;
	struct err *err;

	err = copies_find_one(c->kernel->debuginfo, c->kernel->policy, e->name, e->file, &copies);
	for (uint32_t i = 0; i < copies.n; i++)
		remark_add_user(f, xasprintf("%s (%s:%u)", copies.v[i].host, copies.v[i].unit, copies.v[i].line));
	copies_release(&copies);
	return err;
}

struct err *check_inlines(const struct check *c, bool *follows)
{
	bool *told = xcalloc(c->kernel->funcs->n + 1, sizeof(*told));
	bool moves = has_moved(c);
	struct lines_edited edited;
	struct err *err = NULL;

	lines_find_edited(c->kernel->debuginfo, c->info, c->object, c->match, c->verdict, c->where,
			  has_other_reasons(c), &edited);
	for (uint32_t i = 0; i < edited.n && !err; i++) {
		const struct lines_edit *e = &edited.v[i];
		struct remark *f = remarks_add(c->remarks, REMARK_INLINE, xstrdup(e->name), xstrdup(e->file), e->line,
						 xasprintf("it is changed (seen in %s), and copies of it stay as they were",
							   e->host));

		copies_near(c, e, f, told);
		if (is_header(e->file))
			err = copies_elsewhere(c, e, f);
		if (!f->nr_users)
			remarks_drop_last(c->remarks);
	}
	for (uint32_t i = 1; i < c->object->nr_symbols; i++)
		follows[i] = edited.cause[i] == CAUSE_UNKNOWN ? moves :
			     edited.cause[i] == CAUSE_COPY && c->match->func[i] != NO_ID && told[c->match->func[i]];
	free(told);
	lines_edited_release(&edited);
	return err;
}
