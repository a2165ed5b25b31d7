// SPDX-License-Identifier: GPL-2.0
/*
 * Layouts and constants, old against new.
 *
 * A struct that the rest of the kernel declares, too, was compiled into all of it.  One of the
 * scheduler's own may change if no instance outlives the switch: if it is reached neither from a
 * variable of the kernel nor from code that stays, through members, pointers and what
 * embeds what is reached (lists are followed from the inside out).
 */
#include <string.h>

#include "elfkit/copies.h"
#include "relink/check.h"

enum { ROOT = UINT32_MAX };

/* Which types the surviving kernel can hold an instance of. */
struct survivors {
	const struct shapes *shapes;
	bool *alive;		/* [types] */
	bool *local;		/* [types]: an instance is a local variable somewhere */
	uint32_t *from;		/* [types]: the type that leads here, or ROOT */
	const char **root;	/* [types]: what leads to the first of them */
	uint32_t *queue, head, tail;
	uint32_t parent;	/* while mentions are followed ... */
	const char *why;
	const struct check *check;
};

static void reach(struct survivors *s, const char *name)
{
	const struct shape_type *t;
	uint32_t n;

	t = shapes_types(s->shapes, name, &n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = t + i - s->shapes->types;

		if (s->alive[id])
			continue;
		s->alive[id] = true;
		s->from[id] = s->parent;
		s->root[id] = s->why;
		s->queue[s->tail++] = id;
	}
}

static void reach_mentioned(const char *name, size_t len, void *arg)
{
	AUTO_FREE char *copy = xstrndup(name, len);

	reach(arg, copy);
}

static void reach_local(const char *spelled, void *arg)
{
	shape_mentions(spelled, reach_mentioned, arg);
}

/* The name of the struct that @spelled is, or has an array of; NULL: a pointer or no struct. Caller frees. */
static char *embedded(const char *spelled)
{
	size_t skip = !strncmp(spelled, "struct ", 7) ? 7 : !strncmp(spelled, "union ", 6) ? 6 : 0;

	if (!skip || strpbrk(spelled, "*("))
		return NULL;
	return xstrndup(spelled + skip, strcspn(spelled + skip, " ["));
}

static void note_local(const char *spelled, void *arg)
{
	struct survivors *s = arg;
	AUTO_FREE char *name = embedded(spelled);
	const struct shape_type *t;
	uint32_t n;

	t = name ? shapes_types(s->shapes, name, &n) : NULL;
	for (uint32_t i = 0; t && i < n; i++)
		s->local[t + i - s->shapes->types] = true;
}

static bool is_left(uint64_t entry, void *arg)
{
	const struct survivors *s = arg;
	uint32_t func = funcs_starting_at(s->check->kernel->funcs, entry);

	return func == NO_ID || check_is_outside(s->check, func);
}

static bool is_any(uint64_t entry __attribute__((unused)), void *arg __attribute__((unused)))
{
	return true;
}

/* What embeds a type that is reached, such as a list's head, may be reached through it. */
static bool reach_embedding(struct survivors *s)
{
	bool any = false;

	for (uint32_t i = 0; i < s->shapes->nr_types; i++) {
		const struct shape_type *t = &s->shapes->types[i];

		for (uint32_t m = 0; m < t->nr_members && !s->alive[i] && !s->local[i]; m++) {
			AUTO_FREE char *name = embedded(t->members[m].type);
			const struct shape_type *inner;
			uint32_t n;

			inner = name ? shapes_types(s->shapes, name, &n) : NULL;
			if (!inner || !s->alive[inner - s->shapes->types])
				continue;
			s->parent = inner - s->shapes->types;
			s->why = s->root[s->parent];
			reach(s, t->name);
			any = true;
		}
	}
	return any;
}

