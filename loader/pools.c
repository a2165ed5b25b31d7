// SPDX-License-Identifier: GPL-2.0
/*
 * Pools: elements by key, for new state of tasks, runqueues and groups.
 *
 * All memory is there before it is asked for: sized by what exists, with room
 * to spare, before the stop.  Handing out finds the key in a hash or takes from
 * a free list, each under a raw spinlock, and so goes on under any lock of the
 * scheduler.  One that runs low is refilled by a work item.  Whoever takes an
 * element may hold a runqueue's lock, under which nothing can be queued, so it
 * asks through an irq_work.  Elements never move, and memory goes all at once,
 * when no task is in the new code any more.
 *
 * Tasks are put by a probe on the kernel's trace point of their being freed,
 * lest another one of the same address meet their state.
 */
#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include <trace/events/sched.h>

#include "loader.h"

#define SPARE		256		/* elements at least beyond what exists, where more may come */
#define MIN_BUCKETS	8192UL		/* where more may come: the hash does not grow */
#define MAX_ELEMENTS	(1UL << 22)	/* a size beyond that is a slip */
#define MAX_BYTES	(1UL << 30)

struct element {
	struct element *next;	/* in its bucket or in the free list */
	const void *key;
	u8 data[] __aligned(16);
};

struct bucket {
	raw_spinlock_t lock;
	struct element *first;
};

struct chunk {
	struct chunk *next;
	u8 elements[] __aligned(16);
};

struct elfkit_pool_state {
	const struct elfkit_pool *pool;
	size_t stride;		/* bytes from one element to the next */
	struct bucket *buckets;
	unsigned int bits;
	bool grows;

	raw_spinlock_t lock;	/* inside a bucket's; guards what follows */
	struct element *free;
	unsigned long nr, nr_free, nr_failed;
	struct chunk *chunks;

	unsigned long refilling;	/* bit 0: asked for and not done */
	struct irq_work ask;
	struct delayed_work refill;
};

static struct elfkit_pool *pool_at(u64 i)
{
	return elfkit_ptr(const struct elfkit_pool_record, elfkit_table.pools)[i].pool;
}

/* ---- handing out ---- */

static notrace struct bucket *bucket_of(struct elfkit_pool_state *state, const void *key)
{
	return &state->buckets[hash_ptr(key, state->bits)];
}

static notrace struct element *find(const struct bucket *bucket, const void *key)
{
	struct element *e;

	for (e = bucket->first; e && e->key != key; e = e->next)
		;
	return e;
}

/* Fewer are left than may be asked for before the work item has run. */
static bool is_low(const struct elfkit_pool_state *state)
{
	return state->grows && state->nr_free < SPARE / 2 + state->nr / 8;
}

static notrace struct element *take_element(struct elfkit_pool_state *state)
{
	struct element *e;
	bool low;

	raw_spin_lock(&state->lock);
	e = state->free;
	if (e) {
		state->free = e->next;
		state->nr_free--;
	} else {
		state->nr_failed++;
	}
	low = is_low(state);
	raw_spin_unlock(&state->lock);
	if (low && !test_and_set_bit(0, &state->refilling))
		irq_work_queue(&state->ask);
	return e;
}

notrace void *elfkit_pool_get(struct elfkit_pool *pool, const void *key)
{
	struct elfkit_pool_state *state = pool->state;
	struct bucket *bucket;
	struct element *e;
	unsigned long flags;

	if (!state)
		return NULL;
	bucket = bucket_of(state, key);
	raw_spin_lock_irqsave(&bucket->lock, flags);
	e = find(bucket, key);
	if (!e) {
		e = take_element(state);
		if (e) {
			memset(e->data, 0, pool->size);
			e->key = key;
			e->next = bucket->first;
			bucket->first = e;
		}
	}
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	return e ? e->data : NULL;
}

notrace void *elfkit_pool_find(struct elfkit_pool *pool, const void *key)
{
	struct elfkit_pool_state *state = pool->state;
	struct bucket *bucket;
	struct element *e;
	unsigned long flags;

	if (!state)
		return NULL;
	bucket = bucket_of(state, key);
	raw_spin_lock_irqsave(&bucket->lock, flags);
	e = find(bucket, key);
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	return e ? e->data : NULL;
}

