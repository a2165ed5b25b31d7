// SPDX-License-Identifier: GPL-2.0
/*
 * Writes the running kernel's text, _stext to _etext, to a file, or its
 * FNV-1a hash and size to stdout when no file is named: for tests that compare
 * the text before and after.  With -c the kernel's constants follow, .rodata up
 * to what is written once when it starts.  With SYMBOL and OFFSETS, a file of decimal numbers,
 * the 8 bytes at each SYMBOL + offset follow.  With -e FILE is read, and whether it is the same is the
 * exit status; the environment may name another file with lines of /proc/kallsyms, which is long.  Reads /proc/kcore at the
 * addresses that /proc/kallsyms gives, so it needs root; refuses when either
 * hides them.
 */
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t find_symbol(const char *symbol)
{
	const char *path = getenv("KALLSYMS") ?: "/proc/kallsyms";
	FILE *file = fopen(path, "r");
	char line[1024], name[512], type;
	uint64_t addr, found = 0;

	if (!file)
		err(2, "%s", path);
	while (!found && fgets(line, sizeof(line), file))
		if (sscanf(line, "%" SCNx64 " %c %511s", &addr, &type, name) == 3 &&
		    !strcmp(name, symbol))
			found = addr;
	fclose(file);
	if (!found)
		errx(2, "/proc/kallsyms: no address for %s (root? kptr_restrict?)", symbol);
	return found;
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
	errx(2, "/proc/kcore: no segment holds 0x%" PRIx64, start);
}

static uint64_t fnv1a(const unsigned char *data, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325;

	while (size--)
		hash = (hash ^ *data++) * 0x100000001b3;
	return hash;
}

/* The bytes that OFFSETS names, behind the text. */
static size_t read_places(int fd, const char *symbol, const char *path, unsigned char **text, size_t size)
{
	FILE *file = fopen(path, "r");
	uint64_t base = find_symbol(symbol);
	int64_t offset;

	if (!file)
		err(2, "%s", path);
	while (fscanf(file, "%" SCNd64, &offset) == 1) {
		uint64_t addr = base + (uint64_t)offset;

		*text = realloc(*text, size + 8);
		if (!*text)
			err(2, "%zu bytes", size);
		read_at(fd, *text + size, 8, find_offset(fd, addr, addr + 8));
		size += 8;
	}
	fclose(file);
	return size;
}

/* Appends the bytes from symbol to symbol. */
static size_t read_part(int fd, const char *from, const char *to, unsigned char **text, size_t size)
{
	uint64_t start = find_symbol(from), end = find_symbol(to);

	*text = realloc(*text, size + (end - start));
	if (!*text)
		err(2, "%" PRIu64 " bytes", end - start);
	read_at(fd, *text + size, end - start, find_offset(fd, start, end));
	return size + (end - start);
}

/* Says where the first difference is. */
static bool is_same(const char *path, const unsigned char *text, size_t size)
{
	unsigned char *want = malloc(size + 1);
	FILE *file = fopen(path, "rb");
	size_t at = 0;
	bool same;

	if (!file || !want)
		err(2, "%s", path);
	same = fread(want, 1, size + 1, file) == size && !memcmp(text, want, size);
	while (!same && at < size && text[at] == want[at])
		at++;
	if (!same)
		fprintf(stderr, "other text from _stext + 0x%zx = 0x%" PRIx64 "\n", at, find_symbol("_stext") + at);
	fclose(file);
	free(want);
	return same;
}

int main(int argc, char **argv)
{
	bool constants = argc > 1 && !strcmp(argv[1], "-c");
	bool compare = argc > 2 && !strcmp(argv[1], "-e");
	int status = 0;
	unsigned char *text = NULL;
	size_t size;
	FILE *file;
	int fd;

	argc -= constants + compare;
	argv += constants + compare;
	if (argc > 2 && argc != 4)
		errx(2, "usage: textdump [-c | -e] [FILE [SYMBOL OFFSETS]]");

	fd = open("/proc/kcore", O_RDONLY);
	if (fd < 0)
		err(2, "/proc/kcore");
	size = read_part(fd, "_stext", "_etext", &text, 0);
	if (constants)
		size = read_part(fd, "__start_rodata", "__start_ro_after_init", &text, size);
	if (argc == 4)
		size = read_places(fd, argv[2], argv[3], &text, size);
	close(fd);

	if (argc < 2) {
		printf("%016" PRIx64 " %zu\n", fnv1a(text, size), size);
	} else if (compare) {
		status = !is_same(argv[1], text, size);
	} else {
		file = fopen(argv[1], "wb");
		if (!file || fwrite(text, 1, size, file) != size || fclose(file))
			err(2, "%s", argv[1]);
	}
	free(text);
	return status;
}
