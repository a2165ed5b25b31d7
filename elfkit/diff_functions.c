// SPDX-License-Identifier: GPL-2.0
/*
 * Functions of two reports.
 *
 * What a change of class means depends on what the class is for, so classes fall into
 * four sorts; one that is not known here is taken as "stays the kernel's".
 *
 *	entry	interface, callback: outside code comes in here, and gets a jump
 *	insider	reached through entries only
 *	gone	only inlined copies, all of them inside
 *	stays	the kernel's own, or copies of it are: outsider, init ...
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "elfkit/diff.h"
#include "elfkit/pair.h"

enum sort { ENTRY, INSIDER, GONE, STAYS, NR_SORTS };

static enum sort sort_of(const struct report_function *f)
{
	if (!strcmp(f->class, "interface") || !strcmp(f->class, "callback"))
		return ENTRY;
	if (!strcmp(f->class, "insider"))
		return INSIDER;
	return strcmp(f->class, "gone") || f->modifiable == FLAG_FALSE ? STAYS : GONE;
}

/* It has code that is replaced. */
static bool is_inside(const struct report_function *f)
{
	return sort_of(f) == ENTRY || sort_of(f) == INSIDER;
}

static enum diff_kind class_kind(const struct report_function *a, const struct report_function *b)
{
	static const enum diff_kind kinds[NR_SORTS][NR_SORTS] = {
		/*		to:   ENTRY		INSIDER			GONE			STAYS */
		[ENTRY]   = { DIFF_CLASS,	DIFF_UNREACHED,		DIFF_INLINED_AWAY,	DIFF_BECAME_OUTSIDER },
		[INSIDER] = { DIFF_REACHED,	DIFF_CLASS,		DIFF_INLINING,		DIFF_BECAME_OUTSIDER },
		[GONE]	  = { DIFF_REACHED,	DIFF_INLINING,		DIFF_CLASS,		DIFF_OUT_OF_REACH },
		[STAYS]	  = { DIFF_REPLACEABLE,	DIFF_REPLACEABLE,	DIFF_REPLACEABLE,	DIFF_REASON },
	};

	if (!strcmp(b->class, "init") && sort_of(a) != STAYS)
		return DIFF_NOW_INIT;
	return kinds[sort_of(a)][sort_of(b)];
}

static char *class_text(const struct report_function *f)
{
	return f->because ? xasprintf("%s (%s)", f->class, f->because) : xstrdup(f->class);
}

static char *source_name(const struct report_function *f)
{
	return xasprintf("%.*s", (int)pair_function_base(f->name), f->name);
}

static void add(struct diff *diff, enum diff_kind kind, const struct report_function *f, char *before, char *after)
{
	diff_add(diff, kind, source_name(f), f->file, before, after);
}

static bool same_reason(const struct report_function *a, const struct report_function *b)
{
	AUTO_FREE char *x = diff_without_offsets(a->because ?: ""), *y = diff_without_offsets(b->because ?: "");

	return !strcmp(x, y);
}

/* Whether a copy stays the kernel's, where the classes do not say so. */
static void compare_copies(struct diff *diff, const struct report_function *a, const struct report_function *b)
{
	if (a->modifiable == FLAG_TRUE && b->modifiable == FLAG_FALSE)
		add(diff, is_inside(b) ? DIFF_PARTIAL : DIFF_OUT_OF_REACH, b, class_text(a),
		    xasprintf("%s, but %s", b->class, b->copies ?: b->because ?: "not everywhere"));
	else if (a->modifiable == FLAG_FALSE && b->modifiable == FLAG_TRUE)
		add(diff, DIFF_WHOLE, b, xasprintf("%s, but %s", a->class, a->copies ?: a->because ?: "not everywhere"),
		    class_text(b));
}

static void compare_class(struct diff *diff, const struct report_function *a, const struct report_function *b)
{
	bool same = !strcmp(a->class, b->class);

	if (!same)
		add(diff, class_kind(a, b), b, class_text(a), class_text(b));
	if (same || (is_inside(a) && is_inside(b)))
		compare_copies(diff, a, b);
	if (same && sort_of(a) == STAYS && sort_of(b) == STAYS && !same_reason(a, b))
		add(diff, DIFF_REASON, b, class_text(a), class_text(b));
}

static void compare_signature(struct diff *diff, const struct report_function *a, const struct report_function *b)
{
	bool entry = sort_of(a) == ENTRY || sort_of(b) == ENTRY;

	if (a->signature && b->signature && strcmp(a->signature, b->signature))
		add(diff, entry ? DIFF_SIGNATURE : DIFF_PRIVATE_SIGNATURE, b, xstrdup(a->signature),
		    xstrdup(b->signature));
}

static char *number(uint64_t n)
{
	return xasprintf("%" PRIu64 " bytes", n);
}

