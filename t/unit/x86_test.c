// SPDX-License-Identifier: GPL-2.0
#include <elf.h>

#include "disasm/insn.h"
#include "t/unit/unit.h"

#define ADDR 0x1000
#define BIT(n) (1U << (n))

/* DWARF numbers of registers (x86-64 psABI, figure 3.36) */
enum { RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R12 = 12, R15 = 15 };

static struct decoder *decoder;

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static int open_decoder(void **state UNUSED)
{
	return decoder_open(EM_X86_64, &decoder) != NULL;
}

static int close_decoder(void **state UNUSED)
{
	decoder_close(decoder);
	return 0;
}

/* Decodes exactly these bytes as one instruction. */
static struct insn one(const uint8_t *bytes, size_t size)
{
	struct insn insn;

	assert_true(decode(decoder, bytes, size, ADDR, &insn));
	assert_int_equal(insn.addr, ADDR);
	assert_int_equal(insn.size, size);
	return insn;
}

static struct insn_detail detail(const uint8_t *bytes, size_t size)
{
	struct insn_detail d;

	one(bytes, size);
	assert_true(decode_detail(decoder, bytes, size, ADDR, &d));
	return d;
}

static void check_branch(struct insn insn, enum insn_kind kind, uint8_t offset, uint8_t size, uint64_t target)
{
	assert_int_equal(insn.kind, kind);
	assert_int_equal(insn.target_offset, offset);
	assert_int_equal(insn.target_size, size);
	assert_int_equal(insn.target, target);
}

TEST(only_x86_64_is_known)
{
	struct decoder *d = NULL;

	assert_error(decoder_open(EM_AARCH64, &d), "ELF machine 183 is not supported");
	assert_null(d);
	assert_null(machine_of(EM_386));
	assert_non_null(machine_of(EM_X86_64));
}

TEST(call_has_a_target)
{
	check_branch(one(BYTES(0xe8, 0x10, 0, 0, 0)), INSN_CALL, 1, 4, ADDR + 0x15);
	check_branch(one(BYTES(0xe8, 0xfb, 0xff, 0xff, 0xff)), INSN_CALL, 1, 4, ADDR);
}

TEST(jump_is_short_or_near)
{
	check_branch(one(BYTES(0xeb, 0xfe)), INSN_JUMP, 1, 1, ADDR);
	check_branch(one(BYTES(0xeb, 0x7f)), INSN_JUMP, 1, 1, ADDR + 0x81);
	check_branch(one(BYTES(0xe9, 0x10, 0, 0, 0)), INSN_JUMP, 1, 4, ADDR + 0x15);
}

TEST(conditional_jump_is_short_or_near)
{
	check_branch(one(BYTES(0x74, 0x10)), INSN_BRANCH, 1, 1, ADDR + 0x12);
	check_branch(one(BYTES(0x7f, 0x80)), INSN_BRANCH, 1, 1, ADDR - 0x7e);
	check_branch(one(BYTES(0x0f, 0x84, 0x10, 0, 0, 0)), INSN_BRANCH, 2, 4, ADDR + 0x16);
	check_branch(one(BYTES(0x0f, 0x8f, 0, 0, 0, 0x80)), INSN_BRANCH, 2, 4, ADDR + 6 - 0x80000000LL);
	check_branch(one(BYTES(0xe3, 0x10)), INSN_BRANCH, 1, 1, ADDR + 0x12);
}

/* 2e pads retpoline calls and aligned jumps, f2 is the bnd prefix, 48 is REX.W */
TEST(prefixes_move_the_displacement)
{
	check_branch(one(BYTES(0x2e, 0x74, 0x10)), INSN_BRANCH, 2, 1, ADDR + 0x13);
	check_branch(one(BYTES(0x2e, 0x0f, 0x84, 0x10, 0, 0, 0)), INSN_BRANCH, 3, 4, ADDR + 0x17);
	check_branch(one(BYTES(0x2e, 0x2e, 0xe8, 0x10, 0, 0, 0)), INSN_CALL, 3, 4, ADDR + 0x17);
	check_branch(one(BYTES(0xf2, 0xe8, 0x10, 0, 0, 0)), INSN_CALL, 2, 4, ADDR + 0x16);
	check_branch(one(BYTES(0xf2, 0xe9, 0x10, 0, 0, 0)), INSN_JUMP, 2, 4, ADDR + 0x16);
	check_branch(one(BYTES(0x48, 0xe8, 0x10, 0, 0, 0)), INSN_CALL, 2, 4, ADDR + 0x16);
	assert_int_equal(one(BYTES(0xf2, 0xc3)).kind, INSN_RETURN);
}

