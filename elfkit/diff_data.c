// SPDX-License-Identifier: GPL-2.0
/*
 * Variables and structs of two reports.  What only the scheduler uses may change with
 * the scheduler; what outside code uses too must be what that code expects.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "elfkit/diff.h"
#include "elfkit/pair.h"

#define NAMES_SHOWN 4	/* of members, in the one line about a struct */

static bool is_shared(const char *class)
{
	return class && !strcmp(class, "shared");
}

static bool differ(const char *a, const char *b)
{
	return a && b && strcmp(a, b);
}

static bool numbers_differ(uint64_t a, uint64_t b)
{
	return a != NO_NUMBER && b != NO_NUMBER && a != b;
}

/* "shared: used outside by A and 3 more" */
static char *sharing_text(const char *class, const struct report_users *users, const char *because)
{
	if (!users->n)
		return because ? xasprintf("%s, %s", class, because) : xstrdup(class);
	if (users->n == 1)
		return xasprintf("%s, used outside by %s", class, users->first);
	return xasprintf("%s, used outside by %s and %u more", class, users->first, users->n - 1);
}

/* Variables */

static char *object_text(const struct report_object *o)
{
	char size[40] = "";

	if (o->size != NO_NUMBER)
		snprintf(size, sizeof(size), ", %" PRIu64 " bytes", o->size);
	return xasprintf("%s%s%s%s", o->kind ?: "variable", o->type ? ", " : "", o->type ?: "", size);
}

static char *object_name(const struct report_object *o)
{
	int len = pair_object_base(o->name);

	return o->function ? xasprintf("%s() %.*s", o->function, len, o->name) : xasprintf("%.*s", len, o->name);
}

static bool is_once(const struct report_object *o)
{
	return o->kind && !strcmp(o->kind, "once");
}

static void compare_object(struct diff *diff, const struct report_object *a, const struct report_object *b)
{
	bool shared = is_shared(a->class) || is_shared(b->class);

	/* which code has been passed once: of no interest to anybody, and they cannot be told apart */
	if (is_once(a) && is_once(b))
		return;
	if (strcmp(a->class, b->class))
		diff_add(diff, DIFF_OBJECT_SHARING, object_name(b), b->file,
			 sharing_text(a->class, &a->users, a->because), sharing_text(b->class, &b->users, b->because));
	if (differ(a->kind, b->kind) || differ(a->type, b->type) || numbers_differ(a->size, b->size))
		diff_add(diff, shared ? DIFF_SHARED_OBJECT : DIFF_PRIVATE_OBJECT, object_name(b), b->file,
			 object_text(a), object_text(b));
	if (strcmp(a->file ?: "", b->file ?: ""))
		diff_add(diff, DIFF_MOVED, object_name(b), b->file, xstrdup(a->file ?: "nowhere"),
			 xstrdup(b->file ?: "nowhere"));
}

/* File and function are the place of an object: "FILE" or "FILE FUNCTION" */
static struct pair_key *object_keys(const struct report_data *r)
{
	struct pair_key *keys = xcalloc(r->nr_objects, sizeof(*keys));

	for (uint32_t i = 0; i < r->nr_objects; i++) {
		const struct report_object *o = &r->objects[i];

		keys[i] = (struct pair_key){ o->name, pair_object_base(o->name),
					     xasprintf("%s %s", o->file ?: "", o->function ?: "") };
	}
	return keys;
}

static void free_object_keys(struct pair_key *keys, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free((char *)keys[i].place);
	free(keys);
}

void diff_objects(struct diff *diff)
{
	const struct report_data *a = diff->before, *b = diff->after;
	struct pair_key *old = object_keys(a), *new = object_keys(b);
	uint32_t *old_mate = xcalloc(a->nr_objects, sizeof(*old_mate));
	uint32_t *new_mate = xcalloc(b->nr_objects, sizeof(*new_mate));

	pair_up(old, a->nr_objects, new, b->nr_objects, old_mate, new_mate);
	for (uint32_t i = 0; i < a->nr_objects; i++) {
		const struct report_object *o = &a->objects[i];

		if (pair_found(old_mate[i]))
			compare_object(diff, o, &b->objects[old_mate[i]]);
		else
			diff_add(diff, is_shared(o->class) ? DIFF_OBJECT_REMOVED : DIFF_REMOVED, object_name(o),
				 o->file, sharing_text(o->class, &o->users, o->because), NULL);
	}
	for (uint32_t i = 0; i < b->nr_objects; i++) {
		const struct report_object *o = &b->objects[i];

		if (!pair_found(new_mate[i]))
			diff_add(diff, DIFF_ADDED, object_name(o), o->file, NULL,
				 sharing_text(o->class, &o->users, o->because));
	}
	free_object_keys(old, a->nr_objects);
	free_object_keys(new, b->nr_objects);
	diff->object_mate = old_mate;
	free(new_mate);
}

