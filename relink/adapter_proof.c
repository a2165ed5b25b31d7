// SPDX-License-Identifier: GPL-2.0
/* Adapters followed in symbols. */
#include <string.h>

#include "relink/adapter_proof.h"

#define WORD 8

struct proof {
	const struct machine *machine;
	const struct adapter_claim *claim;
	struct symbolic call;	/* at the new call */
	struct symbolic state;	/* now */
	uint32_t nr_used;	/* fixups */
	bool cleared[FRAME_MAX_MARKS];	/* marks of the new frame */
};

static struct err *wrong(uint32_t at, const char *text, const char *why)
{
	return err_new("the adapter is not proven: +0x%x: `%s` %s", at, text, why);
}

static struct err *missing(const char *what, const char *reg)
{
	return err_new("the adapter is not proven: at its end %s%s", what, reg);
}

/* What the linker makes of the pc-relative field at @offset, which ends @after bytes before the instruction. */
static bool resolve(struct proof *p, uint32_t offset, uint32_t end, uint64_t *target)
{
	const struct adapter_claim *c = p->claim;
	static const uint8_t zero[4];

	for (uint32_t i = 0; i < c->nr_fixups; i++)
		if (c->fixups[i].offset == offset && !memcmp(c->bytes + offset, zero, sizeof(zero))) {
			*target = c->fixups[i].value + (end - offset);
			p->nr_used++;
			return true;
		}
	return false;
}

/* Whether a word that is written lies in the frame: not below the stack pointer, not above the frame. */
static bool is_in_frame(const struct proof *p, const struct insn_detail *d)
{
	const struct stack_place *sp = &p->state.reg[p->machine->sp].place;
	struct stack_place place;

	if (d->op == OP_PUSH || !d->operands[0].written || d->operands[0].kind != OPERAND_MEM)
		return true;
	if (!symbolic_place(&p->state, &d->operands[0], &place))
		return false;
	if (place.base == BASE_CFA && place.offset > -2L * WORD)
		return false;
	if (place.base == sp->base)
		return place.offset >= sp->offset;
	return place.base == BASE_CFA && place.offset >= p->state.aligned_at + sp->offset;
}

/* Whether @d takes one of the new frame's marks off, which is the only thing that may be written elsewhere. */
static bool clears_mark(struct proof *p, const struct insn_detail *d)
{
	const struct frame *from = p->claim->from;
	struct value addr;

	if (d->op != OP_MOV || d->nr_operands != 2 || d->operands[1].kind != OPERAND_IMM || d->operands[1].value ||
	    !symbolic_shadow(&p->state, &d->operands[0], &addr))
		return false;
	for (uint32_t i = 0; i < from->nr_marks; i++)
		if (value_equal(&from->marks[i].addr, &addr) && from->marks[i].size == d->operands[0].size)
			return p->cleared[i] = true;
	return false;
}

static struct err *step(struct proof *p, uint32_t at, const struct insn *insn, const struct insn_detail *d)
{
	const struct value *sp = &p->state.reg[p->machine->sp];
	uint64_t target = 0;

	for (uint8_t i = 0; i < d->nr_fields; i++)
		if (d->fields[i].pc_relative && !resolve(p, at + d->fields[i].offset, at + insn->size, &target))
			return wrong(at, d->text, "refers to an unknown place");
	if (clears_mark(p, d))
		return NULL;
	if (!is_in_frame(p, d))
		return wrong(at, d->text, "writes to memory that is not the frame's");
	if (!symbolic_step(&p->state, p->machine, d, target))
		return wrong(at, d->text, "is not understood");
	if (sp->kind != VALUE_STACK || (sp->place.base == BASE_CFA && sp->place.offset > -WORD))
		return wrong(at, d->text, "moves the stack pointer out of the frame");
	symbolic_forget_below(&p->state, p->machine);
	return NULL;
}

