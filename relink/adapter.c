// SPDX-License-Identifier: GPL-2.0
/*
 * Frame adapters for x86-64 (Intel SDM volume 2 for the encodings).
 *
 *	lea	CFA, %r11			from the new frame
 *	mov	offset(%r11), %reg ...		the caller's registers, where the new prologue saved them
 *	lea	-8(%r11), %rsp			as on entry: at the return address
 *	push %rbp; mov %rsp, %rbp; ...		the old prologue's own instructions
 *	jmp	old call of the switch
 *
 * All that the new frame holds is read before the stack pointer moves: what lies
 * below it may be overwritten by an exception at any time.
 */
#include <string.h>

#include "relink/adapter.h"
#include "relink/behind.h"

#define SCRATCH 11	/* %r11: neither an argument nor preserved */
#define MAX_ADAPTER 512

struct adapter {
	struct object *object;
	const struct anchor *anchor;
	uint8_t *code;
	uint64_t size;
	uint32_t section;
};

/* DWARF register numbers to those of the instruction set. */
static const uint8_t encoding[FRAME_REGS] = {
	0, 2, 1, 3, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15,
};

static void emit(struct adapter *a, const void *bytes, size_t n)
{
	memcpy(a->code + a->size, bytes, n);
	a->size += n;
}

