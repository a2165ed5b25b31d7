// SPDX-License-Identifier: GPL-2.0
/* Symbols by address, by name and by source file. */
#include <string.h>

#include "elfkit/parallel.h"
#include "elfkit/symbols.h"

/*
 * What is compared first stands beside the id, so that most comparisons need not
 * go through the symbol: the address, or the first eight bytes of the name.
 */
struct keyed {
	uint64_t key;
	uint32_t id;
};

static int compare_by_addr(const void *a, const void *b, void *arg)
{
	const struct keyed *i = a, *k = b;
	const struct symbol *v = arg, *x = &v[i->id], *y = &v[k->id];
	int cmp;

	if (i->key != k->key)
		return i->key < k->key ? -1 : 1;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	cmp = strcmp(x->name, y->name);
	return cmp ?: i->id < k->id ? -1 : i->id > k->id;
}

static int compare_by_name(const void *a, const void *b, void *arg)
{
	const struct keyed *i = a, *k = b;
	const struct symbol *v = arg, *x = &v[i->id], *y = &v[k->id];
	int cmp;

	if (i->key != k->key)
		return i->key < k->key ? -1 : 1;
	cmp = strcmp(x->name, y->name);
	if (cmp)
		return cmp;
	if ((x->bind == STB_LOCAL) != (y->bind == STB_LOCAL))
		return x->bind == STB_LOCAL ? 1 : -1;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return i->id < k->id ? -1 : i->id > k->id;
}

/* Orders as strcmp() does: big-endian, and zero behind the end. */
static uint64_t name_key(const char *name)
{
	uint64_t key = 0;

	for (int i = 0, shift = 56; i < 8 && name[i]; i++, shift -= 8)
		key |= (uint64_t)(uint8_t)name[i] << shift;
	return key;
}

static void sort(void *arg, uint32_t by_name)
{
	struct symbols *symbols = arg;
	struct keyed *keyed = xcalloc(symbols->n, sizeof(*keyed));
	uint32_t *ids = xcalloc(symbols->n, sizeof(*ids));

	for (uint32_t i = 0; i < symbols->n; i++)
		keyed[i] = (struct keyed){ by_name ? name_key(symbols->v[i].name) : symbols->v[i].value, i };
	qsort_r(keyed, symbols->n, sizeof(*keyed), by_name ? compare_by_name : compare_by_addr, symbols->v);
	for (uint32_t i = 0; i < symbols->n; i++)
		ids[i] = keyed[i].id;
	free(keyed);
	*(by_name ? &symbols->by_name : &symbols->by_addr) = ids;
}

/* First position in by_name whose name is not below @name. */
static uint32_t name_lower_bound(const struct symbols *symbols, const char *name)
{
	uint32_t lo = 0, hi = symbols->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (strcmp(symbols->v[symbols->by_name[mid]].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * EXPORT_SYMBOL(foo) leaves an entry labelled __ksymtab_foo in the section
 * __ksymtab or __ksymtab_gpl (include/linux/export.h, export-internal.h).
 */
static void mark_exported(struct symbols *symbols)
{
	static const char prefix[] = "__ksymtab_";

	for (uint32_t i = name_lower_bound(symbols, prefix); i < symbols->n; i++) {
		const char *name = symbols->v[symbols->by_name[i]].name;
		uint32_t id;

		if (strncmp(name, prefix, strlen(prefix)))
			break;
		id = symbols_find_global(symbols, name + strlen(prefix));
		if (id != NO_ID)
			symbols->v[id].exported = true;
	}
}

struct symbols *symbols_read(const struct image *image)
{
	struct symbols *symbols = xcalloc(1, sizeof(*symbols));
	uint32_t group = 0, cap_groups = 0;

	symbols->v = xcalloc(image->nr_symtab, sizeof(*symbols->v));
	GROW(symbols->groups, symbols->nr_groups, cap_groups);
	symbols->groups[symbols->nr_groups++] = "";

	for (size_t i = 1; i < image->nr_symtab; i++) {
		const Elf64_Sym *sym = &image->symtab[i];
		uint8_t type = ELF64_ST_TYPE(sym->st_info), bind = ELF64_ST_BIND(sym->st_info);
		const char *name = image->strtab + sym->st_name;

		if (type == STT_FILE) {
			/* ld puts linker-made locals behind a FILE symbol without a name */
			group = 0;
			if (*name) {
				GROW(symbols->groups, symbols->nr_groups, cap_groups);
				group = symbols->nr_groups++;
				symbols->groups[group] = name;
			}
			continue;
		}
		if (type == STT_SECTION || sym->st_shndx == SHN_UNDEF || !*name)
			continue;
		symbols->v[symbols->n++] = (struct symbol){
			.name = name,
			.value = sym->st_value,
			.size = sym->st_size,
			.group = bind == STB_LOCAL ? group : 0,
			.shndx = sym->st_shndx,
			.type = type,
			.bind = bind,
		};
	}

	parallel_run(2, sort, symbols);
	mark_exported(symbols);
	return symbols;
}

void symbols_free(struct symbols *symbols)
{
	if (!symbols)
		return;
	free(symbols->v);
	free(symbols->by_addr);
	free(symbols->by_name);
	free(symbols->groups);
	free(symbols);
}

uint32_t symbols_find(const struct symbols *symbols, const char *name)
{
	uint32_t i = name_lower_bound(symbols, name);

	if (i == symbols->n || strcmp(symbols->v[symbols->by_name[i]].name, name))
		return NO_ID;
	return symbols->by_name[i];
}

uint32_t symbols_find_global(const struct symbols *symbols, const char *name)
{
	uint32_t id = symbols_find(symbols, name);

	return id != NO_ID && symbols->v[id].bind != STB_LOCAL ? id : NO_ID;
}

uint32_t symbols_find_local(const struct symbols *symbols, uint32_t group, const char *name)
{
	uint32_t found = NO_ID;

	for (uint32_t i = name_lower_bound(symbols, name); i < symbols->n; i++) {
		uint32_t id = symbols->by_name[i];

		if (strcmp(symbols->v[id].name, name))
			break;
		if (symbols->v[id].bind != STB_LOCAL || symbols->v[id].group != group)
			continue;
		if (found != NO_ID)
			return NO_ID;
		found = id;
	}
	return found;
}

uint32_t symbols_rank(const struct symbols *symbols, uint32_t id, uint32_t *total)
{
	const struct symbol *symbol = &symbols->v[id];
	uint32_t rank = 1;

	*total = 0;
	for (uint32_t i = name_lower_bound(symbols, symbol->name); i < symbols->n; i++) {
		const struct symbol *other = &symbols->v[symbols->by_name[i]];

		if (strcmp(other->name, symbol->name))
			break;
		rank += other->value < symbol->value;
		++*total;
	}
	return rank;
}

uint32_t symbols_lower_bound(const struct symbols *symbols, uint64_t addr)
{
	uint32_t lo = 0, hi = symbols->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (symbols->v[symbols->by_addr[mid]].value < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
