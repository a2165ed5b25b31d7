// SPDX-License-Identifier: GPL-2.0
/* References of an object: relocations met by the instructions that they lie in. */
#include <string.h>

#include "relink/object_refs.h"

static bool is_mapped(const struct object_symbol *s)
{
	return object_symbol_defined(s) && s->size && !s->removed &&
	       (s->type == STT_FUNC || s->type == STT_OBJECT || s->type == STT_NOTYPE);
}

/* Of aliases, whose name stands for a place: that of a weak one may mean another unit's code. */
static int rank(const struct object_symbol *s)
{
	return s->bind == STB_WEAK ? 0 : s->bind == STB_LOCAL ? 1 : 2;
}

static int compare_places(const void *a, const void *b, void *arg)
{
	const struct object_symbol *v = arg, *x = &v[*(const uint32_t *)a], *y = &v[*(const uint32_t *)b];

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	/* the last is the one that is found */
	if (rank(x) != rank(y))
		return rank(x) < rank(y) ? -1 : 1;
	return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

void symbol_map_init(const struct object *object, struct symbol_map *ret)
{
	ret->v = xcalloc(object->nr_symbols, sizeof(*ret->v));
	ret->n = 0;
	for (uint32_t i = 1; i < object->nr_symbols; i++)
		if (is_mapped(&object->symbols[i]))
			ret->v[ret->n++] = i;
	qsort_r(ret->v, ret->n, sizeof(*ret->v), compare_places, object->symbols);
}

void symbol_map_release(struct symbol_map *map)
{
	free(map->v);
}

uint32_t symbol_at(const struct object *object, const struct symbol_map *map, uint32_t section,
		   uint64_t offset)
{
	uint32_t lo = 0, hi = map->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct object_symbol *s = &object->symbols[map->v[mid]];

		if (s->section < section || (s->section == section && s->value <= offset))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo) {
		const struct object_symbol *s = &object->symbols[map->v[lo - 1]];

		if (s->section == section && offset - s->value < s->size)
			return map->v[lo - 1];
	}
	return NO_REF;
}

struct reader {
	const struct object *object;
	const struct symbol_map *map;
	struct decoder *decoder;
	struct object_refs *refs;
};

/* Fills in symbol, target_section and target of a reference through symbol and @distance. */
static void resolve(const struct reader *r, struct object_ref *ref, uint32_t symbol, int64_t distance)
{
	const struct object_symbol *s = &r->object->symbols[symbol];

	ref->symbol = symbol;
	ref->target = distance;
	if (!object_symbol_defined(s))
		return;
	ref->target_section = s->section;
	if (s->type == STT_SECTION) {
		ref->target = s->value + distance;
		ref->symbol = symbol_at(r->object, r->map, s->section, ref->target);
		if (ref->symbol != NO_REF)
			ref->target -= r->object->symbols[ref->symbol].value;
	}
}

static void add(struct reader *r, const struct object_ref *ref)
{
	GROW(r->refs->v, r->refs->n, r->refs->cap);
	r->refs->v[r->refs->n++] = *ref;
}

static bool is_pc_relative(uint32_t type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32 || type == R_X86_64_PC64 ||
	       type == R_X86_64_PC16 || type == R_X86_64_PC8;
}

/*
 * struct static_call_site { s32 addr; s32 key; } (include/linux/static_call_types.h): the key may
 * be the trampoline's address, with flags in its low bits.
 */
static bool is_static_call_key(const struct object_section *s, uint64_t offset)
{
	return !strcmp(s->name, ".static_call_sites") && offset % 8 == 4;
}

static void read_data(struct reader *r, uint32_t section, bool table)
{
	const struct object_section *s = &r->object->sections[section];

	for (uint32_t i = 0; i < s->nr_relocs; i++) {
		const struct object_reloc *reloc = &s->relocs[i];
		struct object_ref ref = {
			.kind = table ? OBJECT_REF_PLACE : OBJECT_REF_POINTER,
			.section = section,
			.offset = reloc->offset,
			.width = object_reloc_width(reloc->type),
			.reloc = i,
			.insn = reloc->offset,
			.host = NO_REF,
			.pc_relative = is_pc_relative(reloc->type),
		};

		if (is_static_call_key(s, reloc->offset))
			ref.kind = OBJECT_REF_KEY;
		resolve(r, &ref, reloc->symbol, reloc->addend);
		add(r, &ref);
	}
}

