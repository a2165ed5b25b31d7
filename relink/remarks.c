// SPDX-License-Identifier: GPL-2.0
/* The lists of remarks and changes, and the table of kinds. */
#include <string.h>

#include "relink/remarks.h"

const struct remark_kind_info remark_kinds[NR_REMARK_KINDS] = {
	[REMARK_COMPILER] = { "compiler", REMARK_WARNING,
		"build with the compiler, config and flags of the kernel: code may differ everywhere" },
	[REMARK_OUTSIDE] = { "outside", REMARK_REFUSED,
		"make the change in a function that is inside, name this one under sidecar in boundary.yaml, or undo it" },
	[REMARK_SIGNATURE] = { "signature", REMARK_REFUSED,
		"keep the function as its callers know it, and let it call a new one that takes more" },
	[REMARK_LAYOUT] = { "layout", REMARK_REFUSED,
		"leave the struct as it is: use a hole or a reserved member, or keep new state in memory of your own" },
	[REMARK_CONSTANT] = { "constant", REMARK_REFUSED,
		"keep the values that exist, and give new names new values at the end" },
	[REMARK_INLINE] = { "inline", REMARK_REFUSED,
		"leave the header's function as it is, and call a new one from the scheduler's code" },
	[REMARK_OBJECT] = { "object", REMARK_REFUSED,
		"undo it, use a new variable, or name it under data in boundary.yaml: update gives the kernel's the new contents, and back" },
	[REMARK_KEY] = { "key", REMARK_REFUSED, "keep its definition, even if the new code does not ask it" },
	[REMARK_SEALED] = { "sealed", REMARK_REFUSED,
		"call it directly, or through a new function whose address is taken in its place" },
	[REMARK_REFERENCE] = { "reference", REMARK_REFUSED, NULL },
	[REMARK_SWITCH] = { "switch", REMARK_REFUSED, NULL },
	[REMARK_INIT] = { "init", REMARK_NOTE, "this code has run when the module comes: do it in a hook (elfkit.h)" },
	[REMARK_PINNED] = { "pinned", REMARK_WARNING,
		"have a hook (elfkit.h) take it back, and name it under released in boundary.yaml" },
	[REMARK_RELEASED] = { "released", REMARK_NOTE, NULL },
	[REMARK_GONE] = { "gone", REMARK_WARNING, "keep the function, or see that its callers can do with the kernel's" },
	[REMARK_POLICY] = { "policy", REMARK_NOTE, NULL },
	[REMARK_MEMBER] = { "member", REMARK_NOTE, NULL },
	[REMARK_LOCAL] = { "local", REMARK_NOTE, NULL },
};

const char *const remark_weights[NR_REMARK_WEIGHTS] = {
	[REMARK_REFUSED] = "refused", [REMARK_WARNING] = "warning", [REMARK_NOTE] = "note",
};

const char *const change_names[NR_CHANGES] = {
	[CHANGE_SAME] = "same", [CHANGE_CHANGED] = "changed", [CHANGE_NEW] = "new", [CHANGE_GONE] = "gone",
};

struct remark *remarks_add(struct remarks *remarks, enum remark_kind kind, char *name, char *file,
			     uint32_t line, char *what)
{
	struct remark *f;

	GROW(remarks->v, remarks->n, remarks->cap);
	f = &remarks->v[remarks->n++];
	*f = (struct remark){
		.kind = kind, .weight = remark_kinds[kind].weight,
		.name = name, .file = file, .line = line, .what = what,
	};
	if (kind == REMARK_INIT && remarks->strict)
		f->weight = REMARK_REFUSED;
	return f;
}

void remark_add_user(struct remark *f, char *user)
{
	for (uint32_t i = 0; i < f->nr_users && i < REMARK_MAX_USERS; i++)
		if (!strcmp(f->users[i], user)) {
			free(user);
			return;
		}
	if (!f->users)
		f->users = xcalloc(REMARK_MAX_USERS, sizeof(*f->users));
	if (f->nr_users < REMARK_MAX_USERS)
		f->users[f->nr_users] = user;
	else
		free(user);
	f->nr_users++;
}

void remarks_add_change(struct remarks *remarks, const struct change_entry *entry)
{
	GROW(remarks->changes, remarks->nr_changes, remarks->cap_changes);
	remarks->changes[remarks->nr_changes++] = *entry;
}

static int compare_strings(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_remarks(const void *a, const void *b)
{
	const struct remark *x = a, *y = b;
	int c;

	/* another compiler explains much of what follows */
	if ((x->kind == REMARK_COMPILER) != (y->kind == REMARK_COMPILER))
		return x->kind == REMARK_COMPILER ? -1 : 1;
	if (x->weight != y->weight)
		return x->weight < y->weight ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	c = compare_strings(x->name, y->name);
	c = c ? c : compare_strings(x->file, y->file);
	return c ? c : compare_strings(x->what, y->what);
}

static int compare_changes(const void *a, const void *b)
{
	const struct change_entry *x = a, *y = b;
	int c;

	if (x->object != y->object)
		return x->object ? 1 : -1;
	if (x->change != y->change)
		return x->change < y->change ? -1 : 1;
	c = compare_strings(x->name, y->name);
	c = c ? c : compare_strings(x->file, y->file);
	return c ? c : compare_strings(x->how, y->how);
}

static void remark_release(struct remark *f)
{
	for (uint32_t i = 0; i < f->nr_users && i < REMARK_MAX_USERS; i++)
		free(f->users[i]);
	free(f->users);
	free(f->name);
	free(f->file);
	free(f->what);
}

void remarks_sort(struct remarks *remarks)
{
	uint32_t n = 0;

	if (remarks->nr_changes)
		qsort(remarks->changes, remarks->nr_changes, sizeof(*remarks->changes), compare_changes);
	memset(remarks->counts, 0, sizeof(remarks->counts));
	for (uint32_t i = 0; i < remarks->nr_changes; i++)
		remarks->counts[remarks->changes[i].object][remarks->changes[i].change]++;
	if (!remarks->n)
		return;
	qsort(remarks->v, remarks->n, sizeof(*remarks->v), compare_remarks);
	for (uint32_t i = 1; i < remarks->n; i++) {
		if (!compare_remarks(&remarks->v[n], &remarks->v[i]))
			remark_release(&remarks->v[i]);
		else
			remarks->v[++n] = remarks->v[i];
	}
	remarks->n = n + 1;
}

void remarks_drop(struct remarks *remarks, uint32_t i)
{
	remark_release(&remarks->v[i]);
	memmove(&remarks->v[i], &remarks->v[i + 1], (--remarks->n - i) * sizeof(*remarks->v));
}

void remarks_drop_last(struct remarks *remarks)
{
	remarks_drop(remarks, remarks->n - 1);
}

uint32_t remarks_count(const struct remarks *remarks, enum remark_weight weight)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < remarks->n; i++)
		n += remarks->v[i].weight == weight;
	return n;
}

void remarks_release(struct remarks *remarks)
{
	for (uint32_t i = 0; i < remarks->n; i++)
		remark_release(&remarks->v[i]);
	for (uint32_t i = 0; i < remarks->nr_changes; i++) {
		free(remarks->changes[i].name);
		free(remarks->changes[i].file);
		free(remarks->changes[i].how);
	}
	free(remarks->v);
	free(remarks->changes);
	memset(remarks, 0, sizeof(*remarks));
}