TEST(branch_never_reads_behind_its_bytes)
{
	static const uint8_t bytes[] = { 0x66, 0xe8, 1, 2 };
	uint8_t *exact = memcpy(xcalloc(1, sizeof(bytes)), bytes, sizeof(bytes));
	struct insn insn;

	/* sixteen-bit branches do not exist in 64-bit code; what capstone makes of them must be harmless */
	if (decode(decoder, exact, sizeof(bytes), ADDR, &insn))
		assert_int_equal(insn.target, 0);
	free(exact);
}

TEST(indirect_calls_and_jumps_have_no_target)
{
	assert_int_equal(one(BYTES(0xff, 0xd0)).kind, INSN_INDIRECT_CALL);
	assert_int_equal(one(BYTES(0xff, 0x15, 0x10, 0, 0, 0)).kind, INSN_INDIRECT_CALL);
	assert_int_equal(one(BYTES(0x41, 0xff, 0xd4)).kind, INSN_INDIRECT_CALL);
	assert_int_equal(one(BYTES(0xff, 0xe0)).kind, INSN_INDIRECT_JUMP);
	assert_int_equal(one(BYTES(0x3e, 0xff, 0xe0)).kind, INSN_INDIRECT_JUMP);
	assert_int_equal(one(BYTES(0xff, 0x24, 0xc5, 0, 0x10, 0, 0x81)).kind, INSN_INDIRECT_JUMP);
}

TEST(other_instructions_of_the_same_opcode_are_no_branch)
{
	assert_int_equal(one(BYTES(0xff, 0xc0)).kind, INSN_OTHER);		/* inc %eax */
	assert_int_equal(one(BYTES(0xff, 0x75, 0xd0)).kind, INSN_OTHER);	/* push -0x30(%rbp) */
	assert_int_equal(one(BYTES(0x0f, 0x94, 0xc0)).kind, INSN_OTHER);	/* sete %al */
}

TEST(returns_and_traps_are_told_apart)
{
	assert_int_equal(one(BYTES(0xc3)).kind, INSN_RETURN);
	assert_int_equal(one(BYTES(0xc2, 8, 0)).kind, INSN_RETURN);
	assert_int_equal(one(BYTES(0x0f, 0x0b)).kind, INSN_TRAP);
	assert_int_equal(one(BYTES(0xcc)).kind, INSN_TRAP);
	assert_int_equal(one(BYTES(0xf4)).kind, INSN_OTHER);			/* hlt wakes up */
}

TEST(endbr_is_seen)
{
	assert_int_equal(detail(BYTES(0xf3, 0x0f, 0x1e, 0xfa)).op, OP_ENDBR);
	assert_memory_equal(machine_of(EM_X86_64)->landing_pad, "\xf3\x0f\x1e\xfa", 4);
}

TEST(cut_off_instruction_is_none)
{
	static const uint8_t bytes[] = { 0x48, 0x8d, 0x05, 0x10, 0, 0, 0 };
	struct insn insn;

	for (size_t size = 0; size < sizeof(bytes); size++)
		assert_false(decode(decoder, bytes, size, ADDR, &insn));
}

static void check_field(struct insn_detail d, uint8_t i, uint8_t offset, uint8_t size, bool pc_relative,
			bool indexed, int64_t value)
{
	assert_true(i < d.nr_fields);
	assert_int_equal(d.fields[i].offset, offset);
	assert_int_equal(d.fields[i].size, size);
	assert_int_equal(d.fields[i].pc_relative, pc_relative);
	assert_int_equal(d.fields[i].indexed, indexed);
	assert_int_equal(d.fields[i].value, value);
}

