// SPDX-License-Identifier: GPL-2.0
/* DWARF 5, sections 2.5 (expressions) and 7.7.3 (location lists). */
#include <dwarf.h>
#include <string.h>

#include "elfkit/typeinfo_place.h"

#define LLE_VIEW_PAIR	0x09	/* DW_LLE_GNU_view_pair, which older dwarf.h have not */

/* Bytes that are left; reading past the end gives zeros and sets bad. */
struct bytes {
	const uint8_t *p, *end;
	bool bad;
};

static uint8_t take_byte(struct bytes *b)
{
	if (b->p == b->end) {
		b->bad = true;
		return 0;
	}
	return *b->p++;
}

static uint64_t take_address(struct bytes *b)
{
	uint64_t v = 0;

	if (b->end - b->p < (ptrdiff_t)sizeof(v)) {
		b->bad = true;
		return 0;
	}
	memcpy(&v, b->p, sizeof(v));
	b->p += sizeof(v);
	return v;
}

static uint64_t take_leb(struct bytes *b, bool is_signed)
{
	uint64_t v = 0;
	unsigned int shift = 0;
	uint8_t byte;

	do {
		byte = take_byte(b);
		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (is_signed && shift < 64 && (byte & 0x40))
		v |= UINT64_MAX << shift;
	return v;
}

struct place place_read(const uint8_t *p, uint64_t n)
{
	struct bytes b = { p, p + n, false };
	struct place place = { .kind = PLACE_OTHER };
	uint8_t op = take_byte(&b);

	if (op >= DW_OP_reg0 && op <= DW_OP_reg31)
		place = (struct place){ PLACE_REG, op - DW_OP_reg0, 0 };
	else if (op == DW_OP_regx)
		place = (struct place){ PLACE_REG, take_leb(&b, false), 0 };
	else if (op == DW_OP_fbreg)
		place = (struct place){ PLACE_FRAME, 0, take_leb(&b, true) };
	else if (op == DW_OP_addr)
		place = (struct place){ PLACE_FIXED, 0, take_address(&b) };
	else if (op >= DW_OP_breg0 && op <= DW_OP_breg31)
		place = (struct place){ PLACE_AT, op - DW_OP_breg0, take_leb(&b, true) };
	if (place.kind == PLACE_AT && b.p < b.end && *b.p == DW_OP_stack_value) {
		place.kind = PLACE_SUM;
		b.p++;
	}
	if (b.bad || b.p != b.end)
		place.kind = PLACE_OTHER;
	return place;
}

struct place place_of_ops(const Dwarf_Op *ops, size_t n)
{
	struct place place = { .kind = PLACE_OTHER };
	uint8_t op = n ? ops[0].atom : 0;

	if (n == 1 && op >= DW_OP_reg0 && op <= DW_OP_reg31)
		return (struct place){ PLACE_REG, op - DW_OP_reg0, 0 };
	if (n == 1 && op == DW_OP_regx)
		return (struct place){ PLACE_REG, ops[0].number, 0 };
	if (n == 1 && op == DW_OP_fbreg)
		return (struct place){ PLACE_FRAME, 0, ops[0].number };
	if (n == 1 && op == DW_OP_addr)
		return (struct place){ PLACE_FIXED, 0, ops[0].number };
	if (op < DW_OP_breg0 || op > DW_OP_breg31)
		return place;
	if (n == 1)
		place = (struct place){ PLACE_AT, op - DW_OP_breg0, ops[0].number };
	else if (n == 2 && ops[1].atom == DW_OP_stack_value)
		place = (struct place){ PLACE_SUM, op - DW_OP_breg0, ops[0].number };
	return place;
}

struct loclists loclists_of(Dwarf *dwarf)
{
	Elf *elf = dwarf_getelf(dwarf);
	struct loclists none = { 0 };
	Elf_Scn *scn = NULL;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return none;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		const char *name = gelf_getshdr(scn, &shdr) ? elf_strptr(elf, names, shdr.sh_name) : NULL;
		Elf_Data *data;

		if (!name || strcmp(name, ".debug_loclists") || (shdr.sh_flags & SHF_COMPRESSED))
			continue;
		data = elf_rawdata(scn, NULL);
		return data ? (struct loclists){ data->d_buf, data->d_size } : none;
	}
	return none;
}

bool loclists_read(const struct loclists *lists, uint64_t offset, uint64_t base, place_fn *fn, void *arg)
{
	struct bytes b = { lists->data, lists->data + lists->size, !lists->data || offset > lists->size };

	if (b.bad)
		return false;
	b.p += offset;
	while (!b.bad) {
		uint64_t low, high, len;

		switch (take_byte(&b)) {
		case DW_LLE_end_of_list:
			return !b.bad;
		case LLE_VIEW_PAIR:
			take_leb(&b, false);
			take_leb(&b, false);
			continue;
		case DW_LLE_base_address:
			base = take_address(&b);
			continue;
		case DW_LLE_offset_pair:
			low = base + take_leb(&b, false);
			high = base + take_leb(&b, false);
			break;
		case DW_LLE_start_end:
			low = take_address(&b);
			high = take_address(&b);
			break;
		case DW_LLE_start_length:
			low = take_address(&b);
			high = low + take_leb(&b, false);
			break;
		default:
			return false;
		}
		len = take_leb(&b, false);
		if (b.bad || len > (uint64_t)(b.end - b.p))
			return false;
		fn(low, high, place_read(b.p, len), arg);
		b.p += len;
	}
	return false;
}
