/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table that `elfkit relink` writes into a module and the loader reads.
 *
 * It is the whole contract between the two: plain numbers and addresses, no
 * kernel-private type.  Every address in it is made of relocations (an exported
 * anchor plus a distance, or a place in the module itself), so the module
 * loader has turned it into a running address before the first line of the
 * loader runs.  Nothing in the table is written after the module was made.
 *
 * Both sides are built from this one file; ELFKIT_ABI changes with its layout, and with what two
 * modules ask of each other (struct elfkit_peer in loader.h).
 */
#ifndef ELFKIT_LOADER_ABI_H
#define ELFKIT_LOADER_ABI_H

#include <linux/types.h>

#define ELFKIT_ABI		6
#define ELFKIT_TABLE_SYMBOL	"elfkit_table"

#define ELFKIT_BUILD_ID_MAX	32	/* bytes; SHA-1 has 20 */
#define ELFKIT_JUMP_SIZE	5	/* x86-64 `jmp rel32` */
#define ELFKIT_EXPECT_MAX	16

/*
 * Objects of the kernel that the loader uses though they are not exported: the table has a
 * field with the address of each.  Functions it calls by their own names: relink binds what
 * the loader refers to as it does for the scheduler's objects.
 */
#define ELFKIT_KERNEL_OBJECTS(X)		\
	X(text_mutex)				\
	X(ftrace_lock)				\
	X(ftrace_ops_list)			\
	X(jump_label_module_nb)			\
	X(static_call_module_nb)		\
	X(modules)				\
	X(runqueues)				\
	X(task_groups)

/* Those of them that it uses in every configuration. */
#define ELFKIT_KERNEL_OBJECTS_ALWAYS(X)		\
	X(text_mutex)				\
	X(modules)

/*
 * Functions of the loader that the new code may call (elfkit.h), and where it says what of it
 * the loader is to run and to provide for: sections of records that begin with a
 * struct elfkit_record.
 */
#define ELFKIT_SERVICES(X)			\
	X(elfkit_pool_get)			\
	X(elfkit_pool_find)			\
	X(elfkit_pool_put)
#define ELFKIT_HOOKS_SECTION	".elfkit.hooks"
#define ELFKIT_POOLS_SECTION	".elfkit.pools"
#define ELFKIT_RECORD_HEADER	1	/* ELFKIT_HEADER of elfkit.h */
#define ELFKIT_HOOKS_SIZE	80	/* bytes of a record */
#define ELFKIT_POOLS_SIZE	16

/*
 * What rebuilding the runqueues takes (rebuild.c); where a kernel lacks any of it, relink makes
 * a module that leaves them as they are.  Functions, called by their own names: their entries
 * lead to the new code while it is in.
 */
#define ELFKIT_REBUILD_FUNCTIONS(X)		\
	X(update_rq_clock)			\
	X(set_rq_offline)			\
	X(set_rq_online)			\
	X(raw_spin_rq_lock_nested)		\
	X(raw_spin_rq_unlock)

/* Members of structs that no public header has: field, struct, member, size in bytes. */
#define ELFKIT_REBUILD_MEMBERS(X)						\
	X(rq_nr_running, "rq", "nr_running", 4)					\
	X(rq_cfs_tasks, "rq", "cfs_tasks", 16)					\
	X(rq_cfs_queued, "rq", "cfs.h_nr_queued|h_nr_running", 4)		\
	X(rq_leaf_cfs, "rq", "leaf_cfs_rq_list", 16)				\
	X(rq_rt_queues, "rq", "rt.active.queue", 1600)				\
	X(rq_dl_root, "rq", "dl.root", 16)					\
	X(rq_dl_bw, "rq", "dl.this_bw", 8)					\
	X(cfs_leaf, "cfs_rq", "leaf_cfs_rq_list", 16)				\
	X(cfs_queued, "cfs_rq", "nr_queued|nr_running", 4)			\
	X(cfs_weight, "cfs_rq", "load.weight", 8)				\
	X(cfs_tree, "cfs_rq", "tasks_timeline", 16)				\
	X(class_enqueue, "sched_class", "enqueue_task", 8)			\
	X(class_dequeue, "sched_class", "dequeue_task", 8)

/* Members that must not be: state which the steps of rebuild.c would not move. */
#define ELFKIT_REBUILD_WITHOUT(X)		\
	X("rq", "uclamp")			\
	X("rq", "core_tree")			\
	X("rq", "scx")				\
	X("rt_rq", "tg")

/* A function entry that gets a jump.  Sorted by addr. */
struct elfkit_site {
	__u64 addr;		/* where the jump goes: after endbr, on the fentry nop or on bare code */
	__u64 target;		/* the new body, in the module */
	__u64 name;		/* const char *, the function */
	__u8 expect[ELFKIT_EXPECT_MAX];	/* what the running kernel has at addr */
	__u32 expect_len;	/* >= ELFKIT_JUMP_SIZE */
	__u32 sympos;		/* rank by address among the kernel's symbols of this name, from 1 */
};

/* Half-open code range of a replaced function's old body.  Sorted by start. */
struct elfkit_range {
	__u64 start;
	__u64 end;
	__u64 name;		/* const char * */
};

