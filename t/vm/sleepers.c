// SPDX-License-Identifier: GPL-2.0
/*
 * sleepers SLEEPING RUNNING: so many threads that wait for good, and so many that
 * never do; prints "ready" when all of them are there, and stays until stdin ends.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_attr_t attr;

static void *sleeping(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *running(void *arg)
{
	for (;;)
		__asm__ volatile("pause");
	return arg;
}

static void start(int nr, void *(*run)(void *))
{
	pthread_t thread;

	while (nr-- > 0) {
		errno = pthread_create(&thread, &attr, run, NULL);
		if (errno)
			err(2, "pthread_create");
	}
}

int main(int argc, char **argv)
{
	struct sched_param param = { .sched_priority = 1 };

	if (argc != 3)
		errx(2, "usage: sleepers SLEEPING RUNNING");
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	start(atoi(argv[1]), sleeping);
	sleep(1);	/* until they do */
	/* before the others, or nobody would start them */
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param))
		err(2, "sched_setscheduler");
	start(atoi(argv[2]), running);
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