/*
 * Whether all that unwinding from the new call goes by is as it was there: stack and frame pointer,
 * the word with the CFA, and where the caller's frame pointer is.
 */
static bool is_as_call(const struct proof *p, const struct symbolic *call)
{
	const struct frame *from = p->claim->from;
	const struct machine *m = p->machine;
	struct value cfa = value_stack(BASE_CFA, 0), own = value_caller(m->fp), there;

	if (!value_equal(&p->state.reg[m->sp], &call->reg[m->sp]) ||
	    !value_equal(&p->state.reg[m->fp], &call->reg[m->fp]))
		return false;
	there = symbolic_load(&p->state, from->cfa_slot);
	if (from->has_cfa_slot && !value_equal(&there, &cfa))
		return false;
	there = symbolic_load(&p->state, from->saved[m->fp]);
	return !from->is_saved[m->fp] || value_equal(&there, &own);
}

/* The slot, counted from the CFA, that holds the caller's frame pointer. */
static bool find_caller_fp(const struct proof *p, int64_t *offset)
{
	struct value own = value_caller(p->machine->fp);

	for (uint32_t i = p->state.nr_slots; i--;)
		if (value_equal(&p->state.slots[i].value, &own) && p->state.slots[i].place.base == BASE_CFA) {
			*offset = p->state.slots[i].place.offset;
			return true;
		}
	return false;
}

/* Where the kernel's unwinder finds the CFA and the caller's frame pointer before the instruction at @at. */
static struct err *add_row(const struct proof *p, uint32_t at, struct unwind_rows *rows)
{
	const struct machine *m = p->machine;
	const struct value *sp = &p->state.reg[m->sp], *fp = &p->state.reg[m->fp];
	struct unwind_row row = { .offset = at }, *last = rows->n ? &rows->v[rows->n - 1] : NULL;
	struct value own = value_caller(m->fp);

	if (is_as_call(p, &p->call)) {
		row.as_call = true;
	} else if (fp->kind == VALUE_STACK && fp->place.base == BASE_CFA) {
		row.cfa_reg = m->fp;	/* as compilers have it from there on */
		row.cfa_offset = -fp->place.offset;
	} else if (sp->place.base == BASE_CFA) {
		row.cfa_reg = m->sp;
		row.cfa_offset = -sp->place.offset;
	} else {
		return wrong(at, "...", "could not be unwound");
	}
	row.fp_saved = !row.as_call && !value_equal(fp, &own);
	if (row.fp_saved && !find_caller_fp(p, &row.fp_offset))
		return wrong(at, "...", "could not be unwound");
	if (last && last->as_call == row.as_call && last->cfa_reg == row.cfa_reg &&
	    last->cfa_offset == row.cfa_offset && last->fp_saved == row.fp_saved &&
	    last->fp_offset == row.fp_offset)
		return NULL;
	if (rows->n == ADAPTER_MAX_ROWS)
		return err_new("the adapter is too long");
	rows->v[rows->n++] = row;
	return NULL;
}

/* What the old function's code finds when it goes on behind its call. */
static struct err *check_frame(const struct proof *p)
{
	const struct adapter_claim *c = p->claim;
	const struct machine *m = p->machine;
	struct value sp = { .kind = VALUE_STACK, .place = c->to->sp };
	struct value cfa = value_stack(BASE_CFA, -c->to_row->cfa_offset);
	struct value fp = { .kind = VALUE_STACK, .place = c->to->fp };

	if (!value_equal(&p->state.reg[m->sp], &sp))
		return missing("the stack pointer is at another place than at the kernel's call", "");
	if (!c->to_row->cfa_known || c->to_row->cfa_in_memory || c->to_row->cfa_reg >= FRAME_REGS ||
	    !value_equal(&p->state.reg[c->to_row->cfa_reg], &cfa))
		return missing("the CFA is not where the kernel's call has it", "");
	if (c->to->has_fp && !value_equal(&p->state.reg[m->fp], &fp))
		return missing("the frame pointer is at another place than at the kernel's call", "");
	if (symbolic_load(&p->state, (struct stack_place){ BASE_CFA, -WORD }).kind != VALUE_RETURN)
		return missing("the return address is lost", "");
	return NULL;
}

