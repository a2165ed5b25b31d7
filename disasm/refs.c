// SPDX-License-Identifier: GPL-2.0
/*
 * References by decoding all code and reading all data of an image.
 *
 * The work is cut into pieces of consecutive addresses that are independent of
 * each other: code is decoded anew from each function's entry, as it would be
 * when it runs.
 */
#include <string.h>

#include "disasm/insn.h"
#include "disasm/refs.h"
#include "disasm/tables.h"
#include "elfkit/parallel.h"

const char *const ref_kind_names[NR_REF_KINDS] = { "call", "jump", "address", "data" };

/* Code that is decoded, or data that is read, as one piece of work. */
struct piece {
	const struct image_section *section;
	uint64_t low, high;
	struct ref *refs;	/* what was found, by address */
	uint32_t nr_refs, cap_refs;
	struct var_ref *vars;
	uint32_t nr_vars, cap_vars;
};

struct collect {
	const struct funcs *funcs;
	const struct variables *variables;	/* or NULL */
	struct decoder *decoder;
	const struct machine *machine;
	struct tables tables;
	struct piece *pieces;
	uint32_t nr_pieces, cap_pieces;
	uint64_t low, high;	/* all entries lie in here */
	uint8_t *is_entry;	/* bitmap over low..high */
};

static bool entry_at(const struct collect *c, uint64_t addr)
{
	uint64_t i = addr - c->low;

	return addr >= c->low && addr < c->high && (c->is_entry[i / 8] & (1 << i % 8));
}

/* Code is within reach of its own branches, and a file holds most of what lies between: else the image is damaged. */
static uint64_t reach(const struct image *image)
{
	const uint64_t most = 1ULL << 31;

	return image->file_size < most / 32 ? most / 64 + 16 * image->file_size : most;
}

static struct err *mark_entries(struct collect *c)
{
	const struct funcs *funcs = c->funcs;

	if (!funcs->n)
		return NULL;
	c->low = funcs->v[0].low;
	c->high = funcs->v[funcs->n - 1].low + 1;
	if (c->high - c->low > reach(funcs->image))
		return err_new("%s at 0x%lx and %s at 0x%lx are too far apart for one image", funcs->v[0].name,
			       (unsigned long)c->low, funcs->v[funcs->n - 1].name, (unsigned long)c->high - 1);
	c->is_entry = xcalloc((c->high - c->low + 7) / 8, 1);
	for (uint32_t i = 0; i < funcs->n; i++) {
		uint64_t bit = funcs->v[i].low - c->low;

		c->is_entry[bit / 8] |= 1 << bit % 8;
	}
	return NULL;
}

/* Code that replaces an instruction runs as part of that one's function. */
static uint32_t code_owner(const struct collect *c, uint32_t from, uint64_t at)
{
	uint64_t site = from == NO_ID ? tables_alternative_site(&c->tables, at) : 0;

	return site ? funcs_at(c->funcs, site) : from;
}

static void add_ref(const struct collect *c, struct piece *p, uint32_t from, uint64_t at, uint64_t target,
		    enum ref_kind kind)
{
	uint32_t to = funcs_at(c->funcs, target);

	if (to == NO_ID)
		return;
	if (kind != REF_DATA)
		from = code_owner(c, from, at);
	if (to == from && kind != REF_ADDRESS)
		return;
	GROW(p->refs, p->nr_refs, p->cap_refs);
	p->refs[p->nr_refs++] = (struct ref){
		.from = from, .to = to, .at = at, .kind = kind, .offset = target - c->funcs->v[to].low,
	};
}

static void add_var_ref(struct piece *p, uint32_t from, uint64_t at, uint32_t to)
{
	GROW(p->vars, p->nr_vars, p->cap_vars);
	p->vars[p->nr_vars++] = (struct var_ref){ from, to, at };
}

/* A constant of an instruction that may be an address. */
static void add_address(const struct collect *c, struct piece *p, uint32_t from, const struct insn *insn,
			uint64_t value)
{
	uint32_t var;

	if (entry_at(c, value)) {
		add_ref(c, p, from, insn->addr, value, REF_ADDRESS);
		return;
	}
	var = c->variables ? variables_at(c->variables, value) : NO_ID;
	if (var != NO_ID)
		add_var_ref(p, code_owner(c, from, insn->addr), insn->addr, var);
}

