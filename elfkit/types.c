// SPDX-License-Identifier: GPL-2.0
/* The table of types: an open hash over what makes two types the same. */
#include <pthread.h>
#include <string.h>

#include "elfkit/types.h"

struct types_index {
	pthread_mutex_t lock;
	uint32_t *slots;	/* type ids; 0: free */
	uint32_t nr_slots, cap;
	uint32_t open;		/* the first type whose unit is not fixed */
	char **strings;		/* hash of strings */
	uint32_t nr_string_slots, nr_strings;
};

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ (h >> 29);
}

static uint64_t hash_string(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; s && *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3ULL;
	return h;
}

static uint64_t hash_type(const struct type *t)
{
	uint64_t h = mix(t->kind, t->size);

	h = mix(mix(h, t->target), t->count);
	h = mix(mix(h, t->line), t->byte);
	return mix(mix(h, hash_string(t->name)), hash_string(t->file));
}

static bool same_string(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_type(const struct type *a, const struct type *b)
{
	return a->kind == b->kind && a->target == b->target && a->count == b->count &&
	       a->size == b->size && a->line == b->line && a->byte == b->byte &&
	       same_string(a->name, b->name) && same_string(a->file, b->file);
}

static const char *intern_string(struct types_index *x, const char *s)
{
	uint32_t i;

	if (!s)
		return NULL;
	if (2 * x->nr_strings >= x->nr_string_slots) {
		uint32_t old_n = x->nr_string_slots;
		char **old = x->strings;

		x->nr_string_slots = old_n ? 2 * old_n : 4096;
		x->strings = xcalloc(x->nr_string_slots, sizeof(*x->strings));
		for (uint32_t k = 0; k < old_n; k++) {
			if (!old[k])
				continue;
			i = hash_string(old[k]) & (x->nr_string_slots - 1);
			while (x->strings[i])
				i = (i + 1) & (x->nr_string_slots - 1);
			x->strings[i] = old[k];
		}
		free(old);
	}
	i = hash_string(s) & (x->nr_string_slots - 1);
	while (x->strings[i] && strcmp(x->strings[i], s))
		i = (i + 1) & (x->nr_string_slots - 1);
	if (!x->strings[i]) {
		x->strings[i] = xstrdup(s);
		x->nr_strings++;
	}
	return x->strings[i];
}

static void grow_slots(struct types *types)
{
	struct types_index *x = types->index;

	free(x->slots);
	x->nr_slots = x->nr_slots ? 2 * x->nr_slots : 4096;
	x->slots = xcalloc(x->nr_slots, sizeof(*x->slots));
	for (uint32_t id = 1; id < types->n; id++) {
		uint32_t i = hash_type(&types->v[id]) & (x->nr_slots - 1);

		while (x->slots[i])
			i = (i + 1) & (x->nr_slots - 1);
		x->slots[i] = id;
	}
}

struct types *types_new(void)
{
	struct types *types = xcalloc(1, sizeof(*types));

	types->index = xcalloc(1, sizeof(*types->index));
	pthread_mutex_init(&types->index->lock, NULL);
	GROW(types->v, types->n, types->index->cap);
	memset(&types->v[types->n++], 0, sizeof(*types->v));
	grow_slots(types);
	types_next_round(types);
	return types;
}

static void free_members(struct type_member *members, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(members[i].type_name);
	free(members);
}

void types_free(struct types *types)
{
	if (!types)
		return;
	for (uint32_t i = 0; i < types->n; i++)
		free_members(types->v[i].members, types->v[i].nr_members);
	for (uint32_t i = 0; i < types->index->nr_string_slots; i++)
		free(types->index->strings[i]);
	pthread_mutex_destroy(&types->index->lock);
	free(types->index->strings);
	free(types->index->slots);
	free(types->index);
	free(types->v);
	free(types);
}

uint32_t types_intern(struct types *types, const struct type *key)
{
	struct types_index *x = types->index;
	uint64_t h = hash_type(key);
	uint32_t i, id;

	pthread_mutex_lock(&x->lock);
	i = h & (x->nr_slots - 1);
	while (x->slots[i] && !same_type(&types->v[x->slots[i]], key))
		i = (i + 1) & (x->nr_slots - 1);
	id = x->slots[i];
	if (id >= x->open && key->unit < types->v[id].unit) {
		types->v[id].unit = key->unit;
		types->v[id].die = key->die;
	}
	if (!id) {
		struct type *t;

		GROW(types->v, types->n, x->cap);
		id = types->n++;
		t = &types->v[id];
		*t = *key;
		t->name = intern_string(x, key->name);
		t->file = intern_string(x, key->file);
		t->members = NULL;
		t->nr_members = 0;
		x->slots[i] = id;
		if (2 * types->n >= x->nr_slots)
			grow_slots(types);
	}
	pthread_mutex_unlock(&x->lock);
	return id;
}

void types_set_members(struct types *types, uint32_t id, struct type_member *members, uint32_t n)
{
	pthread_mutex_lock(&types->index->lock);
	for (uint32_t i = 0; i < n; i++)
		members[i].name = intern_string(types->index, members[i].name);
	types->v[id].members = members;
	types->v[id].nr_members = n;
	pthread_mutex_unlock(&types->index->lock);
}

void types_next_round(struct types *types)
{
	types->index->open = types->n;
}

struct named {
	const char *name;
	uint32_t id;
};

static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	return x->name < y->name ? -1 : x->name > y->name;
}

