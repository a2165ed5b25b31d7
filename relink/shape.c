// SPDX-License-Identifier: GPL-2.0
/* Declarations out of DWARF (DWARF 5, chapter 5), spelled as text. */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <string.h>

#include "elfkit/debuginfo_file.h"
#include "elfkit/typeinfo_die.h"
#include "relink/shape.h"

struct shape_strings {
	char **v;		/* open hash */
	uint32_t n, cap;
};

/* What a DIE of the unit that is being read is spelled like. */
struct spelling {
	Dwarf_Off die;
	const char *text;
	uint64_t size;		/* in bytes */
};

struct reader {
	struct shapes *out;
	const char *comp_dir, *unit;
	struct spelling *spellings;	/* open hash by DIE, emptied for each unit */
	uint32_t nr_spellings, cap_spellings;
	uint32_t cap_types, cap_constants, cap_funcs, cap_vars, cap_units;
	struct shape_strings seen;	/* declarations that another unit has brought */
	const char *last_file, *last_path;
	const struct local_search *locals;
	uint32_t nr_members;
};

/* No kernel has as many: a struct of a damaged object holds itself. */
#define MEMBERS_MAX (1 << 22)

static uint64_t hash_string(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3ULL;
	return h ^ (h >> 29);
}

/* The one copy of @s, which is consumed. */
static const char *intern(struct shape_strings *x, char *s, bool *ret_new)
{
	uint32_t i;

	if (2 * x->n >= x->cap) {
		struct shape_strings old = *x;

		x->cap = old.cap ? 2 * old.cap : 4096;
		x->v = xcalloc(x->cap, sizeof(*x->v));
		for (uint32_t k = 0; k < old.cap; k++) {
			if (!old.v[k])
				continue;
			for (i = hash_string(old.v[k]) & (x->cap - 1); x->v[i]; i = (i + 1) & (x->cap - 1))
				;
			x->v[i] = old.v[k];
		}
		free(old.v);
	}
	for (i = hash_string(s) & (x->cap - 1); x->v[i] && strcmp(x->v[i], s); i = (i + 1) & (x->cap - 1))
		;
	if (ret_new)
		*ret_new = !x->v[i];
	if (x->v[i]) {
		free(s);
	} else {
		x->v[i] = s;
		x->n++;
	}
	return x->v[i];
}

static void strings_release(struct shape_strings *x)
{
	for (uint32_t i = 0; i < x->cap; i++)
		free(x->v[i]);
	free(x->v);
}

static const char *keep(struct reader *r, char *s)
{
	return intern(r->out->strings, s, NULL);
}

static const char *keep_copy(struct reader *r, const char *s)
{
	return s ? keep(r, xstrdup(s)) : NULL;
}

static struct spelling *spelling_slot(struct reader *r, Dwarf_Off die)
{
	uint32_t i = (uint32_t)((die * 0x9e3779b97f4a7c15ULL) >> 40) & (r->cap_spellings - 1);

	while (r->spellings[i].text && r->spellings[i].die != die)
		i = (i + 1) & (r->cap_spellings - 1);
	return &r->spellings[i];
}

static void remember(struct reader *r, const struct spelling *s)
{
	if (2 * r->nr_spellings >= r->cap_spellings) {
		struct spelling *old = r->spellings;
		uint32_t n = r->cap_spellings;

		r->cap_spellings = n ? 2 * n : 16384;
		r->spellings = xcalloc(r->cap_spellings, sizeof(*r->spellings));
		for (uint32_t i = 0; i < n; i++)
			if (old[i].text)
				*spelling_slot(r, old[i].die) = old[i];
		free(old);
	}
	*spelling_slot(r, s->die) = *s;
	r->nr_spellings++;
}

static const char *decl_path(struct reader *r, Dwarf_Die *die)
{
	const char *file = dwarf_decl_file(die);

	if (file && file == r->last_file)
		return r->last_path;
	r->last_file = file;
	r->last_path = keep(r, debuginfo_path(file ? file : "", r->comp_dir));
	return r->last_path;
}

