// SPDX-License-Identifier: GPL-2.0
/*
 * Building the loader's table: fixed structs, whose addresses are relocations.
 */
#include <stddef.h>
#include <string.h>

#include "loader/abi.h"
#include "relink/bodies.h"
#include "relink/records.h"
#include "relink/section.h"
#include "relink/state.h"
#include "relink/table.h"

struct builder {
	const struct kernel *kernel;
	const struct boundary *boundary;
	struct object *object;
	const struct match *match;
	const struct bindings *bindings;
	const struct rewrite_result *rewritten;
	const struct updates *updates;
	const struct symvers *symvers;
	const struct symbol_map *map;
	bool rebuild;
	uint8_t *data;
	uint64_t size, cap;
	uint32_t section, section_symbol;
	uint32_t *body;		/* [kernel funcs]: symbol of the new body or 0 */
	bool *jumps;		/* [kernel funcs]: gets a jump */
};

static void make_room(struct builder *b)
{
	uint64_t cap = b->size * 2;

	if (b->size <= b->cap)
		return;
	b->data = xreallocarray(b->data, cap, 1);
	memset(b->data + b->cap, 0, cap - b->cap);
	b->cap = cap;
}

/* Zeroed room for a struct; pointers into the data do not survive it. */
static uint64_t reserve(struct builder *b, uint64_t size)
{
	uint64_t at = (b->size + 7) & ~7ULL;

	b->size = at + size;
	make_room(b);
	return at;
}

/* The 8 bytes at @at become the running address of link-time address @addr. */
static void point_at_kernel(struct builder *b, uint64_t at, uint64_t addr)
{
	uint32_t symbol;
	int64_t addend;

	anchor_reference(&b->rewritten->anchor, addr, &symbol, &addend);
	object_add_reloc(b->object, b->section, at, R_X86_64_64, symbol, addend);
}

static void point_at_symbol(struct builder *b, uint64_t at, uint32_t symbol, int64_t addend)
{
	object_add_reloc(b->object, b->section, at, R_X86_64_64, symbol, addend);
}

static void point_at_string(struct builder *b, uint64_t at, const char *string)
{
	uint64_t where = b->size;

	b->size += strlen(string) + 1;
	make_room(b);

	memcpy(b->data + where, string, strlen(string) + 1);
	point_at_symbol(b, at, b->section_symbol, where);
}

static void set_table_array(struct builder *b, uint64_t table, size_t pointer_field, size_t count_field,
			    uint64_t where, uint64_t count)
{
	memcpy(b->data + table + count_field, &count, sizeof(count));
	if (count)
		point_at_symbol(b, table + pointer_field, b->section_symbol, where);
}

static struct err *choose_jumps(struct builder *b)
{
	for (uint32_t i = 1; i < b->bindings->n; i++) {
		uint32_t func = b->match->func[i];
		enum side side;
		bool called;

		if (!b->bindings->v[i].replaced)
			continue;
		b->body[func] = i;
		side = b->boundary->v[func].side;
		called = b->rebuild && state_calls(b->kernel->funcs->v[func].name);
		b->jumps[func] = side != SIDE_INSIDER || b->rewritten->address_taken[i] || called;
		if (!b->jumps[func] || b->boundary->v[func].room)
			continue;
		if (called)
			return err_new("%s: the loader calls it to rebuild runqueues, but its entry has no room for a jump; use `state: keep`",
				       b->kernel->funcs->v[func].name);
		return err_new("%s: the new code takes its address, but its entry has no room for a jump",
			       b->kernel->funcs->v[func].name);
	}
	for (uint32_t f = 0; f < b->boundary->n; f++)
		if (boundary_is_inside(b->boundary, f) && !b->body[f])
			return err_new("%s: no new body", b->kernel->funcs->v[f].name);
	return NULL;
}

static struct err *add_sites(struct builder *b, uint64_t table, uint32_t *count)
{
	const struct machine *machine = machine_of(b->kernel->image->machine);
	uint64_t where, at;
	uint32_t n = 0, same_name;

