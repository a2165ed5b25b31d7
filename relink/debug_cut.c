// SPDX-License-Identifier: GPL-2.0
/* Debug sections, by relocation and, where there is none, by their format. */
#include <string.h>

#include "relink/debug_cut.h"
#include "relink/debug_line.h"

bool section_is_debug(const struct object_section *s)
{
	return !strncmp(s->name, ".debug_", 7) && !(s->flags & SHF_ALLOC);
}

struct debug {
	struct object *object;
	const struct object *before;
	const struct holes *holes;
	uint32_t *symbols;	/* [sections]: the section's symbol, or 0 */
	struct line_units lines;
	uint32_t line;		/* section */
};

/* Where a range of code is now; one that went is empty. */
static void map_range(const struct debug *d, uint32_t section, uint64_t *low, uint64_t *high)
{
	const struct holes *h = d->holes;
	uint64_t l = *low, r = *high;

	for (uint32_t i = h->first[section]; i < h->first[section + 1]; i++) {
		const struct hole *hole = &h->v[i];

		if (l >= hole->low && l < hole->high)
			l = hole->high;
		if (r > hole->low && r <= hole->high)
			r = hole->low;
	}
	if (r < l)
		r = l;
	holes_map(h, section, l, low);
	*high = *low;
	if (r == l)
		return;
	holes_map(h, section, r - 1, high);
	++*high;
}

static bool has_holes(const struct debug *d, uint32_t section, uint64_t low, uint64_t high)
{
	for (uint32_t i = d->holes->first[section]; i < d->holes->first[section + 1]; i++)
		if (d->holes->v[i].low < high && d->holes->v[i].high > low)
			return true;
	return false;
}

/* The place that the relocation at @offset names; false: none, or nothing that has been kept. */
static bool place_at(const struct debug *d, const struct object_section *s, uint64_t offset, struct object_reloc **reloc,
		     uint32_t *section, uint64_t *place)
{
	uint32_t lo = 0, hi = s->nr_relocs;
	const struct object_symbol *symbol;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s->relocs[mid].offset < offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == s->nr_relocs || s->relocs[lo].offset != offset)
		return false;
	*reloc = &s->relocs[lo];
	/* section symbols may have been added since */
	symbol = s->relocs[lo].symbol < d->before->nr_symbols ? &d->before->symbols[s->relocs[lo].symbol] :
								&d->object->symbols[s->relocs[lo].symbol];
	if (!object_symbol_defined(symbol) || d->object->sections[symbol->section].removed)
		return false;
	*section = symbol->section;
	*place = symbol->value + s->relocs[lo].addend;
	return true;
}

static void lead_to(const struct debug *d, struct object_reloc *reloc, uint32_t section, uint64_t place)
{
	reloc->symbol = d->symbols[section];
	reloc->addend = place;
}

static void lead_nowhere(struct object_section *s, struct object_reloc *reloc)
{
	uint64_t gone = DEBUG_GONE;

	/* what is narrower is no address */
	memcpy(s->data + reloc->offset, reloc->type == R_X86_64_64 ? (uint8_t *)&gone : (uint8_t[8]){ 0 },
	       object_reloc_width(reloc->type));
	reloc->removed = true;
}

/* A unit's header, then address and length of each piece of its code. */
static struct err *cut_aranges(const struct debug *d, struct object_section *s)
{
	uint64_t at = 0;

	while (at + 16 <= s->size) {
		uint32_t length;
		uint64_t end, start = at;

		memcpy(&length, s->data + at, 4);
		end = at + 4 + length;
		if (length < 12 || end > s->size || s->data[at + 10] != 8 || s->data[at + 11])
			return err_new(".debug_aranges+0x%lx: not as expected", (unsigned long)at);
		for (at = start + 16; at + 16 <= end; at += 16) {
			struct object_reloc *reloc;
			uint64_t low, high, size;
			uint32_t section;

			memcpy(&size, s->data + at + 8, 8);
			if (!place_at(d, s, at, &reloc, &section, &low))
				continue;
			high = low + size;
			map_range(d, section, &low, &high);
			size = high - low;
			if (!size) {
				lead_nowhere(s, reloc);
				size = 1;	/* 0 and 0 would end the list */
			} else {
				lead_to(d, reloc, section, low);
			}
			memcpy(s->data + at + 8, &size, 8);
		}
		at = end;
	}
	return NULL;
}

