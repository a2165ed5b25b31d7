// SPDX-License-Identifier: GPL-2.0
/* Line number programs: run, and written anew. */
#include <string.h>

#include "relink/debug_line.h"

/* DWARF 5, 7.22 */
enum {
	LNS_COPY = 1, LNS_ADVANCE_PC, LNS_ADVANCE_LINE, LNS_SET_FILE, LNS_SET_COLUMN, LNS_NEGATE_STMT, LNS_SET_BASIC_BLOCK,
	LNS_CONST_ADD_PC, LNS_FIXED_ADVANCE_PC, LNS_SET_PROLOGUE_END, LNS_SET_EPILOGUE_BEGIN, LNS_SET_ISA,
	LNE_END_SEQUENCE = 1, LNE_SET_ADDRESS, LNE_DEFINE_FILE, LNE_SET_DISCRIMINATOR,
};

struct row {
	uint64_t place;
	uint64_t file, column, discriminator, isa;
	int64_t line;
	bool is_stmt, basic_block, prologue_end, epilogue_begin;
};

struct program {
	uint8_t min_inst, default_is_stmt, line_range, opcode_base;
	int8_t line_base;
};

struct lines {
	const struct object_section *src;
	const struct object *before;
	const struct holes *holes;
	const uint32_t *symbols;
	uint64_t at, end;	/* of the unit that is read */
	uint32_t reloc;		/* the next one of src */
	struct program program;
	/* the reader's state */
	struct row row;
	uint32_t section;	/* of code; 0: not known yet */
	/* the writer's */
	struct object_section dst;
	uint64_t cap;
	struct row written;
	bool open;		/* a sequence has been begun */
	uint64_t stretch;	/* where the hole behind it begins */
	bool bad;
};

static uint64_t take(struct lines *l, uint8_t size)
{
	uint64_t value = 0;

	if (l->end - l->at < size) {
		l->bad = true;
		l->at = l->end;
		return 0;
	}
	memcpy(&value, l->src->data + l->at, size);
	l->at += size;
	return value;
}

static uint64_t take_leb(struct lines *l, bool is_signed)
{
	uint64_t value = 0;
	unsigned int shift = 0;
	uint8_t byte;

	do {
		byte = take(l, 1);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && !l->bad);
	if (is_signed && shift < 64 && byte & 0x40)
		value |= -1ULL << shift;
	return value;
}

static void put(struct lines *l, const void *bytes, uint64_t size)
{
	if (l->dst.size + size > l->cap) {
		l->cap = 2 * (l->dst.size + size);
		l->dst.data = xreallocarray(l->dst.data, l->cap, 1);
	}
	memcpy(l->dst.data + l->dst.size, bytes, size);
	l->dst.size += size;
}

static void put_byte(struct lines *l, uint8_t byte)
{
	put(l, &byte, 1);
}

static void put_leb(struct lines *l, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		put_byte(l, value | 0x80);
	put_byte(l, value);
}

static void put_signed_leb(struct lines *l, int64_t value)
{
	for (; value < -64 || value > 63; value >>= 7)
		put_byte(l, value | 0x80);
	put_byte(l, value & 0x7f);
}

static void add_reloc(struct lines *l, const struct object_reloc *reloc)
{
	GROW(l->dst.relocs, l->dst.nr_relocs, l->dst.cap_relocs);
	l->dst.relocs[l->dst.nr_relocs++] = *reloc;
}

static struct row first_row(const struct lines *l)
{
	return (struct row){ .file = 1, .line = 1, .is_stmt = l->program.default_is_stmt };
}

static void put_advance(struct lines *l, uint64_t place)
{
	if (place == l->written.place)
		return;
	put_byte(l, LNS_ADVANCE_PC);
	put_leb(l, (place - l->written.place) / l->program.min_inst);
	l->written.place = place;
}

static void begin_sequence(struct lines *l, uint64_t place)
{
	uint64_t zero = 0, where;

	holes_map(l->holes, l->section, place, &where);
	put(l, (const uint8_t[]){ 0, 9, LNE_SET_ADDRESS }, 3);
	add_reloc(l, &(struct object_reloc){ .offset = l->dst.size, .type = R_X86_64_64,
					     .symbol = l->symbols[l->section], .addend = where });
	put(l, &zero, 8);
	l->written = first_row(l);
	l->written.place = place;
	l->written.file = UINT64_MAX;	/* readers differ in the first one: say it */
	l->open = true;
	l->stretch = UINT64_MAX;
	for (uint32_t i = l->holes->first[l->section]; i < l->holes->first[l->section + 1]; i++)
		if (l->holes->v[i].low >= place) {
			l->stretch = l->holes->v[i].low;
			break;
		}
}

