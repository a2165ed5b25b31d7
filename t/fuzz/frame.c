// SPDX-License-Identifier: GPL-2.0
/* Frames: of each function of an image its prologue, the call frame information at its calls, what runs behind them. */
#include "disasm/resume.h"
#include "t/fuzz/elf.h"

#define MAX_CALLS 16	/* of one function */

struct subject {
	struct image *image;
	struct symbols *symbols;
	struct debuginfo *info;
	struct funcs *funcs;
	struct decoder *decoder;
};

static bool want_none(const char *unit __attribute__((unused)), void *arg __attribute__((unused)))
{
	return false;
}

static void look_behind(const struct subject *s, uint32_t func, const struct frame *frame, const struct insn *insn)
{
	const struct machine *machine = machine_of(s->image->machine);
	struct needs needs = { 0 };
	struct flow after = { 0 };
	struct cfi_row row;

	if (!well(debuginfo_cfi(s->info, 0, insn->addr, &row)))
		return;
	well(frame_agrees(machine, frame, &row));
	flow_from(s->funcs, s->decoder, func, insn->addr + insn->size, &after);
	if (well(resume_read(s->funcs, s->decoder, machine, func, &after, insn->addr + insn->size, frame, &needs)))
		well(resume_prove(s->funcs, frame, &needs));
	needs_release(&needs);
	flow_release(&after);
}

static void examine(const struct subject *s, uint32_t func)
{
	const struct func *f = &s->funcs->v[func];
	struct code_bytes code = { .addr = f->low, .size = f->high - f->low };
	struct frame frame;
	struct insn insn;
	int calls = 0;

	code.data = image_bytes(s->image, code.addr, code.size);
	if (!code.data || !well(frame_read(s->decoder, machine_of(s->image->machine), &code, &frame)))
		return;
	for (uint64_t at = 0; at < code.size && calls < MAX_CALLS; at += insn.size) {
		if (!decode(s->decoder, code.data + at, code.size - at, code.addr + at, &insn))
			return;
		if (insn.kind != INSN_CALL && insn.kind != INSN_INDIRECT_CALL)
			continue;
		look_behind(s, func, &frame, &insn);
		calls++;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct subject s = { 0 };
	struct input input;

	input_open(&input, data, size);
	if (well(image_open(input.path, &s.image)) && well(debuginfo_open(input.path, want_none, NULL, &s.info)) &&
	    well(decoder_open(s.image->machine, &s.decoder))) {
		s.symbols = symbols_read(s.image);
		s.funcs = funcs_build(s.image, s.symbols, s.info);
		for (uint32_t i = 0; i < s.funcs->n; i++)
			examine(&s, i);
	}
	decoder_close(s.decoder);
	funcs_free(s.funcs);
	symbols_free(s.symbols);
	debuginfo_free(s.info);
	image_free(s.image);
	input_close(&input);
	return 0;
}
