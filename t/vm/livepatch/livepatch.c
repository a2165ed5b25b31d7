// SPDX-License-Identifier: GPL-2.0
/* A livepatch of a function that elfkit replaces, too; it counts its calls and does nothing else. */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched.h>

static int calls;
module_param(calls, int, 0444);

static void patched(struct task_struct *task, long nice)
{
	calls++;
}

static struct klp_func funcs[] = {
	{ .old_name = "set_user_nice", .new_func = patched },
	{ }
};

static struct klp_object objects[] = {
	{ .funcs = funcs },
	{ }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init begin(void)
{
	return klp_enable_patch(&patch);
}

static void __exit end(void)
{
}

module_init(begin);
module_exit(end);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
