// SPDX-License-Identifier: GPL-2.0
/*
 * Holes in the text of a kernel, from its own tables.
 *
 * Whatever patches the kernel's text does so from a list of places that the linker has put
 * between two symbols (arch/x86/kernel/vmlinux.lds.S, include/asm-generic/vmlinux.lds.h).  Addresses
 * that KASLR moves have such a list only outside of vmlinux, or none is left: they are found by
 * decoding, as a constant of an instruction that lies in the image.  One missed is no danger: the
 * loader would find the running kernel different, and refuse.
 */
#include <stdlib.h>
#include <string.h>

#include "disasm/tables.h"
#include "relink/bodies.h"

struct patch_place {
	uint64_t addr, target;	/* target: of jump labels */
	uint8_t size;
	uint8_t kind;		/* enum elfkit_hole_kind, or PLACE_ENTRY */
};

/* A place that is no hole: the kernel makes a nop of it before anything else runs. */
#define PLACE_ENTRY	0

#define SIZE_OF_INSN	0	/* as long as the instruction there */
#define JUMP8		0xeb
#define JUMP32		0xe9

/*
 * Tables of distances from the entry itself to the place: the first word of each entry.  The
 * second word of a jump label's is the distance to where it leads.
 */
static const struct {
	const char *start, *stop;
	uint8_t entry, kind, size;
} tables[] = {
	{ "__retpoline_sites", "__retpoline_sites_end", 4, ELFKIT_HOLE_ANY, SIZE_OF_INSN },
	{ "__return_sites", "__return_sites_end", 4, ELFKIT_HOLE_RETURN, SIZE_OF_INSN },
	{ "__call_sites", "__call_sites_end", 4, ELFKIT_HOLE_CALL, SIZE_OF_INSN },
	{ "__ibt_endbr_seal", "__ibt_endbr_seal_end", 4, ELFKIT_HOLE_ENDBR, 4 },
	{ "__smp_locks", "__smp_locks_end", 4, ELFKIT_HOLE_LOCK, 1 },
	{ "__start_static_call_sites", "__stop_static_call_sites", 8, ELFKIT_HOLE_STATIC_CALL, SIZE_OF_INSN },
	{ "__start___jump_table", "__stop___jump_table", 16, ELFKIT_HOLE_JUMP_LABEL, SIZE_OF_INSN },
};

static const uint8_t *find_table(const struct kernel *kernel, const char *start, const char *stop,
				 uint64_t *low, uint64_t *size)
{
	uint32_t from = symbols_find(kernel->symbols, start), to = symbols_find(kernel->symbols, stop);

	if (from == NO_ID || to == NO_ID || kernel->symbols->v[from].value >= kernel->symbols->v[to].value)
		return NULL;
	*low = kernel->symbols->v[from].value;
	*size = kernel->symbols->v[to].value - *low;
	return image_bytes(kernel->image, *low, *size);
}

static void add_place(struct bodies *b, uint64_t addr, uint64_t target, uint8_t size, uint8_t kind)
{
	GROW(b->places, b->nr_places, b->cap_places);
	b->places[b->nr_places++] = (struct patch_place){ addr, target, size, kind };
}

static uint8_t insn_size(const struct bodies *b, uint64_t addr)
{
	const struct image_section *s = image_section_at(b->kernel->image, addr);
	uint64_t left = s ? s->addr + s->size - addr : 0;
	struct insn insn;

	left = left < 16 ? left : 16;
	if (!left || !image_bytes(b->kernel->image, addr, left) ||
	    !decode(b->decoder, image_bytes(b->kernel->image, addr, left), left, addr, &insn))
		return 0;
	return insn.size;
}

static void read_tables(struct bodies *b)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		uint64_t low, size;
		const uint8_t *bytes = find_table(b->kernel, tables[i].start, tables[i].stop, &low, &size);

		for (uint64_t at = 0; bytes && at + tables[i].entry <= size; at += tables[i].entry) {
			uint64_t addr, target = 0;
			int32_t distance;

			memcpy(&distance, bytes + at, sizeof(distance));
			addr = low + at + distance;
			if (tables[i].kind == ELFKIT_HOLE_JUMP_LABEL) {
				memcpy(&distance, bytes + at + 4, sizeof(distance));
				target = low + at + 4 + distance;
			}
			add_place(b, addr, target, tables[i].size ?: insn_size(b, addr), tables[i].kind);
		}
	}
}

