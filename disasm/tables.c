// SPDX-License-Identifier: GPL-2.0
/*
 * Tables by the symbols that the kernel's linker script puts around them
 * (include/asm-generic/vmlinux.lds.h, arch/x86/kernel/vmlinux.lds.S).
 *
 * These need no entry here, since a 32-bit distance is no pointer and what is not
 * listed is read for pointers only: exception table, bug table, the keys of static
 * calls' trampolines, ORC, SMP locks, retpoline, return and call sites, endbr seals,
 * alternatives.  All of them name places in code.  The initial target of a static call
 * is in its key, a plain pointer, and in the jump of its trampoline, which is code.
 */
#include <string.h>

#include "disasm/tables.h"

static const struct {
	const char *start, *stop;
	enum table_kind kind;
	uint8_t entry, key, key_size;
} known[] = {
	/* the fentry call of each function, what must not be probed or may be made to fail,
	   and the calls that paravirt rewrites: pointers to places */
	{ "__start_mcount_loc", "__stop_mcount_loc", TABLE_PLACES, 0, 0, 0 },
	{ "__start_kprobe_blacklist", "__stop_kprobe_blacklist", TABLE_PLACES, 0, 0, 0 },
	{ "__start_error_injection_whitelist", "__stop_error_injection_whitelist", TABLE_PLACES, 0, 0, 0 },
	{ "__parainstructions", "__parainstructions_end", TABLE_PLACES, 0, 0, 0 },
	/* what modules may call, what boot calls, what fits a PCI device
	   (CONFIG_HAVE_ARCH_PREL32_RELOCATIONS; plain pointers without it) */
	{ "__start___ksymtab", "__stop___ksymtab", TABLE_DISTANCES, 0, 0, 0 },
	{ "__start___ksymtab_gpl", "__stop___ksymtab_gpl", TABLE_DISTANCES, 0, 0, 0 },
	{ "__initcall_start", "__initcall_end", TABLE_DISTANCES, 0, 0, 0 },
	{ "__con_initcall_start", "__con_initcall_end", TABLE_DISTANCES, 0, 0, 0 },
	{ "__start_pci_fixups_early", "__end_pci_fixups_suspend_late", TABLE_DISTANCES, 0, 0, 0 },
	{ "__start___tracepoints_ptrs", "__stop___tracepoints_ptrs", TABLE_DISTANCES, 0, 0, 0 },
	/* branches that static keys rewrite (struct jump_entry with CONFIG_HAVE_ARCH_JUMP_LABEL_RELATIVE)
	   and calls that static calls rewrite (struct static_call_site) */
	{ "__start___jump_table", "__stop___jump_table", TABLE_KEYS, 16, 8, 8 },
	{ "__start_static_call_sites", "__stop_static_call_sites", TABLE_KEYS, 8, 4, 4 },
};

#define NR_KNOWN (sizeof(known) / sizeof(known[0]))

static bool find_range(const struct symbols *symbols, const char *start, const char *stop, uint64_t *low,
		       uint64_t *high)
{
	uint32_t from = symbols_find(symbols, start), to = symbols_find(symbols, stop);

	if (from == NO_ID || to == NO_ID || symbols->v[from].value >= symbols->v[to].value)
		return false;
	*low = symbols->v[from].value;
	*high = symbols->v[to].value;
	return true;
}