static void end_sequence(struct lines *l, uint64_t place)
{
	put_advance(l, place < l->stretch ? place : l->stretch);
	put(l, (const uint8_t[]){ 0, 1, LNE_END_SEQUENCE }, 3);
	l->open = false;
}

static void put_flags(struct lines *l, const struct row *row)
{
	struct row *w = &l->written;

	if (row->file != w->file) {
		put_byte(l, LNS_SET_FILE);
		put_leb(l, row->file);
	}
	if (row->column != w->column) {
		put_byte(l, LNS_SET_COLUMN);
		put_leb(l, row->column);
	}
	if (row->isa != w->isa) {
		put_byte(l, LNS_SET_ISA);
		put_leb(l, row->isa);
	}
	if (row->is_stmt != w->is_stmt)
		put_byte(l, LNS_NEGATE_STMT);
	if (row->basic_block)
		put_byte(l, LNS_SET_BASIC_BLOCK);
	if (row->prologue_end)
		put_byte(l, LNS_SET_PROLOGUE_END);
	if (row->epilogue_begin)
		put_byte(l, LNS_SET_EPILOGUE_BEGIN);
	if (row->discriminator) {
		uint8_t size = 1;

		for (uint64_t rest = row->discriminator; rest > 0x7f; rest >>= 7)
			size++;
		put_byte(l, 0);
		put_byte(l, size + 1);
		put_byte(l, LNE_SET_DISCRIMINATOR);
		put_leb(l, row->discriminator);
	}
}

static void put_row(struct lines *l, const struct row *row)
{
	const struct program *p = &l->program;
	int64_t line = row->line - l->written.line;
	uint64_t advance = (row->place - l->written.place) / p->min_inst, opcode;

	put_flags(l, row);
	if (line < p->line_base || line >= p->line_base + p->line_range) {
		put_byte(l, LNS_ADVANCE_LINE);
		put_signed_leb(l, line);
		line = 0;
	}
	opcode = (line - p->line_base) + p->line_range * advance + p->opcode_base;
	if (advance > 255 || opcode > 255) {
		put_advance(l, row->place);
		opcode = (line - p->line_base) + p->opcode_base;
	}
	put_byte(l, opcode);
	l->written = *row;
}

/* A row of the old table, or its end. */
static void emit(struct lines *l, bool end)
{
	uint64_t where;
	bool stays = l->section && holes_map(l->holes, l->section, l->row.place, &where);

	if (l->open && (end || !stays || l->row.place >= l->stretch || l->row.place < l->written.place))
		end_sequence(l, l->row.place < l->written.place ? l->written.place : l->row.place);
	if (!end && stays) {
		if (!l->open)
			begin_sequence(l, l->row.place);
		put_row(l, &l->row);
	}
	l->row.basic_block = l->row.prologue_end = l->row.epilogue_begin = false;
	l->row.discriminator = 0;
	if (end) {
		l->row = first_row(l);
		l->section = 0;
	}
}

static void set_address(struct lines *l, uint64_t at)
{
	const struct object_reloc *r;
	const struct object_symbol *s;

	l->section = 0;
	while (l->reloc < l->src->nr_relocs && l->src->relocs[l->reloc].offset < at)
		l->reloc++;
	if (l->reloc == l->src->nr_relocs || l->src->relocs[l->reloc].offset != at)
		return;
	r = &l->src->relocs[l->reloc];
	s = &l->before->symbols[r->symbol];
	if (!object_symbol_defined(s) || l->before->sections[s->section].removed)
		return;
	l->section = s->section;
	l->row.place = s->value + r->addend;
}

static void run_extended(struct lines *l)
{
	uint64_t size = take_leb(l, false), next = l->at + size;

	if (!size || next > l->end || next < l->at) {
		l->bad = true;
		return;
	}
	switch (take(l, 1)) {
	case LNE_END_SEQUENCE:
		emit(l, true);
		break;
	case LNE_SET_ADDRESS:
		l->bad |= size != 9;
		if (l->open)
			end_sequence(l, l->written.place);
		set_address(l, l->at);
		break;
	case LNE_SET_DISCRIMINATOR:
		l->row.discriminator = take_leb(l, false);
		break;
	default:
		l->bad = true;
	}
	l->at = next;
}

