// SPDX-License-Identifier: GPL-2.0
/*
 * Is a task inside code that is about to be replaced, or to go away?
 *
 * Stacks are read with the kernel's reliable unwinder; what it cannot read,
 * a stack deeper than the array included (its consumer then stops the walk,
 * and a walk that was stopped is an error), counts as inside.
 *
 * Each task is looked at before the stop; in the stop only those that have run
 * since are unwound again: those that switched.c has seen, and those that were
 * running when they were looked at.  Where it could not see them all, every
 * task's count of context switches is compared: in the stop everyone but the
 * stopper threads is switched out, and whoever ran since was counted then.
 */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sort.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#include "loader.h"

/* A task that was outside the zone when it had been switched out so often. */
struct elfkit_known {
	struct task_struct *task;	/* a reference */
	unsigned long switches;
	bool clean;
	int again;	/* somebody is looking again in the stop */
};

#define MIN_KNOWN_BITS	8

static notrace unsigned long switches(const struct task_struct *task)
{
	return READ_ONCE(task->nvcsw) + READ_ONCE(task->nivcsw);
}

static bool on_some_cpu(const struct task_struct *task)
{
#ifdef CONFIG_SMP
	return READ_ONCE(task->on_cpu);
#else
	return task == current;
#endif
}

/* ---- the zone ---- */