/* Pointers: the entries of traced functions, and struct paravirt_patch_site, which names a length, too. */
static void read_pointers(struct bodies *b)
{
	uint64_t low, size, addr;
	const uint8_t *bytes = find_table(b->kernel, "__start_mcount_loc", "__stop_mcount_loc", &low, &size);

	for (uint64_t at = 0; bytes && at + 8 <= size; at += 8) {
		memcpy(&addr, bytes + at, sizeof(addr));
		add_place(b, addr, 0, machine_of(b->kernel->image->machine)->jump_size, PLACE_ENTRY);
	}
	bytes = find_table(b->kernel, "__parainstructions", "__parainstructions_end", &low, &size);
	for (uint64_t at = 0; bytes && at + 10 <= size; at += 16) {
		memcpy(&addr, bytes + at, sizeof(addr));
		add_place(b, addr, 0, bytes[at + 9], ELFKIT_HOLE_ANY);
	}
}

static struct err *read_alternatives(struct bodies *b)
{
	struct err *err = NULL;
	struct tables found;

	tables_find(b->kernel->image, b->kernel->symbols, &found);
	for (uint32_t i = 0; i < found.nr_alternatives; i++)
		add_place(b, found.alternatives[i].site, 0, found.alternatives[i].site_size, ELFKIT_HOLE_ANY);
	if (found.unknown_alternatives)
		err = err_new("%s: its alternatives (__alt_instructions) have entries of a form that elfkit does not know",
			      b->kernel->image->path);
	tables_release(&found);
	return err;
}

static int compare_places(const void *a, const void *b)
{
	const struct patch_place *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->kind != y->kind ? (int)x->kind - y->kind : (int)x->size - y->size;
}

/* What KASLR moves is loaded code and data; the per-CPU section, where it begins at 0, it does not. */
static void find_span(struct bodies *b)
{
	b->low = UINT64_MAX;
	for (size_t i = 1; i < b->kernel->image->nr_sections; i++) {
		const struct image_section *s = &b->kernel->image->sections[i];

		if (!(s->flags & SHF_ALLOC) || !s->size)
			continue;
		if (!strcmp(s->name, ".data..percpu")) {
			b->percpu_low = s->addr;
			b->percpu_high = s->addr + s->size;
			if (s->addr < (uint64_t)1 << 32)
				continue;
			b->percpu_high = b->percpu_low;	/* an ordinary place in the image */
		}
		b->low = s->addr < b->low ? s->addr : b->low;
		b->high = s->addr + s->size > b->high ? s->addr + s->size : b->high;
	}
}

struct err *bodies_open(const struct kernel *kernel, struct bodies *ret)
{
	struct err *err;

	memset(ret, 0, sizeof(*ret));
	ret->kernel = kernel;
	err = decoder_open(kernel->image->machine, &ret->decoder);
	if (err)
		return err;
	find_span(ret);
	read_tables(ret);
	read_pointers(ret);
	err = read_alternatives(ret);
	if (!err && ret->nr_places)
		qsort(ret->places, ret->nr_places, sizeof(*ret->places), compare_places);
	return err;
}

void bodies_release(struct bodies *b)
{
	decoder_close(b->decoder);
	free(b->places);
	free(b->bytes);
	free(b->holes);
	memset(b, 0, sizeof(*b));
}

/*
 * Holes come in the order of their addresses.  One that begins inside the one before makes both
 * one: there, two of the kernel's patchers follow each other.
 */
static void add_hole(struct bodies *b, uint64_t at, uint64_t size, uint8_t kind)
{
	struct elfkit_hole *last = b->nr_holes ? &b->holes[b->nr_holes - 1] : NULL;

	if (last && at < (uint64_t)last->at + last->size) {
		uint64_t end = at + size;

		if (last->at == at && last->size == size && last->kind == kind)
			return;
		last->kind = ELFKIT_HOLE_ANY;
		if (end > (uint64_t)last->at + last->size)
			last->size = end - last->at;
		return;
	}
	GROW(b->holes, b->nr_holes, b->cap_holes);
	b->holes[b->nr_holes++] = (struct elfkit_hole){ .at = at, .size = size, .kind = kind };
}

static bool is_moved(const struct bodies *b, uint64_t addr)
{
	return addr >= b->low && addr <= b->high;
}