notrace void elfkit_pool_put(struct elfkit_pool *pool, const void *key)
{
	struct elfkit_pool_state *state = pool->state;
	struct bucket *bucket;
	struct element **at, *e;
	unsigned long flags;

	if (!state)
		return;
	bucket = bucket_of(state, key);
	raw_spin_lock_irqsave(&bucket->lock, flags);
	for (at = &bucket->first; *at && (*at)->key != key; at = &(*at)->next)
		;
	e = *at;
	if (e) {
		*at = e->next;
		raw_spin_lock(&state->lock);
		e->next = state->free;
		state->free = e;
		state->nr_free++;
		raw_spin_unlock(&state->lock);
	}
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
}

/* ---- memory ---- */

static int add_elements(struct elfkit_pool_state *state, unsigned long nr)
{
	struct chunk *chunk;
	struct element *first = NULL, *last = NULL;
	unsigned long i, flags;
	size_t size;

	if (state->nr + nr > MAX_ELEMENTS || check_mul_overflow(nr, state->stride, &size) || size > MAX_BYTES)
		return -E2BIG;
	chunk = elfkit_alloc(1, struct_size(chunk, elements, size));
	if (!chunk)
		return -ENOMEM;
	for (i = nr; i--;) {
		struct element *e = (void *)(chunk->elements + i * state->stride);

		e->next = first;
		first = e;
		if (!last)
			last = e;
	}
	raw_spin_lock_irqsave(&state->lock, flags);
	chunk->next = state->chunks;
	state->chunks = chunk;
	if (last) {
		last->next = state->free;
		state->free = first;
	}
	state->nr += nr;
	state->nr_free += nr;
	raw_spin_unlock_irqrestore(&state->lock, flags);
	return 0;
}

static void refill(struct work_struct *work)
{
	struct elfkit_pool_state *state = container_of(to_delayed_work(work), struct elfkit_pool_state, refill);

	int err = add_elements(state, SPARE + state->nr / 2);

	if (!err)
		clear_bit(0, &state->refilling);
	else if (err == -ENOMEM)
		schedule_delayed_work(&state->refill, HZ);	/* nobody else asks meanwhile */
}

static void ask(struct irq_work *work)
{
	struct elfkit_pool_state *state = container_of(work, struct elfkit_pool_state, ask);

	schedule_delayed_work(&state->refill, 0);
}

static unsigned long count_tasks(void)
{
	struct task_struct *process, *thread;
	unsigned long n = num_possible_cpus();	/* idle tasks are on no list */

	rcu_read_lock();
	for_each_process_thread(process, thread)
		n++;
	rcu_read_unlock();
	return n;
}

static unsigned long count_groups(void)
{
	struct list_head *groups = elfkit_ptr(struct list_head, elfkit_table.task_groups), *group;
	unsigned long n = 0;

	if (!groups)
		return 0;
	rcu_read_lock();
	/* list_for_each_rcu() lacks list_next_rcu(), which tells sparse what is read */
	for (group = rcu_dereference(list_next_rcu(groups)); group != groups;
	     group = rcu_dereference(list_next_rcu(group)))
		n++;
	rcu_read_unlock();
	return n;
}

static unsigned long count_users(const struct elfkit_pool *pool)
{
	unsigned long n;

	switch (pool->kind) {
	case ELFKIT_POOL_TASK:
		n = count_tasks();
		break;
	case ELFKIT_POOL_GROUP:
		n = count_groups();
		break;
	case ELFKIT_POOL_RUNQUEUE:
		return num_possible_cpus();
	default:
		return pool->count;
	}
	return n + n / 2 + SPARE;
}

