// SPDX-License-Identifier: GPL-2.0
/* Lengths and fields of x86-64 instructions, one encoding form each. */
#include <stdlib.h>

#include "disasm/x86_layout.h"
#include "t/unit/unit.h"

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

/* The whole of @bytes is one instruction, and nothing shorter is. */
static struct x86_layout whole(const uint8_t *bytes, size_t size)
{
	struct x86_layout l;

	for (size_t len = 0; len < size; len++) {
		uint8_t *exact = malloc(len ? len : 1);

		memcpy(exact, bytes, len);
		assert_false(x86_layout(exact, len, &l));
		free(exact);
	}
	assert_true(x86_layout(bytes, size, &l));
	assert_int_equal(l.size, size);
	return l;
}

static void fields(struct x86_layout l, uint8_t disp, uint8_t disp_size, uint8_t imm, uint8_t imm_size)
{
	assert_int_equal(l.disp_size, disp_size);
	if (disp_size)
		assert_int_equal(l.disp, disp);
	assert_int_equal(l.imm_size, imm_size);
	if (imm_size)
		assert_int_equal(l.imm, imm);
}

static void no_instruction(const uint8_t *bytes, size_t size)
{
	struct x86_layout l;

	assert_false(x86_layout(bytes, size, &l));
}

TEST(modrm_gives_the_displacement)
{
	fields(whole(BYTES(0x89, 0xc3)), 0, 0, 0, 0);			/* mov %eax,%ebx */
	fields(whole(BYTES(0x89, 0x03)), 0, 0, 0, 0);			/* (%rbx) */
	fields(whole(BYTES(0x89, 0x43, 8)), 2, 1, 0, 0);		/* 8(%rbx) */
	fields(whole(BYTES(0x89, 0x83, 1, 2, 3, 4)), 2, 4, 0, 0);	/* disp32(%rbx) */
	fields(whole(BYTES(0x89, 0x05, 1, 2, 3, 4)), 2, 4, 0, 0);	/* disp32(%rip) */
	fields(whole(BYTES(0x89, 0x04, 0x24)), 0, 0, 0, 0);		/* (%rsp) */
	fields(whole(BYTES(0x89, 0x44, 0x24, 8)), 3, 1, 0, 0);		/* 8(%rsp) */
	fields(whole(BYTES(0x89, 0x04, 0xc5, 1, 2, 3, 4)), 3, 4, 0, 0);	/* disp32(,%rax,8) */
	fields(whole(BYTES(0x89, 0x04, 0x25, 1, 2, 3, 4)), 3, 4, 0, 0);	/* disp32 */
}

TEST(only_plain_displacements_are_addresses)
{
	assert_true(whole(BYTES(0x89, 0x05, 1, 2, 3, 4)).pc_relative);
	assert_false(whole(BYTES(0x89, 0x05, 1, 2, 3, 4)).indexed);
	assert_true(whole(BYTES(0x67, 0x89, 0x05, 1, 2, 3, 4)).pc_relative);	/* (%eip) */
	assert_true(whole(BYTES(0x89, 0x83, 1, 2, 3, 4)).indexed);
	assert_true(whole(BYTES(0x89, 0x04, 0xc5, 1, 2, 3, 4)).indexed);
	assert_false(whole(BYTES(0x89, 0x04, 0x25, 1, 2, 3, 4)).indexed);
	assert_false(whole(BYTES(0x89, 0x04, 0x25, 1, 2, 3, 4)).pc_relative);
}

TEST(immediates_follow_prefixes)
{
	fields(whole(BYTES(0xb8, 1, 2, 3, 4)), 0, 0, 1, 4);
	fields(whole(BYTES(0x66, 0xb8, 1, 2)), 0, 0, 2, 2);
	fields(whole(BYTES(0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8)), 0, 0, 2, 8);
	fields(whole(BYTES(0x48, 0xc7, 0xc0, 1, 2, 3, 4)), 0, 0, 3, 4);
	fields(whole(BYTES(0x48, 0xc7, 0x05, 1, 2, 3, 4, 5, 6, 7, 8)), 3, 4, 7, 4);
	fields(whole(BYTES(0x66, 0x48, 0x05, 1, 2, 3, 4)), 0, 0, 3, 4);
	fields(whole(BYTES(0x48, 0xa1, 1, 2, 3, 4, 5, 6, 7, 8)), 0, 0, 2, 8);
	fields(whole(BYTES(0x67, 0xa1, 1, 2, 3, 4)), 0, 0, 2, 4);
	fields(whole(BYTES(0x6a, 1)), 0, 0, 1, 1);
	fields(whole(BYTES(0xc8, 1, 2, 3)), 0, 0, 1, 3);
	fields(whole(BYTES(0xc2, 1, 2)), 0, 0, 1, 2);
}

