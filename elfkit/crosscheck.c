// SPDX-License-Identifier: GPL-2.0
/*
 * Relocations as the linker wrote them (x86-64 psABI, table 4.9) and landing pads
 * (the kernel's tools/objtool/check.c, validate_ibt() and .ibt_endbr_seal).
 */
#include <string.h>

#include "disasm/tables.h"
#include "elfkit/crosscheck.h"
#include "elfkit/parallel.h"

const char *const finding_names[NR_FINDINGS] = { "relocation", "call site", "no landing pad", "sealed", "not taken" };

struct check {
	const struct funcs *funcs;
	const struct variables *variables;	/* or NULL */
	const struct refs *refs;
	struct findings *findings;
	uint32_t cap;
	struct tables tables;
	struct decoder *decoder;
	struct relocations *sections;	/* of one section each */
	uint32_t nr_sections;
	uint64_t trampolines_low, trampolines_high;	/* of static calls */
};

/* A reference that a relocation shows and that was not found. */
struct missed {
	uint64_t at;
	uint32_t func;		/* or NO_ID, and then ... */
	uint32_t variable;
};

struct relocations {
	const struct check *check;
	const struct image_section *rela, *target;
	struct missed *missed;
	uint32_t nr_missed, cap_missed;
	uint32_t nr_shown;
};

static void add_finding(struct check *c, enum finding_kind kind, uint32_t func, char *text)
{
	GROW(c->findings->v, c->findings->n, c->cap);
	c->findings->v[c->findings->n++] = (struct finding){ kind, func, text };
}

/* Whether a reference to @func was found at an address in low..high. */
static bool found_in(const struct refs *refs, uint32_t func, uint64_t low, uint64_t high)
{
	uint32_t lo = refs->to[func], hi = refs->to[func + 1];

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (refs->v[mid].at < low)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < refs->to[func + 1] && refs->v[lo].at < high;
}

/* The function that a relocation with S + A = @value shows a reference to, or NO_ID. */
static uint32_t shown_function(const struct relocations *r, const Elf64_Rela *rela, uint64_t value)
{
	const struct funcs *funcs = r->check->funcs;
	bool code = image_section_is_code(r->target);
	const struct table *t;
	uint32_t func;

	switch (ELF64_R_TYPE(rela->r_info)) {
	case R_X86_64_PLT32:
		func = code ? funcs_at(funcs, value + 4) : NO_ID;
		return func != NO_ID && func == funcs_at(funcs, rela->r_offset) ? NO_ID : func;
	case R_X86_64_32:
	case R_X86_64_32S:
		return code ? funcs_starting_at(funcs, value) : NO_ID;
	case R_X86_64_64:
		func = funcs_starting_at(funcs, value);
		if (func == NO_ID)
			return NO_ID;
		t = code ? NULL : tables_from(&r->check->tables, rela->r_offset);
		return t && t->low <= rela->r_offset && t->kind == TABLE_PLACES ? NO_ID : func;
	case R_X86_64_PC32:
		/* a distance in data counts where a table of distances is; in code it is an operand */
		t = code ? NULL : tables_from(&r->check->tables, rela->r_offset);
		if (code || (t && t->low <= rela->r_offset && t->kind == TABLE_DISTANCES))
			return funcs_starting_at(funcs, value + (code ? 4 : 0));
		return NO_ID;
	}
	return NO_ID;
}

static bool found_variable(const struct refs *refs, uint32_t var, uint64_t low, uint64_t high)
{
	uint32_t lo = refs->to_var[var], hi = refs->to_var[var + 1];

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (refs->vars[mid].at < low)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < refs->to_var[var + 1] && refs->vars[lo].at < high;
}

/* Bytes from @field to the end of the instruction that it is in; 0 where it is in none. */
static uint64_t to_end_of_insn(const struct check *c, uint64_t field)
{
	uint32_t func = funcs_at(c->funcs, field);
	struct insn insn;

	if (func == NO_ID)
		return 0;
	for (uint64_t at = c->funcs->v[func].low; at <= field; at += insn.size) {
		const uint8_t *bytes = image_bytes(c->funcs->image, at, c->funcs->v[func].high - at);

		if (!bytes || !decode(c->decoder, bytes, c->funcs->v[func].high - at, at, &insn))
			return 0;
		if (at + insn.size > field)
			return at + insn.size - field;
	}
	return 0;
}

