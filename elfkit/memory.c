// SPDX-License-Identifier: GPL-2.0
/* RLIMIT_DATA, which counts what is private and writable (getrlimit(2)): all that is allocated, and mappings of ours. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elfkit/memory.h"

#define MAX_FILES 64	/* more than are given; more than that count nothing */
#define MAX_ENDS 4

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct seen {
	dev_t dev;
	ino_t ino;
} seen[MAX_FILES];
static unsigned int nr_seen, nr_ends;
static void (*ends[MAX_ENDS])(void);
static rlim_t bytes, mapped;
static rlim_t ceiling = RLIM_INFINITY;	/* what the program was started with */
static bool bounded;

bool memory_is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
	return __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer);
#else
	return false;
#endif
}

static void set(bool on)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_DATA, &limit))
		return;
	limit.rlim_cur = on && bytes + mapped < ceiling ? bytes + mapped : ceiling;
	setrlimit(RLIMIT_DATA, &limit);
}

void memory_bound(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_DATA, &limit))
		ceiling = limit.rlim_cur;
	bounded = !memory_is_sanitized();
	bytes = MEMORY_FIXED;
	if (bounded)
		set(true);
}

static bool is_new(const struct stat *st)
{
	for (unsigned int i = 0; i < nr_seen; i++)
		if (seen[i].dev == st->st_dev && seen[i].ino == st->st_ino)
			return false;
	if (nr_seen == MAX_FILES)
		return false;
	seen[nr_seen++] = (struct seen){ st->st_dev, st->st_ino };
	return true;
}

void memory_count_file(const char *path)
{
	struct stat st;

	if (!bounded || stat(path, &st) || !S_ISREG(st.st_mode))
		return;
	pthread_mutex_lock(&lock);
	if (is_new(&st) && (uint64_t)st.st_size < (RLIM_INFINITY / 2 - bytes) / MEMORY_MULTIPLE) {
		bytes += (rlim_t)st.st_size * MEMORY_MULTIPLE;
		set(true);
	}
	pthread_mutex_unlock(&lock);
}

void memory_count_mapping(long size)
{
	if (!bounded)
		return;
	pthread_mutex_lock(&lock);
	mapped += size;
	set(true);
	pthread_mutex_unlock(&lock);
}

void memory_lift(void)
{
	if (bounded)
		set(false);
}

void memory_set_again(void)
{
	if (bounded)
		set(true);
}

void memory_at_end(void (*fn)(void))
{
	if (nr_ends < MAX_ENDS)
		ends[nr_ends++] = fn;
}

void memory_exhausted(void)
{
	pthread_mutex_lock(&lock);	/* for good: of several threads one is heard */
	memory_lift();
	if (bounded)
		fprintf(stderr, "elfkit: out of memory: more than %lu MB and %d times the files that were read: damaged?\n",
			MEMORY_FIXED >> 20, MEMORY_MULTIPLE);
	else
		fputs("elfkit: out of memory\n", stderr);
	while (nr_ends)
		ends[--nr_ends]();
	_exit(2);
}
