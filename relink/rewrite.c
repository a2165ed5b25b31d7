// SPDX-License-Identifier: GPL-2.0
/* References rewritten, sections dropped. */
#include <string.h>

#include "loader/abi.h"
#include "relink/rewrite.h"
#include "relink/section.h"

struct rewriter {
	struct object *object;
	const struct object_refs *refs;
	const struct match *match;
	const struct bindings *bindings;
	const struct symbol_map *map;
	struct rewrite_result *result;
	struct remarks *remarks;
	enum section_class *class;	/* [sections] */
	bool *needed;			/* [sections]: holds something of the module's own */
	bool *shared;			/* [symbols] */
	bool *hook;			/* [symbols]: the loader runs it, whichever code is in */
	const struct policy *policy;
};

/*
 * The lowest exported function: one that every module can name.  Data would do as
 * well; a function keeps calls and addresses alike.
 */
struct err *anchor_init(const struct kernel *kernel, const struct symvers *symvers, struct object *object,
			struct anchor *ret)
{
	for (uint32_t i = 0; i < kernel->funcs->n; i++) {
		const struct symbol *s = &kernel->symbols->v[kernel->funcs->v[i].symbol];

		if (!s->exported || s->bind == STB_LOCAL || !symvers_has(symvers, s->name))
			continue;
		ret->addr = s->value;
		ret->symbol = object_add_symbol(object, s->name, STT_NOTYPE, STB_GLOBAL, SHN_UNDEF, 0, 0, 0);
		for (uint32_t k = 1; k < ret->symbol; k++)
			if (object->symbols[k].shndx == SHN_UNDEF && !strcmp(object->symbols[k].name, s->name))
				ret->symbol = k;
		ret->absolute = object_add_symbol(object, "elfkit_absolute", STT_NOTYPE, STB_LOCAL, SHN_ABS,
						  0, 0, 0);
		return NULL;
	}
	return err_new("%s exports no function that %s", kernel->image->path, "Module.symvers knows");
}

/*
 * Before 6.15 per-CPU symbols of x86-64 are offsets that start at 0 (arch/x86/kernel/vmlinux.lds.S).
 * KASLR does not move those, though 32-bit arithmetic would reach them from the anchor.
 */
bool anchor_reaches(const struct anchor *anchor, uint64_t addr)
{
	return (addr > anchor->addr ? addr - anchor->addr : anchor->addr - addr) < 1ULL << 31;
}

void anchor_reference(const struct anchor *anchor, uint64_t addr, uint32_t *symbol, int64_t *addend)
{
	if (anchor_reaches(anchor, addr)) {
		*symbol = anchor->symbol;
		*addend = addr - anchor->addr;
	} else {
		*symbol = anchor->absolute;
		*addend = addr;
	}
}

/* The function or object that a reference is in, or NO_REF. */
static uint32_t holder_of(const struct rewriter *w, const struct object_ref *ref)
{
	return ref->kind == OBJECT_REF_POINTER ? symbol_at(w->object, w->map, ref->section, ref->offset) : ref->host;
}

/* Its contents go over those of the kernel's object, and are taken back with the module. */
static bool is_updated(const struct rewriter *w, const struct object_ref *ref)
{
	uint32_t holder = holder_of(w, ref);

	return holder != NO_REF && w->bindings->v[holder].updated;
}

/* Nothing will ever run or read what holds this reference. */
static bool is_dead(const struct rewriter *w, const struct object_ref *ref)
{
	uint32_t holder = holder_of(w, ref);

	return holder != NO_REF && w->bindings->v[holder].call == PLACE_KERNEL && !w->bindings->v[holder].updated;
}

/* The loader and hooks call the kernel's entry, whatever is behind it at that moment. */
static bool calls_entries(const struct rewriter *w, uint32_t host)
{
	return host != NO_REF && (w->match->foreign[host] || w->hook[host]);
}

