// SPDX-License-Identifier: GPL-2.0
/*
 * The kinds of findings, and those about the report as a whole: machine, stack
 * switches, closure, what the report found odd.
 */
#include <ctype.h>
#include <string.h>

#include "elfkit/diff.h"
#include "elfkit/pair.h"

const char *const diff_importances[NR_DIFF_IMPORTANCES] = { "breaks", "look", "info" };

const struct diff_kind_info diff_kinds[NR_DIFF_KINDS] = {
	[DIFF_MACHINE] = { "machine", DIFF_BREAKS, "Another machine",
		"the reports are of two architectures" },
	[DIFF_CLOSURE] = { "closure", DIFF_BREAKS, "Outside code reaches an insider",
		"the boundary does not hold on this kernel: do not load a module before this is understood" },
	[DIFF_SWITCH] = { "switch", DIFF_BREAKS, "Stacks are switched elsewhere",
		"relink must prove the frame there; do not edit around the switch before it has" },
	[DIFF_BECAME_OUTSIDER] = { "became-outsider", DIFF_BREAKS, "Can no longer be replaced",
		"an edit of it has no effect; make it in a function that can be replaced" },
	[DIFF_PARTIAL] = { "partial", DIFF_BREAKS, "An edit no longer takes effect everywhere",
		"another copy of it stays the kernel's" },
	[DIFF_INTERFACE_REMOVED] = { "interface-removed", DIFF_BREAKS, "Entry from outside that is gone",
		"find what its callers call now; an edit must go there" },
	[DIFF_SIGNATURE] = { "signature", DIFF_BREAKS, "Called from outside with another signature",
		"adapt every edit of it to what the callers pass" },
	[DIFF_SHARED_MEMBER] = { "shared-member", DIFF_BREAKS, "Member used outside that is gone or of another type",
		"adapt the code that uses it" },
	[DIFF_STRUCT_LAYOUT] = { "struct-layout", DIFF_BREAKS, "Shared struct with other members",
		"rebuild against the new headers; adapt what uses the members named" },
	[DIFF_STRUCT_MOVED] = { "struct-moved", DIFF_BREAKS, "Shared struct whose members moved",
		"rebuild against the new headers" },
	[DIFF_SHARED_OBJECT] = { "shared-object", DIFF_BREAKS, "Shared variable of another size, type or kind",
		"adapt the code that uses it" },

	[DIFF_NOT_COMPARED] = { "not-compared", DIFF_LOOK, "Not compared: only one report has it",
		"write both with the same elfkit and options" },
	[DIFF_FINDING] = { "finding", DIFF_LOOK, "New among the findings of the report", NULL },
	[DIFF_INLINED_AWAY] = { "inlined-away", DIFF_LOOK, "Entry that now exists only as inlined copies",
		"an edit reaches it only through the functions that it is inlined into" },
	[DIFF_OUT_OF_REACH] = { "out-of-reach", DIFF_LOOK, "Was inlined inside, and is out of reach now",
		"an edit of it has no effect now, or not everywhere" },
	[DIFF_NOW_INIT] = { "now-init", DIFF_LOOK, "Now init code",
		"it runs at boot only; an edit of it has no effect" },
	[DIFF_REACHED] = { "reached", DIFF_LOOK, "Outside code comes in here now",
		"its signature and its meaning are fixed by the caller named" },
	[DIFF_CLASS] = { "class", DIFF_LOOK, "Reached from outside in another way", NULL },
	[DIFF_CALLBACK_REMOVED] = { "callback-removed", DIFF_LOOK, "Callback that is gone",
		"what it did is done elsewhere, or no longer" },
	[DIFF_UNREACHED] = { "unreached", DIFF_LOOK, "Outside code no longer comes in here",
		"what it did for the old caller is done elsewhere, or no longer" },
	[DIFF_REPLACEABLE] = { "replaceable", DIFF_LOOK, "Can be edited now", NULL },
	[DIFF_WHOLE] = { "whole", DIFF_LOOK, "An edit takes effect everywhere now", NULL },
	[DIFF_SLEEPS] = { "sleeps", DIFF_LOOK, "A task can sleep in it now",
		"while one does, the module cannot be loaded or removed" },
	[DIFF_EXPORTED] = { "exported", DIFF_LOOK, "Exported to modules, or no longer", NULL },
	[DIFF_STRUCT_SHARING] = { "struct-sharing", DIFF_LOOK, "Struct that became shared or private",
		"a private one may change its layout; a shared one may not" },
	[DIFF_MEMBER_SHARING] = { "member-sharing", DIFF_LOOK, "Member that became shared or private",
		"a shared one must keep its place and its meaning" },
	[DIFF_OBJECT_SHARING] = { "object-sharing", DIFF_LOOK, "Variable that became shared or private",
		"a shared one must keep its meaning" },
	[DIFF_STRUCT_REMOVED] = { "struct-removed", DIFF_LOOK, "Shared struct that is gone", NULL },
	[DIFF_OBJECT_REMOVED] = { "object-removed", DIFF_LOOK, "Shared variable that is gone", NULL },

	[DIFF_KERNEL] = { "kernel", DIFF_INFO, "Another kernel", NULL },
	[DIFF_ADDED] = { "added", DIFF_INFO, "New", NULL },
	[DIFF_REMOVED] = { "removed", DIFF_INFO, "Removed", NULL },
	[DIFF_INLINING] = { "inlining", DIFF_INFO, "Inside, but inlined otherwise", NULL },
	[DIFF_REASON] = { "reason", DIFF_INFO, "Stays the kernel's for another reason", NULL },
	[DIFF_SLEEPS_TOO] = { "sleeps-too", DIFF_INFO, "A task can sleep in it now, through one that is named above", NULL },
	[DIFF_SLEEPLESS] = { "sleepless", DIFF_INFO, "No task can sleep in it any more", NULL },
	[DIFF_PRIVATE_SIGNATURE] = { "private-signature", DIFF_INFO, "Another signature, called from inside only", NULL },
	[DIFF_CLONE] = { "clone", DIFF_INFO, "Cloned otherwise by the compiler", NULL },
	[DIFF_MOVED] = { "moved", DIFF_INFO, "In another file", NULL },
	[DIFF_LINE] = { "line", DIFF_INFO, "At another line", NULL },
	[DIFF_ENTRY] = { "entry", DIFF_INFO, "Another kind of entry for the jump", NULL },
	[DIFF_RESIZED] = { "resized", DIFF_INFO, "Another size of the code", NULL },
	[DIFF_SWITCH_PLACE] = { "switch-place", DIFF_INFO, "The same stack switch at another offset", NULL },
	[DIFF_PRIVATE_LAYOUT] = { "private-layout", DIFF_INFO, "Private struct with another layout", NULL },
	[DIFF_MEMBER] = { "member", DIFF_INFO, "Members", NULL },
	[DIFF_PRIVATE_OBJECT] = { "private-object", DIFF_INFO, "Private variable of another size, type or kind", NULL },
	[DIFF_GONE_FINDING] = { "gone-finding", DIFF_INFO, "No longer among the findings or open edges", NULL },
};