	for (uint32_t f = 0; f < b->boundary->n; f++)
		n += b->jumps[f];
	where = at = reserve(b, n * sizeof(struct elfkit_site));
	for (uint32_t f = 0; f < b->boundary->n; f++) {
		const struct func *func = &b->kernel->funcs->v[f];
		uint64_t site = b->boundary->v[f].room;
		struct elfkit_site *s = (void *)(b->data + at);
		const uint8_t *expect;

		if (!b->jumps[f])
			continue;
		expect = func->traced ? machine->entry_nop :
			 image_bytes(b->kernel->image, site, machine->jump_size);
		if (!expect)
			return err_new("%s: no bytes at its entry", func->name);
		memcpy(s->expect, expect, machine->jump_size);
		s->expect_len = machine->jump_size;
		s->sympos = symbols_rank(b->kernel->symbols, func->symbol, &same_name);
		point_at_kernel(b, at + offsetof(struct elfkit_site, addr), site);
		point_at_symbol(b, at + offsetof(struct elfkit_site, target), b->body[f], 0);
		point_at_string(b, at + offsetof(struct elfkit_site, name), func->name);
		at += sizeof(*s);
	}
	set_table_array(b, table, offsetof(struct elfkit_table, sites), offsetof(struct elfkit_table, nr_sites),
			where, n);
	*count = n;
	return NULL;
}

static void add_bodies(struct builder *b, uint64_t table, const struct bodies *bodies)
{
	uint64_t where = reserve(b, bodies->size);

	if (bodies->size)
		memcpy(b->data + where, bodies->bytes, bodies->size);
	set_table_array(b, table, offsetof(struct elfkit_table, bodies),
			offsetof(struct elfkit_table, bodies_size), where, bodies->size);
	where = reserve(b, bodies->nr_holes * sizeof(*bodies->holes));
	if (bodies->nr_holes)
		memcpy(b->data + where, bodies->holes, bodies->nr_holes * sizeof(*bodies->holes));
	set_table_array(b, table, offsetof(struct elfkit_table, holes),
			offsetof(struct elfkit_table, nr_holes), where, bodies->nr_holes);
}

/* Old bodies of all that is replaced, cold parts included; in the order of functions: by address. */
static struct err *add_ranges(struct builder *b, uint64_t table, uint32_t *count)
{
	const struct funcs *funcs = b->kernel->funcs;
	struct bodies bodies;
	struct err *err = bodies_open(b->kernel, &bodies);
	uint64_t where, at;
	uint32_t n = 0;

	for (uint32_t f = 0; f < funcs->n; f++)
		n += b->body[funcs->v[f].parent == NO_ID ? f : funcs->v[f].parent] != 0;
	where = at = reserve(b, n * sizeof(struct elfkit_range));
	for (uint32_t f = 0; f < funcs->n; f++) {
		uint32_t owner = funcs->v[f].parent == NO_ID ? f : funcs->v[f].parent;

		if (!b->body[owner])
			continue;
		point_at_kernel(b, at + offsetof(struct elfkit_range, start), funcs->v[f].low);
		point_at_kernel(b, at + offsetof(struct elfkit_range, end), funcs->v[f].high);
		point_at_string(b, at + offsetof(struct elfkit_range, name), funcs->v[f].name);
		err = err ?: bodies_add(&bodies, funcs->v[f].low, funcs->v[f].high);
		at += sizeof(struct elfkit_range);
	}
	set_table_array(b, table, offsetof(struct elfkit_table, ranges), offsetof(struct elfkit_table, nr_ranges),
			where, n);
	*count = n;
	if (!err)
		add_bodies(b, table, &bodies);
	bodies_release(&bodies);
	return err;
}

static void add_resumes(struct builder *b, uint64_t table)
{
	uint32_t n = 0;
	uint64_t where = reserve(b, b->boundary->nr_switches * sizeof(struct elfkit_resume));

	for (uint32_t i = 0; i < b->boundary->nr_switches; i++)
		if (b->body[b->boundary->switches[i].func])
			point_at_kernel(b, where + n++ * sizeof(struct elfkit_resume),
					b->boundary->switches[i].resume);
	set_table_array(b, table, offsetof(struct elfkit_table, resumes),
			offsetof(struct elfkit_table, nr_resumes), where, n);
}

struct text_range {
	uint32_t symbol;	/* of the section */
	uint64_t low, high;
	const char *name;	/* owned by the object */
};

struct span {
	struct text_range *v;
	uint32_t n, cap;
};

