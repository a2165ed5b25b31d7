// SPDX-License-Identifier: GPL-2.0
/* References to variables, held against the boundary. */
#include <string.h>

#include "elfkit/sharing.h"

struct context {
	const struct funcs *funcs;
	const struct variables *variables;
	const struct refs *refs;
	const struct boundary *boundary;
};

static bool is_init_section(const struct image_section *s)
{
	return s && (!strncmp(s->name, ".init", 5) || !strncmp(s->name, ".exit", 5));
}

/* Whether the reference at @ref->at is made by something that the new code does not replace. */
static bool is_outside(const struct context *c, const struct var_ref *ref)
{
	uint32_t holder;

	/* other units cannot name it: what they mean ends where it begins */
	if (ref->from != NO_ID && c->variables->v[ref->to].local && !funcs_source(c->funcs, ref->from))
		return false;
	if (ref->from != NO_ID)
		return !boundary_is_init(c->funcs, ref->from) &&
		       boundary_runs_outside(c->boundary, c->funcs, ref->from, ref->at);
	holder = variables_at(c->variables, ref->at);
	return holder == NO_ID && !is_init_section(image_section_at(c->funcs->image, ref->at));
}

static void decide(const struct context *c, uint32_t id, struct shared_variable *v)
{
	uint32_t first = c->refs->to_var[id], end = c->refs->to_var[id + 1], last = NO_ID;

	for (uint32_t r = first; r < end; r++) {
		const struct var_ref *ref = &c->refs->vars[r];

		/* references come in the order of addresses, those of one function together */
		if (!is_outside(c, ref) || (ref->from != NO_ID && ref->from == last))
			continue;
		last = ref->from;
		GROW(v->users, v->nr_users, v->cap_users);
		v->users[v->nr_users++] = ref->at;
	}
	v->shared = v->nr_users || c->variables->v[id].exported;
	if (c->variables->v[id].exported) {
		v->because = xstrdup("exported: modules use it");
	} else if (v->nr_users) {
		AUTO_FREE char *place = funcs_place(c->funcs, v->users[0]);

		v->because = xasprintf("used outside at %s", place);
	} else {
		v->because = xstrdup(first < end ? "only used inside" : "no reference was found");
	}
}

void sharing_find(const struct funcs *funcs, const struct variables *variables, const struct refs *refs,
		  const struct boundary *boundary, struct sharing *ret)
{
	const struct context c = { funcs, variables, refs, boundary };

	ret->n = variables->n;
	ret->v = xcalloc(variables->n, sizeof(*ret->v));
	for (uint32_t i = 0; i < variables->n; i++)
		decide(&c, i, &ret->v[i]);
}

void sharing_release(struct sharing *sharing)
{
	for (uint32_t i = 0; i < sharing->n; i++) {
		free(sharing->v[i].users);
		free(sharing->v[i].because);
	}
	free(sharing->v);
	memset(sharing, 0, sizeof(*sharing));
}
