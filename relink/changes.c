// SPDX-License-Identifier: GPL-2.0
/* Old and new, item by item; keys that are gone, entries that are sealed. */
#include <string.h>

#include "relink/changes.h"
#include "relink/section.h"

/* Padding in front of functions has names of its own (objtool --prefix), a .cold part its function's. */
bool changes_is_function(const struct object_symbol *s)
{
	return s->type == STT_FUNC && object_symbol_defined(s) && !strstr(s->name, ".cold") &&
	       strncmp(s->name, "__pfx_", 6);
}

static const struct debug_func *new_source(const struct check *c, const struct object_symbol *s)
{
	for (uint32_t i = 0; i < c->info->nr_codes; i++)
		if (c->info->codes[i].ranges[0].section == s->section && c->info->codes[i].ranges[0].low == s->value)
			return &c->info->funcs[c->info->codes[i].func];
	return NULL;
}

static const struct debug_func *source_of(const struct check *c, uint32_t i)
{
	uint32_t func = c->match->func[i];

	return func == NO_ID ? new_source(c, &c->object->symbols[i]) : funcs_source(c->kernel->funcs, func);
}

static void add_function(const struct check *c, uint32_t i, const char *difference)
{
	const struct object_symbol *s = &c->object->symbols[i];
	uint32_t func = c->match->func[i];
	const struct debug_func *source = source_of(c, i);
	struct change_entry e = {
		.change = func == NO_ID ? CHANGE_NEW : c->verdict[i] == VERDICT_CHANGED ? CHANGE_CHANGED : CHANGE_SAME,
		.name = xstrdup(s->name),
	};

	/* a weak one that another unit overrides */
	if (s->bind == STB_WEAK && func != NO_ID && !source) {
		free(e.name);
		return;
	}
	if (func != NO_ID && c->boundary->v[func].side != SIDE_NONE)
		e.side = side_names[c->boundary->v[func].side];
	if (source) {
		e.file = xstrdup(source->file);
		e.line = source->line;
	}
	if (difference)
		e.how = xstrdup(difference);
	remarks_add_change(c->remarks, &e);
}

/* The variable of the source at a place of the object; the compiler's own have none there. */
static const struct debug_var *new_var(const struct check *c, const struct object_symbol *s)
{
	for (uint32_t i = 0; i < c->info->nr_vars; i++) {
		const struct debug_var *v = &c->info->vars[i];

		if (v->section == s->section && v->addr == s->value && strncmp(v->name, "__func__", 8) &&
		    !strncmp(v->name, s->name, strlen(v->name)))
			return v;
	}
	return NULL;
}

static void add_object(const struct check *c, uint32_t i, const char *difference)
{
	const struct object_symbol *s = &c->object->symbols[i];
	enum section_class class = section_classify(&c->object->sections[s->section]);
	bool known = c->match->symbol[i] != NO_ID;
	const struct debug_var *var;
	struct change_entry e = { .object = true };

	if (class != SECTION_DATA && class != SECTION_PERCPU)
		return;
	var = known ? NULL : new_var(c, s);
	if (!known && !var)
		return;
	e.change = !known ? CHANGE_NEW : c->verdict[i] == VERDICT_CHANGED ? CHANGE_CHANGED : CHANGE_SAME;
	e.name = xstrdup(s->name);
	if (var && var->func != UINT32_MAX) {
		e.file = xstrdup(c->info->funcs[var->func].file);
		e.line = var->line;
	}
	if (difference)
		e.how = xstrdup(difference);
	remarks_add_change(c->remarks, &e);
}

static bool has_unit(const struct debuginfo *info, const char *name)
{
	for (uint32_t i = 0; i < info->nr_units; i++)
		if (!strcmp(info->units[i], name))
			return true;
	return false;
}

/* Functions of units that the object has, without a counterpart there. */
static void add_gone_functions(const struct check *c)
{
	const struct funcs *funcs = c->kernel->funcs;
	bool *met = xcalloc(funcs->n + 1, sizeof(*met));

	for (uint32_t i = 1; i < c->object->nr_symbols; i++)
		if (object_symbol_defined(&c->object->symbols[i]) && c->match->func[i] != NO_ID)
			met[c->match->func[i]] = true;

	for (uint32_t i = 0; i < funcs->n; i++) {
		const struct debug_func *source = funcs_source(funcs, i);
		struct remark *f;

		if (!source || met[i] || funcs->v[i].parent != NO_ID ||
		    !has_unit(c->info, c->kernel->debuginfo->units[source->unit]))
			continue;
		remarks_add_change(c->remarks, &(struct change_entry){
			.change = CHANGE_GONE, .name = xstrdup(funcs->v[i].name), .file = xstrdup(source->file),
			.line = source->line,
			.side = c->boundary->v[i].side == SIDE_NONE ? NULL : side_names[c->boundary->v[i].side],
		});
		f = remarks_add(c->remarks, REMARK_GONE, xstrdup(funcs->v[i].name), xstrdup(source->file), source->line,
				xstrdup("the new code has it no more, and who calls it gets the kernel's as it was"));
		check_add_callers(c, f, i);
		if (!f->nr_users)
			remarks_drop_last(c->remarks);
	}
	free(met);
}

