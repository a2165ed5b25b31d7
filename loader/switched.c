// SPDX-License-Identifier: GPL-2.0
/*
 * Which tasks have run since the look at all stacks?
 *
 * In the stop only those need to be unwound again, and finding them must not
 * take a walk over all tasks, which may be ten thousand sleepers.  So a probe
 * on the kernel's own trace point of context switches writes down who is
 * switched out, each CPU for itself, from before the look until the stop.  In
 * the stop everyone but the stopper threads has been switched out, so whoever
 * ran since the look is on a list; who was about to be switched out when the
 * probe came was running when it was looked at, and counts as not clean.  A
 * task that was never switched out has not begun to run, or has not run since.
 *
 * Where this cannot be had (no memory, a list is full), the stop walks all
 * tasks.
 */
#include <linux/cpumask.h>
#include <linux/hash.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/tracepoint.h>

#include <trace/events/sched.h>

#include "loader.h"

#define ROOM		2048	/* switches a CPU */
#define RECENT_BITS	8

struct elfkit_switched {
	unsigned int nr;
	bool full;
	struct task_struct *recent[1 << RECENT_BITS];	/* by address, for not naming one twice */
	struct task_struct *v[ROOM];			/* with a reference */
};

#ifdef CONFIG_TRACEPOINTS

/* By CPU number.  Under preempt_disable in the probe, so on one CPU only. */
static notrace void switched_out(void *data, bool preempt, struct task_struct *prev,
				 struct task_struct *next)
{
	struct elfkit_switched **lists = data, *list = lists[raw_smp_processor_id()];
	struct task_struct **recent = &list->recent[hash_ptr(prev, RECENT_BITS)];

	if (*recent == prev || !prev->pid)
		return;
	if (list->nr == ROOM) {
		list->full = true;
		return;
	}
	*recent = prev;
	get_task_struct(prev);
	list->v[list->nr++] = prev;
}

static void release(struct elfkit_switched **lists)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct elfkit_switched *list = lists[cpu];
		unsigned int i;

		for (i = 0; list && i < list->nr; i++)
			put_task_struct(list->v[i]);
		elfkit_free(list);
	}
	elfkit_free(lists);
}

/* From here on everyone who is switched out is on a list.  NULL: that is not to be had. */
struct elfkit_switched **elfkit_switched_begin(void)
{
	struct elfkit_switched **lists = elfkit_alloc(nr_cpu_ids, sizeof(*lists));
	int cpu;

	if (!lists)
		return NULL;
	for_each_possible_cpu(cpu) {
		lists[cpu] = elfkit_alloc(1, sizeof(*lists[cpu]));
		if (!lists[cpu])
			goto out;
	}
	if (elfkit_memory_fails() ||
	    tracepoint_probe_register(&__tracepoint_sched_switch, switched_out, lists))
		goto out;
	/* Who is still switching without the probe is done with it then. */
	synchronize_rcu();
	return lists;
out:
	release(lists);
	return NULL;
}

void elfkit_switched_end(struct elfkit_switched **lists)
{
	if (!lists)
		return;
	tracepoint_probe_unregister(&__tracepoint_sched_switch, switched_out, lists);
	tracepoint_synchronize_unregister();
	release(lists);
}

#else

struct elfkit_switched **elfkit_switched_begin(void)
{
	return NULL;
}

void elfkit_switched_end(struct elfkit_switched **lists)
{
}

#endif

/* In the stop: whether all lists are whole. */
notrace bool elfkit_switched_complete(struct elfkit_switched **lists)
{
	int cpu;

	if (!lists)
		return false;
	for_each_possible_cpu(cpu)
		if (lists[cpu]->full)
			return false;
	return true;
}

/* In the stop: the next task on the list of @cpu, from *@at on, or NULL. */
notrace struct task_struct *elfkit_switched_next(struct elfkit_switched **lists, int cpu,
						 unsigned int *at)
{
	return *at < lists[cpu]->nr ? lists[cpu]->v[(*at)++] : NULL;
}