/* An unsigned LEB128 as it was read, to be written over with no greater value. */
struct leb {
	uint64_t at, value;
	uint8_t size;
};

static bool take_leb(const struct object_section *s, uint64_t *at, struct leb *ret)
{
	*ret = (struct leb){ .at = *at };
	for (; *at < s->size && ret->size < 9; ++*at) {
		uint8_t byte = s->data[*at];

		ret->value |= (uint64_t)(byte & 0x7f) << (7 * ret->size++);
		if (!(byte & 0x80)) {
			++*at;
			return true;
		}
	}
	return false;
}

static void put_leb(struct object_section *s, const struct leb *leb, uint64_t value)
{
	for (uint8_t i = 0; i < leb->size; i++, value >>= 7)
		s->data[leb->at + i] = (value & 0x7f) | (i + 1 < leb->size ? 0x80 : 0);
}

enum { RLE_END_OF_LIST, RLE_BASE_ADDRESSX, RLE_STARTX_ENDX, RLE_STARTX_LENGTH, RLE_OFFSET_PAIR, RLE_BASE_ADDRESS,
       RLE_START_END, RLE_START_LENGTH };

struct range_base {
	bool known;		/* there is one, of code that stays */
	uint32_t section;
	uint64_t was, is;
};

static struct err *cut_pair(const struct debug *d, struct object_section *s, const struct range_base *base, uint64_t *at)
{
	struct leb from, to;
	uint64_t low, high;

	if (!take_leb(s, at, &from) || !take_leb(s, at, &to))
		return err_new(".debug_rnglists+0x%lx: truncated", (unsigned long)*at);
	if (!base->known)
		return NULL;	/* from the beginning of a unit without holes, or of nothing that stays */
	low = base->was + from.value;
	high = base->was + to.value;
	map_range(d, base->section, &low, &high);
	if (low < base->is)
		high = low = base->is;
	put_leb(s, &from, low - base->is);
	put_leb(s, &to, high - base->is);
	return NULL;
}

static struct err *cut_range(const struct debug *d, struct object_section *s, struct range_base *base, uint64_t *at)
{
	uint64_t start = *at, low, high;
	struct object_reloc *reloc;
	uint32_t section;
	struct leb size;

	switch (s->data[(*at)++]) {
	case RLE_END_OF_LIST:
		base->known = false;
		return NULL;
	case RLE_OFFSET_PAIR:
		return cut_pair(d, s, base, at);
	case RLE_BASE_ADDRESS:
		base->known = place_at(d, s, *at, &reloc, &base->section, &base->was);
		if (base->known) {
			base->is = high = base->was;
			map_range(d, base->section, &base->is, &high);
			lead_to(d, reloc, base->section, base->is);
		}
		*at += 8;
		return NULL;
	case RLE_START_LENGTH:
		*at += 8;
		if (!take_leb(s, at, &size))
			break;
		if (!place_at(d, s, start + 1, &reloc, &section, &low))
			return NULL;
		high = low + size.value;
		map_range(d, section, &low, &high);
		lead_to(d, reloc, section, low);
		put_leb(s, &size, high - low);
		return NULL;
	}
	return err_new(".debug_rnglists+0x%lx: an entry of another kind", (unsigned long)start);
}

/* Lists follow each other without gaps. */
static struct err *cut_rnglists(const struct debug *d, struct object_section *s)
{
	struct err *err = NULL;
	uint64_t at = 0;

	while (at + 12 <= s->size && !err) {
		struct range_base base = { 0 };
		uint32_t length, offsets;
		uint64_t end;

		memcpy(&length, s->data + at, 4);
		memcpy(&offsets, s->data + at + 8, 4);
		end = at + 4 + length;
		if (length < 8 || end > s->size || s->data[at + 6] != 8 || offsets)
			return err_new(".debug_rnglists+0x%lx: not as expected", (unsigned long)at);
		for (at += 12; at < end && !err;)
			err = cut_range(d, s, &base, &at);
	}
	return err;
}

/*
 * A unit whose code is in one piece has a beginning, in the first 64 bytes of it; its lists then count
 * from there. If something was cut out of that, they do not fit any more.
 */
