// SPDX-License-Identifier: GPL-2.0
/*
 * Takes what is queued off the runqueues with the old code and puts it back
 * with the new, so that state which a class keeps about its queue is made by
 * the code that will go on with it.
 *
 * Runs in the stop, each CPU for its own runqueue, between two barriers; the
 * code is written in between.  Functions of the kernel are called by their
 * names and classes through their tables: both lead to the code that is in at
 * that moment.  Tasks are found on the runqueue, not through the task list, so
 * a dying one that has left the list is found too.  Nothing is allocated: what
 * was taken off hangs on its own list node (sched_entity.group_node, which
 * only a queued task of the fair class uses).
 *
 * Before and after, the runqueue is counted: the numbers it keeps against what
 * hangs on it, and what was there before against what is there after.  While
 * a runqueue is offline no group is throttled, so all that is runnable counts.
 *
 * Left alone: the stopper thread itself; deadline tasks that wait for their
 * next period (no queue holds them); deadline servers, which the fair class
 * stops with its last task and starts with its first; and groups on a runqueue
 * that wait for a delayed dequeue.
 */
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/sched/prio.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "loader.h"

#ifdef ELFKIT_REBUILD

/* kernel/sched/sched.h.  The meaning is that of a change of a queued task's attributes. */
#define SAVE		0x02	/* DEQUEUE_SAVE, ENQUEUE_RESTORE */
#define MOVE		0x04
#define NOCLOCK		0x08

struct rq;
void update_rq_clock(struct rq *rq);
void set_rq_offline(struct rq *rq);
void set_rq_online(struct rq *rq);
void raw_spin_rq_lock_nested(struct rq *rq, int subclass);
void raw_spin_rq_unlock(struct rq *rq);

typedef void (*class_method)(struct rq *rq, struct task_struct *task, int flags);

#define AT(type, base, offset)	((type *)((char *)(base) + elfkit_table.offset))

static notrace struct rq *own_rq(void)
{
	return elfkit_ptr(struct rq, elfkit_table.runqueues +
			  per_cpu_offset(raw_smp_processor_id()));
}

static notrace void dequeue(struct rq *rq, struct task_struct *task, int flags)
{
	(*AT(class_method, task->sched_class, class_dequeue))(rq, task, flags);
}

static notrace void enqueue(struct rq *rq, struct task_struct *task, int flags)
{
	(*AT(class_method, task->sched_class, class_enqueue))(rq, task, flags);
}

/* The server of a runqueue is part of it; a task never is. */
static notrace bool is_server(const struct rq *rq, const struct sched_dl_entity *dl)
{
	return (const char *)dl >= (const char *)rq &&
	       (const char *)dl < (const char *)rq + elfkit_table.rq_size;
}

/* ---- counting ---- */

static notrace void count_task(struct elfkit_census *census, const struct task_struct *task)
{
	census->tasks += (unsigned long)task;
}

static notrace void count_rt(const struct rq *rq, struct elfkit_census *census)
{
	const struct list_head *queues = AT(struct list_head, rq, rq_rt_queues);
	struct sched_rt_entity *rt;
	int prio;

	for (prio = 0; prio < MAX_RT_PRIO; prio++)
		list_for_each_entry(rt, &queues[prio], run_list) {
			census->rt++;
			count_task(census, container_of(rt, struct task_struct, rt));
		}
}

static notrace void count_dl(const struct rq *rq, struct elfkit_census *census)
{
	struct rb_node *node = rb_first_cached(AT(struct rb_root_cached, rq, rq_dl_root));

	for (; node; node = rb_next(node)) {
		struct sched_dl_entity *dl = rb_entry(node, struct sched_dl_entity, rb_node);

		if (is_server(rq, dl)) {
			census->servers++;
			continue;
		}
		census->dl++;
		count_task(census, container_of(dl, struct task_struct, dl));
	}
}

