/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the edited source: hooks, which run around the switch, and pools, which
 * are memory for state that the kernel's structs have no room for.
 *
 * #include <elfkit.h> in a file of the scheduler, with -I in KCFLAGS or a copy
 * in the tree's include/.  `elfkit relink` finds what the macros put into
 * sections of their own, the loader runs it.  docs/relink.md has examples.
 *
 * Only kernel sources include this file; it needs nothing else of elfkit.
 */
#ifndef ELFKIT_H
#define ELFKIT_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/types.h>

#define ELFKIT_HEADER	1	/* changes with what is below */

/* What each record in a section of ours begins with. */
struct elfkit_record {
	u32 header;		/* ELFKIT_HEADER */
	u32 size;		/* of the record */
};

#define __elfkit_record(section_name) \
	__used __section(section_name) __aligned(8) __elfkit_in_order

/* gcc turns the order of variables round, clang does not. */
#if __has_attribute(__no_reorder__)
#define __elfkit_in_order	__attribute__((__no_reorder__))
#else
#define __elfkit_in_order
#endif

/*
 * Functions to run around the switch; any may be NULL.
 *
 * Each pair undoes the other.  Records run in the order of the objects, and
 * within one in that of the source; what undoes runs in reverse.
 *
 *	to the new code			back to the old
 *	prepare				leave
 *	[stop: out_of_old, into_new]	[stop: out_of_new, into_old]
 *	loaded				gone
 *
 * prepare  before the stop; may sleep.  An error ends the load with it; for the
 *          records that have prepared, gone is called.
 * loaded   the new code is in; may sleep.
 * leave    before the stop back; may sleep.  An error refuses to go back; for
 *          those that have left, loaded is called again, as when the stop fails.
 * gone     no task is in the new code any more; may sleep.
 *
 * In the stop one CPU runs them, with interrupts off and all runqueues empty
 * (but with `state: keep`), while the others wait: no allocating, sleeping,
 * printing, nothing that another CPU must answer.  Spinlocks are free, mutexes
 * may be held.  out_of_* runs with the code that was in, into_* with the code
 * that is in from then on, before the runqueues are filled.  If the runqueues do
 * not add up, the same stop undoes the switch, and calls the other two as well.
 *
 * A direct call of a replaced function from one of these, or from a new function
 * that these call, reaches the code that is in.  (A copy that the compiler has
 * inlined is the new one's.)
 */
struct elfkit_hooks {
	struct elfkit_record record;
	const char *name;	/* for messages */
	int (*prepare)(void);
	void (*out_of_old)(void);
	void (*into_new)(void);
	void (*loaded)(void);
	int (*leave)(void);
	void (*out_of_new)(void);
	void (*into_old)(void);
	void (*gone)(void);
};

/* ELFKIT_HOOKS(NAME, .prepare = f, ...); */
#define ELFKIT_HOOKS(hooks_name, ...)							\
	static const struct elfkit_hooks __elfkit_record(".elfkit.hooks")		\
	elfkit_hooks_##hooks_name = {							\
		.record = { ELFKIT_HEADER, sizeof(struct elfkit_hooks) },		\
		.name = #hooks_name,							\
		__VA_ARGS__								\
	}

/*
 * The module itself, where THIS_MODULE would be NULL, since the scheduler is
 * built in: the owner of what the kernel calls, such as a struct file_operations.
 */
struct module;
extern struct module __this_module;
#define ELFKIT_MODULE	(&__this_module)

/* ---- pools ---- */

/* Whose state it is.  Keys are addresses. */
enum elfkit_pool_kind {
	ELFKIT_POOL_COUNT,	/* as many as ELFKIT_POOL_OF() says, no more */
	ELFKIT_POOL_TASK,	/* of struct task_struct: put when the task is freed, by the loader */
	ELFKIT_POOL_RUNQUEUE,	/* of struct rq, one for each possible CPU */
	ELFKIT_POOL_GROUP,	/* of struct task_group: to be put by sched_free_group() */
};

struct elfkit_pool {
	const char *name;
	u32 kind;		/* enum elfkit_pool_kind */
	u32 size;		/* of one element, bytes */
	u64 count;		/* ELFKIT_POOL_COUNT: how many */
	void *state;		/* the loader's; NULL while there is no memory */
};

/* The section has pointers to pools, so that a pool is an ordinary variable. */
struct elfkit_pool_record {
	struct elfkit_record record;
	struct elfkit_pool *pool;
};

#define __ELFKIT_POOL(pool_name, type, pool_kind, pool_count)				\
	static_assert(__alignof__(type) <= 16, "elements of a pool are aligned to 16 bytes");	\
	struct elfkit_pool pool_name = {						\
		.name = #pool_name,							\
		.kind = (pool_kind),							\
		.size = sizeof(type),							\
		.count = (pool_count),							\
	};										\
	static const struct elfkit_pool_record __elfkit_record(".elfkit.pools")		\
	elfkit_pool_##pool_name = {							\
		.record = { ELFKIT_HEADER, sizeof(struct elfkit_pool_record) },		\
		.pool = &pool_name,							\
	}

/* ELFKIT_POOL(NAME, struct TYPE, TASK); other files: `extern struct elfkit_pool NAME;` */
#define ELFKIT_POOL(pool_name, type, pool_kind) \
	__ELFKIT_POOL(pool_name, type, ELFKIT_POOL_##pool_kind, 0)
#define ELFKIT_POOL_OF(pool_name, type, pool_count) \
	__ELFKIT_POOL(pool_name, type, ELFKIT_POOL_COUNT, pool_count)

/*
 * The element of @key; with get, if there is none, one is handed out, all zero.
 * NULL: there is none, or none left.  Neither sleeps nor allocates; to be called from anywhere but
 * NMIs, under any lock of the scheduler, in the stop.  The element stays until
 * it is put; who may put it while others use it is for the caller to order.
 *
 * A key that is used again must not meet the state of the one before.  Tasks are
 * put when they are freed, after their last time in the scheduler.  So get only
 * for a task that lives; to look at one that may be dead (in a file in /proc), use find.  Where
 * a task is made (sched_fork()), put first: of a fork that failed the kernel tells nobody.
 */
void *elfkit_pool_get(struct elfkit_pool *pool, const void *key);
void *elfkit_pool_find(struct elfkit_pool *pool, const void *key);
void elfkit_pool_put(struct elfkit_pool *pool, const void *key);

#endif