/*
 * Entries of the kernel's __jump_table: s32 code, s32 target, s64 key, each counted from itself
 * (include/linux/jump_label.h); and of .static_call_sites: s32 code, s32 key
 * (include/linux/static_call_types.h).  The low bits of a key are flags.
 */
static void add_key_users(const struct check *c, struct remark *f, uint64_t key, const char *from, const char *to,
			  unsigned int size)
{
	const struct symbols *symbols = c->kernel->symbols;
	uint32_t first = symbols_find(symbols, from), last = symbols_find(symbols, to);

	if (first == NO_ID || last == NO_ID)
		return;
	for (uint64_t at = symbols->v[first].value; at + size <= symbols->v[last].value; at += size) {
		const uint8_t *entry = image_bytes(c->kernel->image, at, size);
		int32_t code, near;
		uint64_t target;
		uint32_t func;

		if (!entry)
			return;
		memcpy(&code, entry, 4);
		memcpy(&near, entry + 4, 4);
		target = at + 4 + near;
		if (size == 16) {
			memcpy(&target, entry + 8, 8);
			target += at + 8;
		}
		func = funcs_at(c->kernel->funcs, at + code);
		if ((target & ~3ULL) == key && func != NO_ID && check_is_outside(c, func) &&
		    !boundary_is_init(c->kernel->funcs, func))
			remark_add_user(f, check_user(c, c->kernel->funcs->v[boundary_owner(c->kernel->funcs, func)].low));
	}
}

static void add_gone_object(const struct check *c, const struct debug_var *v, const char *file)
{
	struct remark *f = remarks_add(c->remarks, REMARK_KEY, xstrdup(v->name), v->file ? xstrdup(v->file) : NULL, v->line,
					 xstrdup("it is gone, and code that stays the kernel's asks it"));

	add_key_users(c, f, v->addr, "__start___jump_table", "__stop___jump_table", 16);
	add_key_users(c, f, v->addr, "__start_static_call_sites", "__stop_static_call_sites", 8);
	if (!f->nr_users)
		remarks_drop_last(c->remarks);
	remarks_add_change(c->remarks, &(struct change_entry){
		.object = true, .change = CHANGE_GONE, .name = xstrdup(v->name), .line = file ? v->line : 0,
		.file = file ? xstrdup(file) : NULL,
	});
}

static bool is_object_at(const struct check *c, const struct debug_var *v, const bool *met)
{
	const struct symbols *symbols = c->kernel->symbols;
	const struct image_section *section = image_section_at(c->kernel->image, v->addr);
	bool any = false;

	/* the joined object has none */
	if (section && !strcmp(section->name, "__param"))
		return false;
	for (uint32_t i = symbols_lower_bound(symbols, v->addr); i < symbols->n; i++) {
		const struct symbol *s = &symbols->v[symbols->by_addr[i]];

		if (s->value != v->addr)
			break;
		if (strncmp(s->name, v->name, strlen(v->name)))
			continue;
		if (met[symbols->by_addr[i]])
			return false;
		any = s->type == STT_OBJECT;
	}
	return any;
}

static void add_gone_objects(const struct check *c)
{
	const struct debuginfo *info = c->kernel->debuginfo;
	bool *met = xcalloc(c->kernel->symbols->n, sizeof(*met));

	for (uint32_t i = 1; i < c->object->nr_symbols; i++)
		if (object_symbol_defined(&c->object->symbols[i]) && c->match->symbol[i] != NO_ID)
			met[c->match->symbol[i]] = true;
	for (uint32_t i = 0; i < info->nr_vars; i++) {
		const struct debug_var *v = &info->vars[i];

		if (has_unit(c->info, info->units[v->unit]) && strncmp(v->name, "__func__", 8) && is_object_at(c, v, met))
			add_gone_object(c, v, v->func == UINT32_MAX ? NULL : info->funcs[v->func].file);
	}
	free(met);
}

/* Tables by which the kernel finds its own at boot, and modules find what it exports. */
static bool announces(const char *section)
{
	return strstr(section, "initcall") || strstr(section, "ksymtab") || !strcmp(section, ".export_symbol");
}

