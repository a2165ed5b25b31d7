/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the loader know of each other.
 *
 * identity: is this the kernel the module was made for?     (before anything)
 * bodies:   are the functions to be replaced as vmlinux has them?   (before anything)
 * who:      if not, who has changed them
 * peer:     another elfkit module that is in, and taking over from it
 * labels:   jump labels and static calls of the new code    (once it is)
 * switched: which tasks have run since they were looked at  (before and in the stop)
 * stacks:   is a task inside code that is about to change?  (before and in the stop)
 * text:     the bytes at the patch sites                    (in the stop)
 * updates:  new contents of the kernel's objects            (in the stop)
 * withhold: keeps ftrace off the sites, and tracers waiting (around each try)
 * rebuild:  tasks off the runqueues and on again            (in the stop)
 * memory:   what is allocated; failures for tests
 * hooks:    functions of the new code that run around the switch
 * pools:    memory for new state of tasks, runqueues and groups
 * swap:     the stop itself, retries and times
 * sysfs:    the control files;  main: parameters, life cycle
 */
#ifndef ELFKIT_LOADER_H
#define ELFKIT_LOADER_H

#include <linux/cache.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "abi.h"
#include "elfkit.h"

#if defined(CONFIG_CFI_CLANG) || defined(CONFIG_CFI)
#error "this kernel checks the types of indirect calls (CONFIG_CFI), and the loader calls and is called by other types"
#endif

#undef pr_fmt
#define pr_fmt(fmt) "elfkit: " KBUILD_MODNAME ": " fmt

/* Defined by the object that is linked with the loader. */
extern const struct elfkit_table elfkit_table;

#define elfkit_ptr(type, value)	((type *)(unsigned long)(value))
#define elfkit_name(value)	elfkit_ptr(const char, value)

static inline const struct elfkit_site *elfkit_sites(void)
{
	return elfkit_ptr(const struct elfkit_site, elfkit_table.sites);
}

/* ---- identity.c ---- */

int elfkit_identity_check(void);

/* ---- bodies.c ---- */

struct elfkit_difference {
	const char *name;	/* of the function */
	u64 addr, offset;
	u32 len;
	u8 have[8], want[8];
};

int elfkit_bodies_check_table(void);
int elfkit_bodies_compare(const u8 *have, struct elfkit_difference *ret);

/* ---- who.c ---- */

void elfkit_who_differs(const struct elfkit_difference *difference);

/* ---- labels.c ---- */

int elfkit_labels_register(void);

/* ---- peer.c ---- */

/*
 * What one elfkit module shows another.  Both are of one ELFKIT_ABI, or they do not touch each other;
 * magic and abi stay where they are.
 */
#define ELFKIT_PEER_MAGIC	0x656c666bu

struct elfkit_peer {
	u32 magic;
	u32 abi;
	struct module *module;
	const struct elfkit_table *table;
	struct mutex *control;		/* held by whoever takes over */
	bool **marked;			/* withhold.c: per site; NULL: none */
	bool (*enabled)(void);
	const char *(*pinned)(void);	/* why there is no taking over, or NULL */
	int (*idle)(void);		/* withhold.c: no tracer skips its sites.  Under ftrace_lock */
	void (*give_back)(void);	/* withhold.c: its sites, less those that were taken over.  The same */
	void (*taken_over)(void);	/* it is not enabled any more; its reference is the caller's */
};

int elfkit_peer_find(struct elfkit_peer **ret);
void elfkit_peer_put(struct elfkit_peer *peer);
int elfkit_peer_lock(struct elfkit_peer **ret);
void elfkit_peer_unlock(struct elfkit_peer *peer);
void elfkit_peer_leave(struct elfkit_peer *peer);
void elfkit_peer_retire(struct elfkit_peer *peer);

/* ---- text.c ---- */

/* One site, before the stop and after it. */
struct elfkit_patch {
	u64 addr;
	const char *name;
	u8 *at;			/* the same in the alias */
	u8 before[ELFKIT_JUMP_SIZE], after[ELFKIT_JUMP_SIZE];
};

struct elfkit_text {
	void *alias;		/* writable mapping of all site pages, NULL when unmapped */
	struct elfkit_patch *patches;	/* by addr; as long as the mapping */
	u64 nr_patches;
	u8 *saved;		/* all ranges as they were before loading, concatenated */
	u64 nr_saved;		/* bytes in saved */
};

