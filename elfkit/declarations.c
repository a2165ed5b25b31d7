// SPDX-License-Identifier: GPL-2.0
/* Declarations, each with all code that came of it. */
#include <string.h>

#include "elfkit/declarations.h"

struct finder {
	const struct funcs *funcs;
	const struct debuginfo *info;
	const struct boundary *boundary;
	const struct copies *copies;
	uint32_t *decl_of;	/* [debug funcs]: index of the declaration, or NO_ID */
	uint32_t *func_of;	/* [debug codes]: func or NO_ID */
	struct declarations *d;
	uint32_t *pieces;	/* [declarations]: pieces of code and copies that are not init */
	uint32_t *init_pieces;
};

static int compare_funcs(const struct debug_func *x, const struct debug_func *y)
{
	int cmp = strcmp(x->name, y->name);

	if (!cmp)
		cmp = strcmp(x->file, y->file);
	return cmp ? cmp : x->line < y->line ? -1 : x->line > y->line;
}

static int compare_sources(const void *a, const void *b, void *arg)
{
	const struct debug_func *v = arg;

	return compare_funcs(&v[*(const uint32_t *)a], &v[*(const uint32_t *)b]);
}

/* Each unit that includes a header has its own DIEs for it: those are one declaration. */
static void list_declarations(struct finder *f, const struct policy *policy)
{
	const struct debuginfo *info = f->info;
	uint32_t *all = xcalloc(info->nr_funcs, sizeof(*all)), n = 0;

	for (uint32_t i = 0; i < info->nr_funcs; i++) {
		f->decl_of[i] = NO_ID;
		if (*info->funcs[i].name && policy_has_func(policy, info->funcs[i].file, info->funcs[i].name))
			all[n++] = i;
	}
	if (n)
		qsort_r(all, n, sizeof(*all), compare_sources, info->funcs);
	f->d->v = xcalloc(n, sizeof(*f->d->v));
	for (uint32_t i = 0; i < n; i++) {
		if (!i || compare_sources(&all[i - 1], &all[i], info->funcs))
			f->d->v[f->d->n++] = (struct declaration){ .source = all[i], .modifiable = true };
		f->decl_of[all[i]] = f->d->n - 1;
	}
	free(all);
}

static void not_modifiable(struct declaration *d, char *because)
{
	if (d->modifiable)
		d->because = because;
	else
		free(because);
	d->modifiable = false;
}

static void look_at_code(struct finder *f)
{
	for (uint32_t func = 0; func < f->funcs->n; func++) {
		uint32_t source = f->funcs->v[func].source;
		uint32_t decl = source == NO_ID ? NO_ID : f->decl_of[source];

		if (decl == NO_ID || f->funcs->v[func].parent != NO_ID)
			continue;
		f->d->v[decl].has_code = true;
		if (boundary_is_init(f->funcs, func)) {
			f->init_pieces[decl]++;
			continue;
		}
		f->pieces[decl]++;
		if (!boundary_is_inside(f->boundary, func))
			not_modifiable(&f->d->v[decl], xasprintf("%s stays the kernel's: %s",
				f->funcs->v[func].name, f->boundary->v[func].because ?: "not of these files"));
	}
}

static void look_at_copies(struct finder *f)
{
	for (uint32_t i = 0; i < f->info->nr_inlines; i++) {
		uint32_t decl = f->decl_of[f->info->inlines[i].callee];
		uint32_t host = f->func_of[f->info->inlines[i].host];

		if (decl == NO_ID || host == NO_ID)
			continue;
		if (boundary_is_init(f->funcs, host)) {
			f->init_pieces[decl]++;
			continue;
		}
		f->pieces[decl]++;
		if (!boundary_is_inside(f->boundary, host))
			not_modifiable(&f->d->v[decl], xasprintf("inlined into %s, which stays the kernel's",
								 f->funcs->v[host].name));
	}
	for (uint32_t i = 0; i < f->d->n; i++) {
		const struct copy *copy = copies_of(f->copies, f->info->funcs[f->d->v[i].source].name);

		if (copy)
			not_modifiable(&f->d->v[i], xasprintf("inlined into %s of %s", copy->host, copy->unit));
	}
}

static void conclude(struct finder *f)
{
	for (uint32_t i = 0; i < f->d->n; i++) {
		struct declaration *d = &f->d->v[i];

		if (!f->pieces[i] && f->init_pieces[i])
			not_modifiable(d, xstrdup("init code: it has run and its memory is gone"));
		else if (!f->pieces[i] && d->modifiable)
			not_modifiable(d, xstrdup("no code came of it"));
		if (!d->because)
			d->because = xstrdup(d->has_code ? "all of its code is inside" :
					     "exists only as inlined copies, all of them inside");
		f->d->nr_modifiable += d->modifiable;
	}
}

void declarations_find(const struct funcs *funcs, const struct policy *policy,
		       const struct boundary *boundary, const struct copies *copies,
		       struct declarations *ret)
{
	const struct debuginfo *info = funcs->debuginfo;
	struct finder f = {
		.funcs = funcs, .info = info, .boundary = boundary, .copies = copies, .d = ret,
		.decl_of = xcalloc(info->nr_funcs, sizeof(*f.decl_of)),
		.func_of = xcalloc(info->nr_codes, sizeof(*f.func_of)),
	};

	memset(ret, 0, sizeof(*ret));
	for (uint32_t c = 0; c < info->nr_codes; c++)
		f.func_of[c] = funcs_starting_at(funcs, info->codes[c].ranges[0].low);
	list_declarations(&f, policy);
	f.pieces = xcalloc(ret->n, sizeof(*f.pieces));
	f.init_pieces = xcalloc(ret->n, sizeof(*f.init_pieces));
	look_at_code(&f);
	look_at_copies(&f);
	conclude(&f);
	free(f.decl_of);
	free(f.func_of);
	free(f.pieces);
	free(f.init_pieces);
}

const struct declaration *declarations_lookup(const struct declarations *declarations,
					      const struct debuginfo *info, const struct debug_func *source)
{
	uint32_t lo = 0, hi = declarations->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int cmp = compare_funcs(&info->funcs[declarations->v[mid].source], source);

		if (!cmp)
			return &declarations->v[mid];
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

void declarations_release(struct declarations *declarations)
{
	for (uint32_t i = 0; i < declarations->n; i++)
		free(declarations->v[i].because);
	free(declarations->v);
	memset(declarations, 0, sizeof(*declarations));
}