/* Structs */

/* Some names, and how many more there are. */
struct names {
	const char *v[NAMES_SHOWN];
	uint32_t n;
};

static void names_add(struct names *names, const char *name)
{
	if (names->n < NAMES_SHOWN)
		names->v[names->n] = name ?: "(anonymous)";
	names->n++;
}

static void print_names(FILE *f, const char *what, const struct names *names)
{
	if (!names->n)
		return;
	fprintf(f, "; %s ", what);
	for (uint32_t i = 0; i < names->n && i < NAMES_SHOWN; i++)
		fprintf(f, "%s%s", i ? ", " : "", names->v[i]);
	if (names->n > NAMES_SHOWN)
		fprintf(f, " and %u more", names->n - NAMES_SHOWN);
}

struct layout_change {
	struct names gone, new, other;	/* other: type, size or bits */
	uint32_t moved;
};

static char *struct_text(const struct report_struct *s, const struct layout_change *change)
{
	char *text = NULL;
	size_t len;
	FILE *f = xmemstream(&text, &len);

	if (s->size == NO_NUMBER)
		fprintf(f, "%u members", s->nr_members);
	else
		fprintf(f, "%" PRIu64 " bytes", s->size);
	if (change) {
		print_names(f, "gone", &change->gone);
		print_names(f, "new", &change->new);
		print_names(f, "other type", &change->other);
		if (change->moved)
			fprintf(f, "; %u moved", change->moved);
	}
	fclose(f);
	return text;
}

static char *struct_name(const struct report_struct *s)
{
	return xasprintf("struct %s", s->name);
}

static char *member_name(const struct report_struct *s, const struct report_member *m)
{
	return xasprintf("%s.%s", s->name, m->name ?: "(anonymous)");
}

static char *member_text(const struct report_member *m)
{
	char bits[40] = "";

	if (m->bits != NO_NUMBER)
		snprintf(bits, sizeof(bits), ":%" PRIu64, m->bits);
	if (m->type)
		return xasprintf("%s%s at %" PRIu64, m->type, bits, m->offset);
	if (m->size == NO_NUMBER)
		return xasprintf("at %" PRIu64, m->offset);
	return xasprintf("%" PRIu64 " bytes%s at %" PRIu64, m->size, bits, m->offset);
}

/* The same with who uses it, for a member that is used outside */
static char *member_use_text(const struct report_member *m)
{
	AUTO_FREE char *what = member_text(m);

	return m->users.n ? xasprintf("%s, used outside by %s", what, m->users.first) : xstrdup(what);
}

/* One side's members that belong to one struct */
struct members {
	const struct report_struct *of;
	const struct report_member *v;
	struct pair_key *keys;
	uint32_t *mate;
	uint32_t n;
};

static void members_init(struct members *m, const struct report_data *r, const struct report_struct *s)
{
	*m = (struct members){ .of = s, .v = s->nr_members ? r->members + s->members : NULL, .n = s->nr_members };
	m->keys = xcalloc(m->n, sizeof(*m->keys));
	m->mate = xcalloc(m->n, sizeof(*m->mate));
	for (uint32_t i = 0; i < m->n; i++) {
		const char *name = m->v[i].name ?: "";

		m->keys[i] = (struct pair_key){ name, strlen(name), "" };
	}
}

static void members_release(struct members *m)
{
	free(m->keys);
	free(m->mate);
}

static bool other_type(const struct report_member *a, const struct report_member *b)
{
	return differ(a->type, b->type) || numbers_differ(a->size, b->size) || a->bits != b->bits;
}

static void compare_member(struct diff *diff, const struct report_struct *s, const struct report_member *a,
			   const struct report_member *b, struct layout_change *change)
{
	bool shared = is_shared(a->class), other = other_type(a, b);

	if (other)
		names_add(&change->other, b->name);
	else
		change->moved += a->offset != b->offset;
	if (other && shared)
		diff_add(diff, DIFF_SHARED_MEMBER, member_name(s, b), s->file, member_use_text(a), member_text(b));
	else if (other || a->offset != b->offset)
		diff_add(diff, DIFF_MEMBER, member_name(s, b), s->file, member_text(a), member_text(b));
	if (differ(a->class, b->class))
		diff_add(diff, DIFF_MEMBER_SHARING, member_name(s, b), s->file,
			 sharing_text(a->class, &a->users, NULL), sharing_text(b->class, &b->users, NULL));
}

