// SPDX-License-Identifier: GPL-2.0
/*
 * Frames written down, a fact a line: its name and what it is, with tabs between.
 *
 *	saved	rbx	CFA-56
 *	reads	canary	CFA-64	8	__schedule+0x355	mov rax, qword ptr [rbp - 0x30]
 */
#include <jansson.h>
#include <string.h>

#include "elfkit/frame_out.h"

#define WORD 8

static char *place_text(struct stack_place place)
{
	return xasprintf("%s%+ld", place.base == BASE_CFA ? "CFA" : "aligned", (long)place.offset);
}

/* REG+N, or [REG+N] where the CFA is the word there. */
static char *cfa_text(const struct cfi_row *row)
{
	if (!row->cfa_known || row->cfa_reg >= FRAME_REGS)
		return xstrdup("unknown");
	return xasprintf("%s%s%+ld%s", row->cfa_in_memory ? "[" : "", frame_reg_names[row->cfa_reg],
			 (long)row->cfa_offset, row->cfa_in_memory ? "]" : "");
}

/* How the CFA is found in the body, as the prologue has it. */
static struct cfi_row body_row(const struct frame_report *r)
{
	const struct frame *f = &r->frame;
	struct cfi_row row = { .cfa_known = true, .cfa_reg = r->machine->fp };

	if (f->has_fp && f->fp.base == BASE_CFA) {
		row.cfa_offset = -f->fp.offset;
	} else if (f->has_fp && f->has_cfa_slot) {
		row.cfa_in_memory = true;
		row.cfa_offset = f->cfa_slot.offset - f->fp.offset;
	} else {
		row.cfa_reg = r->machine->sp;
		row.cfa_offset = -f->sp.offset;
		row.cfa_known = !f->realigned;
	}
	return row;
}

/* Bytes between the stack pointer and what the prologue has stored above it. */
static uint64_t locals_size(const struct frame *f)
{
	int64_t end = f->sp.base == BASE_CFA ? -WORD : 0;

	for (uint32_t reg = 0; reg < FRAME_REGS; reg++)
		if (f->is_saved[reg] && f->saved[reg].base == f->sp.base && f->saved[reg].offset < end)
			end = f->saved[reg].offset;
	if (f->has_cfa_slot && f->cfa_slot.base == f->sp.base && f->cfa_slot.offset < end)
		end = f->cfa_slot.offset;
	return end > f->sp.offset ? end - f->sp.offset : 0;
}

static const char *need_name(const struct need *need, const struct frame *frame)
{
	static const char *const names[] = {
		[NEED_SLOT] = "local", [NEED_REGISTER] = "register", [NEED_ADDRESS] = "address",
	};

	if (need_is_canary(need, frame))
		return "canary";
	return need_is_shadow(need, frame) ? "shadow" : names[need->kind];
}

static char *need_place(const struct need *need)
{
	switch (need->kind) {
	case NEED_SLOT:
		return place_text(need->place);
	case NEED_REGISTER:
		return xstrdup(frame_reg_names[need->reg]);
	default:
		return xstrdup("-");
	}
}

static void write_place(FILE *file, const char *name, struct stack_place place)
{
	AUTO_FREE char *text = place_text(place);

	fprintf(file, "%s\t%s\n", name, text);
}

static void write_call(const struct frame_report *r, const struct frame_call *call, FILE *file)
{
	AUTO_FREE char *at = funcs_place(r->funcs, call->addr), *cfa = cfa_text(&call->row);

	fprintf(file, "call\t%s\t%s\tCFA=%s\n", at, call->callee, cfa);
	if (call->disagrees)
		fprintf(file, "disagrees\t%s\n", call->disagrees);
	if (call->unknown)
		fprintf(file, "unknown\t%s\n", call->unknown);
	for (uint32_t i = 0; i < call->needs.n; i++) {
		const struct need *need = &call->needs.v[i];
		AUTO_FREE char *from = funcs_place(r->funcs, need->addr), *place = need_place(need);

		fprintf(file, "reads\t%s\t%s\t%u\t%s\t%s\n", need_name(need, &r->frame), place,
			need->kind == NEED_SLOT ? need->size : WORD, from, need->text);
	}
}

