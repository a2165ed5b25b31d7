// SPDX-License-Identifier: GPL-2.0
/* Code of any bytes: the three ways to decode it agree, and none reads behind the end. */
#include <elf.h>

#include "disasm/insn.h"
#include "t/fuzz/fuzz.h"

#define ADDR 0xffffffff81000000ULL

static size_t walk_one(struct decoder *decoder, const uint8_t *bytes, size_t len, uint64_t addr)
{
	struct insn_detail quick, full;
	struct insn insn, again;

	if (!decode(decoder, bytes, len, addr, &insn))
		return 1;
	promise(insn.size && insn.size <= len && insn.size <= 15);
	promise(!insn.disp.size || insn.disp.offset + insn.disp.size <= insn.size);
	promise(!insn.imm.size || insn.imm.offset + insn.imm.size <= insn.size);
	promise(insn.target_offset + insn.target_size <= insn.size);
	if (decode_operands(decoder, bytes, len, addr, &again, &quick)) {
		promise(again.size == insn.size && again.kind == insn.kind && again.target == insn.target);
		promise(quick.nr_operands <= 4);
	}
	if (decode_detail(decoder, bytes, len, addr, &full)) {
		promise(full.nr_operands <= 4 && full.nr_fields <= 2);
		promise(memchr(full.text, 0, sizeof(full.text)));
		for (int i = 0; i < full.nr_fields; i++)
			promise(full.fields[i].offset + full.fields[i].size <= insn.size);
	}
	return insn.size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct decoder *decoder;
	/* a copy of its own size: what is read behind it is found */
	AUTO_FREE uint8_t *bytes = malloc(size ? size : 1);

	if (!decoder)
		promise(well(decoder_open(EM_X86_64, &decoder)));
	memcpy(bytes, data, size);
	memory_begin();
	for (size_t at = 0; at < size;)
		at += walk_one(decoder, bytes + at, size - at, ADDR + at);
	memory_end(size);
	return 0;
}