static enum place place_of(const struct rewriter *w, const struct object_ref *ref)
{
	const struct binding *b;

	if (ref->symbol == NO_REF)
		return w->class[ref->target_section] == SECTION_REMOVED ? PLACE_UNBOUND : PLACE_MODULE;
	b = &w->bindings->v[ref->symbol];
	if (ref->kind == OBJECT_REF_BRANCH)
		return calls_entries(w, ref->host) ? b->address : b->call;
	if (ref->kind != OBJECT_REF_KEY && ref->target_section &&
	    w->class[ref->target_section] == SECTION_CODE &&
	    (ref->kind == OBJECT_REF_PLACE || ref->target))
		return PLACE_MODULE;	/* a place in code, not the function */
	return b->address;
}

/* A reference that cannot be, of code that can run. */
static void refuse(struct rewriter *w, const struct object_ref *ref, const char *why)
{
	const struct object *o = w->object;
	const char *target = ref->symbol != NO_REF ? o->symbols[ref->symbol].name :
			     o->sections[ref->target_section].name;
	const char *holder = ref->host != NO_REF ? o->symbols[ref->host].name : o->sections[ref->section].name;

	remarks_add(w->remarks, REMARK_REFERENCE, xstrdup(holder), NULL, 0,
		    xasprintf("it refers to %s: %s", target, why))->symbol = ref->host == NO_REF ? 0 : ref->host;
}

static const char *unbound(const struct rewriter *w, const struct object_ref *ref)
{
	const char *why = ref->symbol != NO_REF ? w->bindings->problem[ref->symbol] : NULL;

	return why ? why : "its section does not travel";
}

static void remove_ref(struct rewriter *w, const struct object_ref *ref)
{
	if (ref->reloc != NO_REF)
		w->object->sections[ref->section].relocs[ref->reloc].removed = true;
}

/* Through its relocation to link-time address @addr of the kernel. */
static void lead(struct rewriter *w, const struct object_ref *ref, uint64_t addr)
{
	struct object_reloc *reloc = &w->object->sections[ref->section].relocs[ref->reloc];

	anchor_reference(&w->result->anchor, addr, &reloc->symbol, &reloc->addend);
	reloc->addend += ref->bias;
}

/* NULL, or why not. */
static const char *to_kernel(struct rewriter *w, const struct object_ref *ref)
{
	struct object_section *s = &w->object->sections[ref->section];
	uint64_t addr = w->bindings->v[ref->symbol].kernel + ref->target;
	uint32_t symbol;
	int64_t addend;

	if (w->bindings->problem[ref->symbol])
		return w->bindings->problem[ref->symbol];
	if (ref->reloc == NO_REF) {
		anchor_reference(&w->result->anchor, addr, &symbol, &addend);
		if (ref->width != 4)
			return "it stays the kernel's, and a jump of 1 byte does not reach it";
		memset(s->data + ref->offset, 0, ref->width);
		object_add_reloc(w->object, ref->section, ref->offset, R_X86_64_PLT32, symbol,
				 addend + ref->bias);
		return NULL;
	}
	lead(w, ref, addr);
	return NULL;
}

static bool is_own_data(const struct rewriter *w, const struct object_ref *ref)
{
	enum section_class class = ref->target_section ? w->class[ref->target_section] : SECTION_REMOVED;

	return class == SECTION_DATA || class == SECTION_FRESH || class == SECTION_PERCPU;
}

