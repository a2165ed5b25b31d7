// SPDX-License-Identifier: GPL-2.0
/* Old and new contents of updated objects, as sections of the module. */
#include <string.h>

#include "loader/abi.h"
#include "relink/section.h"
#include "relink/updates.h"

struct updater {
	const struct kernel *kernel;
	struct object *object;
	const struct object_refs *refs;
	const struct bindings *bindings;
	const struct rewrite_result *rewritten;
	struct remarks *remarks;
	struct updates *updates;
};

static void refuse(struct updater *u, const char *name, char *why)
{
	remarks_add(u->remarks, REMARK_OBJECT, xstrdup(name), NULL, 0, why);
}

/* Room for contents at offset @at, which grows with each object. */
static uint8_t *room(struct updater *u, uint32_t section, uint64_t at, uint64_t size)
{
	struct object_section *s = &u->object->sections[section];

	s->data = xreallocarray(s->data, at + size, 1);
	memset(s->data + s->size, 0, at + size - s->size);
	s->size = at + size;
	return s->data + at;
}

/* Whether vmlinux's word is an address that moves with the kernel: then the kernel has relocated it at boot. */
static bool moves(const struct updater *u, uint64_t word)
{
	return image_section_at(u->kernel->image, word) && anchor_reaches(&u->rewritten->anchor, word);
}

/* What vmlinux has. Whether any of it is an address stands in @pointers. */
static bool add_old(struct updater *u, const struct update *update, bool *pointers)
{
	uint64_t addr = u->bindings->v[update->symbol].kernel;
	const struct image_section *s = image_section_at(u->kernel->image, addr);
	const uint8_t *theirs = image_bytes(u->kernel->image, addr, update->size);
	uint8_t *copy = room(u, u->updates->old, update->at, update->size);
	bool zero = s && s->type == SHT_NOBITS && update->size <= s->size - (addr - s->addr);

	if (theirs)
		memcpy(copy, theirs, update->size);
	for (uint64_t at = -addr & 7; theirs && at + 8 <= update->size; at += 8) {
		uint32_t symbol;
		int64_t addend;
		uint64_t word;

		memcpy(&word, theirs + at, sizeof(word));
		if (!moves(u, word))
			continue;
		*pointers = true;
		anchor_reference(&u->rewritten->anchor, word, &symbol, &addend);
		object_add_reloc(u->object, u->updates->old, update->at + at, R_X86_64_64, symbol, addend);
		memset(u->object->sections[u->updates->old].data + update->at + at, 0, sizeof(word));
	}
	return theirs || zero;
}

/* What the rebuilt object has; false: something in it counts from its own address. */
static bool add_new(struct updater *u, const struct update *update, bool *pointers)
{
	const struct object_symbol *symbol = &u->object->symbols[update->symbol];
	uint8_t *copy = room(u, u->updates->now, update->at, update->size);
	const struct object_section *s = &u->object->sections[symbol->section];

	if (s->data)
		memcpy(copy, s->data + symbol->value, update->size);
	for (uint32_t r = 0; r < s->nr_relocs; r++) {
		const struct object_reloc *reloc = &s->relocs[r];

		if (reloc->removed || reloc->offset < symbol->value || reloc->offset >= symbol->value + update->size)
			continue;
		if (reloc->type != R_X86_64_64)
			return false;
		*pointers = true;
		object_add_reloc(u->object, u->updates->now, update->at + reloc->offset - symbol->value, reloc->type,
				 reloc->symbol, reloc->addend);
	}
	return true;
}

static void add(struct updater *u, uint32_t symbol)
{
	const struct object_symbol *s = &u->object->symbols[symbol];
	struct update *update = &u->updates->v[u->updates->n];
	bool constant = !(u->object->sections[s->section].flags & SHF_WRITE), pointers = false;

	*update = (struct update){
		.symbol = symbol, .size = s->size, .at = (u->object->sections[u->updates->now].size + 7) & ~7ULL,
		.flags = constant ? ELFKIT_UPDATE_CONSTANT : 0,
	};
	if (!add_old(u, update, &pointers)) {
		refuse(u, s->name, xstrdup("vmlinux does not have its contents, so they could not be restored"));
		return;
	}
	if (!add_new(u, update, &pointers)) {
		refuse(u, s->name, xstrdup("it holds a distance from itself, which a copy of it does not (policy update)"));
		return;
	}
	if (!constant && !pointers && update->size <= 8)
		update->flags |= ELFKIT_UPDATE_SETTING;
	u->updates->n++;
}

/* Whether the kernel would overwrite the landing pad of @symbol when the module comes. Before sections are added. */
static bool is_sealed(const struct updater *u, uint32_t symbol)
{
	for (uint32_t i = 1; i < u->object->nr_sections; i++) {
		if (strcmp(u->object->sections[i].name, ".ibt_endbr_seal"))
			continue;
		for (uint32_t r = u->refs->first[i]; r < u->refs->first[i + 1]; r++)
			if (u->refs->v[r].symbol == symbol && !u->refs->v[r].target)
				return true;
	}
	return false;
}

/* With indirect branch tracking, a new function in the contents must begin with a landing pad, and keep it. */
static void check_pads(struct updater *u)
{
	const struct machine *machine = machine_of(u->kernel->image->machine);

	if (!image_section_named(u->kernel->image, ".ibt_endbr_seal"))
		return;
	for (uint32_t i = 1; i < u->bindings->n; i++) {
		const struct object_symbol *s = &u->object->symbols[i];
		const struct object_section *section = &u->object->sections[s->section];
		bool pad;

		if (!u->rewritten->updates_hold[i])
			continue;
		pad = section->data && s->value + sizeof(machine->landing_pad) <= section->size &&
		      !memcmp(section->data + s->value, machine->landing_pad, sizeof(machine->landing_pad));
		if (!pad || is_sealed(u, i))
			remarks_add(u->remarks, REMARK_SEALED, xstrdup(s->name), NULL, 0,
				    xasprintf("an updated object holds its address, and an indirect call of it traps: %s",
					      pad ? "the kernel overwrites its endbr64 when the module comes" :
					      "it has no endbr64"));
	}
}

void updates_add(const struct kernel *kernel, struct object *object, const struct object_refs *refs,
		 const struct bindings *bindings, const struct rewrite_result *rewritten, struct remarks *remarks,
		 struct updates *ret)
{
	struct updater u = {
		.kernel = kernel, .object = object, .refs = refs, .bindings = bindings, .rewritten = rewritten,
		.remarks = remarks, .updates = ret,
	};
	uint32_t n = 0;

	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 1; i < bindings->n; i++)
		n += bindings->v[i].updated;
	if (!n)
		return;
	check_pads(&u);
	ret->v = xcalloc(n, sizeof(*ret->v));
	ret->old = object_add_section(object, ".elfkit.old", SHF_ALLOC, 8, NULL, 0);
	ret->now = object_add_section(object, ".elfkit.new", SHF_ALLOC, 8, NULL, 0);
	for (uint32_t i = 1; i < bindings->n; i++)
		if (bindings->v[i].updated)
			add(&u, i);
}

void updates_release(struct updates *updates)
{
	free(updates->v);
	memset(updates, 0, sizeof(*updates));
}
