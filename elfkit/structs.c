// SPDX-License-Identifier: GPL-2.0
/*
 * Collecting uses: each thread takes the next functions and keeps a list of its own; the lists
 * are sorted into one, so that the result does not depend on who did what.
 */
#include <pthread.h>
#include <string.h>

#include "elfkit/structs.h"

#define FUNCS_A_TURN 64

struct shared_work {
	const struct funcs *funcs;
	const struct boundary *boundary;
	const struct typeinfo *info;
	bool *is_part;		/* of a function that is run as a whole, or of none that is wanted */
	uint32_t next;		/* atomic */
};

struct worker {
	struct shared_work *work;
	pthread_t thread;
	struct typeflow *flow;
	struct struct_use *uses;
	uint32_t n, cap;
	struct access_counts all, outside;
	uint32_t func;		/* under way */
	uint8_t how;
};

static int compare_uses(const void *a, const void *b)
{
	const struct struct_use *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->member != y->member)
		return x->member < y->member ? -1 : 1;
	return x->func < y->func ? -1 : x->func > y->func;
}

/* Sorts; several uses of a member by one function become one. Returns how many are left. */
static uint32_t unique_uses(struct struct_use *v, uint32_t n)
{
	uint32_t last = 0;

	if (!n)
		return 0;
	qsort(v, n, sizeof(*v), compare_uses);
	for (uint32_t i = 1; i < n; i++) {
		if (compare_uses(&v[last], &v[i]))
			v[++last] = v[i];
		else
			v[last].how |= v[i].how;
	}
	return last + 1;
}

static void add_use(const struct type_step *step, void *arg)
{
	struct worker *w = arg;

	GROW(w->uses, w->n, w->cap);
	w->uses[w->n++] = (struct struct_use){ step->type, step->member, w->func, w->how };
}

static void add_access(const struct access *access, void *arg)
{
	struct worker *w = arg;
	bool typed = false;

	w->how = access->how;
	if (access->type)
		typed = types_walk(w->work->info->types, access->type, access->offset, access->size,
				   access->bits, add_use, w);
	if (access->how == ACCESS_ADDRESS)
		return;
	w->all.seen++;
	w->all.typed += typed;
	if (!boundary_is_inside(w->work->boundary, w->func)) {
		w->outside.seen++;
		w->outside.typed += typed;
	}
}

static void *run_worker(void *arg)
{
	struct worker *w = arg;
	const struct funcs *funcs = w->work->funcs;

	for (;;) {
		uint32_t i = __atomic_fetch_add(&w->work->next, FUNCS_A_TURN, __ATOMIC_RELAXED);
		uint32_t end = i + FUNCS_A_TURN;

		if (i >= funcs->n)
			return NULL;
		for (; i < end && i < funcs->n; i++) {
			uint32_t before = w->n;

			if (w->work->is_part[i])
				continue;
			w->func = i;
			typeflow_run(w->flow, i, add_access, w);
			w->n = before + (w->n > before ? unique_uses(w->uses + before, w->n - before) : 0);
		}
	}
}

static bool *find_parts(const struct funcs *funcs, const struct typeinfo *info)
{
	bool *is_part = xcalloc(funcs->n, sizeof(*is_part));

	for (uint32_t i = 0; i < info->nr_parts; i++) {
		uint32_t id = funcs_starting_at(funcs, info->parts[i].low);

		if (id != NO_ID && info->parts[i].low != info->parts[i].entry)
			is_part[id] = true;
	}
	return is_part;
}

static void take(struct structs *s, struct worker *w)
{
	uint64_t stops, bytes;

	if (w->n) {
		s->uses = xreallocarray(s->uses, s->nr_uses + w->n, sizeof(*s->uses));
		memcpy(s->uses + s->nr_uses, w->uses, w->n * sizeof(*w->uses));
		s->nr_uses += w->n;
	}
	s->all.seen += w->all.seen;
	s->all.typed += w->all.typed;
	s->outside.seen += w->outside.seen;
	s->outside.typed += w->outside.typed;
	typeflow_stops(w->flow, &stops, &bytes);
	s->nr_stops += stops;
	s->bytes_left += bytes;
	free(w->uses);
	typeflow_close(w->flow);
}

static struct err *run_all(struct shared_work *work, uint32_t nr_threads, struct structs *s)
{
	struct worker *workers = xcalloc(nr_threads, sizeof(*workers));
	struct err *err = NULL;
	uint32_t started = 0;