static uint32_t decl_line(Dwarf_Die *die)
{
	return number(die, DW_AT_decl_line, 0);
}

/* Through typedefs and qualifiers, the name of the last typedef into @alias; false: to void, or nowhere. */
static bool strip(Dwarf_Die *die, const char **alias)
{
	for (int hops = 0; type_is_transparent(dwarf_tag(die)); hops++) {
		if (alias && dwarf_tag(die) == DW_TAG_typedef)
			*alias = dwarf_diename(die);
		if (hops == DIE_CHAIN_MAX || !type_die(die, die))
			return false;
	}
	return true;
}

static bool is_aggregate(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
}

static const struct spelling *spell(struct reader *r, Dwarf_Die die, int depth);

static const char *spell_type_of(struct reader *r, Dwarf_Die *die, uint64_t *size, int depth)
{
	const struct spelling *s;
	Dwarf_Die type;

	if (!type_die(die, &type)) {
		*size = 0;
		return "void";
	}
	s = spell(r, type, depth + 1);
	*size = s->size;
	return s->text;
}

struct members {
	struct shape_member *v;
	uint32_t n, cap;
};

static void read_members(struct reader *r, Dwarf_Die *parent, uint64_t base, struct members *m, int depth)
{
	Dwarf_Die die, type;

	if (depth > 24 || dwarf_child(parent, &die))
		return;
	do {
		struct shape_member one = { 0 };
		const char *name;
		uint64_t bits, size;

		if (dwarf_tag(&die) != DW_TAG_member || ++r->nr_members > MEMBERS_MAX)
			continue;
		name = dwarf_diename(&die);
		one.offset = base + 8 * number(&die, DW_AT_data_member_location, 0);
		if (!name && type_die(&die, &type)) {
			strip(&type, NULL);
			read_members(r, &type, one.offset, m, depth + 1);
			continue;
		}
		one.name = keep_copy(r, name ? name : "");
		one.type = spell_type_of(r, &die, &size, depth);
		bits = member_bits(&die, size);
		if (bits != UINT64_MAX)
			one.offset = base + bits;
		one.size = number(&die, DW_AT_bit_size, 8 * size);
		GROW(m->v, m->n, m->cap);
		m->v[m->n++] = one;
	} while (next_die(&die));
}

/* A struct without a name is what it holds. */
static const char *spell_contents(struct reader *r, Dwarf_Die *die, int depth)
{
	struct members m = { 0 };
	char *text = xstrdup(dwarf_tag(die) == DW_TAG_union_type ? "union {" : "struct {");

	read_members(r, die, 0, &m, depth + 1);
	for (uint32_t i = 0; i < m.n; i++) {
		char *more = xasprintf("%s %s@%lu %s;", text, m.v[i].name, (unsigned long)m.v[i].offset, m.v[i].type);

		free(text);
		text = more;
	}
	free(m.v);
	return keep(r, text);
}

static const char *spell_parameters(struct reader *r, Dwarf_Die *parent, int depth)
{
	char *text = NULL;
	Dwarf_Die die;
	uint64_t size;

	if (!dwarf_child(parent, &die))
		do {
			bool more = dwarf_tag(&die) == DW_TAG_unspecified_parameters;
			const char *one;
			char *all;

			if (!more && dwarf_tag(&die) != DW_TAG_formal_parameter)
				continue;
			one = more ? "..." : spell_type_of(r, &die, &size, depth);
			all = xasprintf("%s%s%s", text ? text : "", text ? ", " : "", one);
			free(text);
			text = all;
		} while (next_die(&die));
	return keep(r, text ? text : xstrdup("void"));
}