static void free_pool(struct elfkit_pool *pool)
{
	struct elfkit_pool_state *state = pool->state;
	struct chunk *chunk, *next;

	if (!state)
		return;
	irq_work_sync(&state->ask);
	cancel_delayed_work_sync(&state->refill);
	pool->state = NULL;
	for (chunk = state->chunks; chunk; chunk = next) {
		next = chunk->next;
		elfkit_free(chunk);
	}
	elfkit_free(state->buckets);
	elfkit_free(state);
}

static int make_pool(struct elfkit_pool *pool)
{
	struct elfkit_pool_state *state = elfkit_alloc(1, sizeof(*state));
	unsigned long nr = count_users(pool), i;

	if (!state)
		return -ENOMEM;
	pool->state = state;
	state->pool = pool;
	state->stride = ALIGN(sizeof(struct element) + pool->size, 16);
	state->grows = pool->kind == ELFKIT_POOL_TASK || pool->kind == ELFKIT_POOL_GROUP;
	raw_spin_lock_init(&state->lock);
	init_irq_work(&state->ask, ask);
	INIT_DELAYED_WORK(&state->refill, refill);
	if (nr > MAX_ELEMENTS)
		return -E2BIG;
	state->bits = order_base_2(max(2 * nr, state->grows ? MIN_BUCKETS : 2UL));
	state->buckets = elfkit_alloc(1UL << state->bits, sizeof(*state->buckets));
	if (!state->buckets)
		return -ENOMEM;
	for (i = 0; i < 1UL << state->bits; i++)
		raw_spin_lock_init(&state->buckets[i].lock);
	return add_elements(state, nr);
}

/* ---- tasks that die ---- */

#ifdef CONFIG_TRACEPOINTS

static notrace void task_freed(void *data, struct task_struct *task)
{
	u64 i;

	for (i = 0; i < elfkit_table.nr_pools; i++)
		if (pool_at(i)->kind == ELFKIT_POOL_TASK)
			elfkit_pool_put(pool_at(i), task);
}

static int watch_tasks(void)
{
	if (elfkit_memory_fails())
		return -ENOMEM;
	return tracepoint_probe_register(&__tracepoint_sched_process_free, task_freed, NULL);
}

static void unwatch_tasks(void)
{
	tracepoint_probe_unregister(&__tracepoint_sched_process_free, task_freed, NULL);
	tracepoint_synchronize_unregister();
}

#else

static int watch_tasks(void)
{
	return -EOPNOTSUPP;
}

static void unwatch_tasks(void)
{
}

#endif

static bool watching;

static bool has_tasks(void)
{
	u64 i;

	for (i = 0; i < elfkit_table.nr_pools; i++)
		if (pool_at(i)->kind == ELFKIT_POOL_TASK)
			return true;
	return false;
}

/* ---- for main.c and sysfs.c ---- */

void elfkit_pools_free(void)
{
	u64 i;

	if (watching)
		unwatch_tasks();
	watching = false;
	for (i = 0; i < elfkit_table.nr_pools; i++)
		free_pool(pool_at(i));
}

int elfkit_pools_make(void)
{
	int err = 0;
	u64 i;

	for (i = 0; !err && i < elfkit_table.nr_pools; i++) {
		err = elfkit_fault("pool") ? -ENOMEM : make_pool(pool_at(i));
		if (err)
			pr_err("refused: no memory for the pool %s: %d\n", pool_at(i)->name, err);
	}
	if (!err && has_tasks()) {
		err = watch_tasks();
		watching = !err;
		if (err)
			pr_err("refused: nobody says when tasks die, so no pool can be theirs: %d\n", err);
	}
	if (err)
		elfkit_pools_free();
	return err;
}

/* Under the lock that makes and frees them. */
int elfkit_pools_show(char *buf)
{
	int at = 0;
	u64 i;

	for (i = 0; i < elfkit_table.nr_pools; i++) {
		struct elfkit_pool_state *state = pool_at(i)->state;

		if (state)
			at += sysfs_emit_at(buf, at, "%s %lu of %lu used, %lu not to be had\n",
					    pool_at(i)->name, READ_ONCE(state->nr) - READ_ONCE(state->nr_free),
					    READ_ONCE(state->nr), READ_ONCE(state->nr_failed));
	}
	return at;
}
