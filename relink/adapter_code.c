// SPDX-License-Identifier: GPL-2.0
/*
 * Frame adapters for x86-64 (Intel SDM volume 2 for the encodings).
 *
 *	lea	...; shr; movabs; add; mov $0	the address sanitizer's marks of the new frame come off
 *	lea	CFA, %r11			or mov, where the new frame is realigned
 *	mov	slot, %reg ...			the caller's registers, but for the frame pointer
 *	mov	slot, %rax			these two only where it is not at CFA - 16 ...
 *	mov	%rax, -16(%r11)			... already
 *	lea	-16(%r11), %rsp
 *	pop	%rbp				as on entry: at the return address
 *	push %rbp; mov %rsp, %rbp; ...		the old prologue's own instructions
 *	jmp	old call of the switch
 *
 * All that the new frame holds is read before the stack pointer moves: what lies
 * below it may be overwritten by an exception at any time.  At each instruction the CFA and
 * the caller's frame pointer can be told from %rsp, %rbp and the stack, which is all
 * that the kernel's unwinder knows: so the frame pointer goes through the stack.
 */
#include <string.h>

#include "relink/adapter_code.h"

#define SCRATCH 11	/* %r11, %rax and %r10: neither arguments nor preserved */
#define SCRATCH2 0

#define LEA 0x8d
#define LOAD 0x8b
#define STORE 0x89

/* DWARF register numbers to those of the instruction set. */
static const uint8_t encoding[FRAME_REGS] = {
	0, 2, 1, 3, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15,
};

static void emit(struct adapter_code *a, const void *bytes, size_t n)
{
	memcpy(a->bytes + a->size, bytes, n);
	a->size += n;
}

/* REX.W OPCODE modrm(mod 10) [sib] disp32: reg <- base + disp, or to or from its memory */
static void emit_reg_base(struct adapter_code *a, uint8_t opcode, uint8_t dwarf_reg, uint8_t dwarf_base,
			  int64_t disp)
{
	uint8_t reg = encoding[dwarf_reg], base = encoding[dwarf_base];
	uint8_t bytes[4] = {
		0x48 | (reg >= 8 ? 4 : 0) | (base >= 8 ? 1 : 0), opcode,
		0x80 | (reg & 7) << 3 | (base & 7), 0x24,
	};
	int32_t disp32 = disp;

	emit(a, bytes, (base & 7) == 4 ? 4 : 3);	/* rsp and r12 need a SIB byte */
	emit(a, &disp32, sizeof(disp32));
}

static void emit_pop(struct adapter_code *a, uint8_t dwarf_reg)
{
	uint8_t reg = encoding[dwarf_reg], bytes[2] = { 0x41, 0x58 | (reg & 7) };

	emit(a, reg >= 8 ? bytes : bytes + 1, reg >= 8 ? 2 : 1);
}

/* @after: bytes between the start of the field and the end of the instruction */
static void add_fixup(struct adapter_code *a, uint32_t offset, uint64_t target, uint8_t after)
{
	memset(a->bytes + offset, 0, 4);
	a->fixups[a->nr_fixups++] = (struct code_fixup){ offset, target - after };
}

static void emit_jump(struct adapter_code *a, uint64_t target)
{
	static const uint8_t jump[5] = { 0xe9 };

	emit(a, jump, sizeof(jump));
	add_fixup(a, a->size - 4, target, 4);
}

/* Leaves in %rax what @addr, a shadow address, is; it counts from what the stack pointer is at the call. */
static struct err *emit_shadow(struct adapter_code *a, const struct machine *machine, const struct frame *new,
			       const struct value *addr)
{
	uint8_t shift[4] = { 0x48, 0xc1, 0xe8, addr->reg }, constant[2] = { 0x49, 0xba }, sum[3] = { 0x4c, 0x01, 0xd0 };

	if (addr->place.base != new->sp.base)
		return err_new("its frame is realigned, and the sanitizer marks what is not");
	emit_reg_base(a, LEA, SCRATCH2, machine->sp, addr->place.offset - new->sp.offset);
	emit(a, shift, sizeof(shift));
	emit(a, constant, sizeof(constant));	/* to %r10 */
	emit(a, &addr->number, sizeof(addr->number));
	emit(a, sum, sizeof(sum));
	return NULL;
}

/* mov $0, DISP(%rax) of @size bytes */
static struct err *emit_zero(struct adapter_code *a, uint64_t disp, uint8_t size)
{
	static const uint8_t wide = 0x48, narrow = 0x66, zero[4];
	const uint8_t store[2] = { size == 1 ? 0xc6 : 0xc7, 0x80 };
	int32_t disp32 = disp;

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return err_new("the sanitizer marks %u bytes at once", size);
	if (size == 8 || size == 2)
		emit(a, size == 8 ? &wide : &narrow, 1);
	emit(a, store, sizeof(store));
	emit(a, &disp32, sizeof(disp32));
	emit(a, zero, size < 4 ? size : 4);
	return NULL;
}