/* A new function that somebody may call through a pointer while the module is loaded. */
static void note_address(struct rewriter *w, const struct object_ref *ref)
{
	struct object_symbol *s = ref->symbol == NO_REF ? NULL : &w->object->symbols[ref->symbol];
	bool address = ref->kind == OBJECT_REF_ADDRESS || ref->kind == OBJECT_REF_POINTER;

	/* what is cold may begin with a case of a switch, which has a table of places in code */
	if (!s || ref->target || !address || w->match->foreign[ref->symbol] || bind_is_cold_part(s) ||
	    (s->type != STT_FUNC && object_symbol_defined(s)))
		return;
	if (w->bindings->v[ref->symbol].address == PLACE_KERNEL)
		w->result->entry_taken[ref->symbol] = true;
	if (w->bindings->v[ref->symbol].replaced) {
		w->result->address_taken[ref->symbol] = true;
	} else if (w->bindings->v[ref->symbol].address == PLACE_MODULE && object_symbol_defined(s)) {
		if (is_updated(w, ref)) {
			w->result->updates_hold[ref->symbol] = true;
			return;
		}
		w->result->handed_out[ref->symbol] = true;
		if (policy_match(&w->policy->released, s->name))
			return;
		w->result->pinned = s->name;
	}
}

/* An insider that a hook calls needs an entry that leads to the code that is in. */
static void note_call(struct rewriter *w, const struct object_ref *ref)
{
	if (ref->kind == OBJECT_REF_BRANCH && ref->host != NO_REF && w->hook[ref->host] &&
	    w->bindings->v[ref->symbol].replaced)
		w->result->address_taken[ref->symbol] = true;
}

static void rewrite_ref(struct rewriter *w, const struct object_ref *ref)
{
	uint64_t string = w->bindings->strings ? w->bindings->strings[ref - w->refs->v] : 0;
	bool dead = is_dead(w, ref);
	const char *problem;

	if (string) {
		lead(w, ref, string);
		return;
	}
	switch (place_of(w, ref)) {
	case PLACE_MODULE:
		if (!dead)
			note_address(w, ref);
		if (is_own_data(w, ref) && dead)
			remove_ref(w, ref);
		else if (is_own_data(w, ref))
			w->needed[ref->target_section] = true;
		return;
	case PLACE_KERNEL:
		if (!dead) {
			note_address(w, ref);
			note_call(w, ref);
			w->shared[ref->symbol] = true;
		}
		problem = to_kernel(w, ref);
		break;
	case PLACE_NAME:
		return;
	default:
		problem = unbound(w, ref);
		break;
	}
	if (problem && dead)
		remove_ref(w, ref);
	else if (problem)
		refuse(w, ref, problem);
}

static void rewrite_section(struct rewriter *w, uint32_t section)
{
	for (uint32_t r = w->refs->first[section]; r < w->refs->first[section + 1]; r++)
		rewrite_ref(w, &w->refs->v[r]);
}

/* What updated objects hold; the rest of their sections may be dropped. */
static void rewrite_updated(struct rewriter *w)
{
	for (uint32_t i = 1; i < w->bindings->n; i++) {
		const struct object_symbol *s = &w->object->symbols[i];

		for (uint32_t r = w->bindings->v[i].updated ? w->refs->first[s->section] : w->refs->n;
		     r < w->refs->n && w->refs->v[r].section == s->section; r++)
			if (w->refs->v[r].offset >= s->value && w->refs->v[r].offset < s->value + s->size)
				rewrite_ref(w, &w->refs->v[r]);
	}
}

/* Code and tables first; then data that they need, and data that this needs. */
static void rewrite_sections(struct rewriter *w)
{
	uint32_t n = w->object->nr_sections;
	bool *done = xcalloc(n, sizeof(*done)), changed = true;

	for (uint32_t i = 1; i < n; i++)
		if (w->class[i] == SECTION_CODE || w->class[i] == SECTION_TABLE) {
			done[i] = true;
			rewrite_section(w, i);
		}
	rewrite_updated(w);
	while (changed) {
		changed = false;
		for (uint32_t i = 1; i < n; i++)
			if (w->needed[i] && !done[i]) {
				done[i] = changed = true;
				rewrite_section(w, i);
			}
	}
	free(done);
}