/* REX.W OPCODE modrm(mod 10) [sib] disp32: reg <- base + disp or its memory */
static void emit_reg_base(struct adapter *a, uint8_t opcode, uint8_t dwarf_reg, uint8_t dwarf_base,
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

static void emit_jump(struct adapter *a, uint64_t target)
{
	uint8_t bytes[5] = { 0xe9 };
	uint32_t symbol;
	int64_t addend;

	anchor_reference(a->anchor, target, &symbol, &addend);
	object_add_reloc(a->object, a->section, a->size + 1, R_X86_64_PLT32, symbol, addend - 4);
	emit(a, bytes, sizeof(bytes));
}

static void emit_setup(struct adapter *a, const struct kernel *kernel, const struct setup_insn *insn)
{
	uint64_t start = a->size;

	emit(a, image_bytes(kernel->image, insn->addr, insn->size), insn->size);
	if (insn->field) {
		uint32_t symbol;
		int64_t addend;

		anchor_reference(a->anchor, insn->target, &symbol, &addend);
		memset(a->code + start + insn->field, 0, 4);
		object_add_reloc(a->object, a->section, start + insn->field, R_X86_64_PC32, symbol,
				 addend - (insn->size - insn->field));
	}
}

/* The instructions that are run again must leave the switch's arguments alone. */
static struct err *check_setup(const struct kernel *kernel, struct decoder *decoder,
			       const struct machine *machine, const struct frame *frame)
{
	for (uint32_t i = 0; i < frame->nr_setup; i++) {
		const struct setup_insn *insn = &frame->setup[i];
		const uint8_t *bytes = image_bytes(kernel->image, insn->addr, insn->size);
		struct insn_detail d;

		if (!bytes || !decode_detail(decoder, bytes, insn->size, insn->addr, &d))
			return err_new("not decodable");
		if (d.regs_written & (machine->args | 1U << SCRATCH))
			return err_new("`%s` of the old prologue overwrites an argument of the stack switch", d.text);
	}
	return NULL;
}

static void emit_adapter(struct adapter *a, const struct kernel *kernel, const struct machine *machine,
			 const struct cfi_row *row, const struct frame *old_frame, uint64_t call)
{
	emit_reg_base(a, 0x8d, SCRATCH, row->cfa_reg, row->cfa_offset);
	for (uint8_t reg = 0; reg < FRAME_REGS; reg++)
		if ((machine->callee_saved & (1U << reg)) && row->rule[reg] == CFI_SAVED)
			emit_reg_base(a, 0x8b, reg, SCRATCH, row->offset[reg]);
	emit_reg_base(a, 0x8d, machine->sp, SCRATCH, -8);
	for (uint32_t i = 0; i < old_frame->nr_setup; i++)
		emit_setup(a, kernel, &old_frame->setup[i]);
	emit_jump(a, call);
	while (a->size % 16)
		a->code[a->size++] = 0xcc;
}

static struct err *old_frame_of(const struct kernel *kernel, struct decoder *decoder,
				const struct machine *machine, const struct stack_switch *sw, struct frame *ret)
{
	const struct func *f = &kernel->funcs->v[sw->func];
	struct code_bytes code = {
		.data = image_bytes(kernel->image, f->low, f->high - f->low),
		.addr = f->low,
		.size = f->high - f->low,
	};
	struct cfi_row row;
	struct err *err;

	if (!code.data)
		return err_new("no code");
	err = frame_read(decoder, machine, &code, ret);
	err = err ?: debuginfo_cfi(kernel->debuginfo, 0, sw->call, &row);
	err = err ?: frame_agrees(machine, ret, &row);
	err = err ?: check_setup(kernel, decoder, machine, ret);
	return err ?: resume_prove(kernel->funcs, decoder, machine, sw->func, &sw->after, sw->resume, ret);
}

static struct err *new_frame_at(const struct object *object, const struct debuginfo *info,
				struct decoder *decoder, const struct machine *machine,
				const struct object_ref *call, struct cfi_row *ret)
{
	const struct object_symbol *s = &object->symbols[call->host];
	struct code_bytes code = {
		.data = object->sections[s->section].data + s->value,
		.addr = s->value,
		.size = s->size,
	};
	struct frame frame;
	struct err *err;

	err = frame_read(decoder, machine, &code, &frame);
	err = err ?: debuginfo_cfi(info, call->section, call->insn, ret);
	return err ?: frame_agrees(machine, &frame, ret);
}

/* `call rel32` becomes `jmp rel32` to the adapter that starts at @offset of @section. */
static void lead_call(struct object *object, const struct object_ref *call, uint32_t section, uint64_t offset)
{
	struct object_section *s = &object->sections[call->section];
	struct object_reloc *reloc = &s->relocs[call->reloc];

	s->data[call->offset - 1] = 0xe9;
	reloc->type = R_X86_64_PC32;
	reloc->symbol = object_section_symbol(object, section);
	reloc->addend = offset + call->bias;
}

static struct err *add_for(const struct kernel *kernel, struct adapter *a, const struct object_refs *refs,
			   const struct match *match, const struct debuginfo *info, struct decoder *decoder,
			   const struct stack_switch *sw, uint32_t *count)
{
	const struct machine *machine = machine_of(kernel->image->machine);
	const char *name = kernel->funcs->v[sw->func].name;
	const char *callee = kernel->funcs->v[sw->callee].name;
	struct frame old_frame;
	uint32_t found = 0;
	struct err *err;

	err = old_frame_of(kernel, decoder, machine, sw, &old_frame);
	if (err)
		return err_about(err, "%s in vmlinux", name);
	for (uint32_t r = 0; r < refs->n; r++) {
		const struct object_ref *call = &refs->v[r];
		struct cfi_row row;

		if (call->kind != OBJECT_REF_BRANCH || call->host == NO_REF || call->symbol == NO_REF ||
		    match->func[call->host] != sw->func || match->func[call->symbol] != sw->callee)
			continue;
		if (call->reloc == NO_REF || a->object->sections[call->section].data[call->offset - 1] != 0xe8)
			return err_new("%s: its way to %s is not a plain call", name, callee);
		err = behind_switch_same(kernel->funcs, a->object, refs, match, decoder, sw, call);
		err = err ?: new_frame_at(a->object, info, decoder, machine, call, &row);
		if (err)
			return err_about(err, "new %s", name);
		if (a->size + MAX_ADAPTER > MAX_ADAPTER * 8)
			return err_new("%s: more calls of %s than elfkit can adapt", name, callee);
		lead_call(a->object, call, a->section, a->size);
		emit_adapter(a, kernel, machine, &row, &old_frame, sw->call);
		found++;
	}
	if (!found)
		return err_new("new %s does not call %s: tasks could not be left in the kernel's own code", name,
			       callee);
	*count += found;
	return NULL;
}

struct err *adapters_add(const struct kernel *kernel, const struct boundary *boundary, struct object *object,
			 const struct object_refs *refs, const struct match *match,
			 const struct debuginfo *info, const struct anchor *anchor, uint32_t *count)
{
	struct adapter a = { .object = object, .anchor = anchor };
	struct decoder *decoder;
	struct err *err = decoder_open(kernel->image->machine, &decoder);

	if (err)
		return err;
	*count = 0;
	a.code = xcalloc(MAX_ADAPTER, 8);
	a.section = object_add_section(object, ".text.elfkit_adapter", SHF_ALLOC | SHF_EXECINSTR, 16, a.code, 0);
	for (uint32_t i = 0; i < boundary->nr_switches && !err; i++) {
		const struct stack_switch *sw = &boundary->switches[i];
		bool again = false;

		if (!boundary_is_inside(boundary, sw->func))
			continue;
		for (uint32_t k = 0; k < i; k++)
			again |= boundary->switches[k].func == sw->func;
		if (again)
			err = err_new("%s switches stacks in more than one place: elfkit cannot tell which to use",
				      kernel->funcs->v[sw->func].name);
		err = err ?: add_for(kernel, &a, refs, match, info, decoder, sw, count);
	}
	object->sections[a.section].size = a.size;
	object->sections[a.section].removed = !a.size;
	if (a.size)
		object_add_symbol(object, "elfkit_adapter", STT_FUNC, STB_LOCAL, SHNDX_SECTION, a.section, 0, a.size);
	decoder_close(decoder);
	return err;
}
