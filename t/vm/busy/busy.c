// SPDX-License-Identifier: GPL-2.0
/* A kernel thread that gives way and never sleeps: whoever waits for all tasks to have slept waits for it. */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

static struct task_struct *thread;

static int run(void *unused)
{
	while (!kthread_should_stop())
		cond_resched();
	return 0;
}

static int __init begin(void)
{
	thread = kthread_run(run, NULL, "busy");
	return PTR_ERR_OR_ZERO(thread);
}

static void __exit end(void)
{
	kthread_stop(thread);
}

module_init(begin);
module_exit(end);
MODULE_LICENSE("GPL");