void diff_add(struct diff *diff, enum diff_kind kind, char *name, const char *file, char *before, char *after)
{
	GROW(diff->findings, diff->n, diff->cap);
	diff->findings[diff->n++] = (struct diff_finding){ kind, name, file, before, after, NULL };
	diff->counts[diff_kinds[kind].importance]++;
}

static void compare_kernels(struct diff *diff)
{
	const struct report_data *a = diff->before, *b = diff->after;

	if (strcmp(a->machine, b->machine))
		diff_add(diff, DIFF_MACHINE, xstrdup("machine"), NULL, xstrdup(a->machine), xstrdup(b->machine));
	if (strcmp(a->release, b->release))
		diff_add(diff, DIFF_KERNEL, xstrdup("release"), NULL, xstrdup(a->release), xstrdup(b->release));
	if (strcmp(a->build_id, b->build_id))
		diff_add(diff, DIFF_KERNEL, xstrdup("build_id"), NULL, xstrdup(a->build_id), xstrdup(b->build_id));
}

/* Lists that one report has and the other has not; no closure in the old one is an empty one. */
static void compare_presence(struct diff *diff)
{
	for (int list = 0; list < NR_REPORT_LISTS; list++) {
		bool a = diff->before->has[list], b = diff->after->has[list];

		if (a != b && (list != LIST_CLOSURE || a))
			diff_add(diff, DIFF_NOT_COMPARED, xstrdup(report_list_names[list]), NULL,
				 a ? xstrdup("there") : NULL, b ? xstrdup("there") : NULL);
	}
}

