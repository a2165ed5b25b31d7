// SPDX-License-Identifier: GPL-2.0
/* A counter, and as many threads as there are processors to take from it. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "elfkit/parallel.h"

/* More would not pay for what there is to do. */
#define MAX_THREADS 8

struct pool {
	void (*work)(void *arg, uint32_t i);
	void *arg;
	uint32_t n;
	atomic_uint next;
};

static void *take_all(void *arg)
{
	struct pool *pool = arg;
	uint32_t i;

	while ((i = atomic_fetch_add(&pool->next, 1)) < pool->n)
		pool->work(pool->arg, i);
	return NULL;
}

static uint32_t nr_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
}

void parallel_run(uint32_t n, void (*work)(void *arg, uint32_t i), void *arg)
{
	struct pool pool = { .work = work, .arg = arg, .n = n };
	uint32_t want = nr_processors(), started = 0;
	pthread_t threads[MAX_THREADS];

	if (want > n)
		want = n;
	if (want > MAX_THREADS)
		want = MAX_THREADS;
	/* without a thread this one does it all */
	while (started + 1 < want && !pthread_create(&threads[started], NULL, take_all, &pool))
		started++;
	take_all(&pool);
	while (started)
		pthread_join(threads[--started], NULL);
}