/*
 * The same of data.  A small number is a per-CPU variable only where a pointer to it would be, and
 * one that others cannot name only in data of the same units: the rest are flags and sizes.
 * A distance in a table is an address for sure.
 */
static void add_pointer(const struct collect *c, struct piece *p, uint64_t at, uint64_t value, bool is_address)
{
	const struct variable *v;
	uint32_t var;

	if (entry_at(c, value)) {
		add_ref(c, p, NO_ID, at, value, REF_DATA);
		return;
	}
	var = c->variables ? variables_at(c->variables, value) : NO_ID;
	if (var == NO_ID)
		return;
	v = &c->variables->v[var];
	if (is_address || !v->from_zero || (value == v->low && at % sizeof(value) == 0 &&
			      (!v->local || variables_at(c->variables, at) != NO_ID)))
		add_var_ref(p, NO_ID, at, var);
}

/* Fields that can hold an address: 4-byte displacements, 4- and 8-byte immediates. */
static void add_addresses(const struct collect *c, struct piece *p, uint32_t from, const uint8_t *bytes,
			  const struct insn *insn)
{
	int32_t v32;
	int64_t v64;

	if (insn->disp.size == 4) {
		memcpy(&v32, bytes + insn->disp.offset, sizeof(v32));
		add_address(c, p, from, insn, v32 + (insn->pc_relative ? insn->addr + insn->size : 0));
	}
	if (insn->imm.size == 4) {
		memcpy(&v32, bytes + insn->imm.offset, sizeof(v32));
		add_address(c, p, from, insn, (int64_t)v32);
	} else if (insn->imm.size == 8) {
		memcpy(&v64, bytes + insn->imm.offset, sizeof(v64));
		add_address(c, p, from, insn, v64);
	}
}

static void decode_range(const struct collect *c, struct piece *p, uint32_t from, uint64_t low, uint64_t high)
{
	for (uint64_t at = low; at < high;) {
		const uint8_t *bytes = p->section->data + (at - p->section->addr);
		struct insn insn;

		/* three of five instructions of a kernel are traps that pad */
		if (*bytes == c->machine->trap || !decode(c->decoder, bytes, high - at, at, &insn)) {
			at++;
			continue;
		}
		if (insn.kind == INSN_CALL || insn.kind == INSN_JUMP || insn.kind == INSN_BRANCH) {
			/* most branches stay here */
			if (from == NO_ID || insn.target - low >= high - low)
				add_ref(c, p, from, at, insn.target,
					insn.kind == INSN_CALL ? REF_CALL : REF_JUMP);
		} else if (insn.size > 4) {
			add_addresses(c, p, from, bytes, &insn);
		}
		at += insn.size;
	}
}