/* The end of the instruction is 4, 5, 8 or 6 bytes behind the start of the displacement. */
TEST(pc_relative_displacement_is_found_before_any_immediate)
{
	struct insn_detail d = detail(BYTES(0xc7, 0x05, 0x10, 0, 0, 0, 0x78, 0x56, 0x34, 0x12));

	check_field(d, 0, 2, 4, true, false, 0x10);
	check_field(d, 1, 6, 4, false, false, 0x12345678);
	check_field(detail(BYTES(0x48, 0x8d, 0x05, 0xf0, 0xff, 0xff, 0xff)), 0, 3, 4, true, false, -16);
	check_field(detail(BYTES(0xc6, 0x05, 0x10, 0, 0, 0, 0x78)), 0, 2, 4, true, false, 0x10);
	check_field(detail(BYTES(0x48, 0x83, 0x3d, 0x10, 0, 0, 0, 5)), 0, 3, 4, true, false, 0x10);
}

TEST(operand_size_prefix_does_not_hide_the_displacement)
{
	check_field(detail(BYTES(0x66, 0x8b, 0x05, 0x78, 0x56, 0x34, 0x12)), 0, 3, 4, true, false, 0x12345678);
	check_field(detail(BYTES(0x66, 0x81, 0x3d, 0x10, 0, 0, 0x80, 0x34, 0x12)), 0, 3, 4, true, false,
		    -0x7ffffff0LL);
	check_field(detail(BYTES(0x66, 0x0f, 0x6f, 0x05, 0x10, 0, 0, 0)), 0, 4, 4, true, false, 0x10);
	check_field(detail(BYTES(0x66, 0x8b, 0x04, 0x45, 0, 0x10, 0, 0x81)), 0, 4, 4, false, true,
		    (int64_t)0xffffffff81001000);
	assert_int_equal(detail(BYTES(0x66, 0x8b, 0x45, 0xd0)).nr_fields, 0);
}

TEST(absolute_displacement_with_an_index_is_sign_extended)
{
	struct insn_detail d = detail(BYTES(0x48, 0x8b, 0x04, 0xc5, 0, 0x10, 0, 0x81));

	assert_int_equal(d.nr_fields, 1);
	check_field(d, 0, 4, 4, false, true, (int64_t)0xffffffff81001000);
	assert_int_equal(d.operands[1].kind, OPERAND_MEM);
	assert_int_equal(d.operands[1].base, INSN_REG_NONE);
	assert_int_equal(d.operands[1].index, RAX);
}

TEST(absolute_displacement_without_an_index_is_one_place)
{
	check_field(detail(BYTES(0x48, 0x8b, 0x04, 0x25, 0, 0x10, 0, 0x81)), 0, 4, 4, false, false,
		    (int64_t)0xffffffff81001000);
}

TEST(immediate_of_32_bits_is_sign_extended)
{
	check_field(detail(BYTES(0x48, 0xc7, 0xc7, 0, 0x10, 0, 0x81)), 0, 3, 4, false, false,
		    (int64_t)0xffffffff81001000);
	check_field(detail(BYTES(0x68, 0, 0x10, 0, 0x81)), 0, 1, 4, false, false, (int64_t)0xffffffff81001000);
}

TEST(immediate_of_64_bits_is_whole)
{
	check_field(detail(BYTES(0x48, 0xb8, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11)), 0, 2, 8, false,
		    false, 0x1122334455667788);
}

TEST(small_constants_are_no_fields)
{
	assert_int_equal(detail(BYTES(0x48, 0x89, 0x45, 0xd0)).nr_fields, 0);
	assert_int_equal(detail(BYTES(0x48, 0x83, 0xc4, 0x20)).nr_fields, 0);
}

