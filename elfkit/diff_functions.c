// SPDX-License-Identifier: GPL-2.0
/*
 * Functions of two reports.
 *
 * What a change of class means depends on what the class is for, so classes fall into
 * four sorts; one that is not known here is taken as "stays the kernel's".
 *
 *	entry	interface, callback: outside code comes in here, and gets a jump
 *	insider	reached through entries only
 *	gone	only inlined copies
 *	stays	the kernel's own, an edit has no effect: outsider, init ...
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "elfkit/diff.h"
#include "elfkit/pair.h"

enum sort { ENTRY, INSIDER, GONE, STAYS };

static enum sort sort_of(const struct report_function *f)
{
	if (!strcmp(f->class, "interface") || !strcmp(f->class, "callback"))
		return ENTRY;
	if (!strcmp(f->class, "insider"))
		return INSIDER;
	return strcmp(f->class, "gone") ? STAYS : GONE;
}

static enum diff_kind class_kind(const struct report_function *a, const struct report_function *b)
{
	enum sort was = sort_of(a), is = sort_of(b);

	if (is == STAYS && (was == ENTRY || was == INSIDER))
		return DIFF_BECAME_OUTSIDER;
	if (is == GONE && was == ENTRY)
		return DIFF_INLINED_AWAY;
	if (was == STAYS && is == STAYS)
		return DIFF_REASON;
	if ((was == INSIDER && is == GONE) || (was == GONE && is == INSIDER))
		return DIFF_INLINING;
	return DIFF_CLASS;
}

static char *class_text(const struct report_function *f)
{
	return f->because ? xasprintf("%s, %s", f->class, f->because) : xstrdup(f->class);
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

static void compare_class(struct diff *diff, const struct report_function *a, const struct report_function *b)
{
	if (strcmp(a->class, b->class))
		add(diff, class_kind(a, b), b, class_text(a), class_text(b));
	else if (sort_of(a) == STAYS && !same_reason(a, b))
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

static char *place(const struct report_function *f)
{
	return f->line == NO_NUMBER ? xstrdup(f->file ?: "nowhere") :
				      xasprintf("%s:%" PRIu64, f->file ?: "nowhere", f->line);
}

static void compare_details(struct diff *diff, const struct report_function *a, const struct report_function *b)
{
	if (a->exported != b->exported)
		add(diff, DIFF_EXPORTED, b, xstrdup(a->exported ? "exported" : "not exported"),
		    xstrdup(b->exported ? "exported" : "not exported"));
	if (strcmp(a->name, b->name))
		add(diff, DIFF_CLONE, b, xstrdup(a->name), xstrdup(b->name));
	if (strcmp(a->file ?: "", b->file ?: "") || a->line != b->line)
		add(diff, DIFF_MOVED, b, place(a), place(b));
	if (a->entry && b->entry && strcmp(a->entry, b->entry))
		add(diff, DIFF_ENTRY, b, xstrdup(a->entry), xstrdup(b->entry));
	if (a->size != NO_NUMBER && b->size != NO_NUMBER && a->size != b->size)
		add(diff, DIFF_RESIZED, b, number(a->size), number(b->size));
}

static void compare(struct diff *diff, const struct report_function *a, const struct report_function *b)
{
	compare_class(diff, a, b);
	compare_signature(diff, a, b);
	compare_details(diff, a, b);
}

static void removed(struct diff *diff, const struct report_function *f, uint32_t mate)
{
	enum diff_kind kind = DIFF_REMOVED;

	if (mate == PAIR_EXTRA)
		kind = DIFF_CLONE;
	else if (!strcmp(f->class, "interface"))
		kind = DIFF_INTERFACE_REMOVED;
	else if (!strcmp(f->class, "callback"))
		kind = DIFF_CALLBACK_REMOVED;
	add(diff, kind, f, kind == DIFF_CLONE ? xasprintf("%s too", f->name) : class_text(f), NULL);
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

static bool has_signatures(const struct report_data *r)
{
	for (uint32_t i = 0; i < r->nr_functions; i++)
		if (r->functions[i].signature)
			return true;
	return false;
}

/* Signatures missing from all of one report are not silently equal to those of the other. */
static void compare_presence(struct diff *diff)
{
	bool a = has_signatures(diff->before), b = has_signatures(diff->after);

	if (a != b && diff->before->nr_functions && diff->after->nr_functions)
		diff_add(diff, DIFF_NOT_COMPARED, xstrdup("signatures"), NULL, a ? xstrdup("there") : NULL,
			 b ? xstrdup("there") : NULL);
}

void diff_functions(struct diff *diff)
{
	const struct report_data *a = diff->before, *b = diff->after;
	struct pair_key *old = make_keys(a), *new = make_keys(b);
	uint32_t *old_mate = xcalloc(a->nr_functions, sizeof(*old_mate));
	uint32_t *new_mate = xcalloc(b->nr_functions, sizeof(*new_mate));

	compare_presence(diff);
	pair_up(old, a->nr_functions, new, b->nr_functions, old_mate, new_mate);
	for (uint32_t i = 0; i < a->nr_functions; i++)
		if (!pair_found(old_mate[i]))
			removed(diff, &a->functions[i], old_mate[i]);
		else
			compare(diff, &a->functions[i], &b->functions[old_mate[i]]);
	for (uint32_t i = 0; i < b->nr_functions; i++)
		if (!pair_found(new_mate[i]))
			added(diff, &b->functions[i], new_mate[i]);
	free(old);
	free(new);
	free(old_mate);
	free(new_mate);
}