static struct err *check_registers(const struct proof *p)
{
	const struct cfi_row *row = p->claim->to_row;

	for (uint8_t reg = 0; reg < FRAME_REGS; reg++) {
		const struct value *now = &p->state.reg[reg];
		struct value own = value_caller(reg), there;

		if ((p->machine->args & (1U << reg)) && (now->kind != VALUE_ARGUMENT || now->reg != reg))
			return missing("an argument of the stack switch is lost: %", frame_reg_names[reg]);
		if (!(p->machine->callee_saved & (1U << reg)))
			continue;
		there = *now;
		if (row->rule[reg] == CFI_SAVED)
			there = symbolic_load(&p->state, (struct stack_place){ BASE_CFA, row->offset[reg] });
		else if (row->rule[reg] != CFI_SAME)
			there.kind = VALUE_UNSET;
		if (!value_equal(&there, &own))
			return missing("the kernel's code would give the caller another value in %",
				       frame_reg_names[reg]);
	}
	return NULL;
}

static struct err *check_needs(const struct proof *p)
{
	const struct adapter_claim *c = p->claim;

	for (uint32_t i = 0; i < c->needs->n; i++) {
		const struct need *need = &c->needs->v[i];
		struct value canary = { .kind = VALUE_CPU, .number = c->to->canary_source };
		struct value there = need->kind == NEED_REGISTER ? p->state.reg[need->reg] :
				     symbolic_load(&p->state, need->place);

		if (!(need_is_canary(need, c->to) && value_equal(&there, &canary)) &&
		    !(need_is_shadow(need, c->to) && value_equal(&there, &c->to->shadow)))
			return err_new("the adapter is not proven: it does not supply what `%s` reads", need->text);
	}
	for (uint32_t i = 0; i < c->from->nr_marks; i++)
		if (!p->cleared[i])
			return missing("shadow memory of the new frame stays marked", "");
	if (c->to->nr_marks && !c->from->nr_marks)
		return missing("the new frame has no marks in shadow memory that are known, the kernel's has", "");
	return NULL;
}

static struct err *finish(struct proof *p, uint32_t at, const struct insn *insn, const char *text)
{
	struct err *err;
	uint64_t target;

	if (insn->target_size != 4 || !resolve(p, at + insn->target_offset, at + insn->size, &target) ||
	    target != p->claim->call)
		return wrong(at, text, "does not go on at the kernel's call");
	if (p->nr_used != p->claim->nr_fixups)
		return wrong(at, text, "leaves a relocation that no instruction has");
	err = check_frame(p);
	err = err ?: check_registers(p);
	return err ?: check_needs(p);
}

struct err *adapter_prove(struct decoder *decoder, const struct machine *machine,
			  const struct adapter_claim *claim, struct unwind_rows *rows)
{
	struct proof p = { .machine = machine, .claim = claim };

	rows->n = 0;
	frame_state(claim->from, machine, &p.call);
	p.state = p.call;
	for (uint32_t at = 0; at < claim->size;) {
		struct insn_detail d;
		struct insn insn;
		struct err *err;

		if (!decode(decoder, claim->bytes + at, claim->size - at, at, &insn) ||
		    !decode_detail(decoder, claim->bytes + at, insn.size, at, &d))
			return wrong(at, "?", "is not decodable");
		err = add_row(&p, at, rows);
		if (err)
			return err;
		if (insn.kind == INSN_JUMP)
			return finish(&p, at, &insn, d.text);
		if (insn.kind != INSN_OTHER)
			return wrong(at, d.text, "is not understood");
		err = step(&p, at, &insn, &d);
		if (err)
			return err;
		at += insn.size;
	}
	return err_new("the adapter is not proven: it does not end");
}