static void compare_members(struct diff *diff, const struct members *a, const struct members *b,
			    struct layout_change *change)
{
	for (uint32_t i = 0; i < a->n; i++) {
		const struct report_member *m = &a->v[i];

		if (pair_found(a->mate[i])) {
			compare_member(diff, b->of, m, &b->v[a->mate[i]], change);
			continue;
		}
		names_add(&change->gone, m->name);
		diff_add(diff, is_shared(m->class) ? DIFF_SHARED_MEMBER : DIFF_MEMBER, member_name(a->of, m), b->of->file,
			 member_use_text(m), NULL);
	}
	for (uint32_t i = 0; i < b->n; i++) {
		if (pair_found(b->mate[i]))
			continue;
		names_add(&change->new, b->v[i].name);
		diff_add(diff, DIFF_MEMBER, member_name(b->of, &b->v[i]), b->of->file, NULL, member_text(&b->v[i]));
	}
}

static void compare_struct(struct diff *diff, const struct report_struct *a, const struct report_struct *b)
{
	struct report_users none = { 0 };
	struct layout_change change = { 0 };
	struct members old, new;
	bool changed;

	members_init(&old, diff->before, a);
	members_init(&new, diff->after, b);
	pair_up(old.keys, old.n, new.keys, new.n, old.mate, new.mate);
	compare_members(diff, &old, &new, &change);
	members_release(&old);
	members_release(&new);

	if (strcmp(a->class, b->class))
		diff_add(diff, DIFF_STRUCT_SHARING, struct_name(b), b->file, sharing_text(a->class, &none, NULL),
			 sharing_text(b->class, &none, NULL));
	if (strcmp(a->file ?: "", b->file ?: ""))
		diff_add(diff, DIFF_MOVED, struct_name(b), b->file, xstrdup(a->file ?: "nowhere"),
			 xstrdup(b->file ?: "nowhere"));
	changed = change.gone.n || change.new.n || change.other.n;
	if (changed || change.moved || numbers_differ(a->size, b->size))
		diff_add(diff, !is_shared(a->class) && !is_shared(b->class) ? DIFF_PRIVATE_LAYOUT :
			 changed ? DIFF_STRUCT_LAYOUT : DIFF_STRUCT_MOVED, struct_name(b), b->file,
			 struct_text(a, NULL), struct_text(b, &change));
}

static struct pair_key *struct_keys(const struct report_data *r)
{
	struct pair_key *keys = xcalloc(r->nr_structs, sizeof(*keys));

	for (uint32_t i = 0; i < r->nr_structs; i++) {
		const struct report_struct *s = &r->structs[i];

		keys[i] = (struct pair_key){ s->name, strlen(s->name), s->file ?: "" };
	}
	return keys;
}

void diff_structs(struct diff *diff)
{
	const struct report_data *a = diff->before, *b = diff->after;
	struct pair_key *old = struct_keys(a), *new = struct_keys(b);
	uint32_t *old_mate = xcalloc(a->nr_structs, sizeof(*old_mate));
	uint32_t *new_mate = xcalloc(b->nr_structs, sizeof(*new_mate));

	pair_up(old, a->nr_structs, new, b->nr_structs, old_mate, new_mate);
	for (uint32_t i = 0; i < a->nr_structs; i++) {
		const struct report_struct *s = &a->structs[i];

		if (pair_found(old_mate[i]))
			compare_struct(diff, s, &b->structs[old_mate[i]]);
		else
			diff_add(diff, is_shared(s->class) ? DIFF_STRUCT_REMOVED : DIFF_REMOVED, struct_name(s), s->file,
				 struct_text(s, NULL), NULL);
	}
	for (uint32_t i = 0; i < b->nr_structs; i++)
		if (!pair_found(new_mate[i]))
			diff_add(diff, DIFF_ADDED, struct_name(&b->structs[i]), b->structs[i].file, NULL,
				 xstrdup(b->structs[i].class));
	free(old);
	free(new);
	diff->struct_mate = old_mate;
	free(new_mate);
}
