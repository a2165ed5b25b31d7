/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Builds small 64-bit ELF files from literals.  Between elf_build() and elf_save()
 * a test may damage any byte.  Layout (gABI, chapter 4): header, contents of the
 * sections in order, section headers.
 */
#ifndef T_ELF_BUILDER_H
#define T_ELF_BUILDER_H

#include <elf.h>
#include <stdlib.h>
#include <unistd.h>

#include "t/unit/unit.h"

#define MAX_BUILT 64

struct built_section {
	const char *name;
	Elf64_Shdr header;	/* name and offset are filled in by elf_build() */
	const void *data;
};

struct elf_builder {
	uint16_t type;			/* ET_* */
	struct built_section sections[MAX_BUILT];
	uint32_t nr_sections;
	Elf64_Sym symbols[MAX_BUILT];
	uint32_t nr_symbols;
	Elf64_Rela relas[MAX_BUILT];
	uint32_t rela_section[MAX_BUILT];
	uint32_t nr_relas;
	Elf64_Rela sorted[MAX_BUILT];	/* relas, those of a section together */
	char strtab[4096], shstrtab[4096];
	uint32_t strtab_size, shstrtab_size;
	uint32_t symtab;		/* index of .symtab, once built */
	uint8_t *bytes;			/* the file, once built */
	size_t size;
	char path[32];
};

static UNUSED void elf_init(struct elf_builder *b, uint16_t type)
{
	memset(b, 0, sizeof(*b));
	b->type = type;
	b->nr_sections = b->nr_symbols = 1;
	b->sections[0].name = "";
	b->strtab_size = b->shstrtab_size = 1;
}

static UNUSED uint32_t elf_string(char *table, uint32_t *size, const char *s)
{
	uint32_t at = *size;

	strcpy(table + at, s);
	*size += strlen(s) + 1;
	return at;
}

/* @data is borrowed until elf_build(). Returns the index of the section. */
static UNUSED uint32_t elf_section(struct elf_builder *b, const char *name, uint32_t type, uint64_t flags,
				   uint64_t addr, const void *data, uint64_t size)
{
	assert_true(b->nr_sections < MAX_BUILT);
	b->sections[b->nr_sections] = (struct built_section){
		.name = name,
		.header = {
			.sh_type = type, .sh_flags = flags, .sh_addr = addr, .sh_size = size,
			.sh_addralign = 8,
		},
		.data = data,
	};
	return b->nr_sections++;
}

/* Symbols stand in the file as they are added: local ones belong first. Returns the index. */
static UNUSED uint32_t elf_symbol(struct elf_builder *b, const char *name, uint8_t type, uint8_t bind,
				  uint16_t shndx, uint64_t value, uint64_t size)
{
	assert_true(b->nr_symbols < MAX_BUILT);
	b->symbols[b->nr_symbols] = (Elf64_Sym){
		.st_name = *name ? elf_string(b->strtab, &b->strtab_size, name) : 0,
		.st_info = ELF64_ST_INFO(bind, type),
		.st_shndx = shndx,
		.st_value = value,
		.st_size = size,
	};
	return b->nr_symbols++;
}

static UNUSED void elf_source(struct elf_builder *b, const char *name)
{
	elf_symbol(b, name, STT_FILE, STB_LOCAL, SHN_ABS, 0, 0);
}

static UNUSED void elf_rela(struct elf_builder *b, uint32_t section, uint64_t offset, uint32_t type,
			    uint32_t symbol, int64_t addend)
{
	assert_true(b->nr_relas < MAX_BUILT);
	b->rela_section[b->nr_relas] = section;
	b->relas[b->nr_relas++] = (Elf64_Rela){ offset, ELF64_R_INFO((uint64_t)symbol, type), addend };
}