/* A queue of the fair class: what it says of itself against what is in its tree. */
static notrace bool cfs_adds_up(void *cfs)
{
	struct rb_node *node = rb_first_cached(AT(struct rb_root_cached, cfs, cfs_tree));
	unsigned long weight = 0;
	unsigned int nr = 0;

	for (; node; node = rb_next(node), nr++)
		weight += rb_entry(node, struct sched_entity, run_node)->load.weight;
	return nr == *AT(unsigned int, cfs, cfs_queued) &&
	       weight == *AT(unsigned long, cfs, cfs_weight);
}

static notrace const char *count_fair(const struct rq *rq, struct elfkit_census *census)
{
	struct list_head *leaf, *leaves = AT(struct list_head, rq, rq_leaf_cfs);
	struct task_struct *task;

	list_for_each_entry(task, AT(struct list_head, rq, rq_cfs_tasks), se.group_node) {
		census->fair++;
		census->weight += task->se.load.weight;
		count_task(census, task);
	}
	if (*AT(unsigned int, rq, rq_cfs_queued) != census->fair)
		return "fair tasks";
	list_for_each(leaf, leaves)
		if (!cfs_adds_up((char *)leaf - elfkit_table.cfs_leaf))
			return "a fair queue's tree and weight";
	return NULL;
}

/*
 * Fills in @census; what does not add up, or NULL.  The runqueue is offline or
 * was just now.  Some kernels count a deadline server that is queued as a
 * running task, others do not; @census does not, since it may be queued before
 * and wait for its time afterwards.
 */
static notrace const char *count(const struct rq *rq, struct elfkit_census *census)
{
	unsigned int tasks;
	const char *wrong;

	memset(census, 0, sizeof(*census));
	census->running = *AT(unsigned int, rq, rq_nr_running);
	census->dl_bw = *AT(u64, rq, rq_dl_bw);
	wrong = count_fair(rq, census);
	count_rt(rq, census);
	count_dl(rq, census);
	/* One more is the stopper thread that does this. */
	tasks = census->fair + census->rt + census->dl + 1;
	if (census->servers && census->running == tasks + census->servers)
		census->running = tasks;
	if (!wrong && census->running != tasks)
		wrong = "running tasks";
	return wrong;
}

static notrace const char *differ(const struct elfkit_census *a, const struct elfkit_census *b)
{
	if (a->running != b->running || a->fair != b->fair || a->rt != b->rt || a->dl != b->dl)
		return "number of tasks";
	if (a->tasks != b->tasks)
		return "set of tasks";
	if (a->weight != b->weight)
		return "weight of the tasks";
	if (a->dl_bw != b->dl_bw)
		return "deadline bandwidth";
	return NULL;
}

/* ---- taking off ---- */

/* Onto our list, newest first. */
static notrace const char *keep(struct list_head *list, struct task_struct *task, bool off)
{
	if (!off || !list_empty(&task->se.group_node))
		return "a task that did not leave its queue";
	list_add(&task->se.group_node, list);
	return NULL;
}

/*
 * Without MOVE a fair queue's clock stands still, so that all keep their
 * distance to it, the first as the last.
 */
static notrace const char *take_fair(struct rq *rq, struct elfkit_slot *slot)
{
	struct list_head *tasks = AT(struct list_head, rq, rq_cfs_tasks);
	const char *wrong = NULL;

	while (!wrong && !list_empty(tasks)) {
		struct task_struct *task =
			list_first_entry(tasks, struct task_struct, se.group_node);

		dequeue(rq, task, SAVE | NOCLOCK);
		wrong = keep(&slot->fair, task, !task->se.on_rq);
	}
	return wrong;
}

static notrace const char *take_rt(struct rq *rq, struct elfkit_slot *slot)
{
	struct list_head *queues = AT(struct list_head, rq, rq_rt_queues);
	const char *wrong = NULL;
	int prio;

	for (prio = 0; prio < MAX_RT_PRIO; prio++)
		while (!wrong && !list_empty(&queues[prio])) {
			struct task_struct *task =
				list_first_entry(&queues[prio], struct task_struct, rt.run_list);

			dequeue(rq, task, SAVE | MOVE | NOCLOCK);
			wrong = keep(&slot->other, task, list_empty(&task->rt.run_list));
		}
	return wrong;
}