static struct err *check_units(const struct debug *d, const struct object_section *s)
{
	uint64_t at = 0;

	while (at + 12 <= s->size) {
		uint32_t length;

		memcpy(&length, s->data + at, 4);
		if (length >= 0xfffffff0 || at + 4 + length > s->size)
			return err_new(".debug_info+0x%lx: bad length", (unsigned long)at);
		for (uint64_t k = at + 12; k < at + 76 && k < at + 4 + length; k++) {
			struct object_reloc *reloc;
			uint32_t section;
			uint64_t low, high;

			if (!place_at(d, s, k, &reloc, &section, &low) || !section_has_pieces(&d->object->sections[section]))
				continue;
			if (k + 16 > s->size)
				break;
			memcpy(&high, s->data + k + 8, 8);	/* DW_AT_high_pc follows, as a size */
			if (has_holes(d, section, low, low + high))
				return err_new(".debug_info+0x%lx: a unit in one piece, of which a part was left out", (unsigned long)at);
			break;
		}
		at += 4 + length;
	}
	return NULL;
}

static uint64_t line_unit(const struct debug *d, uint64_t was)
{
	for (uint32_t i = 0; i < d->lines.n; i++)
		if (d->lines.v[i].was == was)
			return d->lines.v[i].is;
	return was;
}

/* @done: where code is named, the place has been found already. */
static void move_relocs(const struct debug *d, struct object_section *s, bool done)
{
	for (uint32_t i = 0; i < s->nr_relocs; i++) {
		struct object_reloc *r = &s->relocs[i];
		uint32_t section;
		uint64_t place;

		if (r->removed)
			continue;
		if (!place_at(d, s, r->offset, &r, &section, &place))
			lead_nowhere(s, r);
		else if (done)
			continue;
		else if (section == d->line)
			lead_to(d, r, section, line_unit(d, place));
		else if (holes_map(d->holes, section, place, &place))
			lead_to(d, r, section, place);
		else
			lead_nowhere(s, r);
	}
}

static struct err *bring_back(struct debug *d)
{
	struct object *o = d->object;

	for (uint32_t i = 1; i < o->nr_sections; i++) {
		struct object_section *s = &o->sections[i];

		if (!section_is_debug(s))
			continue;
		if (s->flags & SHF_COMPRESSED)
			return err_new("%s is compressed", s->name);
		if (!strcmp(s->name, ".debug_addr") || !strcmp(s->name, ".debug_types"))
			return err_new("%s is of a kind that elfkit does not cut", s->name);
		s->removed = false;
		relocs_tidy(s);
		if (!strcmp(s->name, ".debug_line"))
			d->line = i;
	}
	for (uint32_t i = 1; i < d->before->nr_sections; i++)
		if (!o->sections[i].removed)
			d->symbols[i] = object_section_symbol(o, i);
	return NULL;
}

static struct err *cut_section(struct debug *d, uint32_t section)
{
	struct object_section *s = &d->object->sections[section];
	struct err *err = NULL;

	if (!strcmp(s->name, ".debug_aranges"))
		err = cut_aranges(d, s);
	else if (!strcmp(s->name, ".debug_rnglists"))
		err = cut_rnglists(d, s);
	else if (!strcmp(s->name, ".debug_info"))
		err = check_units(d, s);
	if (!err)
		move_relocs(d, s, section == d->line || !strcmp(s->name, ".debug_rnglists") || !strcmp(s->name, ".debug_aranges"));
	return err;
}

struct err *debug_cut(struct object *object, const struct object *before, const struct holes *holes)
{
	struct debug d = { .object = object, .before = before, .holes = holes };
	struct err *err;

	d.symbols = xcalloc(object->nr_sections, sizeof(*d.symbols));
	err = bring_back(&d);
	if (!err && d.line)
		err = debug_line_cut(object, before, d.line, d.symbols, holes, &d.lines);
	for (uint32_t i = 1; i < before->nr_sections && !err; i++)
		if (section_is_debug(&object->sections[i]) && !object->sections[i].removed)
			err = cut_section(&d, i);
	for (uint32_t i = 1; i < object->nr_sections && err; i++)
		object->sections[i].removed |= section_is_debug(&object->sections[i]);
	free(d.lines.v);
	free(d.symbols);
	return err;
}
