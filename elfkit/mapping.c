// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elfkit/mapping.h"
#include "elfkit/memory.h"

struct err *mapping_open(const char *path, struct mapping *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *base;

	if (fd < 0)
		return err_new("%s", strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size) {
		close(fd);
		return err_new("not a regular file, or empty");
	}
	memory_count_file(path);
	memory_count_mapping(st.st_size);
	/* libelf writes into the headers of compressed sections (elf_compress): into a copy of that page */
	base = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	if (base == MAP_FAILED) {
		memory_count_mapping(-st.st_size);
		return err_new("%s", strerror(errno));
	}
	*ret = (struct mapping){ base, st.st_size, false };
	return NULL;
}

void mapping_close(struct mapping *mapping)
{
	if (mapping->base && !munmap(mapping->base, mapping->size))
		memory_count_mapping(-(long)mapping->size);
	mapping->base = NULL;
}

void mapping_forget(const struct mapping *mapping)
{
	if (mapping->base && !mapping->written)
		madvise(mapping->base, mapping->size, MADV_DONTNEED);
}