static int compare_ranges(const void *a, const void *b)
{
	const struct elfkit_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static notrace bool is_resume(const struct elfkit_zone *zone, u64 addr)
{
	u64 i;

	for (i = 0; i < zone->nr_resumes; i++)
		if (zone->resumes[i].addr == addr)
			return true;
	return false;
}

/* The function of the zone that @addr is in, or NULL. */
static notrace const char *zone_find(const struct elfkit_zone *zone, u64 addr)
{
	u64 low = 0, high = zone->nr_ranges;

	while (low < high) {
		u64 mid = low + (high - low) / 2;
		const struct elfkit_range *range = &zone->ranges[mid];

		if (addr < range->start)
			high = mid;
		else if (addr >= range->end)
			low = mid + 1;
		else
			return is_resume(zone, addr) ? NULL : elfkit_name(range->name);
	}
	return NULL;
}

/* ---- one task ---- */

static notrace bool blocks(const struct elfkit_zone *zone, struct task_struct *task,
			   struct elfkit_slot *slot)
{
	const char *where = NULL;
	int i, nr;

	slot->unwound++;
	nr = slot->unreliable ? -EINVAL :
	     stack_trace_save_tsk_reliable(task, slot->entries, ELFKIT_STACK_ENTRIES);
	for (i = 0; i < nr && !where; i++)
		where = zone_find(zone, slot->entries[i]);
	if (nr >= 0 && !where)
		return false;

	slot->nr_entries = nr < 0 ? 0 : nr;
	slot->culprit.where = where;
	slot->culprit.pid = task->pid;
	memcpy(slot->culprit.comm, task->comm, TASK_COMM_LEN);
	slot->culprit.comm[TASK_COMM_LEN - 1] = '\0';
	return true;
}

/* ---- before the stop ---- */

/* The new code of @going, and of the kernel's @nr_old more ranges; sorted. */
static int sort_zone(struct elfkit_stacks *stacks, const struct elfkit_table *going, u64 nr_old)
{
	u64 nr = going->nr_text + nr_old;
	struct elfkit_range *sorted = elfkit_alloc(nr, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, elfkit_ptr(const void, going->text), going->nr_text * sizeof(*sorted));
	memcpy(sorted + going->nr_text, elfkit_ptr(const void, elfkit_table.ranges),
	       nr_old * sizeof(*sorted));
	sort(sorted, nr, sizeof(*sorted), compare_ranges, NULL);
	stacks->sorted = sorted;
	stacks->zone.ranges = sorted;
	stacks->zone.nr_ranges = nr;
	return 0;
}

/*
 * Before going in, nobody may be in the kernel's functions that are replaced; with @from, nobody in that
 * module's code either. Before going back, nobody in ours. Nobody sleeps in new code for good: no resumes.
 */
int elfkit_stacks_init(struct elfkit_stacks *stacks, bool replace, const struct elfkit_table *from)
{
	struct elfkit_zone *zone = &stacks->zone;

	memset(stacks, 0, sizeof(*stacks));
	stacks->fault = elfkit_fault("stack");
	if (replace) {
		zone->ranges = elfkit_ptr(const struct elfkit_range, elfkit_table.ranges);
		zone->nr_ranges = elfkit_table.nr_ranges;
		zone->resumes = elfkit_ptr(const struct elfkit_resume,
					   elfkit_table.resumes);
		zone->nr_resumes = elfkit_table.nr_resumes;
		if (from && sort_zone(stacks, from, elfkit_table.nr_ranges))
			goto nomem;
	} else if (sort_zone(stacks, &elfkit_table, 0)) {
		goto nomem;
	}

	/* For every CPU that may ever come: their number is not frozen yet. */
	stacks->slots = elfkit_alloc(num_possible_cpus(), sizeof(*stacks->slots));
	stacks->idle = elfkit_alloc(nr_cpu_ids, sizeof(*stacks->idle));
	if (stacks->slots && stacks->idle)
		return 0;
nomem:
	elfkit_stacks_release(stacks);
	return elfkit_short();
}

void elfkit_stacks_release(struct elfkit_stacks *stacks)
{
	elfkit_stacks_unlook(stacks);
	elfkit_free(stacks->slots);
	elfkit_free(stacks->idle);
	elfkit_free(stacks->sorted);
	memset(stacks, 0, sizeof(*stacks));
}

static notrace struct elfkit_known *known_find(const struct elfkit_stacks *stacks,
					       const struct task_struct *task)
{
	unsigned int mask = (1u << stacks->known_bits) - 1;
	unsigned int at = hash_ptr(task, stacks->known_bits);

	/* The table is never full, so an empty place ends each search. */
	while (stacks->known[at].task && stacks->known[at].task != task)
		at = (at + 1) & mask;
	return &stacks->known[at];
}

static int collect_tasks(struct elfkit_stacks *stacks)
{
	unsigned int room, nr = 0;
	struct task_struct *process, *task;

	rcu_read_lock();
	for_each_process_thread(process, task)
		nr++;
	rcu_read_unlock();

	stacks->known_bits = max_t(unsigned int, MIN_KNOWN_BITS, order_base_2(nr) + 1);
	room = 3u << (stacks->known_bits - 2);
	stacks->known = elfkit_alloc(1ul << stacks->known_bits, sizeof(*stacks->known));
	stacks->unclean = elfkit_alloc(1ul << stacks->known_bits, sizeof(*stacks->unclean));
	stacks->nr_unclean = 0;
	if (!stacks->known || !stacks->unclean)
		return elfkit_short();

	/* Who finds no room, or is born later, is unwound in the stop. */
	rcu_read_lock();
	for_each_process_thread(process, task) {
		struct elfkit_known *known;

		if (!room)
			goto full;
		known = known_find(stacks, task);
		if (known->task)
			continue;
		get_task_struct(task);
		known->task = task;
		room--;
	}
full:
	rcu_read_unlock();
	return 0;
}

static void note_unclean(struct elfkit_stacks *stacks, struct elfkit_known *known)
{
	/* Has room for as many as the table. */
	stacks->unclean[stacks->nr_unclean++] = known;
}

/*
 * Unwind everyone once.  -EBUSY with the culprit in the first slot if a task
 * sleeps in the zone: no need to stop the machine for that.  A stack that does
 * not unwind proves nothing here, its owner may be running.
 */
int elfkit_stacks_look(struct elfkit_stacks *stacks)
{
	struct elfkit_slot *slot = &stacks->slots[0];
	unsigned long i;
	int err;

	if (!READ_ONCE(elfkit_walk))
		stacks->switched = elfkit_switched_begin();
	err = collect_tasks(stacks);
	if (err)
		return err;

	for (i = 0; i < 1ul << stacks->known_bits; i++) {
		struct elfkit_known *known = &stacks->known[i];

		if (!known->task)
			continue;
		cond_resched();
		known->switches = switches(known->task);
		/* Pairs with __schedule() counting before it clears on_cpu. */
		smp_rmb();
		if (on_some_cpu(known->task)) {
			note_unclean(stacks, known);
			continue;
		}
		if (!blocks(&stacks->zone, known->task, slot)) {
			known->clean = true;
			continue;
		}
		note_unclean(stacks, known);
		if (slot->culprit.where && !on_some_cpu(known->task) &&
			   switches(known->task) == known->switches) {
			slot->blocked = true;
			return -EBUSY;
		}
	}
	return 0;
}

void elfkit_stacks_unlook(struct elfkit_stacks *stacks)
{
	unsigned long i;

	elfkit_switched_end(stacks->switched);
	stacks->switched = NULL;
	elfkit_free(stacks->unclean);
	stacks->unclean = NULL;
	if (!stacks->known)
		return;
	for (i = 0; i < 1ul << stacks->known_bits; i++)
		if (stacks->known[i].task)
			put_task_struct(stacks->known[i].task);
	elfkit_free(stacks->known);
	stacks->known = NULL;
}

/* With the CPUs frozen.  idle_task() may itself be replaced, so not in the stop. */
void elfkit_stacks_note_idle(struct elfkit_stacks *stacks)
{
	int cpu;

	for_each_online_cpu(cpu)
		stacks->idle[cpu] = idle_task(cpu);
}

/* ---- in the stop ---- */

static notrace bool runs_now(const struct elfkit_stacks *stacks, unsigned int nr,
			     const struct task_struct *task)
{
	unsigned int rank;

	/* Stoppers are kernel threads; most tasks need no comparison. */
	if (!(task->flags & PF_KTHREAD))
		return false;
	for (rank = 0; rank < nr; rank++)
		if (stacks->slots[rank].running == task)
			return true;
	return false;
}

static notrace bool unchanged(const struct elfkit_stacks *stacks,
			      const struct task_struct *task)
{
	const struct elfkit_known *known = known_find(stacks, task);

	return known->task && known->clean && known->switches == switches(task);
}

/* Every @nr-th task of all, from number @rank on. */
static notrace bool walk_blocks(struct elfkit_stacks *stacks, struct elfkit_slot *slot,
				unsigned int rank, unsigned int nr)
{
	struct task_struct *process, *task;
	unsigned int wait = rank;

	for_each_process_thread(process, task) {
		if (wait--)
			continue;
		wait = nr - 1;
		slot->threads++;
		if (runs_now(stacks, nr, task) || unchanged(stacks, task))
			continue;
		if (blocks(&stacks->zone, task, slot))
			return true;
	}
	return false;
}

/* One that may have run, unless another CPU has it already. */
static notrace bool again_blocks(struct elfkit_stacks *stacks, struct elfkit_slot *slot,
				 unsigned int nr, struct task_struct *task)
{
	struct elfkit_known *known = known_find(stacks, task);

	if (runs_now(stacks, nr, task) || (known->task && xchg(&known->again, 1)))
		return false;
	slot->threads++;
	return blocks(&stacks->zone, task, slot);
}

/* A share of those that may have run since they were looked at. */
static notrace bool switched_blocks(struct elfkit_stacks *stacks, struct elfkit_slot *slot,
				    unsigned int rank, unsigned int nr)
{
	unsigned int i, share = 0;
	int cpu;

	for (i = rank; i < stacks->nr_unclean; i += nr)
		if (again_blocks(stacks, slot, nr, stacks->unclean[i]->task))
			return true;
	for_each_possible_cpu(cpu) {
		struct task_struct *task;
		unsigned int at = 0;

		if (share++ % nr != rank)
			continue;
		while ((task = elfkit_switched_next(stacks->switched, cpu, &at)))
			if (again_blocks(stacks, slot, nr, task))
				return true;
	}
	return false;
}

/*
 * CPU number @rank of @nr: a share of the tasks, its own stopper thread and its
 * own idle task.  The list holds still without a lock since all CPUs are here
 * with interrupts off, and whoever changes it does so with interrupts off; no
 * RCU section, because leaving one may wake somebody.
 */
notrace void elfkit_stacks_check_share(struct elfkit_stacks *stacks, unsigned int rank,
				       unsigned int nr)
{
	struct elfkit_slot *slot = &stacks->slots[rank];

	if (elfkit_switched_complete(stacks->switched) ?
	    switched_blocks(stacks, slot, rank, nr) : walk_blocks(stacks, slot, rank, nr))
		goto blocked;

	/* A running task can be unwound by itself only. */
	slot->unreliable = stacks->fault && !rank;
	if (blocks(&stacks->zone, current, slot) ||
	    blocks(&stacks->zone, stacks->idle[smp_processor_id()], slot))
		goto blocked;
	return;
blocked:
	slot->blocked = true;
}