static void find_survivors(const struct check *c, struct survivors *s)
{
	uint32_t n = c->old->nr_types + 1;

	*s = (struct survivors){
		.shapes = c->old, .check = c, .alive = xcalloc(n, sizeof(bool)), .local = xcalloc(n, sizeof(bool)),
		.from = xcalloc(n, sizeof(uint32_t)), .root = xcalloc(n, sizeof(char *)),
		.queue = xcalloc(n, sizeof(uint32_t)), .parent = ROOT,
	};
	/* a variable that is one is a better example than one that leads to one */
	for (int leads = 0; leads < 2; leads++)
		for (uint32_t i = 0; i < c->old->nr_vars; i++) {
			AUTO_FREE char *is = embedded(c->old->vars[i].type);

			s->why = c->old->vars[i].name;
			if (is || leads)
				shape_mentions(c->old->vars[i].type, reach_mentioned, s);
		}
	s->why = "code that stays the kernel's";
	shapes_locals(c->kernel->debuginfo, c->old, is_left, reach_local, s);
	shapes_locals(c->kernel->debuginfo, c->old, is_any, note_local, s);
	do {
		while (s->head < s->tail) {
			const struct shape_type *t = &c->old->types[s->queue[s->head]];

			s->parent = s->queue[s->head++];
			s->why = s->root[s->parent];
			for (uint32_t m = 0; m < t->nr_members; m++)
				shape_mentions(t->members[m].type, reach_mentioned, s);
		}
	} while (reach_embedding(s));
}

static void survivors_release(struct survivors *s)
{
	free(s->alive);
	free(s->local);
	free(s->from);
	free(s->root);
	free(s->queue);
}

struct difference {
	char *text;		/* the first few, joined */
	uint32_t n;
	char *filled;		/* new members in holes and in place of reserved ones */
	bool *moved;		/* [old members]: elsewhere, or gone */
};

static void append(char **to, const char *separator, char *text)
{
	char *all = xasprintf("%s%s%s", *to ? *to : "", *to ? separator : "", text);

	free(*to);
	free(text);
	*to = all;
}

static void differ(struct difference *d, char *text)
{
	if (d->n++ < 3)
		append(&d->text, ", ", text);
	else
		free(text);
}

/* Names that say: nobody uses this. */
static bool is_reserved(const char *name)
{
	return strcasestr(name, "reserved") || strcasestr(name, "rsvd") || strstr(name, "pad") ||
	       strcasestr(name, "unused") || strcasestr(name, "spare");
}

static bool overlaps(const struct shape_member *a, const struct shape_member *b)
{
	return a->offset < b->offset + b->size && b->offset < a->offset + a->size;
}

static const struct shape_member *member_named(const struct shape_type *t, const char *name)
{
	for (uint32_t i = 0; i < t->nr_members; i++)
		if (*name && !strcmp(t->members[i].name, name))
			return &t->members[i];
	return NULL;
}

/* A member of @t in the very place of @m. */
static bool has_in_place(const struct shape_type *t, const struct shape_member *m)
{
	for (uint32_t i = 0; i < t->nr_members; i++)
		if (t->members[i].offset == m->offset && t->members[i].size == m->size)
			return true;
	return false;
}

static void compare_member(const struct shape_type *now, const struct shape_member *m, struct difference *d, bool *moved)
{
	const struct shape_member *other = member_named(now, m->name);

	if (!other) {
		*moved = !has_in_place(now, m) && !is_reserved(m->name) && m->size;
		if (*moved)
			differ(d, xasprintf("%s is gone", m->name));
	} else if (other->offset != m->offset) {
		*moved = true;
		differ(d, xasprintf("%s moves from %lu to %lu", m->name, (unsigned long)m->offset / 8,
				    (unsigned long)other->offset / 8));
	} else if (other->size != m->size) {
		*moved = true;
		differ(d, xasprintf("%s has %lu instead of %lu bit%s", m->name, (unsigned long)other->size,
				    (unsigned long)m->size, m->size == 1 ? "" : "s"));
	} else if (strcmp(other->type, m->type)) {
		*moved = true;
		differ(d, xasprintf("%s is `%s` instead of `%s`", m->name, other->type, m->type));
	}
}