int elfkit_text_check_table(void);
int elfkit_text_verify(const struct elfkit_text *text, bool after);
int elfkit_text_unprobed(const struct elfkit_text *text);
int elfkit_text_map(struct elfkit_text *text, bool replace, const struct elfkit_table *from);
void elfkit_text_unmap(struct elfkit_text *text);
void elfkit_text_write(const struct elfkit_text *text, bool undo);
int elfkit_text_save(struct elfkit_text *text, const struct elfkit_table *from);
void elfkit_text_compare(const struct elfkit_text *text);
void elfkit_text_forget(struct elfkit_text *text);
struct page *elfkit_text_page(unsigned long addr);

/* ---- updates.c ---- */

int elfkit_updates_map(void);
void elfkit_updates_unmap(void);
int elfkit_updates_verify(bool replaced);
bool elfkit_updates_ours(bool replaced);
void elfkit_updates_write(bool replace);
void elfkit_updates_report(bool replaced);

/* ---- switched.c ---- */

struct elfkit_switched;		/* what one CPU has switched out */

struct elfkit_switched **elfkit_switched_begin(void);
void elfkit_switched_end(struct elfkit_switched **lists);
bool elfkit_switched_complete(struct elfkit_switched **lists);
struct task_struct *elfkit_switched_next(struct elfkit_switched **lists, int cpu,
					 unsigned int *at);

/* ---- stacks.c ---- */

/* Code that no task may be in.  Ranges and resumes are sorted. */
struct elfkit_zone {
	const struct elfkit_range *ranges;
	const struct elfkit_resume *resumes;
	u64 nr_ranges;
	u64 nr_resumes;
};

#define ELFKIT_NAME_ROOM	64	/* of a function's name */

struct elfkit_culprit {
	const char *where;	/* function, NULL: the stack could not be unwound */
	pid_t pid;		/* 0: an idle task */
	char comm[TASK_COMM_LEN];
};

/* The same for as long as the log and sysfs want it: the function's name may be another module's. */
struct elfkit_blocker {
	char where[ELFKIT_NAME_ROOM];	/* empty: the stack could not be unwound */
	pid_t pid;
	char comm[TASK_COMM_LEN];
};

/* What is on a runqueue, all throttled groups released. */
struct elfkit_census {
	unsigned int running;		/* as the runqueue counts, the stopper thread included, servers not */
	unsigned int fair, rt, dl, servers;	/* as they were found */
	unsigned long weight;		/* of the fair tasks */
	unsigned long tasks;		/* sum of their addresses */
	u64 dl_bw;
};

#define ELFKIT_MAX_NAMED	8	/* culprits in the log and in sysfs for one try */
#define ELFKIT_STACK_ENTRIES	512

/* What one CPU works on during a stop; ranks count CPUs as they arrive. */
struct elfkit_slot {
	struct task_struct *running;	/* the stopper thread */
	u64 entered;			/* ns */
	u64 left;
	unsigned int threads;		/* looked at */
	unsigned int unwound;		/* of these */
	unsigned int nr_entries;	/* of the culprit's stack */
	bool blocked;			/* culprit is valid */
	bool unreliable;		/* a test wants a stack that cannot be walked to its end */
	struct elfkit_culprit culprit;
	int cpu;
	struct list_head fair, other;	/* tasks that are off the runqueue, newest first */
	struct elfkit_census before;	/* as it was found */
	struct elfkit_census after;	/* as it was filled last, and late */
	struct elfkit_census late;	/* deadline tasks that wait for their next period since */
	struct elfkit_census bad;	/* as it was filled before that was undone */
	const char *found;		/* what did not add up when it was found, or NULL */
	const char *wrong;		/* what does not add up, or NULL */
	const char *failed;		/* the same before it was undone */
	const char *lasting;		/* what is not as it was found, or NULL */
	unsigned long entries[ELFKIT_STACK_ENTRIES];
} ____cacheline_aligned_in_smp;

struct elfkit_known;

struct elfkit_stacks {
	struct elfkit_zone zone;
	struct elfkit_known *known;	/* hash of tasks found clean before the stop */
	unsigned int known_bits;
	struct elfkit_known **unclean;	/* those of them to look at again in any case */
	unsigned int nr_unclean;
	struct elfkit_switched **switched;	/* by CPU number; NULL: all tasks are to be looked at */
	struct task_struct **idle;	/* by CPU number */
	struct elfkit_slot *slots;	/* one for every possible CPU */
	void *sorted;			/* storage behind zone.ranges, if ours */
	bool fault;			/* a test wants a stack to be unreliable */
};