void types_seal(struct types *types)
{
	struct named *all = xcalloc(types->n, sizeof(*all));
	uint32_t n = 0;

	for (uint32_t i = 1; i < types->n; i++)
		if (type_is_aggregate(&types->v[i]) && types->v[i].name)
			all[n++] = (struct named){ types->v[i].name, i };
	qsort(all, n, sizeof(*all), compare_named);
	for (uint32_t i = 1; i < types->n; i++) {
		struct type *t = &types->v[i];
		uint32_t lo = 0, hi = n;

		if (t->kind != TYPE_INCOMPLETE || !t->name)
			continue;
		while (lo < hi) {
			uint32_t mid = lo + (hi - lo) / 2;

			if (all[mid].name < t->name)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (lo < n && all[lo].name == t->name && (lo + 1 == n || all[lo + 1].name != t->name))
			t->target = all[lo].id;
	}
	free(all);
}

uint32_t types_complete(const struct types *types, uint32_t id)
{
	const struct type *t = &types->v[id];

	return t->kind == TYPE_INCOMPLETE && t->target ? t->target : id;
}

/* Offset into one element of an array; false where it lies outside. */
static bool into_element(const struct types *types, const struct type *array, int64_t *offset)
{
	uint32_t size = types->v[types_complete(types, array->target)].size;

	if (!size || *offset < 0 || (array->count && (uint64_t)*offset >= (uint64_t)array->count * size))
		return false;
	*offset %= size;
	return true;
}

/* Where a member without a size ends: padding where the next one starts, an array of any length nowhere. */
static int64_t open_end(const struct type *t, const struct type_member *m)
{
	for (const struct type_member *next = m + 1; next < t->members + t->nr_members; next++)
		if (next->size && next->offset >= m->offset)
			return next->offset;
	return t->size > m->offset ? t->size : INT64_MAX;
}

static bool covers(const struct type *t, const struct type_member *m, int64_t offset, uint32_t size)
{
	int64_t end = m->size ? (int64_t)m->offset + m->size : open_end(t, m);

	if (m->bit_size) {
		int64_t first = m->offset + m->bit_offset / 8;

		end = m->offset + (m->bit_offset + m->bit_size + 7) / 8;
		return first < offset + size && offset < end;
	}
	return m->offset < offset + size && offset < end;
}

/* Whether one of @bits, counted from @offset on, is the bit-field's. */
static bool has_bit(const struct type_member *m, int64_t offset, uint64_t bits)
{
	int64_t first = ((int64_t)m->offset - offset) * 8 + m->bit_offset;

	for (int64_t i = first; i < first + m->bit_size; i++)
		if (i >= 0 && i < 64 && (bits >> i & 1))
			return true;
	return false;
}

struct walking {
	const struct types *types;
	void (*step)(const struct type_step *step, void *arg);
	void *arg;
	uint32_t size;		/* 0: an address, which stops at what starts there */
	uint64_t bits;
	uint32_t depth;		/* how many types are open */
	uint32_t members;	/* ... and how many of them by a member */
	uint32_t steps;
};

/* No place in a struct is within as many; in a damaged one that holds itself twice it has no end. */
#define STEPS_MAX 65536

static bool walk(struct walking *w, uint32_t id, int64_t offset, uint32_t size, uint32_t base)
{
	const struct type *t;
	bool inside = false;

	id = types_complete(w->types, id);
	t = &w->types->v[id];
	if (w->depth > 32)
		return false;
	if (t->kind == TYPE_ARRAY) {
		int64_t at = offset;

		if (!into_element(w->types, t, &at))
			return false;
		w->depth++;
		inside = walk(w, t->target, at, size, base + (uint32_t)(offset - at));
		w->depth--;
		return inside;
	}
	if (!type_is_aggregate(t))
		return offset >= 0 && offset < t->size;
	for (uint32_t i = 0; i < t->nr_members; i++) {
		const struct type_member *m = &t->members[i];
		struct type_step step = { .type = id, .member = i, .offset = base, .depth = w->members };
		int64_t from;

		if (!covers(t, m, offset, size) || (w->bits && m->bit_size && !has_bit(m, offset, w->bits)))
			continue;
		inside = true;
		if (++w->steps > STEPS_MAX)
			return true;
		w->step(&step, w->arg);
		from = offset - m->offset;
		if (!w->size && from <= 0)
			continue;
		w->depth++;
		w->members++;
		if (from < 0)
			walk(w, m->type, 0, size + from, base + m->offset);
		else
			walk(w, m->type, from, size, base + m->offset);
		w->members--;
		w->depth--;
	}
	return inside || (offset >= 0 && offset < t->size);
}

bool types_walk(const struct types *types, uint32_t id, int64_t offset, uint32_t size, uint64_t bits,
		void (*step)(const struct type_step *step, void *arg), void *arg)
{
	struct walking w = { .types = types, .step = step, .arg = arg, .size = size, .bits = bits };

	return walk(&w, id, offset, size ?: 1, 0);
}

/* 0: no pointer here; UINT32_MAX: pointers that differ */
static uint32_t pointee(const struct types *types, uint32_t id, int64_t offset, int depth)
{
	const struct type *t = &types->v[types_complete(types, id)];
	uint32_t found = 0;

	if (depth > 32)
		return 0;
	if (t->kind == TYPE_POINTER)
		return offset ? 0 : types_complete(types, t->target);
	if (t->kind == TYPE_ARRAY)
		return into_element(types, t, &offset) ? pointee(types, t->target, offset, depth + 1) : 0;
	for (uint32_t i = 0; i < t->nr_members; i++) {
		const struct type_member *m = &t->members[i];
		uint32_t one;

		if (m->bit_size || !covers(t, m, offset, 8) || m->offset > offset)
			continue;
		one = pointee(types, m->type, offset - m->offset, depth + 1);
		if (found && one && one != found)
			return UINT32_MAX;
		found = one ?: found;
	}
	return found;
}

uint32_t types_pointee(const struct types *types, uint32_t id, int64_t offset)
{
	uint32_t found = pointee(types, id, offset, 0);

	return found == UINT32_MAX ? 0 : found;
}

uint32_t types_inner(const struct types *types, uint32_t id, int64_t offset, int64_t *ret_offset)
{
	const struct type *t = &types->v[types_complete(types, id)];

	uint32_t found = 0;

	*ret_offset = offset;
	if (t->kind == TYPE_ARRAY)
		return into_element(types, t, ret_offset) ? types_complete(types, t->target) : 0;
	if (t->kind != TYPE_STRUCT)
		return 0;	/* the alternatives of a union cannot be told apart */
	for (uint32_t i = 0; i < t->nr_members; i++) {
		const struct type_member *m = &t->members[i];

		if (m->bit_size || offset < m->offset || !covers(t, m, offset, 1))
			continue;
		if (found)
			return 0;
		*ret_offset = offset - m->offset;
		found = types_complete(types, m->type);
	}
	return found;
}
