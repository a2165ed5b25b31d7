// SPDX-License-Identifier: GPL-2.0
/*
 * The stop: all CPUs in, stacks checked, runqueues emptied, jumps written or
 * taken out, runqueues filled, all out.
 *
 * Loading and going back are the same operation with another zone and other
 * bytes.  Everything is allocated, mapped and verified before; in the stop
 * nothing is allocated, printed or waited for but the other CPUs.  Each CPU
 * passes each barrier whatever it found, and only one CPU decides, between two
 * of them.  A task in the zone means that nothing changes: let it run, back
 * off, try again, and after the last try fail with -EBUSY and its name.
 *
 * Locks, in the order in which ftrace, kprobes and jump labels take them, too:
 * ftrace_lock, for one try (withhold.c); tracepoints' own, for a moment;
 * cpus_read_lock; text_mutex.
 */
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/sched/signal.h>
#include <linux/stop_machine.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include <asm/sync_core.h>

#include "loader.h"

#define MAX_DELAY_MS	1000
#define SLOW_MS		2000	/* for tests: between the look at all stacks and the stop */
#define MAX_TRACE	24	/* entries of a culprit's stack in the log */

/* Moments of the first CPU in the stop. */
enum elfkit_mark {
	MARK_ARRIVED,
	MARK_CHECKED,
	MARK_CLEARED,
	MARK_WRITTEN,
	MARK_FILLED,
	NR_MARKS
};

struct swap {
	struct elfkit_text *text;
	const struct elfkit_peer *from;	/* whom we take over from, or NULL */
	struct elfkit_stacks stacks;
	bool replace;
	unsigned int nr;	/* CPUs in the stop */
	atomic_t ranks;
	atomic_t arrived;
	int verdict;		/* of the stop; written by rank 0 */
	bool foreign;		/* somebody has written to an updated object: noted before barrier 2 */
	bool rebuild;
	bool fault;		/* a test wants the runqueues to be wrong */
	bool slow;		/* a test wants time before the stop */
	u64 marks[NR_MARKS];
};

/* ---- in the stop ---- */

/* Full barrier; @step counts from 1. */
static notrace void meet(struct swap *swap, unsigned int step)
{
	unsigned int all = step * swap->nr;

	atomic_inc_return(&swap->arrived);
	while ((unsigned int)atomic_read(&swap->arrived) < all)
		cpu_relax();
	smp_mb();
}

/*
 * Whether nothing may change.  Every CPU comes to the same answer, since it rests on what was noted before
 * barrier 2 only: behind it, another one's runqueue is being emptied, by code that may write to objects.
 */
static notrace bool blocked(const struct swap *swap)
{
	unsigned int rank;

	for (rank = 0; rank < swap->nr; rank++)
		if (swap->stacks.slots[rank].blocked)
			return true;
	return swap->foreign;
}

/* Whether a runqueue does not add up; every CPU comes to the same answer between two barriers. */
static notrace bool wrong(const struct swap *swap)
{
	unsigned int rank;

	for (rank = 0; rank < swap->nr; rank++)
		if (swap->stacks.slots[rank].wrong)
			return true;
	return false;
}

static notrace void stamp(struct swap *swap, unsigned int rank, enum elfkit_mark mark)
{
	if (!rank)
		swap->marks[mark] = ktime_get_mono_fast_ns();
}

/*
 * Runqueues emptied, text written by one CPU, runqueues filled: barriers @step
 * to @step + 2.  Whether the text was written: not if a runqueue was wrong
 * before, unless that is to be undone.
 */
static notrace bool exchange(struct swap *swap, struct elfkit_slot *slot, unsigned int rank,
			     unsigned int step, bool undo)
{
	bool write;

	if (swap->rebuild)
		elfkit_rebuild_clear(slot, undo);
	meet(swap, step);		/* all runqueues are empty */
	stamp(swap, rank, MARK_CLEARED);
	write = undo || !wrong(swap);
	if (!rank && write) {
		elfkit_hooks_out(swap->replace != undo);
		elfkit_text_write(swap->text, undo);
		elfkit_updates_write(swap->replace != undo);
		sync_core();
		elfkit_hooks_in(swap->replace != undo);
	}
	meet(swap, step + 1);		/* the text is what it will be */
	sync_core();
	stamp(swap, rank, MARK_WRITTEN);
	if (swap->rebuild)
		elfkit_rebuild_fill(slot);
	if (!rank && swap->fault && !undo)
		slot->wrong = "nothing (parameter fault)";
	meet(swap, step + 2);		/* all runqueues are filled and counted */
	stamp(swap, rank, MARK_FILLED);
	return write;
}

/* Between the second barrier and the end, if no task is in the way. */
static notrace void change(struct swap *swap, struct elfkit_slot *slot, unsigned int rank)
{
	bool written = exchange(swap, slot, rank, 3, false);
	bool failed = wrong(swap);

	slot->failed = slot->wrong;
	slot->bad = slot->after;
	meet(swap, 6);			/* everyone knows */
	if (failed && written)
		exchange(swap, slot, rank, 7, true);
	if (!rank)
		swap->verdict = failed ? -EUCLEAN : 0;
}