/* A branch that the assembler resolved itself: it counts when it leaves its function. */
static void read_local_branch(struct reader *r, uint32_t section, const struct insn *insn, uint32_t host)
{
	struct object_ref ref = {
		.kind = OBJECT_REF_BRANCH,
		.section = section,
		.offset = insn->addr + insn->target_offset,
		.width = insn->target_size,
		.reloc = NO_REF,
		.insn = insn->addr,
		.host = host,
		.bias = -(int64_t)(insn->size - insn->target_offset),
		.pc_relative = true,
		.target_section = section,
	};

	ref.symbol = symbol_at(r->object, r->map, section, insn->target);
	if (ref.symbol == host)
		return;
	ref.target = insn->target - (ref.symbol == NO_REF ? 0 : r->object->symbols[ref.symbol].value);
	add(r, &ref);
}

static struct err *read_insn_reloc(struct reader *r, uint32_t section, const struct insn *insn,
				   uint32_t host, uint32_t index)
{
	const struct object_section *s = &r->object->sections[section];
	const struct object_reloc *reloc = &s->relocs[index];
	struct object_ref ref = {
		.kind = OBJECT_REF_ADDRESS,
		.section = section,
		.offset = reloc->offset,
		.width = object_reloc_width(reloc->type),
		.reloc = index,
		.insn = insn->addr,
		.host = host,
		.pc_relative = is_pc_relative(reloc->type),
	};
	bool branch = insn->kind == INSN_CALL || insn->kind == INSN_JUMP || insn->kind == INSN_BRANCH;

	if (branch && reloc->offset == insn->addr + insn->target_offset) {
		ref.kind = OBJECT_REF_BRANCH;
	} else {
		struct insn_detail d = { 0 };
		bool found = false;

		decode_detail(r->decoder, s->data + insn->addr, insn->size, insn->addr, &d);
		for (uint8_t i = 0; i < d.nr_fields; i++)
			if (insn->addr + d.fields[i].offset == reloc->offset) {
				found = true;
				ref.indexed = d.fields[i].indexed;
			}
		if (!found)
			return err_new("%s+0x%lx: relocation is in no field of `%s`", s->name,
				       (unsigned long)reloc->offset, d.text);
	}
	if (ref.pc_relative)
		ref.bias = -(int64_t)(insn->addr + insn->size - reloc->offset);
	resolve(r, &ref, reloc->symbol, reloc->addend - ref.bias);
	add(r, &ref);
	return NULL;
}

