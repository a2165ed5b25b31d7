/* SPDX-License-Identifier: GPL-2.0 */
/* The whole way from rebuilt objects to a module. */
#ifndef ELFKIT_RELINK_RELINK_H
#define ELFKIT_RELINK_RELINK_H

#include <stdint.h>

#include "elfkit/err.h"

struct relink_options {
	const char *policy;
	const char *vmlinux;
	const char *kernel_dir;
	const char *loader_dir;
	const char *output;
	char *const *objects;
	uint32_t nr_objects;
	void (*progress)(const char *line, void *arg);	/* may be NULL */
	void *arg;
};

struct err *relink(const struct relink_options *options);

#endif