static void compare_layouts(const struct shape_type *old, const struct shape_type *now, struct difference *d)
{
	d->moved = xcalloc(old->nr_members + 1, sizeof(bool));
	if (old->size != now->size)
		differ(d, xasprintf("its size is %lu instead of %lu bytes", (unsigned long)now->size,
				    (unsigned long)old->size));
	for (uint32_t i = 0; i < old->nr_members; i++)
		compare_member(now, &old->members[i], d, &d->moved[i]);
	for (uint32_t i = 0; i < now->nr_members; i++) {
		const struct shape_member *m = &now->members[i], *under = NULL;

		if (member_named(old, m->name) || has_in_place(old, m) || !*m->name)
			continue;
		for (uint32_t k = 0; k < old->nr_members && !under; k++)
			if (overlaps(m, &old->members[k]))
				under = &old->members[k];
		append(&d->filled, ", ", !under ? xasprintf("%s in a hole", m->name) :
		       xasprintf("%s in place of %s", m->name, under->name));
	}
}

static bool same_layout(const struct shape_type *a, const struct shape_type *b)
{
	if (a->size != b->size || a->nr_members != b->nr_members)
		return false;
	for (uint32_t i = 0; i < a->nr_members; i++)
		if (a->members[i].offset != b->members[i].offset || a->members[i].size != b->members[i].size ||
		    strcmp(a->members[i].name, b->members[i].name) || strcmp(a->members[i].type, b->members[i].type))
			return false;
	return true;
}

static bool used_there(const struct shape_type *t, const struct difference *d, const char *member)
{
	for (uint32_t i = 0; i < t->nr_members; i++)
		if (d->moved[i] && !strcmp(t->members[i].name, member))
			return true;
	return false;
}

/* A refused struct, until its users are known. */
struct refused {
	const struct shape_type *type;
	struct difference difference;
	uint32_t remark;
};

/* What the whole kernel declares, so many of its files are asked about: who reads the list knows the rest. */
#define MAX_UNITS 200

static void add_users_of(const struct check *c, const struct structs *structs, const struct refused *r)
{
	struct remark *f = &c->remarks->v[r->remark];
	const struct shape_type *t = r->type;

	for (uint32_t i = 0; i < structs->n; i++) {
		const struct struct_entry *e = &structs->v[i];

		if (!e->type->name || strcmp(e->type->name, t->name) || !e->type->file || strcmp(e->type->file, t->file))
			continue;
		for (uint32_t m = 0; m < e->type->nr_members; m++)
			for (uint32_t u = 0; u < e->members[m].nr_users; u++) {
				AUTO_FREE char *user = NULL;

				if (!used_there(t, &r->difference, e->type->members[m].name))
					continue;
				user = check_user(c, c->kernel->funcs->v[e->members[m].users[u].func].low);
				remark_add_user(f, xasprintf("%s uses %s", user, e->type->members[m].name));
			}
	}
}

/* Those who use a member that is elsewhere now. */
static struct err *add_users(const struct check *c, const struct refused *refused, uint32_t n)
{
	const char **names = xcalloc(n, sizeof(*names));
	bool *left_out = xcalloc(n, sizeof(*left_out));
	struct type_filter filter = { names, n, MAX_UNITS, left_out };
	struct structs *structs = NULL;
	struct err *err;

	for (uint32_t i = 0; i < n; i++)
		names[i] = refused[i].type->name;
	err = kernel_users_of(c->kernel, &filter, &structs);
	for (uint32_t i = 0; !err && i < n; i++)
		add_users_of(c, structs, &refused[i]);
	for (uint32_t i = 0; i < n; i++)
		c->remarks->v[refused[i].remark].more_users = left_out[i];
	structs_free(structs);
	free(left_out);
	free(names);
	return err;
}

static void difference_release(struct difference *d)
{
	free(d->text);
	free(d->filled);
	free(d->moved);
}

