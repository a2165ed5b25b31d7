// SPDX-License-Identifier: GPL-2.0
/* What is not the scheduler, and uses it. */
#include "sched/sched.h"

static struct task_struct init_task = { .sched_class = &fair_sched_class, .comm = "swapper" };
int (*volatile tick)(struct task_struct *, int) = sched_tick;
void (*const sys_call_table[])(void) = { schedule, 0 };
int text_mutex, modules[2];	/* the loader wants them */

__attribute__((noinline)) int printk(const char *fmt, ...)
{
	return *fmt ? tick(&init_task, 1) : 0;
}
EXPORT(printk);

static int sum(const struct rq *rq, int n)
{
	int all = 0;

	for (int i = 0; i < n; i++)
		all += rq->weights[i & 3][1] + rq->curr->se.low;
	return all;
}

int proc_show(struct task_struct *p, char *out, int n)
{
	struct task_struct *parent = p->parent;
	u64 runtime = p->se.vruntime;

	for (int i = 0; i < n && i < 16; i++)
		out[i] = p->comm[i] + parent->comm[i];
	if (parent->state && p->se.delayed)
		wake_up(parent);
	update_clock(&runqueues, runtime);
	while (p->flags[1])
		schedule();
	return sum(&runqueues, n) + (p->se.on_rq ? (int)runtime : sysctl_granularity);
}

void start_kernel(void)
{
	char out[16];

	wake_up(&init_task);
	printk("%d", proc_show(&init_task, out, 16));
}
