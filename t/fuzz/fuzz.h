/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzz targets share: input as a file, an error as the end of an input, promises as a crash, and memory:
 * what an input makes elfkit hold at once stays below a multiple of its size.
 */
#ifndef T_FUZZ_H
#define T_FUZZ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sanitizer/allocator_interface.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elfkit/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Stays in programs without assertions, and says what was promised. */
#define promise(condition)                                                                        \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

/*
 * docs/testing.md, "Bounded memory": what is allocated and not yet freed, at most, of an input of so many bytes.
 * The constant is what empty input takes (decoders, tables of a fixed size).
 */
#define MEMORY_BASE	(8UL << 20)
#define MEMORY_MULTIPLE	64UL

static atomic_long memory_live, memory_peak;
static size_t memory_most, memory_most_of;	/* of all inputs */
static bool memory_counts;

static void memory_take(const volatile void *p, size_t size)
{
	long live, peak;

	if (!p || !memory_counts)
		return;
	live = atomic_fetch_add(&memory_live, (long)size) + (long)size;
	peak = atomic_load(&memory_peak);
	while (live > peak && !atomic_compare_exchange_weak(&memory_peak, &peak, live))
		;
}

static void memory_give(const volatile void *p)
{
	if (p && memory_counts)
		atomic_fetch_sub(&memory_live, (long)__sanitizer_get_allocated_size(p));
}

static void memory_tell(void)
{
	fprintf(stderr, "memory: %zu KB of an input of %zu KB\n", memory_most >> 10, memory_most_of >> 10);
}

static void memory_begin(void)
{
	static bool installed;

	if (!installed) {
		promise(__sanitizer_install_malloc_and_free_hooks(memory_take, memory_give));
		atexit(memory_tell);
		installed = true;
	}
	memory_live = memory_peak = 0;
	memory_counts = true;
}

/* The rest is not elfkit's: what it has written, say, or how that is read back. */
static void memory_end(size_t size)
{
	size_t peak = (size_t)memory_peak;

	if (!memory_counts)
		return;
	memory_counts = false;
	if (peak > memory_most) {
		memory_most = peak;
		memory_most_of = size;
	}
	if (peak > MEMORY_BASE + MEMORY_MULTIPLE * size)
		fprintf(stderr, "%zu bytes of memory for an input of %zu\n", peak, size);
	promise(peak <= MEMORY_BASE + MEMORY_MULTIPLE * size);
}

struct input {
	int fd;
	size_t size;
	char path[32];
};

/* The bytes as a file: libelf and libdw take nothing else. */
static inline void input_open(struct input *input, const uint8_t *data, size_t size)
{
	input->fd = memfd_create("input", MFD_CLOEXEC);
	input->size = size;
	promise(input->fd >= 0 && write(input->fd, data, size) == (ssize_t)size);
	snprintf(input->path, sizeof(input->path), "/proc/self/fd/%d", input->fd);
	memory_begin();
}

static inline void input_close(const struct input *input)
{
	memory_end(input->size);
	close(input->fd);
}

/* Whether it went well; FUZZ_TELL=1 in the environment tells why not. Consumes @err, which must be of one line. */
static inline int well(struct err *err)
{
	if (!err)
		return 1;
	promise(*err_message(err) && !strchr(err_message(err), '\n'));
	if (getenv("FUZZ_TELL"))
		fprintf(stderr, "%s\n", err_message(err));
	err_free(err);
	return 0;
}

#endif
