/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The symbol table of an image, found by address, by name and by source file.
 *
 * Local names repeat in a kernel, so a local symbol is told apart by its *file
 * group*: the run of local symbols behind one STT_FILE symbol (gABI, "Symbol
 * Table").  Group 0 holds the symbols that belong to no file.
 */
#ifndef ELFKIT_SYMBOLS_H
#define ELFKIT_SYMBOLS_H

#include "elfkit/image.h"

#define NO_ID UINT32_MAX

struct symbol {
	const char *name;	/* owned by the image */
	uint64_t value;
	uint64_t size;
	uint32_t group;		/* index into symbols.groups */
	uint16_t shndx;
	uint8_t type;		/* STT_* */
	uint8_t bind;		/* STB_* */
	bool exported;		/* in __ksymtab or __ksymtab_gpl */
};

struct symbols {
	struct symbol *v;
	uint32_t n;
	uint32_t *by_addr;	/* ids by value, then size (largest first), then name */
	uint32_t *by_name;	/* ids by name, then global before local, then value */
	const char **groups;	/* name of each STT_FILE group; [0] is "" */
	uint32_t nr_groups;
};

/* Reads all named, defined symbols but sections and files. */
struct symbols *symbols_read(const struct image *image);
void symbols_free(struct symbols *symbols);

/* The global or weak symbol @name, or NO_ID. */
uint32_t symbols_find_global(const struct symbols *symbols, const char *name);

/* The only symbol @name of file group @group, or NO_ID where there is none or more than one. */
uint32_t symbols_find_local(const struct symbols *symbols, uint32_t group, const char *name);

/* The first symbol @name of any binding, or NO_ID. */
uint32_t symbols_find(const struct symbols *symbols, const char *name);

/*
 * Where a symbol stands among those of its name, by address and from 1, as livepatch and kallsyms count
 * (sympos); @total: how many there are.
 */
uint32_t symbols_rank(const struct symbols *symbols, uint32_t id, uint32_t *total);

/* Position in by_addr of the first symbol at or above @addr; may be n. */
uint32_t symbols_lower_bound(const struct symbols *symbols, uint64_t addr);

#endif
