// SPDX-License-Identifier: GPL-2.0
/* Values and states of typeflow: a lattice in which a join only ever loses knowledge. */
#include <string.h>

#include "disasm/typeflow_value.h"

static const struct value unknown;

static bool same(struct value a, struct value b)
{
	return a.kind == b.kind && a.type == b.type && a.n == b.n;
}

/* NULL and ERR_PTR() stand beside pointers without being one that is followed */
static bool is_no_pointer(struct value v)
{
	return v.kind == V_CONST && v.n > -4096 && v.n < 4096;
}

struct value value_resolve(const struct typeinfo *info, struct value v)
{
	const struct type_var *var;

	if (v.kind != V_CONST || v.n >= 0)
		return v;
	var = typeinfo_var(info, v.n);
	if (!var)
		return v;
	return (struct value){ V_POINTER, var->type, v.n - (int64_t)var->addr };
}

/*
 * Whether the object of @outer has one of @inner's type in the very place where @inner says it is; both
 * are the same address.
 */
static bool contains(const struct typeinfo *info, struct value outer, struct value inner)
{
	uint32_t type = outer.type;
	int64_t n = outer.n - inner.n;

	for (int depth = 0; type && depth < 16; depth++) {
		if (type == inner.type && !n)
			return true;
		type = types_inner(info->types, type, n, &n);
	}
	return false;
}

static bool in_bounds(const struct typeinfo *info, struct value v)
{
	return v.n >= 0 && v.n < info->types->v[v.type].size;
}

static struct value merge_pointers(const struct typeinfo *info, struct value a, struct value b)
{
	uint32_t type = a.type;
	int64_t n = a.n;

	if (a.type == b.type) {
		int64_t size = info->types->v[a.type].size;

		/* an array is walked */
		if (size && (a.n - b.n) % size == 0 && a.n >= 0 && b.n >= 0)
			return a.n < b.n ? a : b;
	}
	for (int depth = 0; type && depth < 16; depth++) {
		struct value inner = { V_POINTER, type, n };

		if (contains(info, b, inner))
			return inner;
		type = types_inner(info->types, type, n, &n);
	}
	return unknown;
}

struct value value_merge(const struct typeinfo *info, struct value a, struct value b)
{
	if (same(a, b))
		return a;
	if (is_no_pointer(a) && b.kind == V_POINTER)
		return b;
	if (is_no_pointer(b) && a.kind == V_POINTER)
		return a;
	a = value_resolve(info, a);
	b = value_resolve(info, b);
	if (a.kind == V_POINTER && b.kind == V_POINTER)
		return merge_pointers(info, a, b);
	return unknown;
}

struct value value_refine(const struct typeinfo *info, struct value v, struct value hint)
{
	const struct type *t = &info->types->v[hint.type];
	struct value resolved = value_resolve(info, v);

	if (t->kind == TYPE_SCALAR && ((v.kind != V_UNKNOWN && v.kind != V_INDEX) || t->byte))
		return v;
	if (v.kind == V_STACK || (v.kind == V_CONST && resolved.kind == V_POINTER))
		return v;
	if (v.kind != V_POINTER || contains(info, hint, v))
		return hint;
	if (contains(info, v, hint) || (in_bounds(info, v) && !in_bounds(info, hint)))
		return v;
	return hint;
}

/* An element further on in an array of what @v points to. */
static struct value into_bounds(const struct typeinfo *info, struct value v)
{
	int64_t size = info->types->v[v.type].size;

	if (size && v.n >= size)
		v.n %= size;
	return v;
}

struct value value_add(const struct typeinfo *info, struct value a, struct value b)
{
	struct value sum;

	if (b.kind == V_POINTER || a.kind == V_CONST) {
		sum = a;
		a = b;
		b = sum;
	}
	if (b.kind == V_CONST) {
		sum = a;
		sum.n = (a.kind == V_UNKNOWN ? 0 : (uint64_t)a.n) + b.n;
		if (a.kind != V_UNKNOWN && a.kind != V_INDEX)
			return sum;
		/* a table at a fixed address, or an index to be scaled */
		sum = value_resolve(info, (struct value){ V_CONST, 0, sum.n });
		return sum.kind == V_POINTER ? sum : (struct value){ V_INDEX, 0, sum.n };
	}
	if (b.kind == V_UNKNOWN)
		b = (struct value){ .kind = V_INDEX };
	if (a.kind == V_UNKNOWN)
		a = (struct value){ .kind = V_INDEX };
	if (b.kind != V_INDEX || (a.kind != V_INDEX && a.kind != V_POINTER))
		return unknown;
	a.n = (uint64_t)a.n + b.n;
	return a.kind == V_POINTER && b.n ? into_bounds(info, a) : a;
}

struct value value_scale(struct value v, uint64_t factor)
{
	if (v.kind != V_INDEX && v.kind != V_CONST)
		return unknown;
	v.n = v.n * factor;
	return v;
}

struct value state_load(const struct state *s, int64_t at)
{
	for (uint32_t i = 0; i < s->nr_slots; i++)
		if (s->slots[i].at == at)
			return s->slots[i].value;
	return unknown;
}

void state_forget(struct state *s, int64_t at, uint32_t size)
{
	for (uint32_t i = 0; i < s->nr_slots;) {
		if (s->slots[i].at < at + size && at < s->slots[i].at + 8)
			s->slots[i] = s->slots[--s->nr_slots];
		else
			i++;
	}
}

void state_store(struct state *s, int64_t at, struct value v)
{
	state_forget(s, at, 8);
	if (!same(v, unknown) && s->nr_slots < NR_SLOTS)
		s->slots[s->nr_slots++] = (struct slot){ at, v };
}

bool state_merge(const struct typeinfo *info, struct state *to, const struct state *from)
{
	bool changed = false;

	if (!to->reached) {
		*to = *from;
		to->reached = true;
		return true;
	}
	for (int i = 0; i < NR_REGS; i++) {
		struct value v = value_merge(info, to->regs[i], from->regs[i]);

		changed |= !same(v, to->regs[i]);
		to->regs[i] = v;
	}
	for (uint32_t i = 0; i < to->nr_slots;) {
		struct slot *slot = &to->slots[i];
		struct value v = value_merge(info, slot->value, state_load(from, slot->at));

		changed |= !same(v, slot->value);
		slot->value = v;
		if (same(v, unknown))
			*slot = to->slots[--to->nr_slots];
		else
			i++;
	}
	return changed;
}