static void run_standard(struct lines *l, uint8_t opcode)
{
	const struct program *p = &l->program;
	struct row *row = &l->row;

	switch (opcode) {
	case 0: run_extended(l); return;
	case LNS_COPY: emit(l, false); return;
	case LNS_ADVANCE_PC: row->place += p->min_inst * take_leb(l, false); return;
	case LNS_ADVANCE_LINE: row->line += take_leb(l, true); return;
	case LNS_SET_FILE: row->file = take_leb(l, false); return;
	case LNS_SET_COLUMN: row->column = take_leb(l, false); return;
	case LNS_NEGATE_STMT: row->is_stmt = !row->is_stmt; return;
	case LNS_SET_BASIC_BLOCK: row->basic_block = true; return;
	case LNS_CONST_ADD_PC: row->place += (uint64_t)p->min_inst * ((255 - p->opcode_base) / p->line_range); return;
	case LNS_FIXED_ADVANCE_PC: row->place += take(l, 2); return;
	case LNS_SET_PROLOGUE_END: row->prologue_end = true; return;
	case LNS_SET_EPILOGUE_BEGIN: row->epilogue_begin = true; return;
	case LNS_SET_ISA: row->isa = take_leb(l, false); return;
	}
	l->bad = true;
}

static void run(struct lines *l)
{
	const struct program *p = &l->program;

	l->row = first_row(l);
	l->section = 0;
	l->open = false;
	while (l->at < l->end && !l->bad) {
		uint8_t opcode = take(l, 1);

		if (opcode < p->opcode_base) {
			run_standard(l, opcode);
			continue;
		}
		opcode -= p->opcode_base;
		l->row.line += p->line_base + opcode % p->line_range;
		l->row.place += (uint64_t)p->min_inst * (opcode / p->line_range);
		emit(l, false);
	}
}

/* The header up to the program, as it is, with its relocations. */
static void copy_header(struct lines *l, uint64_t start, uint64_t program, uint64_t to)
{
	put(l, l->src->data + start, program - start);
	for (uint32_t i = 0; i < l->src->nr_relocs; i++) {
		struct object_reloc r = l->src->relocs[i];

		if (r.offset < start || r.offset >= program)
			continue;
		r.offset += to - start;
		add_reloc(l, &r);
	}
}

static struct err *cut_unit(struct lines *l, uint64_t start)
{
	struct program *p = &l->program;
	uint64_t length, to = l->dst.size, program;
	uint16_t version;

	l->at = start;
	l->end = l->src->size;
	length = take(l, 4);
	if (l->bad || length >= 0xfffffff0 || length > l->end - l->at)
		return err_new(".debug_line+0x%lx: bad length", (unsigned long)start);
	l->end = l->at + length;
	version = take(l, 2);
	if (version < 3 || version > 5)
		return err_new(".debug_line+0x%lx: version %u", (unsigned long)start, version);
	if (version == 5 && take(l, 2) != 8)
		return err_new(".debug_line+0x%lx: addresses are not 8 bytes", (unsigned long)start);
	program = take(l, 4);
	program += l->at;
	p->min_inst = take(l, 1);
	if (version >= 4 && take(l, 1) != 1)
		return err_new(".debug_line+0x%lx: several operations an instruction", (unsigned long)start);
	p->default_is_stmt = take(l, 1);
	p->line_base = take(l, 1);
	p->line_range = take(l, 1);
	p->opcode_base = take(l, 1);
	if (l->bad || program > l->end || program < l->at || p->opcode_base != 13 || !p->line_range || !p->min_inst)
		return err_new(".debug_line+0x%lx: bad header", (unsigned long)start);
	copy_header(l, start, program, to);
	l->at = program;
	run(l);
	if (l->bad || l->open)
		return err_new(".debug_line+0x%lx: bad program", (unsigned long)start);
	length = l->dst.size - to - 4;
	memcpy(l->dst.data + to, &(uint32_t){ length }, 4);
	return NULL;
}

struct err *debug_line_cut(struct object *object, const struct object *before, uint32_t section,
			   const uint32_t *symbols, const struct holes *holes, struct line_units *ret)
{
	struct object_section *s = &object->sections[section];
	struct lines l = { .src = s, .before = before, .holes = holes, .symbols = symbols };
	struct err *err = NULL;

	memset(ret, 0, sizeof(*ret));
	for (uint64_t at = 0; at < s->size && !err; at = l.end) {
		GROW(ret->v, ret->n, ret->cap);
		ret->v[ret->n++] = (struct line_unit){ at, l.dst.size };
		err = cut_unit(&l, at);
	}
	if (err) {
		free(l.dst.data);
		free(l.dst.relocs);
		return err;
	}
	free(s->data);
	free(s->relocs);
	s->data = l.dst.data;
	s->size = l.dst.size;
	s->relocs = l.dst.relocs;
	s->nr_relocs = l.dst.nr_relocs;
	s->cap_relocs = l.dst.cap_relocs;
	return NULL;
}