/* REX counts only right before the opcode; another prefix behind it voids it */
TEST(rex_must_be_the_last_prefix)
{
	whole(BYTES(0x48, 0x66, 0xb8, 1, 2));
	whole(BYTES(0x66, 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(test_has_an_immediate_and_its_neighbours_none)
{
	fields(whole(BYTES(0xf6, 0x03, 1)), 0, 0, 2, 1);	/* test */
	fields(whole(BYTES(0xf6, 0x13)), 0, 0, 0, 0);		/* not */
	fields(whole(BYTES(0xf7, 0x03, 1, 2, 3, 4)), 0, 0, 2, 4);
	fields(whole(BYTES(0xf7, 0xdb)), 0, 0, 0, 0);		/* neg */
}

/* 16-bit branches do not exist in 64-bit mode: 66 is ignored (SDM, "CALL") */
TEST(branches_have_their_distance_as_immediate)
{
	fields(whole(BYTES(0xe8, 1, 2, 3, 4)), 0, 0, 1, 4);
	fields(whole(BYTES(0x66, 0xe8, 1, 2, 3, 4)), 0, 0, 2, 4);
	fields(whole(BYTES(0x0f, 0x84, 1, 2, 3, 4)), 0, 0, 2, 4);
	fields(whole(BYTES(0x74, 1)), 0, 0, 1, 1);
}

/* the kernel's sanitizer traps and static calls: ud1 has a ModRM, ud2 none */
TEST(undefined_instructions_have_lengths)
{
	whole(BYTES(0x0f, 0x0b));
	whole(BYTES(0x67, 0x0f, 0xb9, 0x40, 0x0c));
	whole(BYTES(0x0f, 0xb9, 0xcc));
}

TEST(moves_of_control_registers_have_no_displacement)
{
	whole(BYTES(0x0f, 0x22, 0x04));		/* mov %rsp,%cr0, whatever mod says */
}

TEST(escapes_vex_and_evex)
{
	whole(BYTES(0x0f, 0x38, 0xf0, 0x03));				/* movbe */
	fields(whole(BYTES(0x66, 0x0f, 0x3a, 0x0f, 0xc1, 8)), 0, 0, 5, 1);	/* palignr */
	whole(BYTES(0xc5, 0xf8, 0x77));					/* vzeroupper */
	whole(BYTES(0xc5, 0xf9, 0xef, 0xc0));				/* vpxor */
	fields(whole(BYTES(0xc5, 0xf9, 0x70, 0xc0, 1)), 0, 0, 4, 1);	/* vpshufd */
	whole(BYTES(0xc4, 0xe2, 0xf9, 0x92, 0x04, 0x25, 1, 2, 3, 4));
	fields(whole(BYTES(0xc4, 0xe3, 0x7d, 0x39, 0xc1, 1)), 0, 0, 5, 1);	/* vextracti128 */
	whole(BYTES(0x62, 0xf1, 0x7d, 0x48, 0xef, 0x43, 1));		/* vpxord 64(%rbx) */
	assert_true(whole(BYTES(0xc5, 0xf8, 0x77)).vex);
}

TEST(what_64_bit_mode_does_not_have)
{
	no_instruction(BYTES(0x06));
	no_instruction(BYTES(0xea, 1, 2, 3, 4, 5, 6));
	no_instruction(BYTES(0xd6));
	no_instruction(BYTES(0x0f, 0x04));
	no_instruction(BYTES(0xc5, 0xf8, 0x84, 0, 0, 0, 0));
	/* fifteen prefixes leave no room for an opcode */
	no_instruction(BYTES(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
			     0x66, 0x90));
}

/* Whatever the bytes: no read behind them, and never more than fifteen. */
TEST(any_bytes_are_safe)
{
	struct x86_layout l;

	srandom(1);
	for (int i = 0; i < 200000; i++) {
		size_t len = random() % 18;
		uint8_t *bytes = malloc(len ? len : 1);

		for (size_t k = 0; k < len; k++)
			bytes[k] = random() >> 8;
		if (x86_layout(bytes, len, &l)) {
			assert_in_range(l.size, 1, len < 15 ? len : 15);
			assert_true(!l.disp_size || l.disp + l.disp_size <= l.size);
			assert_true(!l.imm_size || l.imm + l.imm_size == l.size);
		}
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modrm_gives_the_displacement),
		cmocka_unit_test(only_plain_displacements_are_addresses),
		cmocka_unit_test(immediates_follow_prefixes),
		cmocka_unit_test(rex_must_be_the_last_prefix),
		cmocka_unit_test(test_has_an_immediate_and_its_neighbours_none),
		cmocka_unit_test(branches_have_their_distance_as_immediate),
		cmocka_unit_test(undefined_instructions_have_lengths),
		cmocka_unit_test(moves_of_control_registers_have_no_displacement),
		cmocka_unit_test(escapes_vex_and_evex),
		cmocka_unit_test(what_64_bit_mode_does_not_have),
		cmocka_unit_test(any_bytes_are_safe),
	};

	return RUN(tests);
}
