/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables of a kernel image that hold code addresses in another form than plain
 * pointers, or for another reason than to call what is there.
 */
#ifndef ELFKIT_DISASM_TABLES_H
#define ELFKIT_DISASM_TABLES_H

#include "elfkit/image.h"
#include "elfkit/symbols.h"

enum table_kind {
	TABLE_PLACES,		/* names places in code: no address is taken */
	TABLE_DISTANCES,	/* takes addresses as 32-bit distances from each field */
	TABLE_KEYS,		/* names places in code and the object that each depends on, as distances */
};

struct table {
	uint64_t low, high;
	enum table_kind kind;
	uint8_t entry;			/* TABLE_KEYS: bytes of an entry, which begins with the place, ... */
	uint8_t key, key_size;		/* ... offset and size of its key, whose low two bits are flags */
};

/* Code in .altinstr_replacement that the kernel may copy over the code at @site. */
struct alternative {
	uint64_t low, high;
	uint64_t site;
	uint8_t site_size;	/* bytes of the code that it replaces, padding included */
};

struct tables {
	struct table *v;	/* sorted, without overlap */
	uint32_t n;
	struct alternative *alternatives;	/* sorted by low */
	uint32_t nr_alternatives;
	bool unknown_alternatives;	/* there are some, in a form that is not known */
};

void tables_find(const struct image *image, const struct symbols *symbols, struct tables *ret);
void tables_release(struct tables *tables);

/* The table that holds @addr, else the next one above, or NULL. */
const struct table *tables_from(const struct tables *tables, uint64_t addr);

/* The instruction that the code at @addr replaces; 0: it replaces none. */
uint64_t tables_alternative_site(const struct tables *tables, uint64_t addr);

#endif
