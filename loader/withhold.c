// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps ftrace off the patch sites while they hold jumps.
 *
 * A tracer that found our jump where it expects a nop would warn and shut
 * ftrace down until the next boot.  So the records of the sites are marked
 * disabled, as the kernel itself does for weak functions that lost: tracers
 * then skip them and do not count on them.  For the same counting a record
 * must not be given back while a tracer that skipped it is still registered
 * (it would take off a count that it never added): going back is refused then.
 */
#include <linux/errno.h>
#include <linux/ftrace.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/ptrace.h>

#include "loader.h"

/* Per site, whether the mark is ours.  Kept as long as any mark is. */
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
	/* The list ends with a stub. */
	for (; ops && !(ops->flags & FTRACE_OPS_FL_STUB); ops = rcu_dereference_raw(ops->next)) {
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

static bool wanted(const struct elfkit_site *site)
{
	return handler_of(site->addr);
}

/* Whether @ip is a function's traced entry and a registered tracer asks for it; by which handler. */
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

/* Refuses if a tracer asks for a site, with a message.  Under ftrace_lock. */
static int check_wanted(void)
{
	const struct elfkit_site *site = elfkit_sites();
	u64 i;

	for (i = 0; i < elfkit_table.nr_sites; i++, site++) {
		if (!wanted(site))
			continue;
		pr_err("refused: function tracing, a kprobe, livepatch or BPF is attached to %s; detach it and try again\n",
		       elfkit_name(site->name));
		return -EADDRINUSE;
	}
	return 0;
}

/* Before the sites are written. */
int elfkit_withhold(void)
{
	struct ftrace_rec_iter *iter;
	int err;

	if (!elfkit_withheld)
		elfkit_withheld = elfkit_alloc(elfkit_table.nr_sites, sizeof(*elfkit_withheld));
	if (!elfkit_withheld)
		return -ENOMEM;

	mutex_lock(ftrace_mutex());
	err = check_wanted();
	if (err)
		goto out;
	for_ftrace_rec_iter(iter) {
		struct dyn_ftrace *rec = ftrace_rec_iter_record(iter);
		u64 i = site_at(rec->ip);

		if (i == elfkit_table.nr_sites || rec->flags & FTRACE_FL_DISABLED)
			continue;
		rec->flags |= FTRACE_FL_DISABLED;
		elfkit_withheld[i] = true;
	}
out:
	mutex_unlock(ftrace_mutex());
	return err;
}

/* Before going back: has a tracer been started that skipped our sites? */
int elfkit_withhold_idle(void)
{
	int err;

	mutex_lock(ftrace_mutex());
	err = check_wanted();
	mutex_unlock(ftrace_mutex());
	return err;
}

/*
 * Once the sites hold their own bytes again.  A tracer that was started since
 * elfkit_withhold_idle() keeps its functions from being traced until the next
 * load and going back, or the next boot: harmless, but said.
 */
void elfkit_withhold_end(void)
{
	const struct elfkit_site *sites = elfkit_sites();
	struct ftrace_rec_iter *iter;
	bool left = false;

	if (!elfkit_withheld)
		return;
	mutex_lock(ftrace_mutex());
	for_ftrace_rec_iter(iter) {
		struct dyn_ftrace *rec = ftrace_rec_iter_record(iter);
		u64 i = site_at(rec->ip);

		if (i == elfkit_table.nr_sites || !elfkit_withheld[i])
			continue;
		if (wanted(&sites[i])) {
			pr_notice("%s cannot be traced from now on: a tracer was started while it was given back\n",
				  elfkit_name(sites[i].name));
			left = true;
			continue;
		}
		rec->flags &= ~FTRACE_FL_DISABLED;
		elfkit_withheld[i] = false;
	}
	mutex_unlock(ftrace_mutex());
	if (!left)
		elfkit_withhold_forget();
}

/* When the module goes: what could not be given back stays hidden until the next boot. */
void elfkit_withhold_forget(void)
{
	elfkit_free(elfkit_withheld);
	elfkit_withheld = NULL;
}

/* Once we are in where @peer was: the marks of sites that both have are ours now. */
void elfkit_withhold_adopt(const struct elfkit_peer *peer)
{
	const struct elfkit_site *own = elfkit_sites(), *theirs;
	bool *their_marks = *peer->marked;
	u64 i = 0, k;

	if (!their_marks)
		return;
	theirs = elfkit_ptr(const struct elfkit_site, peer->table->sites);
	mutex_lock(ftrace_mutex());
	for (k = 0; k < peer->table->nr_sites; k++) {
		while (i < elfkit_table.nr_sites && own[i].addr < theirs[k].addr)
			i++;
		if (i < elfkit_table.nr_sites && own[i].addr == theirs[k].addr && their_marks[k]) {
			elfkit_withheld[i] = true;
			their_marks[k] = false;
		}
	}
	mutex_unlock(ftrace_mutex());
}

#else

int elfkit_withhold(void)
{
	return 0;
}

int elfkit_withhold_idle(void)
{
	return 0;
}

void elfkit_withhold_end(void)
{
}

void elfkit_withhold_forget(void)
{
}

void elfkit_withhold_adopt(const struct elfkit_peer *peer)
{
}

bool elfkit_withhold_asks(unsigned long ip, unsigned long *handler)
{
	return false;
}

#endif