/* An address in the constant of @field bytes at @bytes. */
static bool holds_address(const struct bodies *b, const uint8_t *bytes, uint8_t size)
{
	int32_t v32;
	uint64_t v64;

	if (size == 4) {
		memcpy(&v32, bytes, sizeof(v32));
		return is_moved(b, (int64_t)v32);
	}
	if (size != 8)
		return false;
	memcpy(&v64, bytes, sizeof(v64));
	return is_moved(b, v64);
}

/* Constants of the instruction at offset @at of all bytes, address @addr. */
static void add_constants(struct bodies *b, const struct insn *insn, uint64_t at)
{
	const uint8_t *bytes = b->bytes + at;
	int32_t distance;

	if (insn->pc_relative && insn->disp.size == 4) {
		uint64_t to;

		memcpy(&distance, bytes + insn->disp.offset, sizeof(distance));
		to = insn->addr + insn->size + distance;
		if (to >= b->percpu_low && to < b->percpu_high)
			add_hole(b, at + insn->disp.offset, 4, ELFKIT_HOLE_PERCPU);
	} else if (insn->disp.size && holds_address(b, bytes + insn->disp.offset, insn->disp.size)) {
		add_hole(b, at + insn->disp.offset, insn->disp.size, ELFKIT_HOLE_ADDRESS);
	}
	if (insn->imm.size && !insn->target_size && holds_address(b, bytes + insn->imm.offset, insn->imm.size))
		add_hole(b, at + insn->imm.offset, insn->imm.size, ELFKIT_HOLE_ADDRESS);
}

/* The jump of a label, whatever vmlinux has there; the loader knows the nop. */
static void write_jump(uint8_t *bytes, const struct patch_place *p)
{
	int32_t distance = p->target - p->addr - p->size;

	bytes[0] = p->size == 2 ? JUMP8 : JUMP32;
	memcpy(bytes + 1, &distance, p->size - 1);
}

/* @at: offset of the place in all bytes. */
static void apply_place(struct bodies *b, const struct patch_place *p, uint64_t at)
{
	uint8_t kind = p->kind;

	if (kind == PLACE_ENTRY) {
		memcpy(b->bytes + at, machine_of(b->kernel->image->machine)->entry_nop, p->size);
		return;
	}
	if (kind == ELFKIT_HOLE_JUMP_LABEL && p->size != 2 && p->size != 5)
		kind = ELFKIT_HOLE_ANY;
	if (kind == ELFKIT_HOLE_JUMP_LABEL)
		write_jump(b->bytes + at, p);
	add_hole(b, at, p->size, kind);
}

static uint32_t first_place(const struct bodies *b, uint64_t addr)
{
	uint32_t lo = 0, hi = b->nr_places;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (b->places[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct err *copy_bytes(struct bodies *b, uint64_t low, uint64_t high)
{
	const uint8_t *bytes = image_bytes(b->kernel->image, low, high - low);

	if (!bytes)
		return err_new("%s: no bytes from 0x%lx to 0x%lx", b->kernel->image->path, (unsigned long)low,
			       (unsigned long)high);
	if (b->size + (high - low) > b->cap) {
		b->cap = 2 * (b->size + (high - low));
		b->bytes = xreallocarray(b->bytes, b->cap, 1);
	}
	memcpy(b->bytes + b->size, bytes, high - low);
	b->size += high - low;
	return NULL;
}

static struct err *bad_place(const struct bodies *b, const struct patch_place *p)
{
	return err_new("%s: a table of places to be patched has %u bytes at 0x%lx, which do not fit there",
		       b->kernel->image->path, p->size, (unsigned long)p->addr);
}

struct err *bodies_add(struct bodies *b, uint64_t low, uint64_t high)
{
	uint64_t base = b->size, addr = low;
	uint32_t next = first_place(b, low);
	struct err *err = copy_bytes(b, low, high);

	while (!err && addr < high) {
		const uint8_t *bytes = b->bytes + base + (addr - low);
		struct insn insn;
		uint64_t end;

		if (!decode(b->decoder, bytes, high - addr, addr, &insn)) {
			insn.size = 1;
			insn.disp.size = insn.imm.size = 0;
			insn.pc_relative = false;
		}
		end = addr + insn.size;
		for (; next < b->nr_places && b->places[next].addr < end; next++) {
			const struct patch_place *p = &b->places[next];

			if (!p->size || p->size > high - p->addr)
				return bad_place(b, p);
			apply_place(b, p, base + (p->addr - low));
		}
		add_constants(b, &insn, base + (addr - low));
		addr = end;
	}
	return err;
}
