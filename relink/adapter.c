// SPDX-License-Identifier: GPL-2.0
/* Adapters: what they lead from and to, and their place in the object. */
#include <string.h>

#include "relink/adapter.h"
#include "relink/adapter_proof.h"
#include "relink/behind.h"
#include "relink/ahead.h"
#include "relink/orc.h"

#define MAX_ADAPTERS 8

struct adapters {
	const struct kernel *kernel;
	struct object *object;
	const struct object_refs *refs;
	const struct match *match;
	const struct debuginfo *info;
	const struct anchor *anchor;
	struct decoder *decoder;
	const struct machine *machine;
	uint8_t *code;
	uint64_t size;
	uint32_t section;
};

/* The kernel's side: the frame at the old call, and what the code behind it needs of that. */
struct old_side {
	struct frame frame;
	struct cfi_row row;
	struct needs needs;
};

/* The module's side: the frame at the new call, which the body above it keeps. */
struct new_side {
	struct frame frame;
	struct cfi_row row;
};

static struct err *read_old(const struct adapters *a, const struct stack_switch *sw, struct old_side *ret)
{
	const struct kernel *kernel = a->kernel;
	const struct func *f = &kernel->funcs->v[sw->func];
	struct code_bytes code = {
		.data = image_bytes(kernel->image, f->low, f->high - f->low),
		.addr = f->low,
		.size = f->high - f->low,
	};
	struct err *err;

	if (!code.data)
		return err_new("no code");
	err = frame_read(a->decoder, a->machine, &code, &ret->frame);
	err = err ?: debuginfo_cfi(kernel->debuginfo, 0, sw->call, &ret->row);
	err = err ?: frame_agrees(a->machine, &ret->frame, &ret->row);
	err = err ?: resume_read(kernel->funcs, a->decoder, a->machine, sw->func, &sw->after, sw->resume,
				 &ret->frame, &ret->needs);
	return err ?: resume_prove(kernel->funcs, &ret->frame, &ret->needs);
}

static struct err *read_new(const struct adapters *a, const struct object_ref *call, struct new_side *ret)
{
	const struct object_symbol *s = &a->object->symbols[call->host];
	struct code_bytes code = {
		.data = a->object->sections[s->section].data + s->value,
		.addr = s->value,
		.size = s->size,
	};
	struct err *err;

	err = frame_read(a->decoder, a->machine, &code, &ret->frame);
	err = err ?: debuginfo_cfi(a->info, call->section, call->insn, &ret->row);
	err = err ?: frame_agrees(a->machine, &ret->frame, &ret->row);
	return err ?: ahead_keeps_frame(a->kernel->funcs, a->object, a->refs, a->match, a->decoder, call, &ret->frame);
}

/* Appends @code to the section of adapters. */
static uint64_t place_code(struct adapters *a, const struct adapter_code *code)
{
	uint64_t start = a->size;

	memcpy(a->code + start, code->bytes, code->size);
	for (uint32_t i = 0; i < code->nr_fixups; i++) {
		uint32_t symbol;
		int64_t addend;

		anchor_reference(a->anchor, code->fixups[i].value, &symbol, &addend);
		object_add_reloc(a->object, a->section, start + code->fixups[i].offset, R_X86_64_PC32, symbol, addend);
	}
	a->size += code->size;
	while (a->size % 16)
		a->code[a->size++] = a->machine->trap;
	return start;
}

/*
 * Proves what stands in the section, by the relocations that stand beside it.
 */
