// SPDX-License-Identifier: GPL-2.0
/* A kprobe at an entry that ftrace does not know: registered, and not armed. */
#include <linux/kprobes.h>
#include <linux/module.h>

static struct kprobe probe = { .symbol_name = "__schedule", .flags = KPROBE_FLAG_DISABLED };

static int __init begin(void)
{
	return register_kprobe(&probe);
}

static void __exit end(void)
{
	unregister_kprobe(&probe);
}

module_init(begin);
module_exit(end);
MODULE_LICENSE("GPL");
