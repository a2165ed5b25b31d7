// SPDX-License-Identifier: GPL-2.0
/*
 * Functions against vmlinux: bytes outside of references must be equal, and each
 * reference must lead to the counterpart of its target.
 */
#include <string.h>

#include "relink/compare.h"

struct comparison {
	const struct kernel *kernel;
	const struct object *object;
	const struct object_refs *refs;
	const struct match *match;
};

/* What the field of a reference leads to in vmlinux, whose code is at @kernel. */
static uint64_t kernel_target(const struct object_ref *ref, const uint8_t *field, uint64_t field_addr)
{
	uint64_t value = 0;

	if (ref->width == 8) {
		memcpy(&value, field, 8);
	} else if (ref->width == 1) {
		value = (int8_t)*field;
	} else {
		int32_t v;

		memcpy(&v, field, sizeof(v));
		value = (int64_t)v;
	}
	/* S + A = value (+ P); the target lies the bias behind that (psABI table 4.9) */
	return value + (ref->pc_relative ? field_addr : 0) - ref->bias;
}

/* Contents without a name (strings, constants) are compared as contents. */
static bool same_contents(const struct comparison *c, const struct object_ref *ref, uint64_t target)
{
	const struct object_section *s = &c->object->sections[ref->target_section];
	size_t len;
	const uint8_t *there;

	if (!(s->flags & SHF_STRINGS) || ref->target < 0 || (uint64_t)ref->target >= s->size)
		return true;
	len = strnlen((char *)s->data + ref->target, s->size - ref->target);
	there = image_bytes(c->kernel->image, target, len + 1);
	return there && !memcmp(there, s->data + ref->target, len) && !there[len];
}

/* NULL, or what is different about the reference. */
static char *compare_ref(const struct comparison *c, const struct object_ref *ref, uint64_t target)
{
	uint32_t symbol;
	uint64_t expected;
	AUTO_FREE char *place = NULL;

	if (ref->symbol == NO_REF)
		return same_contents(c, ref, target) ? NULL : xstrdup("a string");
	symbol = c->match->symbol[ref->symbol];
	if (symbol == NO_ID)
		return NULL;	/* its target is new with the object, as __func__.1 is */
	expected = c->kernel->symbols->v[symbol].value + ref->target;
	if (expected == target)
		return NULL;
	place = funcs_place(c->kernel->funcs, target);
	return xasprintf("a reference to %s instead of %s", c->object->symbols[ref->symbol].name, place);
}

static char *compare_function(const struct comparison *c, uint32_t symbol, uint32_t func)
{
	const struct object_symbol *s = &c->object->symbols[symbol];
	const struct func *f = &c->kernel->funcs->v[func];
	const uint8_t *theirs = image_bytes(c->kernel->image, f->low, f->high - f->low);
	const uint8_t *ours = c->object->sections[s->section].data;
	uint32_t r = c->refs->first[s->section], end = c->refs->first[s->section + 1];
	uint64_t at = 0;

	if (s->size != f->high - f->low || !theirs || !ours)
		return xasprintf("its size, %lu instead of %lu bytes", (unsigned long)s->size,
				 (unsigned long)(f->high - f->low));
	ours += s->value;
	for (; r < end && c->refs->v[r].offset < s->value; r++)
		;
	for (; r < end && c->refs->v[r].offset < s->value + s->size; r++) {
		const struct object_ref *ref = &c->refs->v[r];
		uint64_t field = ref->offset - s->value;
		char *difference;

		if (memcmp(ours + at, theirs + at, field - at))
			return xasprintf("its code before +0x%lx", (unsigned long)field);
		difference = compare_ref(c, ref, kernel_target(ref, theirs + field, f->low + field));
		if (difference)
			return difference;
		at = field + ref->width;
	}
	return memcmp(ours + at, theirs + at, s->size - at) ? xstrdup("its code near the end") : NULL;
}

void compare_functions(const struct kernel *kernel, const struct object *object,
		       const struct object_refs *refs, const struct match *match,
		       enum verdict **verdict, char ***difference)
{
	struct comparison c = { kernel, object, refs, match };

	*verdict = xcalloc(object->nr_symbols, sizeof(**verdict));
	*difference = xcalloc(object->nr_symbols, sizeof(**difference));
	for (uint32_t i = 1; i < object->nr_symbols; i++) {
		if (object->symbols[i].type != STT_FUNC || !object_symbol_defined(&object->symbols[i]) ||
		    match->func[i] == NO_ID)
			continue;
		(*difference)[i] = compare_function(&c, i, match->func[i]);
		(*verdict)[i] = (*difference)[i] ? VERDICT_CHANGED : VERDICT_SAME;
	}
}