static struct err *prove(const struct adapters *a, uint64_t start, uint32_t size, const struct old_side *old,
			 const struct new_side *new, uint64_t call, struct unwind_rows *rows)
{
	const struct object_section *s = &a->object->sections[a->section];
	struct code_fixup fixups[ADAPTER_MAX_FIXUPS];
	struct adapter_claim claim = {
		.bytes = a->code + start, .size = size, .fixups = fixups,
		.from = &new->frame, .to = &old->frame, .to_row = &old->row, .needs = &old->needs, .call = call,
	};

	for (uint32_t i = 0; i < s->nr_relocs; i++) {
		const struct object_reloc *r = &s->relocs[i];

		if (r->offset < start || r->offset >= start + size)
			continue;
		if (r->type != R_X86_64_PC32 || claim.nr_fixups == ADAPTER_MAX_FIXUPS)
			return err_new("the adapter is not proven: +0x%lx: relocation of another kind",
				       (unsigned long)(r->offset - start));
		fixups[claim.nr_fixups++] = (struct code_fixup){
			r->offset - start, (r->symbol == a->anchor->symbol ? a->anchor->addr : 0) + r->addend,
		};
	}
	return adapter_prove(a->decoder, a->machine, &claim, rows);
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

static struct err *add_one(struct adapters *a, const struct stack_switch *sw, const struct old_side *old,
			   const struct object_ref *call)
{
	struct adapter_code code;
	struct unwind_rows rows;
	struct new_side new;
	uint64_t start;
	struct err *err;

	err = behind_switch_same(a->kernel->funcs, a->object, a->refs, a->match, a->decoder, sw, call);
	err = err ?: read_new(a, call, &new);
	err = err ?: adapter_generate(a->kernel->image, a->decoder, a->machine, &new.frame, &new.row, &old->frame, sw->call,
				      &code);
	if (err)
		return err;
	start = place_code(a, &code);
	err = prove(a, start, code.size, old, &new, sw->call, &rows);
	err = err ?: orc_add(a->object, a->info, a->machine,
			     &(struct orc_code){ a->section, start, call->section, call->insn }, &rows);
	if (!err)
		lead_call(a->object, call, a->section, start);
	return err;
}

static struct err *add_for(struct adapters *a, const struct stack_switch *sw, const struct old_side *old,
			   uint32_t *count)
{
	const char *name = a->kernel->funcs->v[sw->func].name;
	const char *callee = a->kernel->funcs->v[sw->callee].name;
	uint32_t found = 0;

	for (uint32_t r = 0; r < a->refs->n; r++) {
		const struct object_ref *call = &a->refs->v[r];
		struct err *err;

		if (call->kind != OBJECT_REF_BRANCH || call->host == NO_REF || call->symbol == NO_REF ||
		    a->match->func[call->host] != sw->func || a->match->func[call->symbol] != sw->callee)
			continue;
		if (call->reloc == NO_REF || a->object->sections[call->section].data[call->offset - 1] != 0xe8)
			return err_new("%s: its way to %s is not a plain call", name, callee);
		if (++*count > MAX_ADAPTERS)
			return err_new("%s: more calls of %s than elfkit can adapt", name, callee);
		err = add_one(a, sw, old, call);
		if (err)
			return err_about(err, "new %s", name);
		found++;
	}
	if (!found)
		return err_new("new %s does not call %s: tasks could not be left in the kernel's own code", name,
			       callee);
	return NULL;
}

static struct err *add_all(struct adapters *a, const struct boundary *boundary, uint32_t *count)
{
	struct err *err = NULL;

	for (uint32_t i = 0; i < boundary->nr_switches && !err; i++) {
		const struct stack_switch *sw = &boundary->switches[i];
		const char *name = a->kernel->funcs->v[sw->func].name;
		struct old_side old = { 0 };

		if (!boundary_is_inside(boundary, sw->func))
			continue;
		for (uint32_t k = 0; k < i; k++)
			if (boundary->switches[k].func == sw->func)
				return err_new("%s switches stacks in more than one place: elfkit cannot tell which to use",
					       name);
		err = read_old(a, sw, &old);
		if (err)
			err = err_about(err, "%s in vmlinux", name);
		else
			err = add_for(a, sw, &old, count);
		needs_release(&old.needs);
	}
	return err;
}

struct err *adapters_add(const struct kernel *kernel, const struct boundary *boundary, struct object *object,
			 const struct object_refs *refs, const struct match *match,
			 const struct debuginfo *info, const struct anchor *anchor, uint32_t *count)
{
	struct adapters a = {
		.kernel = kernel, .object = object, .refs = refs, .match = match, .info = info, .anchor = anchor,
		.machine = machine_of(kernel->image->machine),
	};
	struct err *err = decoder_open(kernel->image->machine, &a.decoder);

	if (err)
		return err;
	*count = 0;
	a.code = xcalloc(MAX_ADAPTERS, ADAPTER_MAX);
	a.section = object_add_section(object, ".text.elfkit_adapter", SHF_ALLOC | SHF_EXECINSTR, 16, a.code, 0);
	err = add_all(&a, boundary, count);
	object->sections[a.section].size = a.size;
	object->sections[a.section].removed = !a.size;
	if (a.size)
		object_add_symbol(object, "elfkit_adapter", STT_FUNC, STB_LOCAL, SHNDX_SECTION, a.section, 0, a.size);
	decoder_close(a.decoder);
	return err;
}