static int compare_relocs(const void *a, const void *b)
{
	const struct object_reloc *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static struct err *read_code(struct reader *r, uint32_t section)
{
	const struct object_section *s = &r->object->sections[section];
	uint32_t next = 0;

	if (s->size && !s->data)
		return err_new("section %s: code that is not in the file", s->name);
	for (uint64_t at = 0; at < s->size;) {
		uint32_t host = symbol_at(r->object, r->map, section, at);
		uint64_t end = host == NO_REF ? s->size :
			r->object->symbols[host].value + r->object->symbols[host].size;
		bool relocated = false;
		struct insn insn;

		if (!decode(r->decoder, s->data + at, end - at, at, &insn)) {
			insn = (struct insn){ .addr = at, .size = 1 };
			if (next < s->nr_relocs && s->relocs[next].offset == at)
				return err_new("%s+0x%lx: not decodable", s->name, (unsigned long)at);
		}
		for (; next < s->nr_relocs && s->relocs[next].offset < at + insn.size; next++) {
			struct err *err = read_insn_reloc(r, section, &insn, host, next);

			if (err)
				return err;
			relocated = true;
		}
		if (!relocated && (insn.kind == INSN_CALL || insn.kind == INSN_JUMP || insn.kind == INSN_BRANCH))
			read_local_branch(r, section, &insn, host);
		at += insn.size;
	}
	return NULL;
}

/* In the order of their places. Bytes that two of them write have no value that could be compared. */
static struct err *sort_relocs(struct object_section *s)
{
	if (!s->nr_relocs)
		return NULL;
	qsort(s->relocs, s->nr_relocs, sizeof(*s->relocs), compare_relocs);
	for (uint32_t i = 1; i < s->nr_relocs; i++)
		if (s->relocs[i].offset - s->relocs[i - 1].offset < object_reloc_width(s->relocs[i - 1].type))
			return err_new("section %s+0x%lx: relocations overlap", s->name,
				       (unsigned long)s->relocs[i].offset);
	return NULL;
}

struct err *object_refs_read(const struct object *object, const struct symbol_map *map,
			     struct object_refs *ret)
{
	struct reader r = { .object = object, .map = map, .refs = ret };
	struct err *err = decoder_open(object->machine, &r.decoder);

	memset(ret, 0, sizeof(*ret));
	ret->first = xcalloc(object->nr_sections + 1, sizeof(*ret->first));
	for (uint32_t i = 1; i < object->nr_sections && !err; i++) {
		enum section_class class = section_classify(&object->sections[i]);

		ret->first[i] = ret->n;
		err = sort_relocs(&object->sections[i]);
		if (err)
			break;
		if (class == SECTION_CODE)
			err = read_code(&r, i);
		else if (class != SECTION_REMOVED)
			read_data(&r, i, class == SECTION_TABLE || class == SECTION_BOOT_CONSTANT);
	}
	ret->first[object->nr_sections] = ret->n;
	decoder_close(r.decoder);
	return err_in(err, object->path);
}

void object_refs_release(struct object_refs *refs)
{
	free(refs->v);
	free(refs->first);
}

uint64_t object_ref_target(const struct object_ref *ref, const uint8_t *field, uint64_t addr)
{
	uint64_t value = 0;

	if (ref->width == 8) {
		memcpy(&value, field, 8);
	} else if (ref->width == 1) {
		int8_t v;

		memcpy(&v, field, sizeof(v));
		value = (int64_t)v;
	} else {
		int32_t v;

		memcpy(&v, field, sizeof(v));
		value = (int64_t)v;
	}
	/* S + A = value (+ P); the target lies the bias behind that (psABI table 4.9) */
	return value + (ref->pc_relative ? addr : 0) - ref->bias;
}

bool object_is_sanitized(const struct object *object)
{
	for (uint32_t i = 1; i < object->nr_symbols; i++)
		if (!strcmp(object->symbols[i].name, "__asan_register_globals"))
			return true;
	return false;
}

#define KERN_SOH 1	/* begins a message with a level (include/linux/kern_levels.h) */

/*
 * gcc's asan.cc: each constant is aligned to 32 bytes, and as many at least are free behind it up to the next. Text
 * and nothing but zeros in such a place is a string.
 */
static uint64_t sanitized_length(const uint8_t *data, uint64_t left)
{
	uint64_t len = strnlen((const char *)data, left), end = (len + 1 + 31) / 32 * 32;

	if (end - len - 1 < 32 - 1)
		end += 32;
	if (!len || end > left)
		return 0;
	for (uint64_t i = 0; i < end; i++)
		if (i < len ? (data[i] < '\t' && data[i] != KERN_SOH) || data[i] > '~' : data[i])
			return 0;
	return end;
}

const uint8_t *object_ref_string(const struct object *object, const struct object_ref *ref, bool sanitized,
				 uint64_t *len)
{
	const struct object_section *s = &object->sections[ref->target_section];
	const uint8_t *string, *end;
	uint64_t left;

	if (ref->symbol != NO_REF || !ref->target_section || !s->data || (s->flags & (SHF_WRITE | SHF_EXECINSTR)) ||
	    (uint64_t)ref->target >= s->size)
		return NULL;
	string = s->data + ref->target;
	left = s->size - ref->target;
	if ((s->flags & SHF_STRINGS) && s->entsize == 1) {
		end = memchr(string, '\0', left);
		*len = end ? end + 1 - string : 0;
	} else {
		*len = sanitized && !(s->flags & SHF_MERGE) && ref->target % 32 == 0 ? sanitized_length(string, left) : 0;
	}
	return *len ? string : NULL;
}