/*
 * A place in the bodies that the kernel rewrites by itself, and what may be there.  "As
 * recorded" is what the table's bytes say.  Sorted by at, disjoint.
 */
enum elfkit_hole_kind {
	ELFKIT_HOLE_ANY = 1,	/* alternatives, paravirt calls, retpolines: anything but a breakpoint */
	ELFKIT_HOLE_JUMP_LABEL,	/* the jump as recorded, or a nop as long */
	ELFKIT_HOLE_STATIC_CALL,	/* a call, jump, return, nop, or what its function comes down to */
	ELFKIT_HOLE_CALL,	/* as recorded, or a call of the padding before the same function */
	ELFKIT_HOLE_RETURN,	/* a return, or a jump to one of the kernel's return thunks */
	ELFKIT_HOLE_ENDBR,	/* endbr64, or a nop as long */
	ELFKIT_HOLE_LOCK,	/* a lock prefix, or one without effect */
	ELFKIT_HOLE_ADDRESS,	/* as recorded, or moved with the kernel */
	ELFKIT_HOLE_PERCPU,	/* a distance to where the kernel does not move */
};

struct elfkit_hole {
	__u32 at;		/* offset in the table's bodies */
	__u16 size;		/* bytes */
	__u8 kind;
	__u8 unused;
};

/*
 * A return address inside such a range at which tasks sleep for good: behind
 * the stack switch in the old __schedule().  Allowed on a stack; sorted.
 */
struct elfkit_resume {
	__u64 addr;
};

/* An exported symbol, bound by name, and how far from the anchor it must be. */
struct elfkit_landmark {
	__u64 addr;
	__s64 distance;
	__u64 name;		/* const char * */
};

/*
 * An object of the kernel that gets new contents while the module is in.  Both contents are in the
 * module; only words in which they differ are written.
 */
struct elfkit_update {
	__u64 addr;
	__u64 old;		/* what vmlinux has, relocated */
	__u64 now;		/* what it gets */
	__u64 size;		/* bytes; of both */
	__u64 name;		/* const char * */
	__u64 flags;
};

#define ELFKIT_UPDATE_CONSTANT	1	/* nobody writes to it: all of it must be as expected */
#define ELFKIT_UPDATE_SETTING	2	/* one number, which may be set meanwhile: then that stays */

struct elfkit_table {
	__u32 abi;		/* ELFKIT_ABI */
	__u32 build_id_len;
	__u8 build_id[ELFKIT_BUILD_ID_MAX];	/* descriptor of the kernel's NT_GNU_BUILD_ID note */
	__u64 anchor;		/* the exported symbol that distances are counted from */
	__u64 anchor_linked;	/* its address in vmlinux: the difference is KASLR's */
	__u64 notes;		/* the kernel's .notes section ... */
	__u64 notes_size;	/* ... and its size in bytes */
	__u64 release;		/* const char *, the release that vmlinux was built as, for messages */
	__u64 pinned;		/* const char *, or 0: a new function whose address the new code
				   takes; somebody may hold it, so there is no going back */

	__u64 sites;		/* struct elfkit_site[nr_sites] */
	__u64 nr_sites;
	__u64 ranges;		/* struct elfkit_range[nr_ranges]: old bodies in the kernel */
	__u64 nr_ranges;
	__u64 bodies;		/* __u8[bodies_size]: what vmlinux has in the ranges, one after the other */
	__u64 bodies_size;
	__u64 holes;		/* struct elfkit_hole[nr_holes] */
	__u64 nr_holes;
	__u64 resumes;		/* struct elfkit_resume[nr_resumes] */
	__u64 nr_resumes;
	__u64 text;		/* struct elfkit_range[nr_text]: new code in the module, unsorted, disjoint */
	__u64 nr_text;
	__u64 landmarks;	/* struct elfkit_landmark[nr_landmarks] */
	__u64 nr_landmarks;
	__u64 updates;		/* struct elfkit_update[nr_updates] */
	__u64 nr_updates;

	/*
	 * The module's own jump labels and static calls, as the kernel's
	 * entries (__jump_table, .static_call_sites).  They point at keys of
	 * the kernel, so their sections have names that the module loader does
	 * not know, and the loader registers them once it knows the kernel.
	 */
	__u64 jump_labels;
	__u64 jump_labels_size;		/* bytes */
	__u64 static_calls;
	__u64 static_calls_size;

	__u64 hooks;		/* struct elfkit_hooks[nr_hooks] (elfkit.h) */
	__u64 nr_hooks;
	__u64 pools;		/* struct elfkit_pool_record[nr_pools] */
	__u64 nr_pools;

#define ELFKIT_FIELD(object) __u64 object;
	ELFKIT_KERNEL_OBJECTS(ELFKIT_FIELD)
#undef ELFKIT_FIELD

	/* Offsets; meaningful if the loader was compiled with ELFKIT_REBUILD. */
#define ELFKIT_FIELD(field, type, path, size) __u32 field;
	ELFKIT_REBUILD_MEMBERS(ELFKIT_FIELD)
#undef ELFKIT_FIELD
	__u32 rq_size;			/* of struct rq */
};

#endif
