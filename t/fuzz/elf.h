/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Damage that knows ELF: a field of the header, of a section header, of a symbol or of a relocation is changed, or
 * a byte of a section that is read.  What strikes a file blindly spends its time in front of the first check.
 */
#ifndef T_FUZZ_ELF_H
#define T_FUZZ_ELF_H

#include <elf.h>

#include "t/fuzz/fuzz.h"

static unsigned int next(unsigned int *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 8;
}

/* A field of @len bytes gets an extreme, a small step, a value below @limit, or one about it: checks can be off by one. */
static void change_field(uint8_t *field, size_t len, uint64_t limit, unsigned int *seed)
{
	uint64_t value = 0;

	memcpy(&value, field, len);
	switch (next(seed) % 8) {
	case 0:
		value = 0;
		break;
	case 1:
		value = ~0ULL;
		break;
	case 2:
		value += 1 + next(seed) % 16;
		break;
	case 3:
		value -= 1 + next(seed) % 16;
		break;
	case 4:
		value ^= 1ULL << next(seed) % (8 * len);
		break;
	case 5:
		value = limit + 8 - next(seed) % 17;
		break;
	default:
		value = limit ? next(seed) % limit : next(seed);
	}
	memcpy(field, &value, len);
}

/* What a field's value must stay below to make sense, and so what it is changed to. */
enum limit { ANY, FILE_SIZE, NR_SECTIONS, NR_SYMBOLS, NAMES, SECTION_SIZE, RELOC_TYPES };

struct field {
	uint8_t offset, len;
	enum limit limit;
};

#define FIELD(type, member, limit) { offsetof(type, member), sizeof(((type *)0)->member), limit }

static const struct field section_fields[] = {
	FIELD(Elf64_Shdr, sh_name, NAMES), FIELD(Elf64_Shdr, sh_type, ANY), FIELD(Elf64_Shdr, sh_flags, ANY),
	FIELD(Elf64_Shdr, sh_addr, ANY), FIELD(Elf64_Shdr, sh_offset, FILE_SIZE), FIELD(Elf64_Shdr, sh_size, FILE_SIZE),
	FIELD(Elf64_Shdr, sh_link, NR_SECTIONS), FIELD(Elf64_Shdr, sh_info, NR_SECTIONS),
	FIELD(Elf64_Shdr, sh_addralign, ANY), FIELD(Elf64_Shdr, sh_entsize, ANY),
};
static const struct field symbol_fields[] = {
	FIELD(Elf64_Sym, st_name, NAMES), FIELD(Elf64_Sym, st_info, ANY), FIELD(Elf64_Sym, st_other, ANY),
	FIELD(Elf64_Sym, st_shndx, NR_SECTIONS), FIELD(Elf64_Sym, st_value, SECTION_SIZE),
	FIELD(Elf64_Sym, st_size, SECTION_SIZE),
};
/* r_info is two: type, then symbol */
static const struct field reloc_fields[] = {
	FIELD(Elf64_Rela, r_offset, SECTION_SIZE), { 8, 4, RELOC_TYPES }, { 12, 4, NR_SYMBOLS },
	FIELD(Elf64_Rela, r_addend, SECTION_SIZE),
};

/* An ELF file whose section headers can be found; what it says is held against @size only where it is used. */
struct elf {
	uint8_t *data;
	size_t size;
	Elf64_Ehdr ehdr;
};

static int elf_open(struct elf *elf, uint8_t *data, size_t size)
{
	*elf = (struct elf){ .data = data, .size = size };
	if (size < sizeof(elf->ehdr))
		return 0;
	memcpy(&elf->ehdr, data, sizeof(elf->ehdr));
	return elf->ehdr.e_shnum && elf->ehdr.e_shoff <= size &&
	       (size - elf->ehdr.e_shoff) / sizeof(Elf64_Shdr) >= elf->ehdr.e_shnum;
}

static Elf64_Shdr section_of(const struct elf *elf, uint32_t i)
{
	Elf64_Shdr shdr = { 0 };

	if (i < elf->ehdr.e_shnum)
		memcpy(&shdr, elf->data + elf->ehdr.e_shoff + i * sizeof(shdr), sizeof(shdr));
	return shdr;
}

static int has_bytes(const struct elf *elf, const Elf64_Shdr *shdr)
{
	return shdr->sh_type != SHT_NOBITS && shdr->sh_size && shdr->sh_offset <= elf->size &&
	       shdr->sh_size <= elf->size - shdr->sh_offset;
}