static notrace int stopped(void *data)
{
	struct swap *swap = data;
	unsigned int rank = atomic_inc_return(&swap->ranks) - 1;
	struct elfkit_slot *slot = &swap->stacks.slots[rank];

	slot->entered = ktime_get_mono_fast_ns();
	slot->running = current;
	slot->cpu = raw_smp_processor_id();

	meet(swap, 1);			/* all stopper threads are known */
	stamp(swap, rank, MARK_ARRIVED);
	elfkit_stacks_check_share(&swap->stacks, rank, swap->nr);
	if (rank == swap->nr - 1)	/* whose share is never the largest */
		swap->foreign = !elfkit_updates_ours(!swap->replace);
	meet(swap, 2);			/* all stacks are checked */
	stamp(swap, rank, MARK_CHECKED);
	if (!blocked(swap))
		change(swap, slot, rank);
	slot->left = ktime_get_mono_fast_ns();
	return 0;
}

/* ---- around it ---- */

static void reset(struct swap *swap)
{
	unsigned int i;

	swap->nr = num_online_cpus();
	swap->verdict = -EBUSY;
	swap->foreign = false;
	atomic_set(&swap->ranks, 0);
	atomic_set(&swap->arrived, 0);
	for (i = 0; i < swap->nr; i++) {
		swap->stacks.slots[i].threads = 0;
		swap->stacks.slots[i].unwound = 0;
		swap->stacks.slots[i].wrong = NULL;
		swap->stacks.slots[i].failed = NULL;
		swap->stacks.slots[i].lasting = NULL;
		swap->stacks.slots[i].unreliable = false;
		swap->stacks.slots[i].blocked = false;
	}
}

static void measure(const struct swap *swap, struct elfkit_times *times)
{
	const struct elfkit_slot *slots = swap->stacks.slots;
	u64 first = slots[0].entered, last = slots[0].left;
	unsigned int i;

	times->threads = 0;
	times->unwound = 0;
	for (i = 0; i < swap->nr; i++) {
		first = min(first, slots[i].entered);
		last = max(last, slots[i].left);
		times->threads += slots[i].threads;
		times->unwound += slots[i].unwound;
	}
	times->cpus = swap->nr;
	times->check = swap->marks[MARK_CHECKED] - swap->marks[MARK_ARRIVED];
	times->clear = swap->marks[MARK_CLEARED] - swap->marks[MARK_CHECKED];
	times->write = swap->marks[MARK_WRITTEN] - swap->marks[MARK_CLEARED];
	times->rebuild = swap->marks[MARK_FILLED] - swap->marks[MARK_WRITTEN];
	times->handler = last - first;
}

/* Who was in the way, after a try that ended in -EBUSY; with the stacks after the last. */
static void name_culprits(const struct swap *swap, bool final, struct elfkit_blockers *blockers)
{
	const char *level = final ? KERN_ERR : KERN_INFO;
	unsigned int i, at;

	blockers->nr = 0;
	for (i = 0; i < num_possible_cpus() && blockers->nr < ELFKIT_MAX_NAMED; i++) {
		const struct elfkit_slot *slot = &swap->stacks.slots[i];
		const struct elfkit_culprit *culprit = &slot->culprit;
		struct elfkit_blocker *blocker;

		if (!slot->blocked)
			continue;
		blocker = &blockers->v[blockers->nr++];
		blocker->pid = culprit->pid;
		strscpy(blocker->comm, culprit->comm, sizeof(blocker->comm));
		strscpy(blocker->where, culprit->where ?: "", sizeof(blocker->where));
		if (culprit->where)
			printk("%s" pr_fmt("pid %d (%s) is in %s\n"), level,
			       culprit->pid, culprit->comm, culprit->where);
		else
			printk("%s" pr_fmt("pid %d (%s) has a stack that cannot be unwound reliably\n"),
			       level, culprit->pid, culprit->comm);
		for (at = 0; final && at < min_t(unsigned int, slot->nr_entries, MAX_TRACE); at++)
			printk("%s" pr_fmt("  %pS\n"), level, (void *)slot->entries[at]);
	}
}

/* After a stop that ended in -EUCLEAN: what was wrong, and whether all is as before now. */
static void name_wrong(const struct swap *swap)
{
	unsigned int i;

	for (i = 0; i < swap->nr; i++) {
		const struct elfkit_slot *slot = &swap->stacks.slots[i];
		const struct elfkit_census *a = &slot->before, *b = &slot->bad;

		if (slot->failed)
			pr_err("refused: the runqueue of CPU %d does not add up: %s (%u running, %u fair, %u rt, %u deadline; %u, %u, %u, %u afterwards)\n",
			       slot->cpu, slot->failed, a->running, a->fair, a->rt, a->dl,
			       b->running, b->fair, b->rt, b->dl);
		if (slot->lasting)
			pr_crit("the runqueue of CPU %d could not be restored: %s; reboot\n",
				slot->cpu, slot->lasting);
	}
}

