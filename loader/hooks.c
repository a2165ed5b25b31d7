// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks: functions that the edited source names to be run around the switch.
 * elfkit.h says when each runs, what it may do, and which undoes which.
 *
 * Records run in their order, what undoes in reverse.  Those of the stop run on
 * one CPU between two barriers, where they can neither fail nor say anything.
 */
#include <linux/errno.h>
#include <linux/printk.h>

#include "loader.h"

static const struct elfkit_hooks *hooks_at(u64 i)
{
	return &elfkit_ptr(const struct elfkit_hooks, elfkit_table.hooks)[i];
}

/* What of the first @nr records undoes their prepare, in reverse. */
static void gone(u64 nr)
{
	while (nr--)
		if (hooks_at(nr)->gone)
			hooks_at(nr)->gone();
}

static void loaded(u64 first)
{
	u64 i;

	for (i = first; i < elfkit_table.nr_hooks; i++)
		if (hooks_at(i)->loaded)
			hooks_at(i)->loaded();
}

/* 0, or what the first to fail said; then nothing is left of it. */
int elfkit_hooks_prepare(void)
{
	u64 i;
	int err;

	for (i = 0; i < elfkit_table.nr_hooks; i++) {
		err = hooks_at(i)->prepare ? hooks_at(i)->prepare() : 0;
		if (!err)
			continue;
		err = err < 0 ? err : -EINVAL;
		pr_err("refused: hook %s: prepare says %d\n", hooks_at(i)->name, err);
		gone(i);
		return err;
	}
	return 0;
}

/* The new code is in, or is to stay in. */
void elfkit_hooks_loaded(void)
{
	loaded(0);
}

/* 0, or what the first to refuse said; then all is as it was. */
int elfkit_hooks_leave(void)
{
	u64 i;
	int err;

	for (i = elfkit_table.nr_hooks; i--;) {
		err = hooks_at(i)->leave ? hooks_at(i)->leave() : 0;
		if (!err)
			continue;
		err = err < 0 ? err : -EINVAL;
		pr_err("refused to go back: hook %s: leave says %d\n", hooks_at(i)->name, err);
		loaded(i + 1);
		return err;
	}
	return 0;
}

/* No task is in the new code, or it never was in. */
void elfkit_hooks_gone(void)
{
	gone(elfkit_table.nr_hooks);
}

/* In the stop, before the text is written: with the code that goes. */
notrace void elfkit_hooks_out(bool replace)
{
	u64 i, nr = elfkit_table.nr_hooks;

	for (i = 0; i < nr; i++) {
		const struct elfkit_hooks *hooks = hooks_at(replace ? i : nr - 1 - i);
		void (*run)(void) = replace ? hooks->out_of_old : hooks->out_of_new;

		if (run)
			run();
	}
}

/* In the stop, once it is written, and this CPU knows: with the code that comes. */
notrace void elfkit_hooks_in(bool replace)
{
	u64 i, nr = elfkit_table.nr_hooks;

	for (i = 0; i < nr; i++) {
		const struct elfkit_hooks *hooks = hooks_at(replace ? i : nr - 1 - i);
		void (*run)(void) = replace ? hooks->into_new : hooks->into_old;

		if (run)
			run();
	}
}
