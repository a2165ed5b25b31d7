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

/* A field of @len bytes gets an extreme, a small step, or a value that fits into @limit. */
static void change_field(uint8_t *field, size_t len, uint64_t limit, unsigned int *seed)
{
	uint64_t value = 0;

	memcpy(&value, field, len);
	switch (next(seed) % 6) {
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
	default:
		value = limit ? next(seed) % limit : next(seed);
	}
	memcpy(field, &value, len);
}

struct field {
	uint8_t offset, len;
};

#define FIELD(type, member) { offsetof(type, member), sizeof(((type *)0)->member) }

static const struct field section_fields[] = {
	FIELD(Elf64_Shdr, sh_name), FIELD(Elf64_Shdr, sh_type), FIELD(Elf64_Shdr, sh_flags), FIELD(Elf64_Shdr, sh_addr),
	FIELD(Elf64_Shdr, sh_offset), FIELD(Elf64_Shdr, sh_size), FIELD(Elf64_Shdr, sh_link), FIELD(Elf64_Shdr, sh_info),
	FIELD(Elf64_Shdr, sh_addralign), FIELD(Elf64_Shdr, sh_entsize),
};
static const struct field symbol_fields[] = {
	FIELD(Elf64_Sym, st_name), FIELD(Elf64_Sym, st_info), FIELD(Elf64_Sym, st_other), FIELD(Elf64_Sym, st_shndx),
	FIELD(Elf64_Sym, st_value), FIELD(Elf64_Sym, st_size),
};
/* r_info is two: type, then symbol */
static const struct field reloc_fields[] = {
	FIELD(Elf64_Rela, r_offset), { 8, 4 }, { 12, 4 }, FIELD(Elf64_Rela, r_addend),
};

static void change_one(uint8_t *record, const struct field *fields, size_t n, uint64_t limit, unsigned int *seed)
{
	const struct field *field = &fields[next(seed) % n];

	change_field(record + field->offset, field->len, limit, seed);
}

/* Whether there was something to change. */
static int change_elf(uint8_t *data, size_t size, unsigned int *seed)
{
	uint64_t limit, offset, at;
	Elf64_Ehdr ehdr;
	Elf64_Shdr shdr;

	if (size < sizeof(ehdr))
		return 0;
	memcpy(&ehdr, data, sizeof(ehdr));
	if (!ehdr.e_shnum || ehdr.e_shoff > size || (size - ehdr.e_shoff) / sizeof(shdr) < ehdr.e_shnum)
		return 0;
	offset = ehdr.e_shoff + next(seed) % ehdr.e_shnum * sizeof(shdr);
	memcpy(&shdr, data + offset, sizeof(shdr));
	if (next(seed) % 8 == 0) {
		change_one(data + offset, section_fields, sizeof(section_fields) / sizeof(section_fields[0]), size, seed);
		return 1;
	}
	if (shdr.sh_type == SHT_NOBITS || !shdr.sh_size || shdr.sh_offset > size || shdr.sh_size > size - shdr.sh_offset)
		return 0;
	limit = shdr.sh_size;
	at = shdr.sh_offset;
	if (shdr.sh_type == SHT_SYMTAB && limit >= sizeof(Elf64_Sym))
		change_one(data + at + next(seed) % (limit / sizeof(Elf64_Sym)) * sizeof(Elf64_Sym), symbol_fields,
			   sizeof(symbol_fields) / sizeof(symbol_fields[0]), limit / sizeof(Elf64_Sym), seed);
	else if (shdr.sh_type == SHT_RELA && limit >= sizeof(Elf64_Rela))
		change_one(data + at + next(seed) % (limit / sizeof(Elf64_Rela)) * sizeof(Elf64_Rela), reloc_fields,
			   sizeof(reloc_fields) / sizeof(reloc_fields[0]), limit / sizeof(Elf64_Rela), seed);
	else
		change_field(data + at + next(seed) % limit, 1, 0, seed);
	return 1;
}

/* One time in eight libFuzzer's own damage, which also cuts and joins. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	int changed = 0;

	next(&seed);
	if (next(&seed) % 8)
		for (unsigned int i = 0, n = 1 + next(&seed) % 4; i < n; i++)
			changed |= change_elf(data, size, &seed);
	return changed ? size : LLVMFuzzerMutate(data, size, max_size);
}

#endif
