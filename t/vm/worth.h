/* SPDX-License-Identifier: GPL-2.0 */
/* The tasks and groups of worth.c, and the memory they share. */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE	6	/* SCHED_DEADLINE */
#define SECOND		1000000000ull
#define CGROUP		"/sys/fs/cgroup/"

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/* Where fair tasks are: a cgroup with its weight, or a session with its autogroup's nice value. */
static struct place {
	const char *cgroup;
	const char *file;	/* which says what it is worth */
	int worth;
	char path[64];		/* as debugfs names it */
} places[] = {
	{ .cgroup = "worth/even", .path = "/worth/even", .file = "cpu.weight", .worth = 100 },
	{ .cgroup = "worth/light", .path = "/worth/light", .file = "cpu.weight", .worth = 15 },
	{ .cgroup = "worth/deep/one/two", .path = "/worth/deep/one/two", .file = "cpu.weight", .worth = 400 },
	{ .cgroup = "worth/deep/three", .path = "/worth/deep/three", .file = "cpu.weight", .worth = 70 },
	{ .cgroup = "worth/idle", .path = "/worth/idle", .file = "cpu.idle", .worth = 1 },
	{ .worth = 0 },
	{ .worth = -10 },
	{ .worth = 10 },
};

/* Groups of groups, and that of tasks which die */
static const char *const others[] = { "/worth", "/worth/deep", "/worth/deep/one", "/worth/dying" };

#define NR_PLACES	(sizeof(places) / sizeof(places[0]))
#define NR_FAIR		100
#define NR_NAPS		16
#define NR_FORKS	8
#define NR_OTHERS	(sizeof(others) / sizeof(others[0]))
#define NR_GROUPS	(NR_PLACES + NR_OTHERS)

/* Those that wait behind the one that holds the CPU, in the order in which they are woken */
static const struct attr waiting[] = {
	{ .policy = SCHED_FIFO, .priority = 10 },
	{ .policy = SCHED_RR, .priority = 10 },
	{ .policy = DEADLINE, .runtime = SECOND, .deadline = 220 * SECOND, .period = 220 * SECOND },
	{ .policy = SCHED_FIFO, .priority = 20 },
	{ .policy = SCHED_FIFO, .priority = 10 },
	{ .policy = SCHED_RR, .priority = 20 },
	{ .policy = DEADLINE, .runtime = 2 * SECOND, .deadline = 200 * SECOND, .period = 201 * SECOND },
	{ .policy = SCHED_FIFO, .priority = 10 },
	{ .policy = SCHED_FIFO, .priority = 20 },
	{ .policy = SCHED_RR, .priority = 10 },
	{ .policy = DEADLINE, .runtime = SECOND, .deadline = 210 * SECOND, .period = 210 * SECOND },
	{ .policy = SCHED_RR, .priority = 10 },
};

/* The order in which they have to take their turns */
static const unsigned int order[] = { 6, 10, 2, 3, 5, 8, 0, 1, 4, 7, 9, 11 };

#define NR_WAITING	(sizeof(waiting) / sizeof(waiting[0]))

static const struct attr holder = {
	.policy = DEADLINE, .runtime = 100 * SECOND, .deadline = 100 * SECOND, .period = 100 * SECOND,
};

/* The kernel's threads that belong to the CPU: else those that wait for RCU or a workqueue would wait for the holder. */
static const struct attr kernel_thread = {
	.policy = DEADLINE, .runtime = SECOND / 10, .deadline = SECOND, .period = SECOND,
};

struct task {
	volatile pid_t pid;
	unsigned int place;
	struct attr attr;
};

/* Shared by all. */
static struct shared {
	struct task fair[NR_FAIR], waiting[NR_WAITING];
	volatile unsigned int ready;	/* tasks that are where and what they have to be */
	volatile unsigned int lap;
	volatile unsigned int done[NR_FAIR];	/* the lap that each fair task has begun */
	sem_t again[NR_FAIR];
	sem_t nap[NR_NAPS];
	volatile unsigned int naps;
	volatile unsigned int holding, held, breeding;
	volatile unsigned int gone[NR_FORKS];	/* children that are about to die */
	sem_t hold;
	sem_t turn[NR_WAITING];
	volatile unsigned int nr_turns, turns[NR_WAITING];
} *shared;

static int cpu;
