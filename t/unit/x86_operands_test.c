// SPDX-License-Identifier: GPL-2.0
/* The quick way to operands against the disassembler, on all code of this program. */
#include "disasm/insn.h"
#include "elfkit/funcs.h"
#include "elfkit/image.h"
#include "t/unit/scratch.h"

static void same_operand(const struct operand *a, const struct operand *b, const char *text)
{
	if (a->kind != b->kind || a->reg != b->reg || a->base != b->base || a->index != b->index ||
	    a->segment != b->segment || a->pc_relative != b->pc_relative ||
	    (a->kind == OPERAND_MEM && a->index != INSN_REG_NONE && a->scale != b->scale) ||
	    (a->kind != OPERAND_IMM && a->size != b->size) ||
	    (a->kind == OPERAND_REG && a->written != b->written))
		fail_msg("operand of %s", text);
	/* the disassembler cuts immediates of some instructions to the operand's size, and not of others */
	if ((a->value ^ b->value) & (a->kind == OPERAND_IMM && a->size < 8 ? (1LL << 8 * a->size) - 1 : -1LL))
		fail_msg("value in %s: %lx, %lx", text, (long)a->value, (long)b->value);
}

static void same(struct decoder *d, const uint8_t *bytes, uint64_t len, uint64_t at, uint8_t *ret_size)
{
	struct insn_detail quick, full;
	struct insn insn;

	if (!decode_operands(d, bytes, len, at, &insn, &quick) || !decode_detail(d, bytes, len, at, &full)) {
		*ret_size = 1;
		return;
	}
	*ret_size = insn.size;
	/* decode_operands() alone tells string instructions */
	if (quick.op == OP_REP)
		return;
	if (quick.op != full.op || quick.nr_operands != full.nr_operands)
		fail_msg("%s", full.text);
	for (uint8_t i = 0; i < quick.nr_operands; i++)
		if (quick.op != OP_TEST)
			same_operand(&quick.operands[i], &full.operands[i], full.text);
	if (quick.op != OP_TEST && (quick.regs_written & ~full.regs_written))
		fail_msg("%s writes %x, not %x", full.text, full.regs_written, quick.regs_written);
}

TEST(agrees_with_the_disassembler)
{
	struct debuginfo none = { 0 };
	struct decoder *decoder;
	struct symbols *symbols;
	struct image *image;
	struct funcs *funcs;
	uint64_t n = 0;

	assert_success(image_open("/proc/self/exe", &image));
	assert_success(decoder_open(image->machine, &decoder));
	symbols = symbols_read(image);
	funcs = funcs_build(image, symbols, &none);
	for (uint32_t i = 0; i < funcs->n; i++) {
		uint64_t at = funcs->v[i].low, high = funcs->v[i].high;
		const uint8_t *bytes = image_bytes(image, at, high - at);
		uint8_t size;

		for (; bytes && at < high; at += size, bytes += size, n++)
			same(decoder, bytes, high - at, at, &size);
	}
	if (n < 2000)
		fail_msg("only %lu instructions", (long)n);
	funcs_free(funcs);
	symbols_free(symbols);
	image_free(image);
	decoder_close(decoder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_disassembler),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
