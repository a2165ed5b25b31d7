// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks of every class, for tests that switch the scheduler under them:
 *
 *	tasks		makes them; prints "ready"; ends when stdin does
 *
 * They are: fair spinners of all kinds of nice values; FIFO, RR and deadline
 * tasks that work and sleep by turns; and one that makes children which die at
 * once.  For each line on stdin a line is written: "all 23 move on", once every
 * task has done something since, with its policy, nice value and parameters as
 * they were set; or what is wrong, after two minutes: a busy host
 * gives the guest little time.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE	6	/* SCHED_DEADLINE */

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static struct kind {
	const char *name;
	unsigned int count;
	struct attr attr;
	int forks;
} kinds[] = {
	{ "fair, nice 0", 4, { .policy = SCHED_OTHER }, 0 },
	{ "fair, nice 5", 3, { .policy = SCHED_OTHER, .nice = 5 }, 0 },
	{ "fair, nice -5", 2, { .policy = SCHED_OTHER, .nice = -5 }, 0 },
	{ "batch", 2, { .policy = SCHED_BATCH, .nice = 1 }, 0 },
	{ "fifo", 4, { .policy = SCHED_FIFO, .priority = 10 }, 0 },
	{ "rr", 4, { .policy = SCHED_RR, .priority = 10 }, 0 },
	{ "deadline", 2, { .policy = DEADLINE, .runtime = 2000000, .deadline = 50000000, .period = 50000000 }, 0 },
	{ "short deadline", 1, { .policy = DEADLINE, .runtime = 1000000, .deadline = 20000000, .period = 60000000 }, 0 },
	{ "forks", 1, { .policy = SCHED_OTHER }, 1 },
};

#define NR_KINDS	(sizeof(kinds) / sizeof(kinds[0]))
#define MAX_TASKS	64

static struct task {
	const struct kind *kind;
	pthread_t thread;
	volatile pid_t tid;
	volatile unsigned long steps;
} tasks[MAX_TASKS];

static void work(unsigned long us)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000000 + (now.tv_nsec - begin.tv_nsec) / 1000 < (long)us);
}

static void *run(void *arg)
{
	struct task *task = arg;
	struct attr attr = task->kind->attr;

	attr.size = sizeof(attr);
	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		err(2, "%s: sched_setattr", task->kind->name);
	task->tid = syscall(SYS_gettid);
	for (;; task->steps++) {
		if (task->kind->forks) {
			pid_t child = fork();

			if (!child)
				_exit(0);
			if (child > 0)
				waitpid(child, NULL, 0);
		} else if (attr.policy == SCHED_OTHER || attr.policy == SCHED_BATCH) {
			work(500);
		} else {
			work(500);
			usleep(attr.policy == DEADLINE ? 10000 : 9000);
		}
	}
	return NULL;
}

/* What is wrong with the parameters of @task, or NULL. */
static const char *changed(const struct task *task)
{
	const struct attr *want = &task->kind->attr;
	struct attr have = { 0 };

	if (syscall(SYS_sched_getattr, task->tid, &have, sizeof(have), 0))
		return strerror(errno);
	if (have.policy != want->policy)
		return "has another policy";
	if (have.nice != want->nice || have.priority != want->priority)
		return "has another nice value or priority";
	if (have.runtime != want->runtime || have.deadline != want->deadline || have.period != want->period)
		if (want->policy == DEADLINE)
			return "has other deadline parameters";
	return NULL;
}

static void check(unsigned int nr)
{
	unsigned long before[MAX_TASKS];
	unsigned int i, wait;

	for (i = 0; i < nr; i++)
		before[i] = tasks[i].steps;
	for (i = 0; i < nr; i++) {
		const char *wrong = changed(&tasks[i]);

		for (wait = 0; wait < 2400 && tasks[i].steps == before[i]; wait++)
			usleep(50000);
		if (tasks[i].steps == before[i])
			wrong = "does not move on";
		if (wrong) {
			printf("task %d (%s) %s\n", tasks[i].tid, tasks[i].kind->name, wrong);
			return;
		}
	}
	printf("all %u move on\n", nr);
}

int main(void)
{
	struct sched_param param = { .sched_priority = 50 };
	unsigned int k, i, nr = 0;
	char line[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param))
		err(2, "sched_setscheduler");
	for (k = 0; k < NR_KINDS; k++)
		for (i = 0; i < kinds[k].count; i++, nr++) {
			tasks[nr].kind = &kinds[k];
			errno = pthread_create(&tasks[nr].thread, NULL, run, &tasks[nr]);
			if (errno)
				err(2, "pthread_create");
		}
	for (i = 0; i < nr; i++)
		while (!tasks[i].tid)
			usleep(10000);
	puts("ready");
	while (fgets(line, sizeof(line), stdin))
		check(nr);
	return 0;
}
