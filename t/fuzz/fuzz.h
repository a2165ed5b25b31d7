/* SPDX-License-Identifier: GPL-2.0 */
/* What the fuzz targets share: input as a file, an error as the end of an input, promises as a crash. */
#ifndef T_FUZZ_H
#define T_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

struct input {
	int fd;
	char path[32];
};

/* The bytes as a file: libelf and libdw take nothing else. */
static inline void input_open(struct input *input, const uint8_t *data, size_t size)
{
	input->fd = memfd_create("input", MFD_CLOEXEC);
	promise(input->fd >= 0 && write(input->fd, data, size) == (ssize_t)size);
	snprintf(input->path, sizeof(input->path), "/proc/self/fd/%d", input->fd);
}

static inline void input_close(const struct input *input)
{
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