static void drop_sections(struct rewriter *w)
{
	for (uint32_t i = 1; i < w->object->nr_sections; i++) {
		struct object_section *s = &w->object->sections[i];

		if (w->class[i] == SECTION_CODE || w->class[i] == SECTION_TABLE)
			continue;
		s->removed = w->class[i] == SECTION_REMOVED || w->class[i] == SECTION_BOOT_CONSTANT ||
			     !w->needed[i];
		if (!s->removed && w->class[i] == SECTION_PERCPU && strcmp(s->name, ".data..percpu"))
			remarks_add(w->remarks, REMARK_REFERENCE, xasprintf("section %s", s->name), NULL, 0,
				     xstrdup("a module's new per-CPU variables must be plain (DEFINE_PER_CPU)"));
	}
}

/* A module's names are its own business, but for those of the loader (init_module). */
static void make_local(struct object *object, const struct match *match)
{
	for (uint32_t i = 1; i < object->nr_symbols; i++)
		if (object_symbol_defined(&object->symbols[i]) && !match->foreign[i])
			object->symbols[i].bind = STB_LOCAL;
}

/* What hooks are, and the new functions that they call, cold and split-off parts among them. */
static void find_hooks(struct rewriter *w)
{
	bool changed = true, any = false;

	for (uint32_t i = 1; i < w->object->nr_sections; i++) {
		if (strcmp(w->object->sections[i].name, ELFKIT_HOOKS_SECTION))
			continue;
		for (uint32_t r = w->refs->first[i]; r < w->refs->first[i + 1]; r++)
			if (w->refs->v[r].symbol != NO_REF)
				any = w->hook[w->refs->v[r].symbol] = true;
	}
	while (any && changed) {
		changed = false;
		for (uint32_t r = 0; r < w->refs->n; r++) {
			const struct object_ref *ref = &w->refs->v[r];

			if (ref->kind != OBJECT_REF_BRANCH || ref->host == NO_REF || ref->symbol == NO_REF ||
			    !w->hook[ref->host] || w->hook[ref->symbol] ||
			    w->bindings->v[ref->symbol].replaced || w->bindings->v[ref->symbol].call != PLACE_MODULE)
				continue;
			w->hook[ref->symbol] = changed = true;
		}
	}
}

void rewrite_object(struct object *object, const struct object_refs *refs, const struct match *match,
		    const struct bindings *bindings, const struct symbol_map *map, const struct policy *policy,
		    struct remarks *remarks, struct rewrite_result *result)
{
	struct rewriter w = {
		.object = object, .refs = refs, .match = match, .bindings = bindings, .map = map, .result = result,
		.remarks = remarks, .policy = policy,
		.hook = xcalloc(object->nr_symbols, sizeof(*w.hook)),
		.class = xcalloc(object->nr_sections, sizeof(*w.class)),
		.needed = xcalloc(object->nr_sections, sizeof(*w.needed)),
		.shared = xcalloc(object->nr_symbols, sizeof(*w.shared)),
	};

	result->address_taken = xcalloc(object->nr_symbols, sizeof(bool));
	result->entry_taken = xcalloc(object->nr_symbols, sizeof(bool));
	result->handed_out = xcalloc(object->nr_symbols, sizeof(bool));
	find_hooks(&w);
	result->updates_hold = xcalloc(object->nr_symbols, sizeof(bool));
	for (uint32_t i = 1; i < object->nr_sections; i++)
		w.class[i] = section_classify(&object->sections[i]);
	rewrite_sections(&w);
	drop_sections(&w);
	make_local(object, match);
	for (uint32_t i = 1; i < object->nr_symbols; i++)
		result->nr_shared += w.shared[i] && object->symbols[i].type == STT_OBJECT;
	free(w.class);
	free(w.needed);
	free(w.hook);
	free(w.shared);
}

void rewrite_result_release(struct rewrite_result *result)
{
	free(result->address_taken);
	free(result->entry_taken);
	free(result->handed_out);
	free(result->updates_hold);
	memset(result, 0, sizeof(*result));
}