/* First function at or above @addr. */
static uint32_t lower_bound(const struct funcs *funcs, uint64_t addr)
{
	uint32_t lo = 0, hi = funcs->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (funcs->v[mid].low < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * Functions from their entries, and what lies between them as code of nobody.  One
 * symbol may lie inside another (relocate_range holds identity_mapped): the code is
 * that of the last one to begin, as funcs_at() has it.
 */
static void decode_piece(const struct collect *c, struct piece *p)
{
	const struct funcs *funcs = c->funcs;
	uint64_t at = p->low;

	for (uint32_t i = lower_bound(funcs, p->low); i < funcs->n && funcs->v[i].low < p->high; i++) {
		const struct func *f = &funcs->v[i];
		uint64_t high = f->high < p->high ? f->high : p->high;

		if (i + 1 < funcs->n && funcs->v[i + 1].low < high)
			high = funcs->v[i + 1].low;
		decode_range(c, p, NO_ID, at, f->low);
		decode_range(c, p, i, f->low, high);
		at = high;
	}
	decode_range(c, p, NO_ID, at, p->high);
}

static void read_pointers(const struct collect *c, struct piece *p, uint64_t at, uint64_t end)
{
	const struct image_section *s = p->section;

	/* an ELF note (.notes: Xen's entry points) and packed structs align pointers to 4 bytes */
	for (; at < end && s->addr + s->size - at >= 8; at += 4) {
		uint64_t value;

		memcpy(&value, s->data + (at - s->addr), sizeof(value));
		add_pointer(c, p, at, value, false);
	}
}

static void read_distances(const struct collect *c, struct piece *p, uint64_t at, uint64_t end)
{
	for (; at < end && end - at >= 4; at += 4) {
		int32_t value;

		memcpy(&value, p->section->data + (at - p->section->addr), sizeof(value));
		add_pointer(c, p, at, at + value, true);
	}
}

/* The code that an entry is about is what uses its key. */
static void read_keys(const struct collect *c, struct piece *p, const struct table *t, uint64_t at, uint64_t end)
{
	at += (t->entry - (at - t->low) % t->entry) % t->entry;
	for (; at < end && p->section->addr + p->section->size - at >= t->entry; at += t->entry) {
		const uint8_t *bytes = p->section->data + (at - p->section->addr);
		int32_t place, v32;
		uint32_t var;
		int64_t key;

		memcpy(&place, bytes, sizeof(place));
		memcpy(&v32, bytes + t->key, sizeof(v32));
		key = v32;
		if (t->key_size == sizeof(key))
			memcpy(&key, bytes + t->key, sizeof(key));
		var = c->variables ? variables_at(c->variables, (at + t->key + key) & ~3UL) : NO_ID;
		if (var != NO_ID)
			add_var_ref(p, funcs_at(c->funcs, at + place), at + place, var);
	}
}

/* Data is pointers but where a table says otherwise. */
static void read_piece(const struct collect *c, struct piece *p)
{
	uint64_t at = p->low + (-p->low & 3);

	while (at < p->high) {
		const struct table *t = tables_from(&c->tables, at);
		uint64_t end = !t ? p->high : t->low > at ? t->low : t->high;

		if (end > p->high)
			end = p->high;
		if (!t || t->low > at)
			read_pointers(c, p, at, end);
		else if (t->kind == TABLE_DISTANCES)
			read_distances(c, p, at, end);
		else if (t->kind == TABLE_KEYS)
			read_keys(c, p, t, at, end);
		at = end + (-end & 3);
	}
}

static void run_piece(void *arg, uint32_t i)
{
	struct collect *c = arg;

	if (image_section_is_code(c->pieces[i].section))
		decode_piece(c, &c->pieces[i]);
	else
		read_piece(c, &c->pieces[i]);
}

static void add_piece(struct collect *c, const struct image_section *s, uint64_t low, uint64_t high)
{
	GROW(c->pieces, c->nr_pieces, c->cap_pieces);
	c->pieces[c->nr_pieces++] = (struct piece){ .section = s, .low = low, .high = high };
}

/* Code is cut where functions begin. */
static void cut_section(struct collect *c, const struct image_section *s)
{
	const uint64_t size = 512 << 10;
	uint64_t low = s->addr, end = s->addr + s->size;

	while (image_section_is_code(s) && end - low > size) {
		uint32_t next = lower_bound(c->funcs, low + size);

		if (next == c->funcs->n || c->funcs->v[next].low >= end)
			break;
		add_piece(c, s, low, c->funcs->v[next].low);
		low = c->funcs->v[next].low;
	}
	add_piece(c, s, low, end);
}

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return x->section < y->section ? -1 : x->section > y->section;
}

static void cut_image(struct collect *c)
{
	const struct image *image = c->funcs->image;

	for (uint32_t i = 1; i < image->nr_sections; i++) {
		const struct image_section *s = &image->sections[i];

		if ((s->flags & SHF_ALLOC) && s->data && (s->type == SHT_PROGBITS || s->type == SHT_NOTE))
			cut_section(c, s);
	}
	if (c->nr_pieces)
		qsort(c->pieces, c->nr_pieces, sizeof(*c->pieces), compare_pieces);
}

/* All pieces as one array by target; pieces and what they hold are in the order of addresses. */
static struct refs *join_pieces(const struct collect *c)
{
	struct refs *refs = xcalloc(1, sizeof(*refs));
	uint32_t nr_funcs = c->funcs->n, *next = xcalloc(nr_funcs + 1, sizeof(*next));

	for (uint32_t i = 0; i < c->nr_pieces; i++) {
		refs->n += c->pieces[i].nr_refs;
		for (uint32_t r = 0; r < c->pieces[i].nr_refs; r++)
			next[c->pieces[i].refs[r].to + 1]++;
	}
	for (uint32_t to = 0; to < nr_funcs; to++)
		next[to + 1] += next[to];
	refs->to = xcalloc(nr_funcs + 1, sizeof(*refs->to));
	memcpy(refs->to, next, (nr_funcs + 1) * sizeof(*next));
	refs->v = xcalloc(refs->n, sizeof(*refs->v));
	for (uint32_t i = 0; i < c->nr_pieces; i++)
		for (uint32_t r = 0; r < c->pieces[i].nr_refs; r++)
			refs->v[next[c->pieces[i].refs[r].to]++] = c->pieces[i].refs[r];
	free(next);
	return refs;
}

/*
 * Whether an instruction with a small number in it means the per-CPU variable there: it
 * goes through a segment register, or loads the address whole to add a CPU's offset to it.
 */
static bool means_percpu(const struct collect *c, const struct piece *p, const struct var_ref *ref)
{
	const uint8_t *bytes = p->section->data + (ref->at - p->section->addr);
	const struct variable *v = &c->variables->v[ref->to];
	struct insn_detail detail;
	struct insn insn;

	if (!decode_operands(c->decoder, bytes, p->high - ref->at, ref->at, &insn, &detail))
		return false;
	for (uint8_t i = 0; i < detail.nr_operands; i++)
		if (detail.operands[i].kind == OPERAND_MEM && detail.operands[i].segment)
			return true;
	if (detail.op != OP_MOV || detail.operands[1].kind != OPERAND_IMM ||
	    (uint64_t)detail.operands[1].value != v->low)
		return false;
	/* what nobody else can name is not passed on in memory or in half a register */
	return !v->local || (detail.operands[0].kind == OPERAND_REG && detail.operands[0].size == 8);
}

/* Here, since one thread alone can look at operands. */
static void drop_numbers(const struct collect *c, struct piece *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->nr_vars; i++)
		if (!c->variables->v[p->vars[i].to].from_zero || means_percpu(c, p, &p->vars[i]))
			p->vars[n++] = p->vars[i];
	p->nr_vars = n;
}