static void compare_details(struct diff *diff, const struct report_function *a, const struct report_function *b)
{
	if ((a->exported == FLAG_TRUE) != (b->exported == FLAG_TRUE))
		add(diff, DIFF_EXPORTED, b, xstrdup(a->exported == FLAG_TRUE ? "exported" : "not exported"),
		    xstrdup(b->exported == FLAG_TRUE ? "exported" : "not exported"));
	if (strcmp(a->name, b->name))
		add(diff, DIFF_CLONE, b, xstrdup(a->name), xstrdup(b->name));
	if (strcmp(a->file ?: "", b->file ?: ""))
		add(diff, DIFF_MOVED, b, xstrdup(a->file ?: "nowhere"), xstrdup(b->file ?: "nowhere"));
	else if (a->line != NO_NUMBER && b->line != NO_NUMBER && a->line != b->line)
		add(diff, DIFF_LINE, b, xasprintf("%" PRIu64, a->line), xasprintf("%" PRIu64, b->line));
	if (a->entry && b->entry && strcmp(a->entry, b->entry))
		add(diff, DIFF_ENTRY, b, xstrdup(a->entry), xstrdup(b->entry));
	if (a->size != NO_NUMBER && b->size != NO_NUMBER && a->size != b->size)
		add(diff, DIFF_RESIZED, b, number(a->size), number(b->size));
}

/* Symbols of functions in which a task can sleep now, sorted */
struct sleepers {
	const char **v;
	uint32_t n;
};