/* The module frees its init code once it is loaded, and nothing of it is ever called. */
static bool holds_new_code(const struct object_section *s)
{
	return !s->removed && section_classify(s) == SECTION_CODE && strncmp(s->name, ".init", 5) &&
	       strncmp(s->name, ".exit", 5);
}

static void add_text_range(struct builder *b, struct span *spans, uint32_t section, uint64_t low,
			   uint64_t high, const char *name)
{
	if (low >= high)
		return;
	GROW(spans->v, spans->n, spans->cap);
	spans->v[spans->n++] = (struct text_range){ object_section_symbol(b->object, section), low, high, name };
}

/* All of the new code, the loader's left out: by function, so that a task in it can be named, and what lies between. */
static void find_text(struct builder *b, struct span *spans)
{
	uint32_t nr_sections = b->object->nr_sections, k = 0;

	for (uint32_t i = 1; i < nr_sections; i++) {
		const struct object_section *s = &b->object->sections[i];
		const char *section_name = s->name;
		uint64_t at = 0, size = s->size;

		if (!holds_new_code(s))
			continue;
		while (k < b->map->n && b->object->symbols[b->map->v[k]].section < i)
			k++;
		for (; k < b->map->n && b->object->symbols[b->map->v[k]].section == i; k++) {
			uint32_t symbol = b->map->v[k];
			const struct object_symbol *f = &b->object->symbols[symbol];
			uint64_t low = f->value, high = f->value + f->size;
			const char *name = f->name;

			if (low < at)
				continue;	/* an alias, or nested in the one before */
			/* adapters have symbols that were not there when the rest was matched */
			if (symbol < b->bindings->n && b->match->foreign[symbol]) {
				add_text_range(b, spans, i, at, low, section_name);
				at = high;
				continue;
			}
			add_text_range(b, spans, i, at, low, section_name);
			add_text_range(b, spans, i, low, high, name);
			at = high;
		}
		add_text_range(b, spans, i, at, size, section_name);
	}
}

static void add_text(struct builder *b, uint64_t table)
{
	struct span spans = { 0 };
	uint64_t where, at;

	find_text(b, &spans);
	where = at = reserve(b, spans.n * sizeof(struct elfkit_range));
	for (uint32_t i = 0; i < spans.n; i++) {
		const struct text_range *r = &spans.v[i];

		point_at_symbol(b, at + offsetof(struct elfkit_range, start), r->symbol, r->low);
		point_at_symbol(b, at + offsetof(struct elfkit_range, end), r->symbol, r->high);
		point_at_string(b, at + offsetof(struct elfkit_range, name), r->name);
		at += sizeof(struct elfkit_range);
	}
	set_table_array(b, table, offsetof(struct elfkit_table, text), offsetof(struct elfkit_table, nr_text),
			where, spans.n);
	free(spans.v);
}

/* Exported symbols that the new code uses anyway: bound by name, so the kernel says where they are. */
static bool is_landmark(const struct builder *b, uint32_t symbol, int64_t *distance)
{
	uint64_t addr = b->bindings->v[symbol].kernel;

	*distance = addr - b->rewritten->anchor.addr;
	return b->bindings->v[symbol].call == PLACE_NAME && addr &&
	       anchor_reaches(&b->rewritten->anchor, addr) && b->object->symbols[symbol].bind == STB_GLOBAL;
}

static void add_landmarks(struct builder *b, uint64_t table)
{
	uint64_t where, at;
	uint32_t n = 0;
	int64_t distance;

	for (uint32_t i = 1; i < b->bindings->n; i++)
		n += is_landmark(b, i, &distance);
	where = at = reserve(b, n * sizeof(struct elfkit_landmark));
	for (uint32_t i = 1; i < b->bindings->n; i++) {
		if (!is_landmark(b, i, &distance))
			continue;
		point_at_symbol(b, at + offsetof(struct elfkit_landmark, addr), i, 0);
		memcpy(b->data + at + offsetof(struct elfkit_landmark, distance), &distance, sizeof(distance));
		point_at_string(b, at + offsetof(struct elfkit_landmark, name), b->object->symbols[i].name);
		at += sizeof(struct elfkit_landmark);
	}
	set_table_array(b, table, offsetof(struct elfkit_table, landmarks),
			offsetof(struct elfkit_table, nr_landmarks), where, n);
}