static UNUSED void add_rela_sections(struct elf_builder *b)
{
	uint32_t n = b->nr_sections, done = 0;

	for (uint32_t i = 1; i < n; i++) {
		uint32_t first = done, s;

		for (uint32_t r = 0; r < b->nr_relas; r++)
			if (b->rela_section[r] == i)
				b->sorted[done++] = b->relas[r];
		if (done == first)
			continue;
		s = elf_section(b, ".rela", SHT_RELA, 0, 0, &b->sorted[first], (done - first) * sizeof(Elf64_Rela));
		b->sections[s].header.sh_info = i;
		b->sections[s].header.sh_entsize = sizeof(Elf64_Rela);
	}
	for (uint32_t i = n; i < b->nr_sections; i++)
		b->sections[i].header.sh_link = b->nr_sections;	/* .symtab comes next */
}

static UNUSED void add_tables(struct elf_builder *b)
{
	Elf64_Shdr *symtab;

	b->symtab = elf_section(b, ".symtab", SHT_SYMTAB, 0, 0, b->symbols, b->nr_symbols * sizeof(Elf64_Sym));
	symtab = &b->sections[b->symtab].header;
	symtab->sh_entsize = sizeof(Elf64_Sym);
	symtab->sh_link = elf_section(b, ".strtab", SHT_STRTAB, 0, 0, b->strtab, b->strtab_size);
	symtab->sh_info = b->nr_symbols;
	for (uint32_t i = b->nr_symbols; i-- > 1;)
		if (ELF64_ST_BIND(b->symbols[i].st_info) != STB_LOCAL)
			symtab->sh_info = i;
	elf_section(b, ".shstrtab", SHT_STRTAB, 0, 0, b->shstrtab, 0);
	for (uint32_t i = 1; i < b->nr_sections; i++)
		b->sections[i].header.sh_name = elf_string(b->shstrtab, &b->shstrtab_size, b->sections[i].name);
	b->sections[b->nr_sections - 1].header.sh_size = b->shstrtab_size;
}

static UNUSED void elf_build(struct elf_builder *b)
{
	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = b->type,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_shentsize = sizeof(Elf64_Shdr),
	};

	add_rela_sections(b);
	add_tables(b);
	b->bytes = calloc(1, 1 << 16);
	b->size = sizeof(ehdr);
	for (uint32_t i = 1; i < b->nr_sections; i++) {
		struct built_section *s = &b->sections[i];

		b->size = (b->size + 7) & ~(size_t)7;
		s->header.sh_offset = b->size;
		if (s->header.sh_type == SHT_NOBITS || !s->data)
			continue;
		memcpy(b->bytes + b->size, s->data, s->header.sh_size);
		b->size += s->header.sh_size;
	}
	b->size = (b->size + 7) & ~(size_t)7;
	ehdr.e_shoff = b->size;
	ehdr.e_shnum = b->nr_sections;
	ehdr.e_shstrndx = b->nr_sections - 1;
	memcpy(b->bytes, &ehdr, sizeof(ehdr));
	for (uint32_t i = 0; i < b->nr_sections; i++, b->size += sizeof(Elf64_Shdr))
		memcpy(b->bytes + b->size, &b->sections[i].header, sizeof(Elf64_Shdr));
}

static UNUSED Elf64_Ehdr *elf_header(struct elf_builder *b)
{
	return (Elf64_Ehdr *)b->bytes;
}

static UNUSED Elf64_Shdr *elf_section_header(struct elf_builder *b, uint32_t i)
{
	return (Elf64_Shdr *)(b->bytes + elf_header(b)->e_shoff) + i;
}

/* A place in the contents of a section of the built file. */
static UNUSED void *elf_contents(struct elf_builder *b, uint32_t section, uint64_t offset)
{
	return b->bytes + b->sections[section].header.sh_offset + offset;
}

/* Writes the first @size bytes of the file; the same path every time. */
static UNUSED const char *elf_save_part(struct elf_builder *b, size_t size)
{
	FILE *file;

	if (!*b->path) {
		strcpy(b->path, "/tmp/elfkit-unit-XXXXXX");
		close(mkstemp(b->path));
	}
	file = fopen(b->path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(b->bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	return b->path;
}

static UNUSED const char *elf_save(struct elf_builder *b)
{
	return elf_save_part(b, b->size);
}

static UNUSED void elf_release(struct elf_builder *b)
{
	if (*b->path)
		unlink(b->path);
	free(b->bytes);
}

#endif