static bool both_have(const struct diff *diff, enum report_list list)
{
	return diff->before->has[list] && diff->after->has[list];
}

char *diff_without_offsets(const char *text)
{
	char *copy = xstrdup(text), *to = copy;

	for (const char *from = text; *from;) {
		if (!strncmp(from, "+0x", 3) && isxdigit((unsigned char)from[3]))
			for (from += 3; isxdigit((unsigned char)*from);)
				from++;
		else
			*to++ = *from++;
	}
	*to = '\0';
	return copy;
}

/* A list of texts, each with a heading, ready to be paired. */
struct texts {
	struct pair_key *keys;
	uint32_t *mate;
	uint32_t n;
};

static void texts_add(struct texts *t, const char *text, const char *heading)
{
	char *name = diff_without_offsets(text);

	t->keys[t->n++] = (struct pair_key){ name, strlen(name), heading };
}

static void texts_init(struct texts *t, uint32_t max)
{
	t->keys = xcalloc(max, sizeof(*t->keys));
	t->mate = xcalloc(max, sizeof(*t->mate));
	t->n = 0;
}

static void texts_release(struct texts *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		free((char *)t->keys[i].name);
	free(t->keys);
	free(t->mate);
}

static void compare_closure(struct diff *diff)
{
	const struct report_data *a = diff->before, *b = diff->after;
	struct texts old, new;

	texts_init(&old, a->nr_closure);
	texts_init(&new, b->nr_closure);
	for (uint32_t i = 0; i < a->nr_closure; i++)
		texts_add(&old, a->closure[i], "");
	for (uint32_t i = 0; i < b->nr_closure; i++)
		texts_add(&new, b->closure[i], "");
	pair_up(old.keys, old.n, new.keys, new.n, old.mate, new.mate);
	for (uint32_t i = 0; i < new.n; i++)
		if (!pair_found(new.mate[i]))
			diff_add(diff, DIFF_CLOSURE, xstrdup(b->closure[i]), NULL, NULL, NULL);
	for (uint32_t i = 0; i < old.n; i++)
		if (!pair_found(old.mate[i]) && b->has[LIST_CLOSURE])
			diff_add(diff, DIFF_GONE_FINDING, xstrdup(a->closure[i]), NULL, NULL, NULL);
	texts_release(&old);
	texts_release(&new);
}

static void add_finding(struct diff *diff, enum diff_kind kind, const struct report_finding *f)
{
	diff_add(diff, kind, xasprintf("%s: %s", f->kind, f->what), NULL, NULL, NULL);
}

static void compare_findings(struct diff *diff)
{
	const struct report_data *a = diff->before, *b = diff->after;
	struct texts old, new;

	texts_init(&old, a->nr_findings);
	texts_init(&new, b->nr_findings);
	for (uint32_t i = 0; i < a->nr_findings; i++)
		texts_add(&old, a->findings[i].what, a->findings[i].kind);
	for (uint32_t i = 0; i < b->nr_findings; i++)
		texts_add(&new, b->findings[i].what, b->findings[i].kind);
	pair_up(old.keys, old.n, new.keys, new.n, old.mate, new.mate);
	for (uint32_t i = 0; i < new.n; i++)
		if (!pair_found(new.mate[i]))
			add_finding(diff, DIFF_FINDING, &b->findings[i]);
	for (uint32_t i = 0; i < old.n; i++)
		if (!pair_found(old.mate[i]))
			add_finding(diff, DIFF_GONE_FINDING, &a->findings[i]);
	texts_release(&old);
	texts_release(&new);
}