static uint32_t function_at(const struct object *o, const struct object_reloc *r)
{
	const struct object_symbol *s = &o->symbols[r->symbol];

	if (s->type != STT_SECTION)
		return changes_is_function(s) ? r->symbol : 0;
	for (uint32_t i = 1; i < o->nr_symbols; i++)
		if (changes_is_function(&o->symbols[i]) && o->symbols[i].section == s->section &&
		    o->symbols[i].value == s->value + r->addend)
			return i;
	return 0;
}

/* A new function that only such a table names: nobody will look there again. */
static void check_announced(const struct check *c)
{
	for (uint32_t i = 1; i < c->object->nr_sections; i++) {
		const struct object_section *s = &c->object->sections[i];

		for (uint32_t r = 0; r < s->nr_relocs && announces(s->name); r++) {
			uint32_t symbol = function_at(c->object, &s->relocs[r]);
			const struct debug_func *source = symbol ? new_source(c, &c->object->symbols[symbol]) : NULL;

			if (!source || c->match->func[symbol] != NO_ID || c->match->foreign[symbol])
				continue;
			remarks_add(c->remarks, REMARK_INIT, xstrdup(source->name), xstrdup(source->file), source->line,
				    xasprintf("it is new, and section %s, which names it, does not travel", s->name));
		}
	}
}

void changes_list(const struct check *c, char *const *difference)
{
	for (uint32_t i = 1; i < c->object->nr_symbols; i++) {
		const struct object_symbol *s = &c->object->symbols[i];

		if (c->match->foreign[i] || !object_symbol_defined(s))
			continue;
		if (changes_is_function(s))
			add_function(c, i, difference[i]);
		else if (s->type == STT_OBJECT)
			add_object(c, i, difference[i]);
	}
	add_gone_functions(c);
	add_gone_objects(c);
	check_announced(c);
}

/* s32 from the entry to the function (tools/objtool/check.c) */
static bool is_sealed(const struct image *image, const struct image_section *seals, uint64_t addr)
{
	for (uint64_t at = 0; seals->data && at + 4 <= seals->size; at += 4) {
		int32_t distance;

		memcpy(&distance, seals->data + at, 4);
		if (seals->addr + at + distance == addr)
			return true;
	}
	return !image_bytes(image, addr, 4);
}

/* Whether the kernel itself has the address somewhere: then it is what the new code makes of it, too. */
static bool kernel_takes(const struct check *c, uint32_t func)
{
	const struct refs *refs = c->kernel->refs;

	for (uint32_t r = refs->to[func]; r < refs->to[func + 1]; r++)
		if ((refs->v[r].kind == REF_DATA || refs->v[r].kind == REF_ADDRESS) && !refs->v[r].offset)
			return true;
	return false;
}

void changes_place_references(const struct check *c)
{
	for (uint32_t i = 0; i < c->remarks->n; i++) {
		struct remark *f = &c->remarks->v[i];
		const struct debug_func *source = f->symbol ? source_of(c, f->symbol) : NULL;

		if (f->kind != REMARK_REFERENCE || !source)
			continue;
		f->file = xstrdup(source->file);
		f->line = source->line;
	}
}

void changes_check_sealed(const struct check *c, const bool *taken)
{
	const struct image_section *seals = image_section_named(c->kernel->image, ".ibt_endbr_seal");
	const struct machine *machine = machine_of(c->kernel->image->machine);

	for (uint32_t i = 1; seals && i < c->object->nr_symbols; i++) {
		uint32_t func = taken[i] ? c->match->func[i] : NO_ID;
		uint64_t addr = func == NO_ID ? 0 : c->kernel->funcs->v[func].low;
		const uint8_t *bytes = func == NO_ID ? NULL : image_bytes(c->kernel->image, addr, 4);
		const struct debug_func *source;
		bool pad = bytes && !memcmp(bytes, machine->landing_pad, sizeof(machine->landing_pad));

		/* a label of the linker script may stand where a function starts */
		if (func == NO_ID || strcmp(c->kernel->funcs->v[func].name, c->object->symbols[i].name) ||
		    kernel_takes(c, func) || (pad && !is_sealed(c->kernel->image, seals, addr)))
			continue;
		source = funcs_source(c->kernel->funcs, func);
		remarks_add(c->remarks, REMARK_SEALED, xstrdup(c->object->symbols[i].name),
			    source ? xstrdup(source->file) : NULL, source ? source->line : 0, xasprintf("its address is taken, and an indirect call of it traps: %s",
			    pad ? "the kernel overwrites its endbr64 when it boots" : "it has no endbr64"));
	}
}
