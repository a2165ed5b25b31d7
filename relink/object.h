/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A relocatable object as plain arrays: read, edited, written.
 *
 * Everything is checked on reading (gABI chapters 4 and 5): section and symbol
 * indices, names, and that each relocation lies inside its section.  RELA only.
 * Only this file and elfkit/image.c know libelf.
 */
#ifndef ELFKIT_RELINK_OBJECT_H
#define ELFKIT_RELINK_OBJECT_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

#include "elfkit/err.h"

struct object_reloc {
	uint64_t offset;	/* in the section */
	uint32_t type;		/* R_X86_64_* */
	uint32_t symbol;	/* index into symbols */
	int64_t addend;
	bool removed;
};

struct object_section {
	char *name;
	uint32_t type;		/* SHT_* */
	uint64_t flags;		/* SHF_* */
	uint64_t align, entsize;
	uint64_t size;
	uint8_t *data;		/* own copy; NULL for SHT_NOBITS and empty sections */
	uint32_t link, info;	/* as read; meaningful for the types that elfkit keeps */
	struct object_reloc *relocs;
	uint32_t nr_relocs, cap_relocs;
	bool removed;
};

struct object_symbol {
	char *name;
	uint64_t value, size;
	uint32_t section;	/* index into sections; 0 for shndx below */
	uint16_t shndx;		/* SHN_UNDEF, SHN_ABS, SHN_COMMON; 0xffff: in .section */
	uint8_t type, bind, other;
	uint32_t group;		/* STT_FILE group as in elfkit/symbols.h, 0 for globals */
	bool removed;
};

#define SHNDX_SECTION 0xffff

struct object {
	char *path;
	uint16_t machine;
	struct object_section *sections;	/* [0] is the null section */
	uint32_t nr_sections, cap_sections;
	struct object_symbol *symbols;		/* [0] is the null symbol */
	uint32_t nr_symbols, cap_symbols;
	uint32_t nr_groups;
};

struct err *object_read(const char *path, struct object **ret);
void object_free(struct object *object);

/*
 * Writes what is not removed, as a new ET_REL file. Symbols that nothing uses and
 * that are undefined, and those in removed sections, are left out.
 */
struct err *object_write(const struct object *object, const char *path);

/* Each returns the new id; names are copied, @data is taken over (malloc). */
uint32_t object_add_section(struct object *object, const char *name, uint64_t flags, uint64_t align,
			    uint8_t *data, uint64_t size);
uint32_t object_add_symbol(struct object *object, const char *name, uint8_t type, uint8_t bind,
			   uint16_t shndx, uint32_t section, uint64_t value, uint64_t size);
struct object_reloc *object_add_reloc(struct object *object, uint32_t section, uint64_t offset,
				      uint32_t type, uint32_t symbol, int64_t addend);

/* Bytes that a relocation of @type writes (psABI table 4.9); 0 for a type that elfkit does not know. */
unsigned int object_reloc_width(uint32_t type);

/* The section symbol of @section, made where there is none. */
uint32_t object_section_symbol(struct object *object, uint32_t section);

static inline bool object_symbol_defined(const struct object_symbol *s)
{
	return s->shndx == SHNDX_SECTION;
}

#endif