static notrace const char *take_dl(struct rq *rq, struct elfkit_slot *slot)
{
	struct rb_node *next, *node = rb_first_cached(AT(struct rb_root_cached, rq, rq_dl_root));
	const char *wrong = NULL;

	for (; !wrong && node; node = next) {
		struct sched_dl_entity *dl = rb_entry(node, struct sched_dl_entity, rb_node);
		struct task_struct *task = container_of(dl, struct task_struct, dl);

		next = rb_next(node);
		if (is_server(rq, dl))
			continue;
		dequeue(rq, task, SAVE | MOVE | NOCLOCK);
		wrong = keep(&slot->other, task, RB_EMPTY_NODE(node));
	}
	return wrong;
}

/*
 * With the code that is in, take everything off the own runqueue, for the first time or to @undo
 * what was filled.  What is wrong stands in the slot afterwards; elfkit_rebuild_fill() is due in any case.
 */
notrace void elfkit_rebuild_clear(struct elfkit_slot *slot, bool undo)
{
	struct elfkit_census now;
	struct rq *rq = own_rq();

	INIT_LIST_HEAD(&slot->fair);
	INIT_LIST_HEAD(&slot->other);

	raw_spin_rq_lock_nested(rq, 0);
	update_rq_clock(rq);
	set_rq_offline(rq);
	slot->wrong = count(rq, &now);
	if (!undo) {
		slot->before = now;
		slot->found = slot->wrong;
		memset(&slot->late, 0, sizeof(slot->late));
	}
	if (!slot->wrong)
		slot->wrong = take_fair(rq, slot);
	if (!slot->wrong)
		slot->wrong = take_rt(rq, slot);
	if (!slot->wrong)
		slot->wrong = take_dl(rq, slot);
	/* A class that is not known here would still have its tasks. */
	if (!slot->wrong && (count(rq, &now) || now.running != 1))
		slot->wrong = "what is left when all tasks are off";
	raw_spin_rq_unlock(rq);
}

/* ---- putting back ---- */

static notrace void put(struct rq *rq, struct elfkit_slot *slot, struct task_struct *task, int flags)
{
	list_del_init(&task->se.group_node);
	enqueue(rq, task, flags);
	/* Its deadline has passed meanwhile: it waits for the next period. */
	if (task->policy == SCHED_DEADLINE && RB_EMPTY_NODE(&task->dl.rb_node)) {
		slot->late.dl++;
		slot->late.running++;
		count_task(&slot->late, task);
	}
}

/*
 * With the code that is in, put everything back that was taken off: of the fair class what came off last goes
 * back first, which is the order of its list; of others what came off first, to the tail of its queue.
 */
notrace void elfkit_rebuild_fill(struct elfkit_slot *slot)
{
	struct task_struct *task, *next;
	struct rq *rq = own_rq();
	const char *wrong, *different;

	raw_spin_rq_lock_nested(rq, 0);
	set_rq_online(rq);
	list_for_each_entry_safe(task, next, &slot->fair, se.group_node)
		put(rq, slot, task, SAVE | NOCLOCK);
	list_for_each_entry_safe_reverse(task, next, &slot->other, se.group_node)
		put(rq, slot, task, SAVE | MOVE | NOCLOCK);
	wrong = count(rq, &slot->after);
	slot->after.dl += slot->late.dl;
	slot->after.running += slot->late.running;
	slot->after.tasks += slot->late.tasks;
	different = differ(&slot->before, &slot->after);
	/* What was wrong before us is not ours to restore. */
	slot->lasting = wrong && wrong != slot->found ? wrong : different;
	if (!slot->wrong)
		slot->wrong = wrong ?: different;
	raw_spin_rq_unlock(rq);
}

#endif
