// SPDX-License-Identifier: GPL-2.0
/*
 * A walk over the other units' top level, for abstract instances (DW_AT_inline, DWARF 5
 * section 3.3.8.1) of functions by name; only units that have one are walked in full.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <string.h>

#include "elfkit/copies.h"
#include "elfkit/debuginfo_file.h"

struct search {
	const struct policy *policy;
	const char **names;	/* of all source functions of the scheduler's files, sorted */
	uint32_t nr_names;
	const char *file;	/* where the only function or enum that is wanted is declared; NULL: all */
	bool enums;		/* wanted are enums, not functions */
	const char *unit, *comp_dir;
	uint32_t line;		/* of the function that is being walked */
	struct copies *copies;
	struct die_walk dies;
	int depth;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_wanted(struct search *s, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die), *file;

	if (!name || !bsearch(&name, s->names, s->nr_names, sizeof(*s->names), compare_names))
		return false;
	file = die_file(&s->dies, die);
	if (file && s->file) {
		AUTO_FREE char *path = debuginfo_path(file, s->comp_dir);

		return !strcmp(path, s->file);
	}
	return file && policy_has_func(s->policy, file, name);
}

static void add(struct search *s, const char *name, const char *host)
{
	GROW(s->copies->v, s->copies->n, s->copies->cap);
	s->copies->v[s->copies->n++] = (struct copy){
		xstrdup(name), host ? xstrdup(host) : NULL, debuginfo_path(s->unit, s->comp_dir), s->line,
	};
}

static void walk(struct search *s, Dwarf_Die *parent, const char *host)
{
	Dwarf_Die die, origin;
	Dwarf_Attribute attr;
	int result, line = 0;

	if (s->depth > DIE_DEPTH_MAX) {
		die_damaged(&s->dies, parent, "nested too deeply");
		return;
	}
	s->depth++;
	for (result = dwarf_child(parent, &die); die_arrived(&s->dies, result, parent, &die);
	     result = dwarf_siblingof(&die, &die)) {
		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
			if (!dwarf_hasattr_integrate(&die, DW_AT_low_pc) && !dwarf_hasattr(&die, DW_AT_ranges))
				break;
			dwarf_decl_line(&die, &line);
			s->line = line;
			walk(s, &die, dwarf_diename(&die) ?: "?");
			break;
		case DW_TAG_inlined_subroutine:
			if (host && dwarf_attr(&die, DW_AT_abstract_origin, &attr) &&
			    dwarf_formref_die(&attr, &origin) && is_wanted(s, &origin))
				add(s, dwarf_diename(&origin), host);
			walk(s, &die, host);
			break;
		case DW_TAG_lexical_block:
			walk(s, &die, host);
			break;
		}
	}
	s->depth--;
}

static bool has_wanted(struct search *s, Dwarf_Die *unit)
{
	Dwarf_Die die;
	int result, line = 0;

	for (result = dwarf_child(unit, &die); die_arrived(&s->dies, result, unit, &die);
	     result = dwarf_siblingof(&die, &die))
		if (s->enums ? dwarf_tag(&die) == DW_TAG_enumeration_type && is_wanted(s, &die) :
		    dwarf_tag(&die) == DW_TAG_subprogram && dwarf_hasattr(&die, DW_AT_inline) && is_wanted(s, &die)) {
			dwarf_decl_line(&die, &line);
			s->line = line;
			return true;
		}
	return false;
}

static int compare_copies(const void *a, const void *b)
{
	const struct copy *x = a, *y = b;
	int cmp = strcmp(x->name, y->name);

	cmp = cmp ? cmp : strcmp(x->unit, y->unit);
	return cmp ? cmp : strcmp(x->host ? x->host : "", y->host ? y->host : "");
}

static struct err *search_units(const struct debuginfo *info, struct search *s)
{
	uint32_t nr_units = 0;
	Dwarf_CU *cu = NULL;
	Dwarf_Attribute attr;
	Dwarf_Die die;
	uint8_t type;
	int result = 1;

	while (s->nr_names && !(result = dwarf_get_units(info->file->dwarf, cu, &cu, NULL, &type, &die, NULL))) {
		debuginfo_forget(info, nr_units++);
		s->unit = dwarf_diename(&die);
		if (type != DW_UT_compile || !s->unit || policy_wants_unit(s->unit, (void *)s->policy))
			continue;
		s->comp_dir = dwarf_formstring(dwarf_attr(&die, DW_AT_comp_dir, &attr));
		die_begin(&s->dies, &die, s->unit);
		if (!has_wanted(s, &die))
			continue;
		if (s->enums) {
			add(s, s->names[0], NULL);
			continue;
		}
		die_begin(&s->dies, &die, s->unit);
		walk(s, &die, NULL);
	}
	if (result < 0 && !s->dies.err)
		s->dies.err = err_new(".debug_info: units: %s", dwarf_errmsg(-1));
	if (s->copies->n)
		qsort(s->copies->v, s->copies->n, sizeof(*s->copies->v), compare_copies);
	return s->dies.err;
}

struct err *copies_find(const struct debuginfo *info, const struct policy *policy, struct copies *ret)
{
	struct search s = { .policy = policy, .copies = ret };
	struct err *err;

	memset(ret, 0, sizeof(*ret));
	s.names = xcalloc(info->nr_funcs, sizeof(*s.names));
	for (uint32_t i = 0; i < info->nr_funcs; i++)
		if (policy_has_func(policy, info->funcs[i].file, info->funcs[i].name))
			s.names[s.nr_names++] = info->funcs[i].name;
	if (s.nr_names)
		qsort(s.names, s.nr_names, sizeof(*s.names), compare_names);
	err = search_units(info, &s);
	free(s.names);
	return err;
}

struct err *copies_find_one(const struct debuginfo *info, const struct policy *policy, const char *name,
			    const char *file, struct copies *ret)
{
	struct search s = { .policy = policy, .copies = ret, .names = &name, .nr_names = 1, .file = file };

	memset(ret, 0, sizeof(*ret));
	return search_units(info, &s);
}

struct err *copies_find_enum(const struct debuginfo *info, const struct policy *policy, const char *name,
			     const char *file, struct copies *ret)
{
	struct search s = {
		.policy = policy, .copies = ret, .names = &name, .nr_names = 1, .file = file, .enums = true,
	};

	memset(ret, 0, sizeof(*ret));
	return search_units(info, &s);
}

void copies_release(struct copies *copies)
{
	for (uint32_t i = 0; i < copies->n; i++) {
		free(copies->v[i].name);
		free(copies->v[i].host);
		free(copies->v[i].unit);
	}
	free(copies->v);
	memset(copies, 0, sizeof(*copies));
}

const struct copy *copies_of(const struct copies *copies, const char *name)
{
	for (uint32_t i = 0; i < copies->n; i++)
		if (!strcmp(copies->v[i].name, name))
			return &copies->v[i];
	return NULL;
}