int elfkit_stacks_init(struct elfkit_stacks *stacks, bool replace, const struct elfkit_table *from);
void elfkit_stacks_release(struct elfkit_stacks *stacks);
int elfkit_stacks_look(struct elfkit_stacks *stacks);
void elfkit_stacks_unlook(struct elfkit_stacks *stacks);
void elfkit_stacks_note_idle(struct elfkit_stacks *stacks);
void elfkit_stacks_check_share(struct elfkit_stacks *stacks, unsigned int rank,
			       unsigned int nr);

/* ---- withhold.c ---- */

extern bool *elfkit_withheld;

int elfkit_withhold_idle(void);
void elfkit_withhold_give_back(void);
int elfkit_withhold_begin(bool replace, const struct elfkit_peer *from);
void elfkit_withhold_end(bool replace, const struct elfkit_peer *from, int err);
bool elfkit_withhold_asks(unsigned long ip, unsigned long *handler);

/* ---- rebuild.c ---- */

#ifdef ELFKIT_REBUILD	/* relink says so if the kernel has all that it takes */
#define ELFKIT_REBUILDS	true
void elfkit_rebuild_clear(struct elfkit_slot *slot, bool undo);
void elfkit_rebuild_fill(struct elfkit_slot *slot);
#else
#define ELFKIT_REBUILDS	false
static inline void elfkit_rebuild_clear(struct elfkit_slot *slot, bool undo) {}
static inline void elfkit_rebuild_fill(struct elfkit_slot *slot) {}
#endif

/* ---- hooks.c ---- */

static_assert(ELFKIT_RECORD_HEADER == ELFKIT_HEADER);
static_assert(ELFKIT_HOOKS_SIZE == sizeof(struct elfkit_hooks));
static_assert(ELFKIT_POOLS_SIZE == sizeof(struct elfkit_pool_record));

int elfkit_hooks_prepare(void);
void elfkit_hooks_loaded(void);
int elfkit_hooks_leave(void);
void elfkit_hooks_gone(void);
void elfkit_hooks_out(bool replace);
void elfkit_hooks_in(bool replace);

/* ---- pools.c ---- */

int elfkit_pools_make(void);
void elfkit_pools_free(void);
int elfkit_pools_show(char *buf);

/* ---- memory.c ---- */

struct page;

bool elfkit_memory_fails(void);
int elfkit_short(void);
void *elfkit_alloc(size_t nr, size_t size);
__printf(1, 2) char *elfkit_asprintf(const char *format, ...);
void elfkit_free(const void *memory);
void *elfkit_map(struct page **pages, unsigned int nr);
void elfkit_unmap(const void *mapping);
void elfkit_memory_check(void);

/* ---- swap.c ---- */

/* All times in ns. */
struct elfkit_times {
	u64 prepare;	/* before the stop: mapping, reading, looking at stacks */
	u64 check;	/* in the stop: stacks */
	u64 clear;	/* in the stop: tasks off the runqueues */
	u64 write;	/* in the stop: jumps */
	u64 rebuild;	/* in the stop: tasks on the runqueues again */
	u64 handler;	/* in the stop: first CPU in to last CPU out */
	u64 stopped;	/* the whole call that stops: an upper bound of downtime */
	u64 total;	/* everything, tries that failed and their pauses included */
	unsigned int tries;
	unsigned int cpus;
	unsigned int threads;
	unsigned int unwound;
};

/* Who was in the way in the last try, if it failed for that. */
struct elfkit_blockers {
	unsigned int nr;
	struct elfkit_blocker v[ELFKIT_MAX_NAMED];
};

int elfkit_swap(struct elfkit_text *text, bool replace, struct elfkit_peer *from,
		struct elfkit_times *times, struct elfkit_blockers *blockers);

/* ---- sysfs.c ---- */

int elfkit_sysfs_add(void);
void elfkit_sysfs_remove(void);

/* ---- main.c ---- */

extern struct elfkit_peer elfkit_self;
extern unsigned int elfkit_retries;
extern unsigned int elfkit_delay_ms;
extern bool elfkit_walk;

bool elfkit_fault(const char *what);

bool elfkit_enabled(void);
int elfkit_set_enabled(bool on);
bool elfkit_confirmed(void);
int elfkit_confirm(void);
int elfkit_get_blockers(struct elfkit_blockers *ret);
int elfkit_get_pools(char *buf);
int elfkit_get_times(struct elfkit_times *load, struct elfkit_times *unload);

#endif