void frame_write_text(const struct frame_report *r, FILE *file)
{
	const struct frame *f = &r->frame;
	struct cfi_row row = body_row(r);
	AUTO_FREE char *cfa = cfa_text(&row);

	fprintf(file, "function\t%s\n", r->funcs->v[r->func].name);
	fprintf(file, "cfa\t%s\n", cfa);
	if (f->realigned)
		fprintf(file, "realigned\tat CFA%+ld\n", (long)f->aligned_at);
	write_place(file, "sp", f->sp);
	if (f->has_fp)
		write_place(file, "fp", f->fp);
	for (uint32_t reg = 0; reg < FRAME_REGS; reg++)
		if (f->is_saved[reg]) {
			AUTO_FREE char *place = place_text(f->saved[reg]);

			fprintf(file, "saved\t%s\t%s\n", frame_reg_names[reg], place);
		}
	if (f->has_cfa_slot)
		write_place(file, "cfa-slot", f->cfa_slot);
	if (f->has_canary) {
		AUTO_FREE char *place = place_text(f->canary);

		fprintf(file, "canary\t%s\tgs:0x%lx\n", place, (unsigned long)f->canary_source);
	}
	fprintf(file, "locals\t%lu\n", (unsigned long)locals_size(f));
	for (uint32_t i = 0; i < r->nr_calls; i++)
		write_call(r, &r->calls[i], file);
}

/* Takes over @text. */
static void set_text(json_t *object, const char *key, char *text)
{
	json_object_set_new(object, key, json_string(text));
	free(text);
}

static json_t *call_json(const struct frame_report *r, const struct frame_call *call)
{
	json_t *object = json_object(), *reads = json_array();

	set_text(object, "at", funcs_place(r->funcs, call->addr));
	json_object_set_new(object, "callee", json_string(call->callee));
	set_text(object, "cfa", cfa_text(&call->row));
	if (call->disagrees)
		json_object_set_new(object, "disagrees", json_string(call->disagrees));
	if (call->unknown)
		json_object_set_new(object, "unknown", json_string(call->unknown));
	for (uint32_t i = 0; i < call->needs.n; i++) {
		const struct need *need = &call->needs.v[i];
		json_t *read = json_object();

		json_object_set_new(read, "what", json_string(need_name(need, &r->frame)));
		set_text(read, "place", need_place(need));
		json_object_set_new(read, "size", json_integer(need->kind == NEED_SLOT ? need->size : WORD));
		set_text(read, "at", funcs_place(r->funcs, need->addr));
		json_object_set_new(read, "instruction", json_string(need->text));
		json_array_append_new(reads, read);
	}
	json_object_set_new(object, "reads", reads);
	return object;
}

static json_t *frame_json(const struct frame_report *r)
{
	json_t *object = json_object(), *saved = json_object(), *calls = json_array();
	const struct frame *f = &r->frame;
	struct cfi_row row = body_row(r);

	json_object_set_new(object, "function", json_string(r->funcs->v[r->func].name));
	set_text(object, "cfa", cfa_text(&row));
	json_object_set_new(object, "realigned", json_boolean(f->realigned));
	set_text(object, "sp", place_text(f->sp));
	if (f->has_fp)
		set_text(object, "fp", place_text(f->fp));
	for (uint32_t reg = 0; reg < FRAME_REGS; reg++)
		if (f->is_saved[reg])
			set_text(saved, frame_reg_names[reg], place_text(f->saved[reg]));
	json_object_set_new(object, "saved", saved);
	if (f->has_cfa_slot)
		set_text(object, "cfa_slot", place_text(f->cfa_slot));
	if (f->has_canary)
		set_text(object, "canary", place_text(f->canary));
	json_object_set_new(object, "locals", json_integer(locals_size(f)));
	for (uint32_t i = 0; i < r->nr_calls; i++)
		json_array_append_new(calls, call_json(r, &r->calls[i]));
	json_object_set_new(object, "calls", calls);
	return object;
}

struct err *frame_write_json(const struct frame_report *report, FILE *file)
{
	json_t *root = frame_json(report);
	bool failed = json_dumpf(root, file, JSON_INDENT(2)) || fputc('\n', file) == EOF;

	json_decref(root);
	return failed ? err_new("cannot write the frame") : NULL;
}

void frame_report_release(struct frame_report *r)
{
	for (uint32_t i = 0; i < r->nr_calls; i++) {
		needs_release(&r->calls[i].needs);
		flow_release(&r->calls[i].after);
		free(r->calls[i].disagrees);
		free(r->calls[i].unknown);
	}
	free(r->calls);
	memset(r, 0, sizeof(*r));
}