static int compare_var_refs(const void *a, const void *b)
{
	const struct var_ref *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void join_vars(const struct collect *c, struct refs *refs)
{
	uint32_t n = c->variables->n, *next = xcalloc(n + 1, sizeof(*next));

	for (uint32_t i = 0; i < c->nr_pieces; i++) {
		if (image_section_is_code(c->pieces[i].section))
			drop_numbers(c, &c->pieces[i]);
		refs->nr_vars += c->pieces[i].nr_vars;
		for (uint32_t r = 0; r < c->pieces[i].nr_vars; r++)
			next[c->pieces[i].vars[r].to + 1]++;
	}
	for (uint32_t to = 0; to < n; to++)
		next[to + 1] += next[to];
	refs->to_var = xcalloc(n + 1, sizeof(*refs->to_var));
	memcpy(refs->to_var, next, (n + 1) * sizeof(*next));
	refs->vars = xcalloc(refs->nr_vars, sizeof(*refs->vars));
	for (uint32_t i = 0; i < c->nr_pieces; i++)
		for (uint32_t r = 0; r < c->pieces[i].nr_vars; r++)
			refs->vars[next[c->pieces[i].vars[r].to]++] = c->pieces[i].vars[r];
	/* tables name code elsewhere */
	for (uint32_t to = 0; to < n; to++)
		if (refs->to_var[to] < refs->to_var[to + 1])
			qsort(refs->vars + refs->to_var[to], refs->to_var[to + 1] - refs->to_var[to],
			      sizeof(*refs->vars), compare_var_refs);
	free(next);
}

struct err *refs_collect(const struct funcs *funcs, const struct variables *variables, struct refs **ret)
{
	const struct image *image = funcs->image;
	struct collect c = { .funcs = funcs, .variables = variables };
	struct err *err = decoder_open(image->machine, &c.decoder);

	if (err)
		return err_in(err, image->path);
	c.machine = machine_of(image->machine);
	err = mark_entries(&c);
	if (err) {
		decoder_close(c.decoder);
		return err_in(err, image->path);
	}
	tables_find(image, funcs->symbols, &c.tables);
	cut_image(&c);
	parallel_run(c.nr_pieces, run_piece, &c);
	*ret = join_pieces(&c);
	if (variables)
		join_vars(&c, *ret);
	for (uint32_t i = 0; i < c.nr_pieces; i++) {
		free(c.pieces[i].refs);
		free(c.pieces[i].vars);
	}
	free(c.pieces);
	tables_release(&c.tables);
	decoder_close(c.decoder);
	free(c.is_entry);
	return NULL;
}

void refs_free(struct refs *refs)
{
	if (!refs)
		return;
	free(refs->v);
	free(refs->to);
	free(refs->vars);
	free(refs->to_var);
	free(refs);
}