/* One stop, with CPUs and text held still around it.  @difference: of a function that is not as in vmlinux. */
static int stop(struct swap *swap, struct elfkit_times *times, u64 start,
		struct elfkit_difference *difference)
{
	struct mutex *text_mutex = elfkit_ptr(struct mutex, elfkit_table.text_mutex);
	u64 before;
	int err = 0;

	cpus_read_lock();
	mutex_lock(text_mutex);

	if (swap->replace) {
		err = elfkit_text_save(swap->text, swap->from ? swap->from->table : NULL);
		err = err ?: elfkit_bodies_compare(swap->text->saved, difference);
	}
	err = err ?: elfkit_text_verify(swap->text, false);
	err = err ?: elfkit_text_unprobed(swap->text);
	err = err ?: elfkit_updates_verify(!swap->replace);
	if (err)
		goto unlock;

	elfkit_stacks_note_idle(&swap->stacks);
	reset(swap);
	before = ktime_get_mono_fast_ns();
	times->prepare = before - start;
	err = stop_machine_cpuslocked(stopped, swap, cpu_online_mask);
	times->stopped = ktime_get_mono_fast_ns() - before;
	if (!err)
		err = swap->verdict;
	/* If it is as it should be by now, try again. */
	if (err == -EBUSY && swap->foreign)
		err = elfkit_updates_verify(!swap->replace) ?: -EBUSY;
	if (err == -EUCLEAN) {
		name_wrong(swap);
		WARN_ON_ONCE(elfkit_text_verify(swap->text, false));
		elfkit_updates_verify(!swap->replace);
	}
	if (err)
		goto unlock;

	measure(swap, times);
	/* Cannot fail; if it did, everyone should know. */
	if (!WARN_ON_ONCE(elfkit_text_verify(swap->text, true)) && !swap->replace)
		elfkit_text_compare(swap->text);
	elfkit_updates_report(swap->replace);
unlock:
	mutex_unlock(text_mutex);
	cpus_read_unlock();
	return err;
}

static int try_once(struct swap *swap, struct elfkit_times *times, u64 start)
{
	struct elfkit_difference difference = { 0 };
	unsigned int i;
	int err;

	err = elfkit_withhold_begin(swap->replace, swap->from);
	if (err)
		return err;
	for (i = 0; i < num_possible_cpus(); i++)
		swap->stacks.slots[i].blocked = false;
	err = elfkit_stacks_look(&swap->stacks);
	if (!err && swap->slow)
		msleep(SLOW_MS);
	if (!err)
		err = stop(swap, times, start, &difference);
	elfkit_stacks_unlook(&swap->stacks);
	elfkit_withhold_end(swap->replace, swap->from, err);
	if (difference.name)
		elfkit_who_differs(&difference);
	return err;
}

static int try_often(struct swap *swap, struct elfkit_times *times,
		     struct elfkit_blockers *blockers, u64 start)
{
	unsigned int delay = min_t(unsigned int, READ_ONCE(elfkit_delay_ms), MAX_DELAY_MS);
	unsigned int retries = READ_ONCE(elfkit_retries);
	int err;

	for (times->tries = 1; ; times->tries++) {
		bool final = times->tries > retries;

		err = try_once(swap, times, start);
		if (err != -EBUSY) {
			blockers->nr = 0;
			return err;
		}
		name_culprits(swap, final, blockers);
		if (final)
			return err;
		msleep_interruptible(delay);
		if (signal_pending(current))
			return -EINTR;
		delay = min_t(unsigned int, delay * 2, MAX_DELAY_MS);
		start = ktime_get_mono_fast_ns();
	}
}

/*
 * Put all jumps in (@replace) or take them out. With @from, which is locked: put them in where
 * those of that module are.  0, or: -EBUSY a task is in the way; -EADDRINUSE someone else is at a
 * site; -EUCLEAN the runqueues do not add up; -EINTR, -ENOMEM.  On error nothing has changed and the
 * log says why.
 */
int elfkit_swap(struct elfkit_text *text, bool replace, struct elfkit_peer *from,
		struct elfkit_times *times, struct elfkit_blockers *blockers)
{
	struct swap swap = {
		.text = text, .replace = replace, .rebuild = ELFKIT_REBUILDS,
		.fault = elfkit_fault("runqueue"), .slow = elfkit_fault("slow"),
		.from = from,
	};
	const struct elfkit_table *table = from ? from->table : NULL;
	u64 start = ktime_get_mono_fast_ns();
	int err;

	memset(times, 0, sizeof(*times));
	err = elfkit_stacks_init(&swap.stacks, replace, table);
	if (err)
		return err;
	err = elfkit_text_map(text, replace, table);
	if (err)
		goto stacks;
	err = elfkit_updates_map();
	if (err)
		goto text;

	err = try_often(&swap, times, blockers, start);

	elfkit_updates_unmap();
text:
	elfkit_text_unmap(text);
stacks:
	elfkit_stacks_release(&swap.stacks);
	times->total = ktime_get_mono_fast_ns() - start;
	if (err == -EBUSY)
		pr_err("%s given up after %u %s, nothing changed\n",
		       replace ? "loading" : "going back", times->tries,
		       times->tries == 1 ? "try" : "tries");
	return err;
}