/* The variable that a relocation with S + A = @value shows a reference to, and that was not found; or NO_ID. */
static uint32_t missed_variable(const struct relocations *r, const Elf64_Rela *rela, uint64_t value)
{
	const struct check *c = r->check;
	bool code = image_section_is_code(r->target);
	const struct table *t = code ? NULL : tables_from(&c->tables, rela->r_offset);
	uint64_t behind;
	uint32_t var;

	if (!c->variables || (t && t->low <= rela->r_offset && t->kind == TABLE_KEYS))
		return NO_ID;
	if (ELF64_R_TYPE(rela->r_info) == R_X86_64_PC32) {
		/* a distance in data counts where a table of distances is */
		if (!code && !(t && t->low <= rela->r_offset && t->kind == TABLE_DISTANCES))
			return NO_ID;
		/* the addend is short of what follows the field: 4 bytes at least */
		if (code && variables_at(c->variables, value + 4) == NO_ID && variables_at(c->variables, value + 8) == NO_ID)
			return NO_ID;
		behind = code ? to_end_of_insn(c, rela->r_offset) : 0;
		if (code && !behind)
			return NO_ID;
		value += behind;
	}
	var = variables_at(c->variables, value);
	if (var == NO_ID ||
	    found_variable(c->refs, var, code ? rela->r_offset - 11 : rela->r_offset, rela->r_offset + 1))
		return NO_ID;
	return var;
}

static void check_section(void *arg, uint32_t i)
{
	struct relocations *r = &((struct check *)arg)->sections[i];
	const struct image *image = r->check->funcs->image;

	for (uint64_t off = 0; off + sizeof(Elf64_Rela) <= r->rela->size; off += sizeof(Elf64_Rela)) {
		bool code = image_section_is_code(r->target);
		Elf64_Rela rela;
		uint64_t value;
		uint32_t func, var;

		memcpy(&rela, r->rela->data + off, sizeof(rela));
		if (ELF64_R_SYM(rela.r_info) >= image->nr_symtab ||
		    rela.r_offset - r->target->addr >= r->target->size)
			continue;
		value = image->symtab[ELF64_R_SYM(rela.r_info)].st_value + rela.r_addend;
		func = shown_function(r, &rela, value);
		var = func == NO_ID ? missed_variable(r, &rela, value) : NO_ID;
		if (var != NO_ID) {
			GROW(r->missed, r->nr_missed, r->cap_missed);
			r->missed[r->nr_missed++] = (struct missed){ rela.r_offset, NO_ID, var };
		}
		if (func == NO_ID)
			continue;
		r->nr_shown++;
		/* the field lies somewhere in the instruction; in data it is the pointer */
		if (found_in(r->check->refs, func, code ? rela.r_offset - 11 : rela.r_offset, rela.r_offset + 1))
			continue;
		GROW(r->missed, r->nr_missed, r->cap_missed);
		r->missed[r->nr_missed++] = (struct missed){ rela.r_offset, func, NO_ID };
	}
}