static void add_updates(struct builder *b, uint64_t table)
{
	const struct updates *updates = b->updates;
	uint64_t where = reserve(b, updates->n * sizeof(struct elfkit_update)), at = where;

	for (uint32_t i = 0; i < updates->n; i++, at += sizeof(struct elfkit_update)) {
		const struct update *u = &updates->v[i];
		struct elfkit_update *update = (void *)(b->data + at);

		update->size = u->size;
		update->flags = u->flags;
		point_at_kernel(b, at + offsetof(struct elfkit_update, addr), b->bindings->v[u->symbol].kernel);
		point_at_symbol(b, at + offsetof(struct elfkit_update, old),
				object_section_symbol(b->object, updates->old), u->at);
		point_at_symbol(b, at + offsetof(struct elfkit_update, now),
				object_section_symbol(b->object, updates->now), u->at);
		point_at_string(b, at + offsetof(struct elfkit_update, name), b->object->symbols[u->symbol].name);
	}
	set_table_array(b, table, offsetof(struct elfkit_table, updates), offsetof(struct elfkit_table, nr_updates),
			where, updates->n);
}

/*
 * What a kernel does not have (ftrace, if it was built without) stays 0; the loader, built with
 * the same configuration, does not ask for it.  It asks for some in any case: without these it would
 * follow a null pointer.
 */
static struct err *add_kernel_objects(struct builder *b, uint64_t table)
{
#define NAME(name) #name,
	static const char *const always[] = { ELFKIT_KERNEL_OBJECTS_ALWAYS(NAME) };
#undef NAME
#define OBJECT(name) { #name, offsetof(struct elfkit_table, name) },
	static const struct {
		const char *name;
		size_t field;
	} objects[] = { ELFKIT_KERNEL_OBJECTS(OBJECT) };
#undef OBJECT

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		uint32_t id = symbols_find(b->kernel->symbols, objects[i].name);

		if (id != NO_ID)
			point_at_kernel(b, table + objects[i].field, b->kernel->symbols->v[id].value);
	}
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (symbols_find(b->kernel->symbols, always[i]) == NO_ID)
			return err_new("%s has no %s, which the loader needs", b->kernel->image->path, always[i]);
	return NULL;
}

/*
 * Entries of these sections point at the kernel's static keys and calls, and the module loader
 * would have the kernel write there before the loader can tell one build from another. Under
 * another name they wait until it has.
 */
static struct err *withhold_tables(struct builder *b, uint64_t table)
{
	static const struct {
		const char *name, *new_name, *registrar;
		size_t pointer_field, size_field;
	} tables[] = {
		{ "__jump_table", ".elfkit.jump_labels", "jump_label_module_nb",
		  offsetof(struct elfkit_table, jump_labels), offsetof(struct elfkit_table, jump_labels_size) },
		{ ".static_call_sites", ".elfkit.static_calls", "static_call_module_nb",
		  offsetof(struct elfkit_table, static_calls), offsetof(struct elfkit_table, static_calls_size) },
	};

	for (uint32_t i = 1; i < b->object->nr_sections; i++)
		for (size_t k = 0; k < sizeof(tables) / sizeof(tables[0]); k++) {
			struct object_section *s = &b->object->sections[i];

			if (s->removed || !s->size || strcmp(s->name, tables[k].name))
				continue;
			if (symbols_find(b->kernel->symbols, tables[k].registrar) == NO_ID)
				return err_new("%s has no %s: the module's %s could not be registered",
					       b->kernel->image->path, tables[k].registrar, s->name);
			free(s->name);
			s->name = xstrdup(tables[k].new_name);
			s->flags |= SHF_WRITE;	/* the kernel sorts and marks the entries */
			s->align = s->align > 8 ? s->align : 8;
			memcpy(b->data + table + tables[k].size_field, &s->size, sizeof(s->size));
			object_add_reloc(b->object, b->section, table + tables[k].pointer_field, R_X86_64_64,
					 object_section_symbol(b->object, i), 0);
		}
	return NULL;
}

static void point_at_records(struct builder *b, uint64_t table, const char *name, uint32_t size,
			     size_t pointer_field, size_t count_field, uint32_t *ret)
{
	uint32_t section = records_section(b->object, name);
	uint64_t count = section ? b->object->sections[section].size / size : 0;

	memcpy(b->data + table + count_field, &count, sizeof(count));
	if (count)
		point_at_symbol(b, table + pointer_field, object_section_symbol(b->object, section), 0);
	*ret = count;
}

