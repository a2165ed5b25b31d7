// SPDX-License-Identifier: GPL-2.0
/*
 * Writes the running kernel's text, _stext to _etext, to a file, or its
 * FNV-1a hash and size to stdout when no file is named: for tests that compare
 * the text before and after.  Reads /proc/kcore at the addresses that
 * /proc/kallsyms gives, so it needs root; refuses when either hides them.
 */
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void find_text(uint64_t *start, uint64_t *end)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[1024], name[512], type;
	uint64_t addr;

	if (!file)
		err(2, "/proc/kallsyms");
	*start = *end = 0;
	while ((!*start || !*end) && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNx64 " %c %511s", &addr, &type, name) != 3)
			continue;
		if (!strcmp(name, "_stext"))
			*start = addr;
		else if (!strcmp(name, "_etext"))
			*end = addr;
	}
	fclose(file);
	if (!*start || *end <= *start)
		errx(2, "/proc/kallsyms: no addresses for _stext and _etext (root? kptr_restrict?)");
}

static void read_at(int fd, void *data, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t got = pread(fd, data, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			err(2, "/proc/kcore: reading %zu bytes at 0x%" PRIx64, size, offset);
		data = (char *)data + got;
		size -= (size_t)got;
		offset += (uint64_t)got;
	}
}

/* Where in kcore the bytes from start to end lie. */
static uint64_t find_offset(int fd, uint64_t start, uint64_t end)
{
	Elf64_Ehdr elf;
	unsigned int i;

	read_at(fd, &elf, sizeof(elf), 0);
	for (i = 0; i < elf.e_phnum; i++) {
		Elf64_Phdr part;

		read_at(fd, &part, sizeof(part), elf.e_phoff + i * sizeof(part));
		if (part.p_type == PT_LOAD && part.p_vaddr <= start &&
		    end - part.p_vaddr <= part.p_memsz)
			return part.p_offset + (start - part.p_vaddr);
	}
	errx(2, "/proc/kcore: no segment holds the kernel's text");
}

static uint64_t fnv1a(const unsigned char *data, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325;

	while (size--)
		hash = (hash ^ *data++) * 0x100000001b3;
	return hash;
}

int main(int argc, char **argv)
{
	uint64_t start, end, offset;
	unsigned char *text;
	size_t size;
	FILE *file;
	int fd;

	if (argc > 2)
		errx(2, "usage: textdump [FILE]");

	find_text(&start, &end);
	size = end - start;
	fd = open("/proc/kcore", O_RDONLY);
	if (fd < 0)
		err(2, "/proc/kcore");
	offset = find_offset(fd, start, end);
	text = malloc(size);
	if (!text)
		err(2, "%zu bytes", size);
	read_at(fd, text, size, offset);
	close(fd);

	if (argc < 2) {
		printf("%016" PRIx64 " %zu\n", fnv1a(text, size), size);
	} else {
		file = fopen(argv[1], "wb");
		if (!file || fwrite(text, 1, size, file) != size || fclose(file))
			err(2, "%s", argv[1]);
	}
	free(text);
	return 0;
}