static int compare_missed(const void *a, const void *b)
{
	const struct missed *x = a, *y = b;

	if (x->func != y->func)
		return x->func < y->func ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void check_relocations(struct check *c)
{
	const struct image *image = c->funcs->image;
	struct missed *missed = NULL;
	uint32_t n = 0, cap = 0;

	c->sections = xcalloc(image->nr_sections, sizeof(*c->sections));
	for (size_t i = 1; i < image->nr_sections; i++) {
		const struct image_section *rela = &image->sections[i];

		if (rela->type == SHT_RELA && rela->data && rela->info < image->nr_sections &&
		    (image->sections[rela->info].flags & SHF_ALLOC) && image->sections[rela->info].data)
			c->sections[c->nr_sections++] = (struct relocations){
				.check = c, .rela = rela, .target = &image->sections[rela->info],
			};
	}
	parallel_run(c->nr_sections, check_section, c);
	for (uint32_t i = 0; i < c->nr_sections; i++) {
		c->findings->nr_relocations += c->sections[i].nr_shown;
		for (uint32_t k = 0; k < c->sections[i].nr_missed; k++) {
			GROW(missed, n, cap);
			missed[n++] = c->sections[i].missed[k];
		}
		free(c->sections[i].missed);
	}
	free(c->sections);
	if (n)
		qsort(missed, n, sizeof(*missed), compare_missed);
	for (uint32_t i = 0; i < n; i++) {
		AUTO_FREE char *place = funcs_place(c->funcs, missed[i].at);

		add_finding(c, FINDING_RELOCATION, missed[i].func,
			    xasprintf("the linker put a reference to %s at %s, and none was found there",
				      missed[i].func == NO_ID ? c->variables->v[missed[i].variable].name :
				      c->funcs->v[missed[i].func].name, place));
	}
	free(missed);
}

/* The direct call or jump that ends at @end: false where there is none. */
static bool branch_before(const struct check *c, uint64_t end, struct insn *ret)
{
	static const uint8_t sizes[] = { 5, 6, 2 };	/* call and jmp, jcc, short forms */

	for (size_t i = 0; i < sizeof(sizes); i++) {
		uint64_t at = end - sizes[i];
		const uint8_t *bytes = image_bytes(c->funcs->image, at, sizes[i]);

		if (bytes && decode(c->decoder, bytes, sizes[i], at, ret) && ret->size == sizes[i] &&
		    (ret->kind == INSN_CALL || ret->kind == INSN_JUMP || ret->kind == INSN_BRANCH))
			return true;
	}
	return false;
}

/* Whether @func is called @name: itself or a clone of it, by an alias, or in the source. */
static bool is_called(const struct check *c, uint32_t func, const char *name)
{
	const struct symbols *symbols = c->funcs->symbols;
	const struct func *f = &c->funcs->v[func];
	const struct debug_func *source = funcs_source(c->funcs, func);
	size_t len = strlen(name);

	if (source && !strcmp(source->name, name))
		return true;
	for (uint32_t i = symbols_lower_bound(symbols, f->low); i < symbols->n; i++) {
		const struct symbol *s = &symbols->v[symbols->by_addr[i]];

		if (s->value != f->low)
			return false;
		if (!strncmp(s->name, name, len) && (!s->name[len] || s->name[len] == '.'))
			return true;
	}
	return false;
}

static void check_call_sites(struct check *c)
{
	const struct debuginfo *info = c->funcs->debuginfo;

	for (uint32_t i = 0; i < info->nr_calls; i++) {
		const struct debug_call *call = &info->calls[i];
		uint32_t from = funcs_at(c->funcs, call->end - 1), to = NO_ID;
		AUTO_FREE char *place = NULL;
		struct insn insn;

		if (from == NO_ID)
			continue;
		c->findings->nr_call_sites++;
		if (branch_before(c, call->end, &insn))
			to = funcs_at(c->funcs, insn.target);
		if (to != NO_ID && is_called(c, to, call->callee) &&
		    (to == from || found_in(c->refs, to, insn.addr, insn.addr + 1)))
			continue;
		place = funcs_place(c->funcs, call->end);
		add_finding(c, FINDING_CALL_SITE, from,
			    xasprintf("the compiler put a call of %s before %s, and %s%s was found there", call->callee,
				      place, to == NO_ID ? "none" : "one of ",
				      to == NO_ID ? "" : c->funcs->v[to].name));
	}
}

static const struct ref *first_taken(const struct refs *refs, uint32_t func)
{
	for (uint32_t r = refs->to[func]; r < refs->to[func + 1]; r++)
		if ((refs->v[r].kind == REF_ADDRESS || refs->v[r].kind == REF_DATA) && !refs->v[r].offset)
			return &refs->v[r];
	return NULL;
}

static bool has_landing_pad(const struct check *c, uint32_t func)
{
	const struct machine *machine = machine_of(c->funcs->image->machine);
	const uint8_t *bytes = image_bytes(c->funcs->image, c->funcs->v[func].low, sizeof(machine->landing_pad));

	return bytes && !memcmp(bytes, machine->landing_pad, sizeof(machine->landing_pad));
}

/* Functions whose landing pad the kernel overwrites at boot: 32-bit distances. */
static bool *read_seals(struct check *c)
{
	uint32_t start = symbols_find(c->funcs->symbols, "__ibt_endbr_seal");
	uint32_t end = symbols_find(c->funcs->symbols, "__ibt_endbr_seal_end");
	bool *sealed;

	if (start == NO_ID || end == NO_ID)
		return NULL;
	sealed = xcalloc(c->funcs->n, sizeof(*sealed));
	for (uint64_t at = c->funcs->symbols->v[start].value; at < c->funcs->symbols->v[end].value; at += 4) {
		const uint8_t *bytes = image_bytes(c->funcs->image, at, 4);
		int32_t distance;
		uint32_t func;

		if (!bytes)
			break;
		memcpy(&distance, bytes, sizeof(distance));
		func = funcs_starting_at(c->funcs, at + distance);
		if (func == NO_ID)
			continue;
		sealed[func] = true;
		c->findings->nr_sealed++;
	}
	return sealed;
}

/*
 * Not functions to be called: trampolines, whose addresses are for patching, and the
 * padding in front of a function.
 */
static bool is_call_target(const struct check *c, uint32_t func)
{
	uint64_t low = c->funcs->v[func].low;

	return strncmp(c->funcs->v[func].name, "__pfx_", 6) &&
	       (low < c->trampolines_low || low >= c->trampolines_high);
}

static void check_landing_pad(struct check *c, enum finding_kind kind, uint32_t func, bool sealed)
{
	const char *name = c->funcs->v[func].name;
	const char *section = c->funcs->image->sections[c->funcs->v[func].section].name;
	const struct ref *ref = first_taken(c->refs, func);
	bool pad = has_landing_pad(c, func);
	AUTO_FREE char *place = NULL;

	if (kind == FINDING_NOT_TAKEN) {
		/* what would take the address of an exit function is dropped from an image */
		if (!ref && pad && !sealed && strncmp(section, ".exit", 5))
			add_finding(c, kind, func,
				    xasprintf("objtool left %s its landing pad, and nothing was found that takes its address",
					      name));
		return;
	}
	if (!ref || pad != (kind == FINDING_SEALED))
		return;
	place = funcs_place(c->funcs, ref->at);
	if (kind == FINDING_NO_LANDING_PAD && is_call_target(c, func))
		add_finding(c, kind, func,
			    xasprintf("the address of %s is taken at %s, and it has no landing pad for indirect calls",
				      name, place));
	else if (kind == FINDING_SEALED && sealed)
		add_finding(c, kind, func,
			    xasprintf("the address of %s is taken at %s, and objtool sealed it as never called indirectly",
				      name, place));
}

static void check_landing_pads(struct check *c)
{
	const struct symbols *symbols = c->funcs->symbols;
	uint32_t low = symbols_find(symbols, "__static_call_text_start");
	uint32_t high = symbols_find(symbols, "__static_call_text_end");
	AUTO_FREE bool *sealed = read_seals(c);

	if (!sealed || !c->findings->nr_sealed)
		return;
	if (low != NO_ID && high != NO_ID) {
		c->trampolines_low = symbols->v[low].value;
		c->trampolines_high = symbols->v[high].value;
	}
	for (enum finding_kind kind = FINDING_NO_LANDING_PAD; kind < NR_FINDINGS; kind++)
		for (uint32_t i = 0; i < c->funcs->n; i++)
			check_landing_pad(c, kind, i, sealed[i]);
}

struct err *crosscheck(const struct funcs *funcs, const struct variables *variables, const struct refs *refs,
		       struct findings *ret)
{
	struct check c = { .funcs = funcs, .variables = variables, .refs = refs, .findings = ret };
	struct err *err;

	memset(ret, 0, sizeof(*ret));
	err = decoder_open(funcs->image->machine, &c.decoder);
	if (err)
		return err;
	tables_find(funcs->image, funcs->symbols, &c.tables);
	check_relocations(&c);
	check_call_sites(&c);
	check_landing_pads(&c);
	tables_release(&c.tables);
	decoder_close(c.decoder);
	return NULL;
}

void findings_release(struct findings *findings)
{
	for (uint32_t i = 0; i < findings->n; i++)
		free(findings->v[i].text);
	free(findings->v);
	memset(findings, 0, sizeof(*findings));
}