static uint64_t array_length(Dwarf_Die *die)
{
	uint64_t length = 1;
	Dwarf_Die child;

	if (dwarf_child(die, &child))
		return 0;
	do
		if (dwarf_tag(&child) == DW_TAG_subrange_type)
			length *= number(&child, DW_AT_count, number(&child, DW_AT_upper_bound, UINT64_MAX) + 1);
	while (next_die(&child));
	return length;
}

static const char *spell_named(struct reader *r, Dwarf_Die *die, const char *alias, int depth)
{
	const char *name = dwarf_diename(die) ?: alias;

	switch (dwarf_tag(die)) {
	case DW_TAG_enumeration_type:
		return name ? keep(r, xasprintf("enum %s", name)) : "enum";
	case DW_TAG_structure_type: case DW_TAG_union_type:
		if (!name)
			return spell_contents(r, die, depth);
		return keep(r, xasprintf("%s %s", dwarf_tag(die) == DW_TAG_union_type ? "union" : "struct", name));
	}
	return keep_copy(r, name ? name : "?");
}

static const struct spelling *spell(struct reader *r, Dwarf_Die die, int depth)
{
	static const struct spelling unknown = { 0, "...", 0 };
	struct spelling s = { .die = dwarf_dieoffset(&die) };
	const char *inner, *alias = NULL;
	uint64_t size, length;

	if (r->cap_spellings && spelling_slot(r, s.die)->text)
		return spelling_slot(r, s.die);
	if (depth > 24)
		return &unknown;
	if (!strip(&die, &alias)) {
		s.text = "void";
		goto out;
	}
	switch (dwarf_tag(&die)) {
	case DW_TAG_pointer_type:
		inner = spell_type_of(r, &die, &size, depth);
		s.text = keep(r, xasprintf("%s *", inner));
		s.size = number(&die, DW_AT_byte_size, 8);
		break;
	case DW_TAG_array_type:
		inner = spell_type_of(r, &die, &size, depth);
		length = array_length(&die);
		s.text = keep(r, xasprintf("%s[%lu]", inner, (unsigned long)length));
		s.size = size * length;
		break;
	case DW_TAG_subroutine_type:
		inner = spell_type_of(r, &die, &size, depth);
		s.text = keep(r, xasprintf("%s (%s)", inner, spell_parameters(r, &die, depth)));
		break;
	default:
		s.text = spell_named(r, &die, alias, depth);
		s.size = number(&die, DW_AT_byte_size, 0);
	}
out:
	remember(r, &s);
	return spelling_slot(r, s.die);
}

/* Whether no unit before had this declaration. */
static bool is_news(struct reader *r, Dwarf_Die *die, const char *name)
{
	bool is_new;

	intern(&r->seen, xasprintf("%d %s %s %u", dwarf_tag(die), name ? name : "", decl_path(r, die),
				   decl_line(die)), &is_new);
	return is_new;
}

static void read_type(struct reader *r, Dwarf_Die *die, const char *alias)
{
	const char *name = dwarf_diename(die) ?: alias;
	struct members m = { 0 };

	if (!name || dwarf_hasattr(die, DW_AT_declaration) || !is_news(r, die, name))
		return;
	read_members(r, die, 0, &m, 0);
	GROW(r->out->types, r->out->nr_types, r->cap_types);
	r->out->types[r->out->nr_types++] = (struct shape_type){
		.name = keep_copy(r, name), .file = decl_path(r, die), .line = decl_line(die),
		.size = number(die, DW_AT_byte_size, 0), .members = m.v, .nr_members = m.n,
	};
}

