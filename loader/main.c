// SPDX-License-Identifier: GPL-2.0
/*
 * The module's life: identify, replace, serve sysfs, and go only when nothing
 * of it is in use any more.
 *
 * While enabled the module holds a reference to itself, so rmmod says "in use"
 * instead of pulling text from under the scheduler; module_exit therefore runs
 * only when all jumps are out.  An insmod that fails has changed nothing.
 */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "loader.h"

unsigned int elfkit_retries = 5;
module_param_named(retries, elfkit_retries, uint, 0644);
MODULE_PARM_DESC(retries, "how often to try again while a task is in the way (default 5)");

unsigned int elfkit_delay_ms = 20;
module_param_named(delay_ms, elfkit_delay_ms, uint, 0644);
MODULE_PARM_DESC(delay_ms, "pause before the first retry, doubled for each, at most 1 s (default 20)");

bool elfkit_walk;
module_param_named(walk, elfkit_walk, bool, 0644);
MODULE_PARM_DESC(walk, "in the stop look at all tasks instead of those that ran since (default no)");

static unsigned int probation;
module_param(probation, uint, 0444);
MODULE_PARM_DESC(probation, "seconds after which to go back unless confirm is written (default 0: never)");

static char *fault = "";
module_param(fault, charp, 0644);
MODULE_PARM_DESC(fault, "for tests: fail as if runqueue, stack or pool were bad; slow: pause before the stop");

/* Whether a test wants @what to go wrong. */
bool elfkit_fault(const char *what)
{
	bool is;

	kernel_param_lock(THIS_MODULE);		/* the string may be replaced */
	is = sysfs_streq(fault, what);
	kernel_param_unlock(THIS_MODULE);
	return is;
}

/* Serialises init and everyone who writes to sysfs; guards what follows. */
static DEFINE_MUTEX(control);
static bool enabled;
static bool ready;	/* init has succeeded: sysfs may switch */
static struct elfkit_text text;
static struct elfkit_times load_times;
static struct elfkit_times unload_times;
static struct elfkit_blockers blockers;
static bool on_probation;
static unsigned long probation_end;	/* jiffies */

static void end_probation(struct work_struct *work);
static DECLARE_DELAYED_WORK(probation_work, end_probation);

static void report(const char *what, const struct elfkit_times *times)
{
	pr_info("%s: %llu functions, %u CPUs, %u threads; stopped %llu us (stack check %llu us, handler %llu us), prepare %llu us, total %llu us, tries %u\n",
		what, elfkit_table.nr_sites, times->cpus, times->threads,
		times->stopped / NSEC_PER_USEC, times->check / NSEC_PER_USEC,
		times->handler / NSEC_PER_USEC, times->prepare / NSEC_PER_USEC,
		times->total / NSEC_PER_USEC, times->tries);
}

/* With @replaced: whom it took over from, or NULL, for elfkit_peer_retire() without control. */
static int enable(struct elfkit_peer **replaced)
{
	struct elfkit_times times;
	struct elfkit_peer *from;
	int err;

	*replaced = NULL;
	blockers.nr = 0;
	err = elfkit_peer_lock(&from);
	if (err)
		return err;
	/* Fails once rmmod has begun; succeeds in init. */
	err = try_module_get(THIS_MODULE) ? 0 : -ENODEV;
	if (err)
		goto unlock;
	err = elfkit_pools_make();
	if (err)
		goto put;
	err = elfkit_hooks_prepare();
	if (err)
		goto pools;
	err = elfkit_swap(&text, true, from, &times, &blockers);
	if (err)
		goto hooks;
	enabled = true;
	/* First of all: whatever waits for tasks from here on may wait for one that never runs again. */
	on_probation = probation;
	if (on_probation) {
		probation_end = jiffies + (unsigned long)probation * HZ;
		mod_delayed_work(system_long_wq, &probation_work, (unsigned long)probation * HZ);
	}
	elfkit_hooks_loaded();
	load_times = times;
	report("loaded", &times);
	if (from) {
		pr_info("took over from %s, which is disabled now\n", from->module->name);
		elfkit_peer_leave(from);
		*replaced = from;
	}
	return 0;
hooks:
	elfkit_hooks_gone();
	elfkit_text_forget(&text);
pools:
	elfkit_pools_free();
put:
	module_put(THIS_MODULE);
unlock:
	elfkit_peer_unlock(from);
	return err;
}

