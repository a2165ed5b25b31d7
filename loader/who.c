// SPDX-License-Identifier: GPL-2.0
/*
 * Who has changed the kernel's text at an address, as far as the kernel can tell.
 *
 * Asked are kprobes, ftrace (livepatch, kpatch and BPF come through it) and, where there is a jump
 * or a call now, whose code it leads to.  For messages only: takes locks, so it is called with none,
 * and by then whoever it was may be gone.
 */
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kernfs.h>
#include <linux/kobject.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "loader.h"

#define WHO_MAX		160
#define CALL		0xe8
#define JUMP		0xe9

static bool is_kprobe(unsigned long addr)
{
	bool found;

	preempt_disable();
	found = get_kprobe((void *)addr);
	preempt_enable();
	return found;
}

static const char *tracer_kind(const char *function)
{
	if (!strcmp(function, "klp_ftrace_handler"))
		return "livepatch";
	if (!strcmp(function, "kprobe_ftrace_handler"))
		return "a kprobe";
	return "function tracing";
}

static bool name_tracer(unsigned long addr, char *who)
{
	unsigned long handler;
	char function[KSYM_SYMBOL_LEN];

	if (!elfkit_withhold_asks(addr, &handler))
		return false;
	sprint_symbol_no_offset(function, handler);
	scnprintf(who, WHO_MAX, "%s (%.100s) is attached", tracer_kind(function), function);
	return true;
}

/* Whether there is a directory of this name under /sys/kernel/elfkit. */
static bool is_elfkit_module(const char *name)
{
	struct kernfs_node *shared = kernfs_find_and_get(kernel_kobj->sd, "elfkit");
	struct kernfs_node *own = shared ? kernfs_find_and_get(shared, name) : NULL;

	kernfs_put(own);
	kernfs_put(shared);
	return own;
}

/* The module that a jump or call leads to, by where it leads. */
static bool name_target(const struct elfkit_difference *difference, char *who)
{
	char name[MODULE_NAME_LEN] = "", target[KSYM_SYMBOL_LEN];
	struct module *module;
	unsigned long to;
	s32 distance;

	if (difference->len < ELFKIT_JUMP_SIZE ||
	    (difference->have[0] != CALL && difference->have[0] != JUMP))
		return false;
	memcpy(&distance, difference->have + 1, sizeof(distance));
	to = difference->addr + ELFKIT_JUMP_SIZE + distance;
	preempt_disable();
	module = __module_address(to);
	if (module)
		strscpy(name, module->name, sizeof(name));
	preempt_enable();
	if (name[0]) {
		snprintf(who, WHO_MAX, "%smodule %s has put a %s there",
			 is_elfkit_module(name) ? "elfkit " : "", name,
			 difference->have[0] == JUMP ? "jump" : "call");
		return true;
	}
	sprint_symbol(target, to);
	snprintf(who, WHO_MAX, "there is a %s to %.80s now",
		 difference->have[0] == JUMP ? "jump" : "call", target);
	return true;
}

/* Says what differs and who it was. */
void elfkit_who_differs(const struct elfkit_difference *difference)
{
	char who[WHO_MAX] = "nobody is known to be there; is the kernel's memory damaged, or its text patched by hand?";

	if (is_kprobe(difference->addr))
		snprintf(who, sizeof(who), "a kprobe is there");
	else if (!name_tracer(difference->addr, who))
		name_target(difference, who);
	pr_err("refused: %s+0x%llx has the bytes %*ph instead of %*ph: %s\n",
	       difference->name, difference->offset, (int)difference->len, difference->have,
	       (int)difference->len, difference->want, who);
}