TEST(registers_have_dwarf_numbers_in_every_width)
{
	assert_int_equal(detail(BYTES(0x53)).operands[0].reg, RBX);
	assert_int_equal(detail(BYTES(0x55)).operands[0].reg, RBP);
	assert_int_equal(detail(BYTES(0x41, 0x57)).operands[0].reg, R15);
	assert_int_equal(detail(BYTES(0x41, 0x89, 0xfc)).operands[0].reg, R12);	/* mov %edi,%r12d */
	assert_int_equal(detail(BYTES(0x41, 0x89, 0xfc)).operands[1].reg, RDI);
	assert_int_equal(detail(BYTES(0xb3, 1)).operands[0].reg, RBX);			/* mov $1,%bl */
	assert_int_equal(detail(BYTES(0xb7, 1)).operands[0].reg, RBX);			/* mov $1,%bh */
	assert_int_equal(detail(BYTES(0x66, 0x41, 0x89, 0xd0)).operands[0].reg, R8);	/* mov %dx,%r8w */
}

TEST(registers_read_and_written_are_listed)
{
	struct insn_detail d = detail(BYTES(0x48, 0x8b, 0x04, 0xcb));	/* mov (%rbx,%rcx,8),%rax */

	assert_int_equal(d.regs_read, BIT(RBX) | BIT(RCX));
	assert_int_equal(d.regs_written, BIT(RAX));
	d = detail(BYTES(0x48, 0x01, 0xd6));				/* add %rdx,%rsi */
	assert_int_equal(d.regs_read, BIT(RDX) | BIT(RSI));
	assert_int_equal(d.regs_written, BIT(RSI));
	d = detail(BYTES(0xc9));					/* leave */
	assert_int_equal(d.regs_written, BIT(RSP) | BIT(RBP));
}

TEST(memory_operands_are_read_or_written)
{
	struct insn_detail d = detail(BYTES(0x48, 0x89, 0x45, 0xd0));	/* mov %rax,-0x30(%rbp) */

	assert_int_equal(d.operands[0].base, RBP);
	assert_int_equal(d.operands[0].value, -0x30);
	assert_true(d.operands[0].written && !d.operands[0].read);
	d = detail(BYTES(0x48, 0x3b, 0x45, 0xd0));			/* cmp -0x30(%rbp),%rax */
	assert_true(d.operands[1].read && !d.operands[1].written);
	d = detail(BYTES(0xff, 0x45, 0xd0));				/* incl -0x30(%rbp) */
	assert_true(d.operands[0].read && d.operands[0].written);
	d = detail(BYTES(0x65, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0));	/* mov %gs:0x28,%rax */
	assert_true(d.operands[1].segment);
	assert_int_equal(d.operands[1].base, INSN_REG_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_x86_64_is_known),
		cmocka_unit_test(call_has_a_target),
		cmocka_unit_test(jump_is_short_or_near),
		cmocka_unit_test(conditional_jump_is_short_or_near),
		cmocka_unit_test(prefixes_move_the_displacement),
		cmocka_unit_test(branch_never_reads_behind_its_bytes),
		cmocka_unit_test(indirect_calls_and_jumps_have_no_target),
		cmocka_unit_test(other_instructions_of_the_same_opcode_are_no_branch),
		cmocka_unit_test(returns_and_traps_are_told_apart),
		cmocka_unit_test(endbr_is_seen),
		cmocka_unit_test(cut_off_instruction_is_none),
		cmocka_unit_test(pc_relative_displacement_is_found_before_any_immediate),
		cmocka_unit_test(operand_size_prefix_does_not_hide_the_displacement),
		cmocka_unit_test(absolute_displacement_with_an_index_is_sign_extended),
		cmocka_unit_test(absolute_displacement_without_an_index_is_one_place),
		cmocka_unit_test(immediate_of_32_bits_is_sign_extended),
		cmocka_unit_test(immediate_of_64_bits_is_whole),
		cmocka_unit_test(small_constants_are_no_fields),
		cmocka_unit_test(registers_have_dwarf_numbers_in_every_width),
		cmocka_unit_test(registers_read_and_written_are_listed),
		cmocka_unit_test(memory_operands_are_read_or_written),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, open_decoder, close_decoder);
}