static int disable(void)
{
	struct elfkit_times times;
	int err;

	blockers.nr = 0;
	if (elfkit_table.pinned) {
		pr_err("refused to go back: the kernel may hold the address of %s, which is only in this module\n",
		       elfkit_name(elfkit_table.pinned));
		return -EBUSY;
	}
	err = elfkit_hooks_leave();
	if (err)
		return err;
	err = elfkit_swap(&text, false, NULL, &times, &blockers);
	if (err) {
		elfkit_hooks_loaded();
		return err;
	}
	enabled = false;
	on_probation = false;
	unload_times = times;
	report("went back", &times);
	elfkit_text_forget(&text);

	/*
	 * A dying task is off the task list, so its stack was not checked, and
	 * it may have been preempted in the module.  This waits for it too.
	 */
	synchronize_rcu_tasks();
	elfkit_hooks_gone();
	elfkit_pools_free();
	module_put(THIS_MODULE);
	return 0;
}

/* Nobody has confirmed in time.  If that moment is a busy one, there will be a better one. */
static void end_probation(struct work_struct *work)
{
	int err = -EBUSY;

	if (mutex_trylock(&control)) {
		err = 0;
		/* A load since then has a time of its own. */
		if (enabled && on_probation && time_after_eq(jiffies, probation_end)) {
			pr_notice("not confirmed within %u s, going back\n", probation);
			err = disable();
		}
		mutex_unlock(&control);
	}
	if (err)
		queue_delayed_work(system_long_wq, &probation_work, HZ);
}

bool elfkit_confirmed(void)
{
	return !READ_ONCE(on_probation);
}

int elfkit_confirm(void)
{
	int err = 0;

	if (mutex_lock_interruptible(&control))
		return -EINTR;
	if (!enabled)
		err = -ENODEV;
	on_probation = false;
	mutex_unlock(&control);
	return err;
}

/* A switch may take long: who only looks can be killed meanwhile. */
static int look(void)
{
	return mutex_lock_killable(&control) ? -EINTR : 0;
}

int elfkit_get_blockers(struct elfkit_blockers *ret)
{
	int err = look();

	if (err)
		return err;
	*ret = blockers;
	mutex_unlock(&control);
	return 0;
}

bool elfkit_enabled(void)
{
	return READ_ONCE(enabled);
}

/* Another module has put its jumps where ours were, and holds control. */
static void taken_over(void)
{
	enabled = false;
	on_probation = false;
	blockers.nr = 0;
	elfkit_text_forget(&text);
}

static const char *pinned(void)
{
	return elfkit_table.pinned ? elfkit_name(elfkit_table.pinned) : NULL;
}

struct elfkit_peer elfkit_self = {
	.magic = ELFKIT_PEER_MAGIC,
	.abi = ELFKIT_ABI,
	.module = THIS_MODULE,
	.table = &elfkit_table,
	.control = &control,
	.marked = &elfkit_withheld,
	.enabled = elfkit_enabled,
	.pinned = pinned,
	.idle = elfkit_withhold_idle,
	.give_back = elfkit_withhold_give_back,
	.taken_over = taken_over,
};

int elfkit_set_enabled(bool on)
{
	struct elfkit_peer *replaced = NULL;
	int err = 0;

	if (mutex_lock_interruptible(&control))
		return -EINTR;
	if (!ready)
		err = -ENODEV;
	else if (on != enabled)
		err = on ? enable(&replaced) : disable();
	mutex_unlock(&control);
	elfkit_peer_retire(replaced);
	return err;
}

int elfkit_get_pools(char *buf)
{
	int size = look();

	if (size)
		return size;
	size = elfkit_pools_show(buf);
	mutex_unlock(&control);
	return size;
}

int elfkit_get_times(struct elfkit_times *load, struct elfkit_times *unload)
{
	int err = look();

	if (err)
		return err;
	*load = load_times;
	*unload = unload_times;
	mutex_unlock(&control);
	return 0;
}

static int __init begin(void)
{
	struct elfkit_peer *replaced;
	int err;

	err = elfkit_identity_check();
	if (!err)
		err = elfkit_text_check_table();
	if (!err)
		err = elfkit_labels_register();
	if (err)
		return err;
	if (probation && elfkit_table.pinned) {
		pr_err("refused: there is no going back from %s, so no probation\n",
		       elfkit_name(elfkit_table.pinned));
		return -EINVAL;
	}

	/* First, since a swap that worked must not be undone for want of a file. */
	err = elfkit_sysfs_add();
	if (err)
		return err;

	mutex_lock(&control);
	err = enable(&replaced);
	ready = !err;
	mutex_unlock(&control);
	elfkit_peer_retire(replaced);
	if (err)
		elfkit_sysfs_remove();
	return err;
}

static int __init elfkit_init(void)
{
	int err = begin();

	if (err)
		elfkit_memory_check();
	return err;
}

static void __exit elfkit_exit(void)
{
	cancel_delayed_work_sync(&probation_work);
	elfkit_sysfs_remove();
	elfkit_memory_check();
	pr_info("removed\n");
}

module_init(elfkit_init);
module_exit(elfkit_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("elfkit");
MODULE_DESCRIPTION("Replaces functions of the running kernel by those in this module");
