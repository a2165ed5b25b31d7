/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A kernel image: sections, symbol table and build-id of a vmlinux.
 *
 * Everything is checked when the file is opened: an image that image_open()
 * returned can be indexed without fear.  Addresses are link-time addresses.
 * Only this file and relink/object.c know libelf.
 */
#ifndef ELFKIT_IMAGE_H
#define ELFKIT_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

#include "elfkit/err.h"

struct image_section {
	const char *name;
	uint64_t addr;
	uint64_t size;
	uint64_t flags;		/* SHF_* */
	uint32_t type;		/* SHT_* */
	uint32_t info;		/* SHT_RELA: the section it is for; may be out of range */
	const uint8_t *data;	/* NULL for SHT_NOBITS and empty sections */
};

struct image {
	char *path;
	uint16_t machine;	/* EM_* */
	struct image_section *sections;	/* [0] is the null section */
	size_t nr_sections;
	const Elf64_Sym *symtab;
	size_t nr_symtab;
	const char *strtab;	/* NUL-terminated; every st_name lies inside */
	uint8_t build_id[32];
	size_t build_id_len;	/* 0: none */
	uint64_t file_size;
	struct image_file *file;
};

/* A symbol or section with a longer name is damaged: the kernel knows none above KSYM_NAME_LEN, which is 512. */
#define NAME_SIZE_MAX 1024

/*
 * Opens a fully linked 64-bit little-endian ELF file (gABI: ET_EXEC or ET_DYN)
 * that has a symbol table. The image owns all it points to.
 */
struct err *image_open(const char *path, struct image **ret);
void image_free(struct image *image);

/* The allocated section that holds @addr, or NULL. */
const struct image_section *image_section_at(const struct image *image, uint64_t addr);
const struct image_section *image_section_named(const struct image *image, const char *name);

/* @len bytes of the file at link-time address @addr, or NULL where there are none. */
const uint8_t *image_bytes(const struct image *image, uint64_t addr, uint64_t len);

/*
 * A kernel's code is not written to: 7.3 links something executable into .data, and all of
 * that has the flag then.
 */
static inline bool image_section_is_code(const struct image_section *s)
{
	return (s->flags & SHF_ALLOC) && (s->flags & SHF_EXECINSTR) && !(s->flags & SHF_WRITE) && s->data;
}

#endif