static int compare_tables(const void *a, const void *b)
{
	const struct table *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static void find_tables(const struct symbols *symbols, struct tables *ret)
{
	uint32_t n = 0;

	ret->v = xcalloc(NR_KNOWN, sizeof(*ret->v));
	for (size_t i = 0; i < NR_KNOWN; i++)
		if (find_range(symbols, known[i].start, known[i].stop, &ret->v[n].low, &ret->v[n].high)) {
			ret->v[n].kind = known[i].kind;
			ret->v[n].entry = known[i].entry;
			ret->v[n].key = known[i].key;
			ret->v[n++].key_size = known[i].key_size;
		}
	qsort(ret->v, n, sizeof(*ret->v), compare_tables);
	/* tables overlap in a damaged image only: the first one stands */
	for (uint32_t i = 0; i < n; i++)
		if (!ret->n || ret->v[i].low >= ret->v[ret->n - 1].high)
			ret->v[ret->n++] = ret->v[i];
}

/*
 * struct alt_instr begins with the distances to the instruction and to its
 * replacement and holds the length of both, the latter's last.  Its size has changed (12 bytes
 * once, 13 with the length of a padding, 14 with wider flags), and only with the
 * right one does every entry make sense.
 */
static const struct {
	uint8_t size, length;	/* bytes; offset of the replacement's length */
} alt_instr[] = { { 12, 11 }, { 14, 13 }, { 13, 11 } };

/* Newer kernels have code for kexec in .data: writable is no sign. */
static const struct image_section *code_at(const struct image *image, uint64_t addr)
{
	const struct image_section *s = image_section_at(image, addr);

	return s && (s->flags & SHF_EXECINSTR) ? s : NULL;
}

static bool read_alternatives(const struct image *image, uint64_t low, const uint8_t *bytes, uint64_t size,
			      uint8_t entry, uint8_t length, struct alternative *ret)
{
	if (size % entry)
		return false;
	for (uint64_t at = 0; at < size; at += entry, ret++) {
		uint8_t replacement = bytes[at + length];
		const struct image_section *section;
		int32_t distance[2];

		memcpy(distance, bytes + at, sizeof(distance));
		ret->site = low + at + distance[0];
		ret->low = low + at + 4 + distance[1];
		ret->high = ret->low + replacement;
		ret->site_size = bytes[at + length - 1];
		/* one of no bytes may stand at the end of its section */
		section = code_at(image, replacement ? ret->low : ret->low - 1);
		if (!code_at(image, ret->site) || !section || ret->high > section->addr + section->size)
			return false;
	}
	return true;
}

static int compare_alternatives(const void *a, const void *b)
{
	const struct alternative *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return x->high < y->high ? -1 : x->high > y->high;
}

static void find_alternatives(const struct image *image, const struct symbols *symbols, struct tables *ret)
{
	uint64_t low, high;
	const uint8_t *bytes;

	if (!find_range(symbols, "__alt_instructions", "__alt_instructions_end", &low, &high))
		return;
	bytes = image_bytes(image, low, high - low);
	if (!bytes)
		return;
	ret->alternatives = xcalloc((high - low) / 12 + 1, sizeof(*ret->alternatives));
	for (size_t i = 0; i < sizeof(alt_instr) / sizeof(alt_instr[0]) && !ret->nr_alternatives; i++)
		if (read_alternatives(image, low, bytes, high - low, alt_instr[i].size, alt_instr[i].length,
				      ret->alternatives))
			ret->nr_alternatives = (high - low) / alt_instr[i].size;
	ret->unknown_alternatives = !ret->nr_alternatives;
	qsort(ret->alternatives, ret->nr_alternatives, sizeof(*ret->alternatives), compare_alternatives);
}

void tables_find(const struct image *image, const struct symbols *symbols, struct tables *ret)
{
	memset(ret, 0, sizeof(*ret));
	find_tables(symbols, ret);
	find_alternatives(image, symbols, ret);
}

void tables_release(struct tables *tables)
{
	free(tables->v);
	free(tables->alternatives);
}

const struct table *tables_from(const struct tables *tables, uint64_t addr)
{
	for (uint32_t i = 0; i < tables->n; i++)
		if (tables->v[i].high > addr)
			return &tables->v[i];
	return NULL;
}

uint64_t tables_alternative_site(const struct tables *tables, uint64_t addr)
{
	uint32_t lo = 0, hi = tables->nr_alternatives;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (tables->alternatives[mid].low <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr < tables->alternatives[lo - 1].high ? tables->alternatives[lo - 1].site : 0;
}
