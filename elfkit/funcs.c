// SPDX-License-Identifier: GPL-2.0
/*
 * Functions from symbols, joined with DWARF by address.
 */
#include <string.h>

#include "elfkit/funcs.h"

/*
 * Assembly may use symbols without a type for code that is entered like a
 * function (SYM_CODE_START in include/linux/linkage.h): those with a size count.
 */
static bool is_function(const struct image *image, const struct symbol *s)
{
	const struct image_section *section;

	if (s->type != STT_FUNC && !(s->type == STT_NOTYPE && s->size))
		return false;
	if (!s->size || s->shndx >= image->nr_sections)
		return false;
	section = &image->sections[s->shndx];
	return image_section_is_code(section) && s->value >= section->addr &&
	       s->value - section->addr < section->size &&
	       s->size <= section->size - (s->value - section->addr);
}

/* One function an address: the largest symbol names it, a global one before a local one. */
static void add_funcs(struct funcs *funcs)
{
	const struct symbols *symbols = funcs->symbols;
	uint32_t cap = 0;

	for (uint32_t i = 0; i < symbols->n; i++) {
		uint32_t id = symbols->by_addr[i];
		const struct symbol *s = &symbols->v[id];
		struct func *last = funcs->n ? &funcs->v[funcs->n - 1] : NULL;

		if (!is_function(funcs->image, s))
			continue;
		if (last && last->low == s->value) {
			if (symbols->v[last->symbol].bind == STB_LOCAL && s->bind != STB_LOCAL) {
				last->symbol = id;
				last->name = s->name;
			}
			last->exported |= s->exported;
			continue;
		}
		GROW(funcs->v, funcs->n, cap);
		funcs->v[funcs->n++] = (struct func){
			.name = s->name,
			.low = s->value,
			.high = s->value + s->size,
			.symbol = id,
			.section = s->shndx,
			.parent = NO_ID,
			.source = NO_ID,
			.exported = s->exported,
		};
	}
}

uint32_t funcs_starting_at(const struct funcs *funcs, uint64_t addr)
{
	uint32_t id = funcs_at(funcs, addr);

	return id != NO_ID && funcs->v[id].low == addr ? id : NO_ID;
}

static void join_debuginfo(struct funcs *funcs)
{
	const struct debuginfo *info = funcs->debuginfo;

	for (uint32_t c = 0; c < info->nr_codes; c++) {
		uint32_t entry = funcs_starting_at(funcs, info->codes[c].ranges[0].low);

		if (entry == NO_ID)
			continue;
		funcs->v[entry].source = info->codes[c].func;
		for (uint32_t r = 1; r < info->codes[c].nr_ranges; r++) {
			uint32_t part = funcs_starting_at(funcs, info->codes[c].ranges[r].low);

			if (part != NO_ID && part != entry) {
				funcs->v[part].parent = entry;
				funcs->v[part].source = info->codes[c].func;
			}
		}
	}
}

/* The unit of the closest function before (@step -1) or behind (@step 1) that DWARF describes. */
static uint32_t neighbour_unit(const struct funcs *funcs, uint32_t func, int step)
{
	for (int i = 1; i <= 3; i++) {
		uint32_t near = func + step * i;

		if (near < funcs->n && funcs->v[near].source != NO_ID)
			return funcs->debuginfo->funcs[funcs->v[near].source].unit;
	}
	return NO_ID;
}

/*
 * gcc makes a function that equals another into a jump there (-fipa-icf), and DWARF has no
 * code for it: a global one is found by its name.  It must lie among the code of its unit,
 * or the name is somebody else's: weak functions are overridden.
 */
static void join_folded(struct funcs *funcs)
{
	const struct debuginfo *info = funcs->debuginfo;

	for (uint32_t i = 0; i < info->nr_funcs; i++) {
		uint32_t symbol, func;

		if (info->funcs[i].has_code || !info->funcs[i].external)
			continue;
		symbol = symbols_find_global(funcs->symbols, info->funcs[i].name);
		func = symbol == NO_ID ? NO_ID : funcs_starting_at(funcs, funcs->symbols->v[symbol].value);
		if (func != NO_ID && funcs->v[func].source == NO_ID &&
		    neighbour_unit(funcs, func, -1) == info->funcs[i].unit &&
		    neighbour_unit(funcs, func, 1) == info->funcs[i].unit)
			funcs->v[func].source = i;
	}
}

/*
 * The kernel lists every `call __fentry__` in __mcount_loc, between two symbols
 * of its linker script (include/asm-generic/vmlinux.lds.h).
 */
static void mark_traced(struct funcs *funcs)
{
	uint32_t start = symbols_find(funcs->symbols, "__start_mcount_loc");
	uint32_t stop = symbols_find(funcs->symbols, "__stop_mcount_loc");
	uint64_t low, high, addr;

	if (start == NO_ID || stop == NO_ID)
		return;
	low = funcs->symbols->v[start].value;
	high = funcs->symbols->v[stop].value;
	for (uint64_t at = low; at < high; at += sizeof(addr)) {
		const uint8_t *bytes = image_bytes(funcs->image, at, sizeof(addr));
		uint32_t id;

		if (!bytes)
			return;
		memcpy(&addr, bytes, sizeof(addr));
		id = funcs_at(funcs, addr);
		if (id != NO_ID && addr - funcs->v[id].low <= sizeof(machine_of(EM_X86_64)->landing_pad))
			funcs->v[id].traced = true;
	}
}

struct funcs *funcs_build(const struct image *image, const struct symbols *symbols,
			  const struct debuginfo *debuginfo)
{
	struct funcs *funcs = xcalloc(1, sizeof(*funcs));

	funcs->image = image;
	funcs->symbols = symbols;
	funcs->debuginfo = debuginfo;
	add_funcs(funcs);
	join_debuginfo(funcs);
	join_folded(funcs);
	mark_traced(funcs);
	return funcs;
}

void funcs_free(struct funcs *funcs)
{
	if (!funcs)
		return;
	free(funcs->v);
	free(funcs);
}

uint32_t funcs_at(const struct funcs *funcs, uint64_t addr)
{
	uint32_t lo = 0, hi = funcs->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (funcs->v[mid].low <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr < funcs->v[lo - 1].high ? lo - 1 : NO_ID;
}

char *funcs_place(const struct funcs *funcs, uint64_t addr)
{
	const struct image_section *section = image_section_at(funcs->image, addr);
	uint32_t func = funcs_at(funcs, addr);
	uint32_t i;

	if (func != NO_ID)
		return xasprintf("%s+0x%lx", funcs->v[func].name,
				 (unsigned long)(addr - funcs->v[func].low));
	i = symbols_lower_bound(funcs->symbols, addr + 1);
	while (i-- > 0) {
		const struct symbol *s = &funcs->symbols->v[funcs->symbols->by_addr[i]];

		if (addr - s->value > 0x10000)
			break;
		if (s->type == STT_OBJECT && addr - s->value < s->size)
			return xasprintf("%s+0x%lx", s->name, (unsigned long)(addr - s->value));
	}
	return xasprintf("%s+0x%lx", section ? section->name : "?",
			 (unsigned long)(addr - (section ? section->addr : 0)));
}

const struct debug_func *funcs_source(const struct funcs *funcs, uint32_t func)
{
	uint32_t source = funcs->v[func].source;

	return source == NO_ID ? NULL : &funcs->debuginfo->funcs[source];
}