/* @names: the section of strings; @symbols: how many there are; @home: the section that the record speaks of */
static uint64_t limit_of(const struct elf *elf, enum limit limit, uint32_t names, uint64_t symbols, uint32_t home)
{
	switch (limit) {
	case FILE_SIZE:
		return elf->size;
	case NR_SECTIONS:
		return elf->ehdr.e_shnum;
	case NR_SYMBOLS:
		return symbols;
	case NAMES:
		return section_of(elf, names).sh_size;
	case SECTION_SIZE:
		return section_of(elf, home).sh_size;
	case RELOC_TYPES:
		return R_X86_64_NUM;
	default:
		return 0;
	}
}

static void change_header(const struct elf *elf, uint32_t i, unsigned int *seed)
{
	const struct field *field = &section_fields[next(seed) % (sizeof(section_fields) / sizeof(section_fields[0]))];
	uint64_t limit = limit_of(elf, field->limit, elf->ehdr.e_shstrndx, 0, i);

	change_field(elf->data + elf->ehdr.e_shoff + i * sizeof(Elf64_Shdr) + field->offset, field->len, limit, seed);
}

static void change_symbol(const struct elf *elf, const Elf64_Shdr *shdr, unsigned int *seed)
{
	const struct field *field = &symbol_fields[next(seed) % (sizeof(symbol_fields) / sizeof(symbol_fields[0]))];
	uint8_t *at = elf->data + shdr->sh_offset + next(seed) % (shdr->sh_size / sizeof(Elf64_Sym)) * sizeof(Elf64_Sym);
	Elf64_Sym sym;

	memcpy(&sym, at, sizeof(sym));
	change_field(at + field->offset, field->len, limit_of(elf, field->limit, shdr->sh_link, 0, sym.st_shndx), seed);
}

static void change_reloc(const struct elf *elf, const Elf64_Shdr *shdr, unsigned int *seed)
{
	const struct field *field = &reloc_fields[next(seed) % (sizeof(reloc_fields) / sizeof(reloc_fields[0]))];
	uint8_t *at = elf->data + shdr->sh_offset + next(seed) % (shdr->sh_size / sizeof(Elf64_Rela)) * sizeof(Elf64_Rela);
	uint64_t symbols = section_of(elf, shdr->sh_link).sh_size / sizeof(Elf64_Sym);

	change_field(at + field->offset, field->len, limit_of(elf, field->limit, 0, symbols, shdr->sh_info), seed);
}

/* DWARF is numbers of one byte to eight, at no place that is told by the section alone. */
static void change_bytes(const struct elf *elf, const Elf64_Shdr *shdr, unsigned int *seed)
{
	static const uint8_t widths[] = { 1, 1, 1, 1, 2, 4, 8 };
	size_t at = next(seed) % shdr->sh_size, len = widths[next(seed) % sizeof(widths)];

	change_field(elf->data + shdr->sh_offset + at, len > shdr->sh_size - at ? 1 : len, shdr->sh_size, seed);
}

/* Whether there was something to change. */
static int change_elf(const struct elf *elf, unsigned int *seed)
{
	uint32_t i = next(seed) % elf->ehdr.e_shnum;
	Elf64_Shdr shdr = section_of(elf, i);

	if (next(seed) % 8 == 0) {
		change_header(elf, i, seed);
		return 1;
	}
	if (!has_bytes(elf, &shdr))
		return 0;
	if (shdr.sh_type == SHT_SYMTAB && shdr.sh_size >= sizeof(Elf64_Sym))
		change_symbol(elf, &shdr, seed);
	else if (shdr.sh_type == SHT_RELA && shdr.sh_size >= sizeof(Elf64_Rela))
		change_reloc(elf, &shdr, seed);
	else
		change_bytes(elf, &shdr, seed);
	return 1;
}

/* One time in eight libFuzzer's own damage, which also cuts and joins. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct elf elf;
	int changed = 0;

	next(&seed);
	if (next(&seed) % 8)
		for (unsigned int i = 0, n = 1 + next(&seed) % 4; i < n && elf_open(&elf, data, size); i++)
			changed |= change_elf(&elf, &seed);
	return changed ? size : LLVMFuzzerMutate(data, size, max_size);
}

#endif