static struct pair_key *switch_keys(const struct report_data *r)
{
	struct pair_key *keys = xcalloc(r->nr_switches, sizeof(*keys));

	for (uint32_t i = 0; i < r->nr_switches; i++)
		keys[i] = (struct pair_key){ r->switches[i].function, pair_function_base(r->switches[i].function),
					     r->switches[i].calls };
	return keys;
}

static char *switch_text(const struct report_switch *s)
{
	return xasprintf("calls %s", s->calls);
}

static void compare_switch(struct diff *diff, const struct report_switch *a, const struct report_switch *b)
{
	if (strcmp(a->calls, b->calls))
		diff_add(diff, DIFF_SWITCH, xstrdup(b->function), NULL, switch_text(a), switch_text(b));
	else if (a->at && b->at && strcmp(a->at, b->at))
		diff_add(diff, DIFF_SWITCH_PLACE, xstrdup(b->function), NULL, xstrdup(a->at), xstrdup(b->at));
}

static void compare_switches(struct diff *diff)
{
	const struct report_data *a = diff->before, *b = diff->after;
	struct pair_key *old = switch_keys(a), *new = switch_keys(b);
	uint32_t *old_mate = xcalloc(a->nr_switches, sizeof(*old_mate));
	uint32_t *new_mate = xcalloc(b->nr_switches, sizeof(*new_mate));

	pair_up(old, a->nr_switches, new, b->nr_switches, old_mate, new_mate);
	for (uint32_t i = 0; i < a->nr_switches; i++)
		if (pair_found(old_mate[i]))
			compare_switch(diff, &a->switches[i], &b->switches[old_mate[i]]);
		else
			diff_add(diff, DIFF_SWITCH, xstrdup(a->switches[i].function), NULL,
				 switch_text(&a->switches[i]), NULL);
	for (uint32_t i = 0; i < b->nr_switches; i++)
		if (!pair_found(new_mate[i]))
			diff_add(diff, DIFF_SWITCH, xstrdup(b->switches[i].function), NULL, NULL,
				 switch_text(&b->switches[i]));
	free(old);
	free(new);
	free(old_mate);
	free(new_mate);
}

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ?: "", b ?: "");
}

static int compare_order(const void *a, const void *b)
{
	const struct diff_finding *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(x->name, y->name) ?: compare_text(x->file, y->file) ?:
	       compare_text(x->before, y->before) ?: compare_text(x->after, y->after);
}

struct diff *diff_reports(const struct report_data *before, const struct report_data *after)
{
	struct diff *diff = xcalloc(1, sizeof(*diff));

	diff->before = before;
	diff->after = after;
	compare_kernels(diff);
	compare_presence(diff);
	compare_closure(diff);
	if (both_have(diff, LIST_SWITCHES))
		compare_switches(diff);
	if (both_have(diff, LIST_FINDINGS))
		compare_findings(diff);
	if (both_have(diff, LIST_FUNCTIONS))
		diff_functions(diff);
	if (both_have(diff, LIST_OBJECTS))
		diff_objects(diff);
	if (both_have(diff, LIST_STRUCTS))
		diff_structs(diff);
	if (diff->n)
		qsort(diff->findings, diff->n, sizeof(*diff->findings), compare_order);
	return diff;
}

void diff_free(struct diff *diff)
{
	if (!diff)
		return;
	for (uint32_t i = 0; i < diff->n; i++) {
		free(diff->findings[i].name);
		free(diff->findings[i].before);
		free(diff->findings[i].after);
		free(diff->findings[i].hint);
	}
	free(diff->findings);
	free(diff->function_mate);
	free(diff->object_mate);
	free(diff->struct_mate);
	free(diff);
}