/* What the way out of the new function would do, which nobody goes. */
static struct err *emit_clear(struct adapter_code *a, const struct machine *machine, const struct frame *new)
{
	const struct value *base = NULL;
	struct err *err = NULL;

	for (uint32_t i = 0; i < new->nr_marks && !err; i++) {
		const struct value *addr = &new->marks[i].addr;

		if (!base || !place_equal(base->place, addr->place) || base->reg != addr->reg ||
		    (uint64_t)(int32_t)(addr->number - base->number) != addr->number - base->number)
			err = emit_shadow(a, machine, new, base = addr);
		err = err ?: emit_zero(a, addr->number - base->number, new->marks[i].size);
	}
	return err;
}

/* Where the call frame information says that the caller's @reg is. */
static struct err *emit_slot(struct adapter_code *a, const struct machine *machine, const struct cfi_row *row,
			     uint8_t opcode, uint8_t to, uint8_t reg)
{
	if (row->rule[reg] == CFI_SAVED) {
		emit_reg_base(a, opcode, to, SCRATCH, row->offset[reg]);
		return NULL;
	}
	/* the two that stay as they are until all is read */
	if (row->base[reg] != machine->fp && row->base[reg] != machine->sp)
		return err_new("call frame information counts the place of %%%s from %%%s", frame_reg_names[reg],
			       row->base[reg] < FRAME_REGS ? frame_reg_names[row->base[reg]] : "?");
	emit_reg_base(a, opcode, to, row->base[reg], row->offset[reg]);
	return NULL;
}

static bool is_saved(const struct cfi_row *row, uint8_t reg)
{
	return row->rule[reg] == CFI_SAVED || row->rule[reg] == CFI_SAVED_BY_REGISTER;
}

static struct err *emit_undo(struct adapter_code *a, const struct machine *machine, const struct cfi_row *row)
{
	struct err *err = NULL;

	emit_reg_base(a, row->cfa_in_memory ? LOAD : LEA, SCRATCH, row->cfa_reg, row->cfa_offset);
	for (uint8_t reg = 0; reg < FRAME_REGS && !err; reg++)
		if ((machine->callee_saved & (1U << reg)) && reg != machine->fp && is_saved(row, reg))
			err = emit_slot(a, machine, row, LOAD, reg, reg);
	if (err)
		return err;
	if (!is_saved(row, machine->fp)) {
		emit_reg_base(a, LEA, machine->sp, SCRATCH, -8);
		return NULL;
	}
	if (row->rule[machine->fp] != CFI_SAVED || row->offset[machine->fp] != -16) {
		err = emit_slot(a, machine, row, LOAD, SCRATCH2, machine->fp);
		emit_reg_base(a, STORE, SCRATCH2, SCRATCH, -16);
	}
	emit_reg_base(a, LEA, machine->sp, SCRATCH, -16);
	emit_pop(a, machine->fp);
	return err;
}

/* An instruction of the old prologue. It must leave the switch's arguments alone. */
static struct err *emit_setup(struct adapter_code *a, const struct image *image, struct decoder *decoder,
			      const struct machine *machine, const struct setup_insn *insn)
{
	const uint8_t *bytes = image_bytes(image, insn->addr, insn->size);
	struct insn_detail d;

	if (!bytes || !decode_detail(decoder, bytes, insn->size, insn->addr, &d))
		return err_new("not decodable");
	if (d.regs_written & machine->args)
		return err_new("`%s` of the old prologue overwrites an argument of the stack switch", d.text);
	if (insn->field && a->nr_fixups + 1 == ADAPTER_MAX_FIXUPS)
		return err_new("the prologue refers to memory too often");
	emit(a, bytes, insn->size);
	if (insn->field)
		add_fixup(a, a->size - insn->size + insn->field, insn->target, insn->size - insn->field);
	return NULL;
}

struct err *adapter_generate(const struct image *image, struct decoder *decoder,
			     const struct machine *machine, const struct frame *new,
			     const struct cfi_row *row, const struct frame *old, uint64_t call, struct adapter_code *ret)
{
	struct err *err;

	memset(ret, 0, sizeof(*ret));
	if (old->realigned)
		return err_new("its frame is realigned: elfkit makes no such frame anew");
	err = emit_clear(ret, machine, new);
	err = err ?: emit_undo(ret, machine, row);
	for (uint32_t i = 0; i < old->nr_setup && !err; i++)
		err = emit_setup(ret, image, decoder, machine, &old->setup[i]);
	emit_jump(ret, call);
	return err;
}
