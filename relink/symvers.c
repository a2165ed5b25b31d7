// SPDX-License-Identifier: GPL-2.0
/*
 * Module.symvers: CRC, symbol, module, export type and namespace, separated by tabs
 * (Documentation/kbuild/modules.rst).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "elfkit/memory.h"
#include "relink/symvers.h"

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct err *symvers_read(const char *path, struct symvers *ret)
{
	FILE *file = fopen(path, "re");
	AUTO_FREE char *line = NULL;
	size_t size = 0;

	memset(ret, 0, sizeof(*ret));
	memory_count_file(path);
	if (!file)
		return err_new("%s: %s: is the kernel's headers package complete?", path, strerror(errno));
	while (getline(&line, &size, file) > 0) {
		char *rest = line, *name, *module, *namespace;

		line[strcspn(line, "\n")] = '\0';
		strsep(&rest, "\t");
		name = strsep(&rest, "\t");
		module = strsep(&rest, "\t");
		strsep(&rest, "\t");
		namespace = rest;
		if (!name || !module || strcmp(module, "vmlinux") || (namespace && *namespace))
			continue;
		GROW(ret->v, ret->n, ret->cap);
		ret->v[ret->n++] = xstrdup(name);
	}
	fclose(file);
	if (!ret->n)
		return err_new("%s: lists no symbol of vmlinux", path);
	qsort(ret->v, ret->n, sizeof(*ret->v), compare_names);
	return NULL;
}

void symvers_release(struct symvers *symvers)
{
	for (uint32_t i = 0; i < symvers->n; i++)
		free(symvers->v[i]);
	free(symvers->v);
	memset(symvers, 0, sizeof(*symvers));
}

bool symvers_has(const struct symvers *symvers, const char *name)
{
	return symvers->n &&
	       bsearch(&name, symvers->v, symvers->n, sizeof(*symvers->v), compare_names);
}
