// SPDX-License-Identifier: GPL-2.0
/* Strings met with those of vmlinux. */
#include <string.h>

#include "relink/literals.h"

struct literals {
	const struct kernel *kernel;
	const struct object *object;
	const struct match *match;
	const enum verdict *verdict;
	const uint64_t *where;
};

/* Constants that stay: not those of the boot. The section is marked as writable, but it is only while the kernel boots. */
static bool is_constants(const struct image_section *s)
{
	return s && s->data && (s->flags & SHF_ALLOC) && !(s->flags & SHF_EXECINSTR) && !strncmp(s->name, ".rodata", 7);
}

/* Where the old code of the same function has it, if it is the same up to there. 0: not known. */
static uint64_t own_string(const struct literals *l, const struct object_ref *ref, const uint8_t *string, uint64_t len)
{
	const struct object_symbol *host = &l->object->symbols[ref->host];
	uint32_t func = l->match->func[ref->host];
	uint64_t at = ref->offset - host->value, addr;
	const uint8_t *field, *there;
	const struct func *f;

	if (func == NO_ID || (l->verdict[ref->host] == VERDICT_CHANGED && l->where[ref->host] <= at))
		return 0;
	f = &l->kernel->funcs->v[func];
	field = at + ref->width <= f->high - f->low ? image_bytes(l->kernel->image, f->low + at, ref->width) : NULL;
	if (!field)
		return 0;
	addr = object_ref_target(ref, field, f->low + at);
	there = is_constants(image_section_at(l->kernel->image, addr)) ? image_bytes(l->kernel->image, addr, len) : NULL;
	return there && !memcmp(there, string, len) ? addr : 0;
}

/* The first that is not the end of a longer one, else the first. 0: none. */
static uint64_t any_string(const struct literals *l, const uint8_t *string, uint64_t len)
{
	uint64_t found = 0;

	for (size_t i = 0; i < l->kernel->image->nr_sections; i++) {
		const struct image_section *s = &l->kernel->image->sections[i];
		const uint8_t *at = s->data, *end;

		if (!is_constants(s))
			continue;
		for (end = at + s->size; (at = memmem(at, end - at, string, len)); at++) {
			uint64_t addr = s->addr + (at - s->data);

			if (at == s->data || !at[-1])
				return addr;
			found = found ? found : addr;
		}
	}
	return found;
}

void literals_bind(const struct kernel *kernel, const struct object *object, const struct object_refs *refs,
		   const struct symbol_map *map, const struct match *match, const enum verdict *verdict,
		   const uint64_t *where, struct bindings *bindings)
{
	struct literals l = { kernel, object, match, verdict, where };
	bool sanitized = object_is_sanitized(object);

	bindings->strings = xcalloc(refs->n, sizeof(*bindings->strings));
	for (uint32_t r = 0; r < refs->n; r++) {
		const struct object_ref *ref = &refs->v[r];
		uint32_t holder = ref->kind == OBJECT_REF_POINTER ? symbol_at(object, map, ref->section, ref->offset) :
				  ref->kind == OBJECT_REF_ADDRESS ? ref->host : NO_REF;
		const uint8_t *string;
		uint64_t len;

		/* not the loader's, and nothing that will not be there */
		if (holder == NO_REF || match->foreign[holder] || bindings->v[holder].call != PLACE_MODULE)
			continue;
		string = object_ref_string(object, ref, sanitized, &len);
		if (!string || strncmp(object->sections[ref->target_section].name, ".rodata", 7))
			continue;
		if (ref->kind == OBJECT_REF_ADDRESS)
			bindings->strings[r] = own_string(&l, ref, string, len);
		if (!bindings->strings[r])
			bindings->strings[r] = any_string(&l, string, len);
	}
}
