/* SPDX-License-Identifier: GPL-2.0 */
/* What vmlinux exports to modules: Module.symvers of the kernel's build directory. */
#ifndef ELFKIT_RELINK_SYMVERS_H
#define ELFKIT_RELINK_SYMVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "elfkit/err.h"

struct symvers {
	char **v;		/* names, sorted */
	uint32_t n, cap;
};

/* Reads the symbols of vmlinux that are in no namespace. */
struct err *symvers_read(const char *path, struct symvers *ret);
void symvers_release(struct symvers *symvers);
bool symvers_has(const struct symvers *symvers, const char *name);

#endif