/* Whether it is refused. */
static bool judge_layout(const struct check *c, const struct survivors *s, const struct shape_type *old,
			 const struct shape_type *now, struct difference *d)
{
	bool own = policy_has_file(c->kernel->policy, old->file), refused = false;
	uint32_t id = old - c->old->types;
	enum remark_kind kind;
	char *what;

	compare_layouts(old, now, d);
	if (d->n && own && !s->alive[id]) {
		kind = REMARK_LOCAL;
		what = xasprintf("%s%s; no instance outlives the functions that have it", d->text,
				 d->n > 3 ? ", and more" : "");
	} else if (d->n) {
		AUTO_FREE char *more = d->n > 3 ? xasprintf(", and %u more", d->n - 3) : xstrdup("");

		kind = REMARK_LAYOUT;
		refused = true;
		what = own ? xasprintf("%s%s; instances live outside of the module (%s)", d->text, more, s->root[id]) :
			xasprintf("%s%s; the rest of the kernel was built with it as it was", d->text, more);
	} else if (d->filled) {
		kind = REMARK_MEMBER;
		what = xasprintf("%s; instances that exist have there what they had", d->filled);
	} else {
		return false;
	}
	remarks_add(c->remarks, kind, xasprintf("struct %s", old->name), xstrdup(now->file), now->line, what);
	return refused;
}

struct err *check_layouts(const struct check *c)
{
	struct survivors s = { 0 };
	struct refused *refused = NULL;
	struct err *err = NULL;
	uint32_t n = 0, cap = 0;

	for (uint32_t i = 0; i < c->old->nr_types; i++) {
		const struct shape_type *old = &c->old->types[i];
		const struct shape_type *now = shapes_type(c->now, old->name, old->file);
		struct difference d = { 0 };

		if (!now || same_layout(old, now))
			continue;
		if (!s.shapes)
			find_survivors(c, &s);
		if (!judge_layout(c, &s, old, now, &d)) {
			difference_release(&d);
			continue;
		}
		GROW(refused, n, cap);
		refused[n++] = (struct refused){ old, d, c->remarks->n - 1 };
	}
	survivors_release(&s);
	if (n)
		err = add_users(c, refused, n);
	for (uint32_t i = 0; i < n; i++)
		difference_release(&refused[i].difference);
	free(refused);
	return err;
}

/* A constant that has another value now, and the remark about it. */
struct moved_constant {
	const struct shape_constant *constant;
	uint32_t remark;
	bool done;
};

/* Files outside that have the enum of @of: once for all of its constants. */
static struct err *add_enum_users(const struct check *c, struct moved_constant *v, uint32_t n, uint32_t of)
{
	const struct shape_constant *first = v[of].constant;
	struct copies copies;
	struct err *err;

	err = copies_find_enum(c->kernel->debuginfo, c->kernel->policy, first->enumeration, first->file, &copies);
	for (uint32_t i = of; i < n && !err; i++) {
		if (v[i].done || !v[i].constant->enumeration || strcmp(v[i].constant->enumeration, first->enumeration) ||
		    strcmp(v[i].constant->file, first->file))
			continue;
		v[i].done = true;
		for (uint32_t k = 0; k < copies.n; k++)
			remark_add_user(&c->remarks->v[v[i].remark], xstrdup(copies.v[k].unit));
	}
	copies_release(&copies);
	return err;
}

/* A constant of a header has been compiled into whoever includes it, and is stored in what exists. */
struct err *check_constants(const struct check *c)
{
	struct moved_constant *moved = NULL;
	struct err *err = NULL;
	uint32_t n = 0, cap = 0;

	for (uint32_t i = 0; i < c->old->nr_constants; i++) {
		const struct shape_constant *old = &c->old->constants[i];
		const struct shape_constant *now = shapes_constant(c->now, old->name, old->file);
		size_t len = strlen(old->file);
		struct remark *f;

		if (!now || now->value == old->value)
			continue;
		f = remarks_add(c->remarks, REMARK_CONSTANT, xstrdup(old->name), xstrdup(now->file), now->line,
				xasprintf("its value is %ld instead of %ld%s%s", (long)now->value, (long)old->value,
					  old->enumeration ? ", in enum " : "",
					  old->enumeration ? old->enumeration : ""));
		if (len > 2 && !strcmp(old->file + len - 2, ".c") && policy_has_file(c->kernel->policy, old->file)) {
			f->weight = REMARK_NOTE;
			continue;
		}
		GROW(moved, n, cap);
		moved[n++] = (struct moved_constant){ old, c->remarks->n - 1, !old->enumeration };
	}
	for (uint32_t i = 0; i < n && !err; i++)
		if (!moved[i].done)
			err = add_enum_users(c, moved, n, i);
	free(moved);
	return err;
}
