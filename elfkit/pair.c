// SPDX-License-Identifier: GPL-2.0
/*
 * Pairing by sorting: both sides are sorted by base name, place and name, so that what
 * belongs together lies together, and walked in step.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "elfkit/err.h"
#include "elfkit/pair.h"

struct side {
	const struct pair_key *keys;
	uint32_t *order;	/* ids, sorted */
	uint32_t *mate;
	uint32_t n;
};

static int compare_base(const struct pair_key *a, const struct pair_key *b)
{
	uint32_t n = a->base_len < b->base_len ? a->base_len : b->base_len;
	int cmp = memcmp(a->name, b->name, n);

	return cmp ?: a->base_len < b->base_len ? -1 : a->base_len > b->base_len;
}

static int compare_group(const struct pair_key *a, const struct pair_key *b)
{
	return compare_base(a, b) ?: strcmp(a->place, b->place);
}

static int compare_exact(const struct pair_key *a, const struct pair_key *b)
{
	return compare_group(a, b) ?: strcmp(a->name, b->name);
}

static int compare_ids(const void *a, const void *b, void *arg)
{
	const struct pair_key *keys = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return compare_exact(&keys[x], &keys[y]) ?: x < y ? -1 : x > y;
}

static void side_init(struct side *s, const struct pair_key *keys, uint32_t n, uint32_t *mate)
{
	*s = (struct side){ .keys = keys, .n = n, .mate = mate, .order = xcalloc(n, sizeof(*s->order)) };
	for (uint32_t i = 0; i < n; i++) {
		s->order[i] = i;
		mate[i] = PAIR_NONE;
	}
	qsort_r(s->order, n, sizeof(*s->order), compare_ids, (void *)keys);
}

static const struct pair_key *key(const struct side *s, uint32_t i)
{
	return &s->keys[s->order[i]];
}

static uint32_t *mate(const struct side *s, uint32_t i)
{
	return &s->mate[s->order[i]];
}

static void marry(struct side *a, uint32_t i, struct side *b, uint32_t k)
{
	*mate(a, i) = b->order[k];
	*mate(b, k) = a->order[i];
}

typedef int compare_fn(const struct pair_key *a, const struct pair_key *b);

/* One walk over both sides, past what has a mate, pairing what @compare calls equal. */
static void walk(struct side *a, struct side *b, compare_fn *compare)
{
	uint32_t i = 0, k = 0;

	while (i < a->n && k < b->n) {
		int cmp;

		if (*mate(a, i) != PAIR_NONE) {
			i++;
		} else if (*mate(b, k) != PAIR_NONE) {
			k++;
		} else {
			cmp = compare(key(a, i), key(b, k));
			if (!cmp)
				marry(a, i, b, k);
			else if (cmp < 0)
				i++;
			else
				k++;
		}
	}
}

/* What is left in a group that the other side has too is one clone more. */
static void mark_extra(struct side *a, const struct side *b)
{
	for (uint32_t i = 0, k = 0; i < a->n; i++) {
		while (k < b->n && compare_group(key(b, k), key(a, i)) < 0)
			k++;
		if (*mate(a, i) == PAIR_NONE && k < b->n && !compare_group(key(b, k), key(a, i)))
			*mate(a, i) = PAIR_EXTRA;
	}
}

/* The end of the run of one base name that begins at @i; *left is its only one without a mate, or PAIR_NONE. */
static uint32_t base_run(const struct side *s, uint32_t i, uint32_t *left)
{
	uint32_t end = i, n = 0;

	*left = PAIR_NONE;
	for (; end < s->n && !compare_base(key(s, i), key(s, end)); end++) {
		if (*mate(s, end) != PAIR_NONE)
			continue;
		*left = n++ ? PAIR_NONE : end;
	}
	return end;
}

static void walk_moved(struct side *a, struct side *b)
{
	uint32_t i = 0, k = 0;

	while (i < a->n && k < b->n) {
		int cmp = compare_base(key(a, i), key(b, k));
		uint32_t x = PAIR_NONE, y = PAIR_NONE;

		if (cmp < 0) {
			i = base_run(a, i, &x);
		} else if (cmp > 0) {
			k = base_run(b, k, &y);
		} else {
			i = base_run(a, i, &x);
			k = base_run(b, k, &y);
			if (x != PAIR_NONE && y != PAIR_NONE)
				marry(a, x, b, y);
		}
	}
}

void pair_up(const struct pair_key *old_keys, uint32_t nr_old, const struct pair_key *new_keys, uint32_t nr_new,
	     uint32_t *old_mate, uint32_t *new_mate)
{
	struct side a, b;

	side_init(&a, old_keys, nr_old, old_mate);
	side_init(&b, new_keys, nr_new, new_mate);
	walk(&a, &b, compare_exact);
	walk(&a, &b, compare_group);
	mark_extra(&a, &b);
	mark_extra(&b, &a);
	walk_moved(&a, &b);
	free(a.order);
	free(b.order);
}

static bool is_suffix(const char *s, size_t len)
{
	static const char *const known[] = { "isra", "constprop", "part", "cold", "llvm" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i]) == len && !memcmp(known[i], s, len))
			return true;
	return false;
}

static bool is_number(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isdigit((unsigned char)s[i]))
			return false;
	return len > 0;
}

/* Cuts the last .WORD off; its place is returned, or NULL if there is none behind a name. */
static const char *last_part(const char *name, size_t len)
{
	const char *dot = memrchr(name, '.', len);

	return dot && dot != name ? dot : NULL;
}

uint32_t pair_function_base(const char *name)
{
	size_t len = strlen(name);

	for (;;) {
		const char *dot = last_part(name, len), *word = dot;
		size_t end = len;

		if (dot && is_number(dot + 1, name + len - dot - 1)) {
			end = dot - name;
			word = last_part(name, end);
		}
		if (!word || !is_suffix(word + 1, name + end - word - 1))
			return len;
		len = word - name;
	}
}

uint32_t pair_object_base(const char *name)
{
	size_t len = strlen(name);
	const char *dot = last_part(name, len);

	return dot && is_number(dot + 1, name + len - dot - 1) ? (size_t)(dot - name) : len;
}