static bool is_new_sleeper(const struct report_function *a, const struct report_function *b)
{
	return is_inside(a) && is_inside(b) && !a->sleeps && b->sleeps;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sleepers_init(struct sleepers *s, const struct diff *diff, const uint32_t *old_mate)
{
	const struct report_data *a = diff->before, *b = diff->after;

	*s = (struct sleepers){ .v = xcalloc(a->nr_functions, sizeof(*s->v)) };
	for (uint32_t i = 0; i < a->nr_functions; i++)
		if (pair_found(old_mate[i]) && is_new_sleeper(&a->functions[i], &b->functions[old_mate[i]]))
			s->v[s->n++] = b->functions[old_mate[i]].name;
	qsort(s->v, s->n, sizeof(*s->v), compare_names);
}

/*
 * One change at the bottom makes all callers sleepers; those follow from the one that they
 * call.  The way is "FUNC > FUNC > ...", without the function itself at its head.
 */
static bool follows(const struct sleepers *s, const struct report_function *f)
{
	AUTO_FREE char *way = xstrdup(f->sleeps);
	char *save = NULL;

	for (char *hop = strtok_r(way, "> ", &save); hop; hop = strtok_r(NULL, "> ", &save)) {
		const char *key = hop;

		if (strcmp(hop, f->name) && bsearch(&key, s->v, s->n, sizeof(*s->v), compare_names))
			return true;
	}
	return false;
}

static void compare_sleep(struct diff *diff, const struct report_function *a, const struct report_function *b,
			  const struct sleepers *sleepers)
{
	if (!is_inside(a) || !is_inside(b))
		return;
	if (is_new_sleeper(a, b))
		add(diff, follows(sleepers, b) ? DIFF_SLEEPS_TOO : DIFF_SLEEPS, b, NULL, xstrdup(b->sleeps));
	else if (a->sleeps && !b->sleeps)
		add(diff, DIFF_SLEEPLESS, b, xstrdup(a->sleeps), NULL);
}

static void compare(struct diff *diff, const struct report_function *a, const struct report_function *b,
		    const struct sleepers *sleepers)
{
	compare_class(diff, a, b);
	compare_signature(diff, a, b);
	if (sleepers)
		compare_sleep(diff, a, b, sleepers);
	compare_details(diff, a, b);
}

static void removed(struct diff *diff, const struct report_function *f, uint32_t mate,
		    const struct report_function *successor)
{
	enum diff_kind kind = DIFF_REMOVED;

	if (mate == PAIR_EXTRA)
		kind = DIFF_CLONE;
	else if (!strcmp(f->class, "interface"))
		kind = DIFF_INTERFACE_REMOVED;
	else if (!strcmp(f->class, "callback"))
		kind = DIFF_CALLBACK_REMOVED;
	add(diff, kind, f, kind == DIFF_CLONE ? xasprintf("%s too", f->name) : class_text(f), NULL);
	if (successor)
		diff->findings[diff->n - 1].hint =
			xasprintf("perhaps %s now (%s)", successor->name, successor->because);
}

static void added(struct diff *diff, const struct report_function *f, uint32_t mate)
{
	bool clone = mate == PAIR_EXTRA;

	add(diff, clone ? DIFF_CLONE : DIFF_ADDED, f, NULL, clone ? xasprintf("%s too", f->name) : class_text(f));
}

static struct pair_key *make_keys(const struct report_data *r)
{
	struct pair_key *keys = xcalloc(r->nr_functions, sizeof(*keys));

	for (uint32_t i = 0; i < r->nr_functions; i++) {
		const struct report_function *f = &r->functions[i];

		keys[i] = (struct pair_key){ f->name, pair_function_base(f->name), f->file ?: "" };
	}
	return keys;
}

typedef bool has_fn(const struct report_function *f);

static bool has_signature(const struct report_function *f)
{
	return f->signature;
}

static bool has_modifiable(const struct report_function *f)
{
	return f->modifiable;
}

static bool has_sleeps(const struct report_function *f)
{
	return f->sleeps;
}

static bool any_has(const struct report_data *r, has_fn *has)
{
	for (uint32_t i = 0; i < r->nr_functions; i++)
		if (has(&r->functions[i]))
			return true;
	return false;
}

/* What is missing from all of one report is not silently equal to what the other says. */
static bool both_have(struct diff *diff, const char *what, has_fn *has)
{
	bool a = any_has(diff->before, has), b = any_has(diff->after, has);

	if (a != b && diff->before->nr_functions && diff->after->nr_functions)
		diff_add(diff, DIFF_NOT_COMPARED, xstrdup(what), NULL, a ? xstrdup("there") : NULL,
			 b ? xstrdup("there") : NULL);
	return a && b;
}

/* One side of a pairing: keys, and the functions that they are of */
struct places {
	struct pair_key *keys;
	uint32_t *mate, *func;
	uint32_t n;
};

/* Entries without a mate whose reason names a place: "exported" says nothing of what came instead */
static void places_init(struct places *p, const struct report_data *r, const uint32_t *mate)
{
	*p = (struct places){ .keys = xcalloc(r->nr_functions, sizeof(*p->keys)),
			      .mate = xcalloc(r->nr_functions, sizeof(*p->mate)),
			      .func = xcalloc(r->nr_functions, sizeof(*p->func)) };
	for (uint32_t i = 0; i < r->nr_functions; i++) {
		const struct report_function *f = &r->functions[i];
		char *where;

		if (mate[i] != PAIR_NONE || sort_of(f) != ENTRY || !f->because || !strstr(f->because, "+0x"))
			continue;
		where = diff_without_offsets(f->because);
		p->func[p->n] = i;
		p->keys[p->n].name = xasprintf("%s %s", f->file ?: "", where);
		p->keys[p->n].base_len = strlen(p->keys[p->n].name);
		p->keys[p->n++].place = f->because;
		free(where);
	}
}

static void places_release(struct places *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		free((char *)p->keys[i].name);
	free(p->keys);
	free(p->mate);
	free(p->func);
}

/*
 * What outside code calls, or a table holds, where it did a function that is gone: a new
 * function of the same file for the same reason, at the same offset or the only one.  6.12's
 * sched_tick is in the place of 6.1's scheduler_tick so.  An id of the new report, or PAIR_NONE,
 * for each function of the old one; caller frees.
 */
static uint32_t *find_successors(const struct diff *diff, const uint32_t *old_mate, const uint32_t *new_mate)
{
	uint32_t *successor = xcalloc(diff->before->nr_functions, sizeof(*successor));
	struct places old, new;

	for (uint32_t i = 0; i < diff->before->nr_functions; i++)
		successor[i] = PAIR_NONE;
	places_init(&old, diff->before, old_mate);
	places_init(&new, diff->after, new_mate);
	pair_up(old.keys, old.n, new.keys, new.n, old.mate, new.mate);
	for (uint32_t i = 0; i < old.n; i++)
		if (pair_found(old.mate[i]))
			successor[old.func[i]] = new.func[old.mate[i]];
	places_release(&old);
	places_release(&new);
	return successor;
}

void diff_functions(struct diff *diff)
{
	const struct report_data *a = diff->before, *b = diff->after;
	struct pair_key *old = make_keys(a), *new = make_keys(b);
	uint32_t *old_mate = xcalloc(a->nr_functions, sizeof(*old_mate));
	uint32_t *new_mate = xcalloc(b->nr_functions, sizeof(*new_mate));
	uint32_t *successor;
	struct sleepers sleepers;
	bool sleep;

	both_have(diff, "signatures", has_signature);
	both_have(diff, "modifiable", has_modifiable);
	sleep = both_have(diff, "sleeps", has_sleeps);
	pair_up(old, a->nr_functions, new, b->nr_functions, old_mate, new_mate);
	sleepers_init(&sleepers, diff, old_mate);
	successor = find_successors(diff, old_mate, new_mate);
	for (uint32_t i = 0; i < a->nr_functions; i++)
		if (!pair_found(old_mate[i]))
			removed(diff, &a->functions[i], old_mate[i],
				successor[i] == PAIR_NONE ? NULL : &b->functions[successor[i]]);
		else
			compare(diff, &a->functions[i], &b->functions[old_mate[i]], sleep ? &sleepers : NULL);
	for (uint32_t i = 0; i < b->nr_functions; i++)
		if (!pair_found(new_mate[i]))
			added(diff, &b->functions[i], new_mate[i]);
	free(old);
	free(new);
	diff->function_mate = old_mate;
	free(new_mate);
	free(successor);
	free(sleepers.v);
}
