/* SPDX-License-Identifier: GPL-2.0 */
/* A scheduler in small: what the damage sweep (t/damage.t) has for a kernel. */
#ifndef T_DAMAGE_SCHED_H
#define T_DAMAGE_SCHED_H

typedef unsigned long u64;
typedef unsigned int u32;

struct list_head {
	struct list_head *next, *prev;
};

struct sched_entity {
	u64 vruntime;
	struct list_head group;
	u32 on_rq : 1, delayed : 3;
	union {
		u64 weight;
		struct { u32 low, high; };
	};
};

struct task_struct {
	int state;
	unsigned char flags[8];
	struct sched_entity se;
	const struct sched_class *sched_class;
	struct task_struct *parent;
	void *stack;
	char comm[16];
};

struct rq {
	u32 nr_running, cpu;
	struct task_struct *curr, *idle;
	struct list_head queue;
	u64 clock, weights[4][2];
};

struct sched_class {
	void (*enqueue)(struct rq *rq, struct task_struct *p);
	struct task_struct *(*pick)(struct rq *rq);
};

extern struct rq runqueues;
extern const struct sched_class fair_sched_class;
extern int sysctl_granularity;

struct task_struct *__switch_to_asm(struct task_struct *prev, struct task_struct *next);
void __schedule(u32 mode);
void schedule(void);
void wake_up(struct task_struct *p);
int sched_tick(struct task_struct *p, int user);
int printk(const char *fmt, ...);

static inline void update_clock(struct rq *rq, u64 now)
{
	if (now > rq->clock)
		rq->clock = now;
	rq->weights[rq->cpu & 3][0] += now;
}

#define EXPORT(name)                                                                          \
	asm(".section __ksymtab, \"a\"; .globl __ksymtab_" #name "; __ksymtab_" #name ":"     \
	    " .long " #name " - ., 0, 0; .previous")

#define initcall(fn) static void (*const initcall_##fn)(void) __attribute__((used, section(".initcall"))) = fn

#endif