static void read_enum(struct reader *r, Dwarf_Die *parent, const char *alias)
{
	const char *name = dwarf_diename(parent) ?: alias;
	Dwarf_Attribute attr;
	Dwarf_Die die;

	if (dwarf_hasattr(parent, DW_AT_declaration) || !is_news(r, parent, name) || dwarf_child(parent, &die))
		return;
	do {
		Dwarf_Sword value;

		if (dwarf_tag(&die) != DW_TAG_enumerator || !dwarf_attr(&die, DW_AT_const_value, &attr) ||
		    dwarf_formsdata(&attr, &value))
			continue;
		GROW(r->out->constants, r->out->nr_constants, r->cap_constants);
		r->out->constants[r->out->nr_constants++] = (struct shape_constant){
			.name = keep_copy(r, dwarf_diename(&die)), .enumeration = keep_copy(r, name),
			.file = decl_path(r, parent), .line = decl_line(parent), .value = value,
		};
	} while (next_die(&die));
}

static void read_typedef(struct reader *r, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	Dwarf_Die type;

	if (!type_die(die, &type) || dwarf_diename(&type))
		return;
	if (is_aggregate(dwarf_tag(&type)))
		read_type(r, &type, name);
	else if (dwarf_tag(&type) == DW_TAG_enumeration_type)
		read_enum(r, &type, name);
}

static void read_func(struct reader *r, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die), *result;
	uint64_t size;

	/* a clone or an inlined function's own code only refers to what has the name */
	if (!name || dwarf_hasattr(die, DW_AT_declaration) || dwarf_hasattr(die, DW_AT_abstract_origin))
		return;
	result = spell_type_of(r, die, &size, 0);
	GROW(r->out->funcs, r->out->nr_funcs, r->cap_funcs);
	r->out->funcs[r->out->nr_funcs++] = (struct shape_func){
		.name = keep_copy(r, name), .file = decl_path(r, die), .line = decl_line(die),
		.signature = keep(r, xasprintf("%s (%s)", result, spell_parameters(r, die, 0))),
	};
}

static void read_var(struct reader *r, Dwarf_Die *die)
{
	Dwarf_Die declared = *die;
	Dwarf_Attribute attr;
	const char *name;
	uint64_t size;

	if (dwarf_hasattr(die, DW_AT_declaration) || !dwarf_hasattr(die, DW_AT_location))
		return;
	if (dwarf_attr(die, DW_AT_specification, &attr) && !dwarf_formref_die(&attr, &declared))
		return;
	name = dwarf_diename(&declared);
	if (!name)
		return;
	/* an array's length may stand with the definition alone */
	if (!dwarf_hasattr(die, DW_AT_type))
		die = &declared;
	GROW(r->out->vars, r->out->nr_vars, r->cap_vars);
	r->out->vars[r->out->nr_vars++] = (struct shape_var){
		.name = keep_copy(r, name), .file = decl_path(r, &declared), .unit = r->unit,
		.type = spell_type_of(r, die, &size, 0),
		.external = dwarf_hasattr(&declared, DW_AT_external),
	};
}

static void read_unit(struct reader *r, Dwarf_Die *unit)
{
	Dwarf_Die die;

	r->last_file = NULL;
	if (r->cap_spellings)
		memset(r->spellings, 0, r->cap_spellings * sizeof(*r->spellings));
	r->nr_spellings = 0;
	if (dwarf_child(unit, &die))
		return;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_structure_type: case DW_TAG_union_type:
			read_type(r, &die, NULL);
			break;
		case DW_TAG_enumeration_type:
			read_enum(r, &die, NULL);
			break;
		case DW_TAG_typedef:
			read_typedef(r, &die);
			break;
		case DW_TAG_subprogram:
			read_func(r, &die);
			break;
		case DW_TAG_variable:
			read_var(r, &die);
			break;
		}
	} while (next_die(&die));
}

static bool has_unit(const struct debuginfo *info, const char *name)
{
	for (uint32_t i = 0; i < info->nr_units; i++)
		if (!strcmp(info->units[i], name))
			return true;
	return false;
}