	for (; started < nr_threads; started++) {
		struct worker *w = &workers[started];

		w->work = work;
		err = typeflow_open(work->funcs, work->info, &w->flow);
		if (!err && pthread_create(&w->thread, NULL, run_worker, w)) {
			typeflow_close(w->flow);
			err = err_new("cannot start a thread");
		}
		if (err)
			break;
	}
	for (uint32_t i = 0; i < started; i++) {
		pthread_join(workers[i].thread, NULL);
		take(s, &workers[i]);
	}
	free(workers);
	return err;
}

static int compare_names(const void *a, const void *b, void *arg)
{
	const struct struct_use *x = a, *y = b;
	const struct funcs *funcs = arg;
	int cmp = strcmp(funcs->v[x->func].name, funcs->v[y->func].name);

	return cmp ?: x->func < y->func ? -1 : x->func > y->func;
}

/* The uses of one type, sorted by member, become its entry. */
static void add_entry(struct structs *s, const struct shared_work *work, uint32_t type, struct struct_use *uses,
		      uint32_t n)
{
	struct struct_entry *e = &s->v[s->n++];

	e->type = &work->info->types->v[type];
	e->members = xcalloc(e->type->nr_members, sizeof(*e->members));
	for (uint32_t m = 0; m < e->type->nr_members; m++)
		e->members[m].member = &e->type->members[m];
	for (uint32_t i = 0; i < n;) {
		struct struct_member *m = &e->members[uses[i].member];
		uint32_t first = i, member = uses[i].member;

		m->users = &uses[first];
		for (; i < n && uses[i].member == member; i++) {
			if (boundary_is_inside(work->boundary, uses[i].func)) {
				m->inside = true;
				continue;
			}
			/* it has run */
			if (boundary_is_init(work->funcs, uses[i].func))
				continue;
			m->users[m->nr_users++] = uses[i];
			m->how |= uses[i].how;
		}
		e->shared |= m->nr_users;
		if (m->nr_users)
			qsort_r(m->users, m->nr_users, sizeof(*m->users), compare_names, (void *)work->funcs);
	}
}

static int compare_entries(const void *a, const void *b)
{
	const struct type *x = ((const struct struct_entry *)a)->type;
	const struct type *y = ((const struct struct_entry *)b)->type;
	int cmp = strcmp(x->name, y->name);

	cmp = cmp ?: strcmp(x->file ?: "", y->file ?: "");
	if (!cmp && x->line != y->line)
		cmp = x->line < y->line ? -1 : 1;
	return cmp ?: x->size < y->size ? -1 : x->size > y->size;
}

static bool is_asked_for(const struct type_filter *filter, const struct type *t)
{
	for (uint32_t i = 0; filter && t->name && i < filter->n; i++)
		if (!strcmp(filter->names[i], t->name))
			return true;
	return false;
}

static void make_entries(struct structs *s, const struct shared_work *work, const struct policy *policy,
			 const struct type_filter *filter)
{
	const struct types *types = work->info->types;
	uint32_t i = 0;

	s->v = xcalloc(types->n, sizeof(*s->v));
	for (uint32_t id = 1; id < types->n; id++) {
		const struct type *t = &types->v[id];
		bool wanted = is_asked_for(filter, t) || (t->file && policy_has_file(policy, t->file));
		uint32_t first;

		while (i < s->nr_uses && s->uses[i].type < id)
			i++;
		for (first = i; i < s->nr_uses && s->uses[i].type == id; i++)
			wanted |= boundary_is_inside(work->boundary, s->uses[i].func);
		if (wanted && t->name && type_is_aggregate(t))
			add_entry(s, work, id, s->uses ? s->uses + first : NULL, i - first);
	}
	qsort(s->v, s->n, sizeof(*s->v), compare_entries);
}

struct err *structs_collect(const char *path, const struct funcs *funcs, const struct boundary *boundary,
			    const struct policy *policy, uint32_t nr_threads, const struct type_filter *filter,
			    struct structs **ret)
{
	struct structs *s = xcalloc(1, sizeof(*s));
	struct shared_work work = { .funcs = funcs, .boundary = boundary };
	struct err *err = typeinfo_read(path, nr_threads, filter, &s->info);

	if (!err) {
		work.info = s->info;
		work.is_part = find_parts(funcs, s->info);
		for (uint32_t i = 0; filter && i < funcs->n; i++)
			work.is_part[i] |= !typeinfo_func(s->info, funcs->v[i].low);
		err = run_all(&work, nr_threads, s);
		free(work.is_part);
	}
	if (err) {
		structs_free(s);
		return err;
	}
	if (s->nr_uses)
		qsort(s->uses, s->nr_uses, sizeof(*s->uses), compare_uses);
	make_entries(s, &work, policy, filter);
	*ret = s;
	return NULL;
}

void structs_free(struct structs *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n; i++)
		free(s->v[i].members);
	free(s->v);
	free(s->uses);
	typeinfo_free(s->info);
	free(s);
}
