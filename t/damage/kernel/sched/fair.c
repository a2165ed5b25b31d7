// SPDX-License-Identifier: GPL-2.0
#include "sched.h"

static u64 scaled(const struct sched_entity *se, u64 delta)
{
	return delta * 1024 / (se->weight ?: 1);
}

static void enqueue_fair(struct rq *rq, struct task_struct *p)
{
	struct sched_entity *se = &p->se;

	se->vruntime += scaled(se, rq->clock);
	se->group.next = rq->queue.next;
	se->group.prev = &rq->queue;
	rq->queue.next->prev = &se->group;
	rq->queue.next = &se->group;
	se->on_rq = 1;
	rq->nr_running++;
}

static struct task_struct *pick_fair(struct rq *rq)
{
	struct list_head *pos;
	struct task_struct *best = rq->idle;
	u64 lowest = ~0UL;

	for (pos = rq->queue.next; pos != &rq->queue; pos = pos->next) {
		struct task_struct *p = (void *)((char *)pos - __builtin_offsetof(struct task_struct, se.group));

		if (p->se.vruntime < lowest) {
			lowest = p->se.vruntime;
			best = p;
		}
	}
	update_clock(rq, lowest);
	return best;
}

const struct sched_class fair_sched_class = { enqueue_fair, pick_fair };