/* Calls @fn for each unit that both have. */
static void each_unit(struct reader *r, const struct debuginfo *info, const struct debuginfo *only,
		      void (*fn)(struct reader *r, Dwarf_Die *unit))
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint8_t type;

	while (!dwarf_get_units(info->file->dwarf, cu, &cu, NULL, &type, &die, NULL)) {
		const char *name = dwarf_diename(&die);
		Dwarf_Attribute attr;

		if (type != DW_UT_compile || !name)
			continue;
		r->comp_dir = dwarf_formstring(dwarf_attr(&die, DW_AT_comp_dir, &attr));
		r->unit = keep(r, debuginfo_path(name, r->comp_dir));
		if (has_unit(info, r->unit) && has_unit(only, r->unit))
			fn(r, &die);
	}
}

static void read_whole_unit(struct reader *r, Dwarf_Die *die)
{
	Dwarf_Attribute attr;

	GROW(r->out->units, r->out->nr_units, r->cap_units);
	r->out->units[r->out->nr_units++] = (struct shape_unit){
		.name = r->unit,
		.producer = keep_copy(r, dwarf_formstring(dwarf_attr(die, DW_AT_producer, &attr))),
	};
	read_unit(r, die);
}

struct shapes *shapes_read(const struct debuginfo *info, const struct debuginfo *only)
{
	struct shapes *out = xcalloc(1, sizeof(*out));
	struct reader r = { .out = out };

	out->strings = xcalloc(1, sizeof(*out->strings));
	each_unit(&r, info, only, read_whole_unit);
	shapes_sort(out);
	strings_release(&r.seen);
	free(r.spellings);
	return out;
}

void shapes_free(struct shapes *shapes)
{
	if (!shapes)
		return;
	for (uint32_t i = 0; i < shapes->nr_types; i++)
		free(shapes->types[i].members);
	strings_release(shapes->strings);
	free(shapes->strings);
	free(shapes->types);
	free(shapes->constants);
	free(shapes->funcs);
	free(shapes->vars);
	free(shapes->units);
	free(shapes);
}

struct local_search {
	bool (*want)(uint64_t entry, void *arg);
	void (*fn)(const char *spelled, void *arg);
	void *arg;
};

static void local_body(struct reader *r, Dwarf_Die *parent, const struct local_search *s)
{
	Dwarf_Die die;

	if (dwarf_child(parent, &die))
		return;
	do {
		Dwarf_Attribute attr;
		Dwarf_Die origin = die, type;

		switch (dwarf_tag(&die)) {
		case DW_TAG_variable: case DW_TAG_formal_parameter:
			for (int hops = 0; hops < DIE_CHAIN_MAX && !dwarf_hasattr(&origin, DW_AT_type); hops++)
				if (!dwarf_attr(&origin, DW_AT_abstract_origin, &attr) ||
				    !dwarf_formref_die(&attr, &origin))
					break;
			if (type_die(&origin, &type))
				s->fn(spell(r, type, 0)->text, s->arg);
			break;
		case DW_TAG_inlined_subroutine: case DW_TAG_lexical_block:
			local_body(r, &die, s);
			break;
		}
	} while (next_die(&die));
}

static void local_unit(struct reader *r, Dwarf_Die *unit)
{
	Dwarf_Die die;

	if (dwarf_child(unit, &die))
		return;
	if (r->cap_spellings)
		memset(r->spellings, 0, r->cap_spellings * sizeof(*r->spellings));
	r->nr_spellings = 0;
	do {
		Dwarf_Addr base, low, high;

		if (dwarf_tag(&die) == DW_TAG_subprogram && dwarf_ranges(&die, 0, &base, &low, &high) > 0 &&
		    r->locals->want(low, r->locals->arg))
			local_body(r, &die, r->locals);
	} while (next_die(&die));
}

void shapes_locals(const struct debuginfo *info, struct shapes *shapes,
		   bool (*want)(uint64_t entry, void *arg), void (*fn)(const char *spelled, void *arg), void *arg)
{
	struct local_search search = { want, fn, arg };
	struct reader r = { .out = shapes, .locals = &search };

	each_unit(&r, info, info, local_unit);
	free(r.spellings);
}
