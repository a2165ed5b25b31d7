// SPDX-License-Identifier: GPL-2.0
#include "sched.h"

const char linux_banner[] = "Linux version 9.9.9-damage (gcc) #1 SMP";
struct rq runqueues;
int sysctl_granularity = 4;
__attribute__((section(".data..percpu"))) struct rq percpu_rq;

static __attribute__((noinline)) struct task_struct *finish_task_switch(struct rq *rq, struct task_struct *prev,
									 int unused)
{
	rq->curr = prev->parent;
	if (prev->state == 64 && prev->stack)
		prev->stack = 0;
	return prev;
}

static __attribute__((cold, noinline)) void complain(const struct task_struct *p)
{
	static int once;

	if (!once++)
		printk("odd: %s", p->comm);
}

void __schedule(u32 mode)
{
	volatile char local[24];
	struct rq *rq = &runqueues;
	struct task_struct *prev = rq->curr, *next;

	local[0] = mode;
	if (__builtin_expect(prev->flags[3] == 9, 0))
		complain(prev);
	if (!mode && prev->state)
		rq->nr_running -= local[0] + 1;
	update_clock(rq, prev->se.vruntime);
	next = fair_sched_class.pick(rq);
	if (next != prev) {
		rq->curr = next;
		prev = __switch_to_asm(prev, next);
		finish_task_switch(rq, prev, 0);
	}
}

void schedule(void)
{
	do
		__schedule(0);
	while (runqueues.curr->flags[0]);
}
EXPORT(schedule);

void wake_up(struct task_struct *p)
{
	p->state = 0;
	p->sched_class->enqueue(&runqueues, p);
}
EXPORT(wake_up);

int sched_tick(struct task_struct *p, int user)
{
	struct sched_entity *se = &p->se;

	update_clock(&runqueues, se->vruntime + user);
	se->on_rq = 1;
	switch (p->state) {
	case 0: return se->low;
	case 1: return se->high + 1;
	case 2: complain(p); return 7;
	case 3: return p->flags[user];
	case 4: schedule(); return 9;
	default: return sysctl_granularity;
	}
}

static void sched_init(void)
{
	runqueues.queue.next = runqueues.queue.prev = &runqueues.queue;
}
initcall(sched_init);
