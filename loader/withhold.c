// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps ftrace off the patch sites while they hold jumps.
 *
 * A tracer that found our jump where it expects a nop would warn and shut
 * ftrace down until the next boot.  So the records of the sites are marked
 * disabled, as the kernel itself does for weak functions that lost: tracers
 * then skip them and do not count on them.
 *
 * For the same counting a record must not be given back while a tracer that
 * skipped it is still registered (it would take off a count that it never
 * added).  So each try marks and unmarks under one hold of ftrace_lock: whoever
 * starts a tracer meanwhile waits, and finds either our jumps and marks or
 * neither.  Who started one since, with the module in, has to stop it before
 * going back: that is refused.
 */
#include <linux/errno.h>
#include <linux/ftrace.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/ptrace.h>

#include "loader.h"

/* Per site, whether the mark is ours.  There while we are in, or a try to go in goes on. */
bool *elfkit_withheld;

#ifdef CONFIG_DYNAMIC_FTRACE

/* kernel/trace/ftrace_internal.h */
int ftrace_ops_test(struct ftrace_ops *ops, unsigned long ip, void *regs);

static struct mutex *ftrace_mutex(void)
{
	return elfkit_ptr(struct mutex, elfkit_table.ftrace_lock);
}

/* The handler of a registered tracer that asks for the function entered at @ip, or 0.  Under ftrace_lock. */
static unsigned long handler_of(unsigned long ip)
{
	struct ftrace_ops *ops = rcu_dereference_raw(*elfkit_ptr(struct ftrace_ops __rcu *, elfkit_table.ftrace_ops_list));
	struct pt_regs regs;	/* only its address is looked at */
	unsigned long handler = 0;

	preempt_disable();
	/* The last one stands for none; others may be stubs, too, that of function_graph for one. */
	for (; ops && ops->next; ops = rcu_dereference_raw(ops->next)) {
		if (!(ops->flags & FTRACE_OPS_FL_ENABLED))
			continue;
		/* Without registers it would deny for those that want some. */
		if (ftrace_ops_test(ops, ip, &regs)) {
			handler = (unsigned long)ops->func;
			break;
		}
	}
	preempt_enable();
	return handler;
}

/* Whether @ip is a function's traced entry and a registered tracer asks for it; by which handler.  Not in a try. */
bool elfkit_withhold_asks(unsigned long ip, unsigned long *handler)
{
	*handler = 0;
	if (ftrace_location(ip) != ip)
		return false;
	mutex_lock(ftrace_mutex());
	*handler = handler_of(ip);
	mutex_unlock(ftrace_mutex());
	return *handler;
}

/* Index of the site whose jump covers @ip, or nr_sites. */
static u64 site_at(unsigned long ip)
{
	const struct elfkit_site *sites = elfkit_sites();
	u64 low = 0, high = elfkit_table.nr_sites;

	while (low < high) {
		u64 mid = low + (high - low) / 2;

		if (ip < sites[mid].addr)
			high = mid;
		else if (ip >= sites[mid].addr + ELFKIT_JUMP_SIZE)
			low = mid + 1;
		else
			return mid;
	}
	return elfkit_table.nr_sites;
}

/* 0, or -EADDRINUSE with a message: a tracer asks for a site, or has skipped it.  Under ftrace_lock. */
int elfkit_withhold_idle(void)
{
	const struct elfkit_site *site = elfkit_sites();
	u64 i;

	for (i = 0; i < elfkit_table.nr_sites; i++, site++) {
		if (!handler_of(site->addr))
			continue;
		pr_err("refused: function tracing, a kprobe, livepatch or BPF is attached to %s; detach it and try again\n",
		       elfkit_name(site->name));
		return -EADDRINUSE;
	}
	return 0;
}

static void take(void)
{
	struct ftrace_rec_iter *iter;

	for_ftrace_rec_iter(iter) {
		struct dyn_ftrace *rec = ftrace_rec_iter_record(iter);
		u64 i = site_at(rec->ip);

		if (i == elfkit_table.nr_sites || rec->flags & FTRACE_FL_DISABLED)
			continue;
		rec->flags |= FTRACE_FL_DISABLED;
		elfkit_withheld[i] = true;
	}
}

/* The sites hold the kernel's own bytes, and no tracer has skipped them.  Under ftrace_lock. */
void elfkit_withhold_give_back(void)
{
	struct ftrace_rec_iter *iter;

	for_ftrace_rec_iter(iter) {
		struct dyn_ftrace *rec = ftrace_rec_iter_record(iter);
		u64 i = site_at(rec->ip);

		if (i < elfkit_table.nr_sites && elfkit_withheld[i])
			rec->flags &= ~FTRACE_FL_DISABLED;
	}
	elfkit_free(elfkit_withheld);
	elfkit_withheld = NULL;
}

/* We are in where @peer was: the marks of sites that both have are ours now.  Under ftrace_lock. */
static void adopt(const struct elfkit_peer *peer)
{
	const struct elfkit_site *own = elfkit_sites(), *theirs;
	bool *their_marks = *peer->marked;
	u64 i = 0, k;

	theirs = elfkit_ptr(const struct elfkit_site, peer->table->sites);
	for (k = 0; k < peer->table->nr_sites; k++) {
		while (i < elfkit_table.nr_sites && own[i].addr < theirs[k].addr)
			i++;
		if (i < elfkit_table.nr_sites && own[i].addr == theirs[k].addr && their_marks[k]) {
			elfkit_withheld[i] = true;
			their_marks[k] = false;
		}
	}
}

/*
 * Before a try to go in (@replace), perhaps where @from is, or to go back: nobody may lose a function
 * that it traces.  0 with ftrace_lock held, for elfkit_withhold_end(); or an error with a message.
 */
int elfkit_withhold_begin(bool replace, const struct elfkit_peer *from)
{
	int err;

	if (replace) {
		elfkit_withheld = elfkit_alloc(elfkit_table.nr_sites, sizeof(*elfkit_withheld));
		if (!elfkit_withheld)
			return elfkit_short();
	}
	mutex_lock(ftrace_mutex());
	err = from ? from->idle() : 0;
	if (err)
		pr_err("refused: somebody traces a function of %s\n", from->module->name);
	err = err ?: elfkit_withhold_idle();
	if (!err) {
		if (replace)
			take();
		return 0;
	}
	mutex_unlock(ftrace_mutex());
	if (replace) {
		elfkit_free(elfkit_withheld);
		elfkit_withheld = NULL;
	}
	return err;
}

/* After the try; @err: how it ended. */
void elfkit_withhold_end(bool replace, const struct elfkit_peer *from, int err)
{
	if (replace ? err : !err) {
		elfkit_withhold_give_back();
	} else if (from) {
		adopt(from);
		from->give_back();
	}
	mutex_unlock(ftrace_mutex());
}

#else

int elfkit_withhold_idle(void)
{
	return 0;
}

void elfkit_withhold_give_back(void)
{
}

int elfkit_withhold_begin(bool replace, const struct elfkit_peer *from)
{
	return 0;
}

void elfkit_withhold_end(bool replace, const struct elfkit_peer *from, int err)
{
}

bool elfkit_withhold_asks(unsigned long ip, unsigned long *handler)
{
	return false;
}

#endif