static void add_records(struct builder *b, uint64_t table, struct table_counts *counts)
{
	point_at_records(b, table, ELFKIT_HOOKS_SECTION, ELFKIT_HOOKS_SIZE, offsetof(struct elfkit_table, hooks),
			 offsetof(struct elfkit_table, nr_hooks), &counts->hooks);
	point_at_records(b, table, ELFKIT_POOLS_SECTION, ELFKIT_POOLS_SIZE, offsetof(struct elfkit_table, pools),
			 offsetof(struct elfkit_table, nr_pools), &counts->pools);
}

/* The loader refers to the table by name: that undefined symbol becomes it. */
static struct err *define_table(struct builder *b, uint64_t table)
{
	for (uint32_t i = 1; i < b->object->nr_symbols; i++) {
		struct object_symbol *s = &b->object->symbols[i];

		if (s->shndx != SHN_UNDEF || strcmp(s->name, ELFKIT_TABLE_SYMBOL))
			continue;
		s->shndx = SHNDX_SECTION;
		s->section = b->section;
		s->value = table;
		s->size = sizeof(struct elfkit_table);
		s->type = STT_OBJECT;
		s->bind = STB_LOCAL;
		return NULL;
	}
	return err_new("the loader does not refer to %s", ELFKIT_TABLE_SYMBOL);
}

static struct err *add_identity(struct builder *b, uint64_t table)
{
	const struct image *image = b->kernel->image;
	const struct image_section *notes = image_section_named(image, ".notes");
	AUTO_FREE char *release = kernel_release_name(b->kernel);
	struct elfkit_table *t = (void *)(b->data + table);

	if (!image->build_id_len || !notes)
		return err_new("%s has no build-id: a module could not tell its kernel from another", image->path);
	t->abi = ELFKIT_ABI;
	t->build_id_len = image->build_id_len;
	memcpy(t->build_id, image->build_id, image->build_id_len);
	t->notes_size = notes->size;
	t->anchor_linked = b->rewritten->anchor.addr;
	point_at_kernel(b, table + offsetof(struct elfkit_table, anchor), b->rewritten->anchor.addr);
	point_at_kernel(b, table + offsetof(struct elfkit_table, notes), notes->addr);
	point_at_string(b, table + offsetof(struct elfkit_table, release), release ?: "unknown");
	if (b->rewritten->pinned)
		point_at_string(b, table + offsetof(struct elfkit_table, pinned), b->rewritten->pinned);
	return NULL;
}

struct err *table_add(const struct kernel *kernel, const struct boundary *boundary, struct object *object,
		      const struct match *match, const struct bindings *bindings,
		      const struct rewrite_result *rewritten, const struct updates *updates,
		      const struct symvers *symvers,
		      const struct symbol_map *map, bool rebuild, struct table_counts *counts)
{
	struct builder b = {
		.kernel = kernel, .boundary = boundary, .object = object, .match = match,
		.bindings = bindings, .rewritten = rewritten, .updates = updates, .symvers = symvers, .map = map,
		.rebuild = rebuild,
		.body = xcalloc(boundary->n, sizeof(*b.body)),
		.jumps = xcalloc(boundary->n, sizeof(*b.jumps)),
	};
	struct err *err;
	uint64_t table;

	b.section = object_add_section(object, ".elfkit.table", SHF_ALLOC, 8, NULL, 0);
	b.section_symbol = object_section_symbol(object, b.section);
	table = reserve(&b, sizeof(struct elfkit_table));
	err = add_identity(&b, table);
	err = err ?: choose_jumps(&b);
	err = err ?: add_sites(&b, table, &counts->sites);
	err = err ?: add_ranges(&b, table, &counts->ranges);
	if (!err) {
		add_resumes(&b, table);
		add_text(&b, table);
		add_landmarks(&b, table);
		add_updates(&b, table);
	}
	add_records(&b, table, counts);
	err = err ?: add_kernel_objects(&b, table);
	if (rebuild)
		state_offsets(kernel, (struct elfkit_table *)(b.data + table));
	err = err ?: withhold_tables(&b, table);
	err = err ?: define_table(&b, table);
	object->sections[b.section].data = b.data;
	object->sections[b.section].size = b.size;
	free(b.body);
	free(b.jumps);
	return err;
}
