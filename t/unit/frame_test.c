// SPDX-License-Identifier: GPL-2.0
#include <elf.h>

#include "disasm/frame.h"
#include "t/unit/unit.h"

#define ADDR 0xffffffff81000000ULL

enum { RBX = 3, RBP = 6, RSP = 7, R12 = 12, R15 = 15 };

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

#define PUSH_RBP 0x55
#define MOV_RSP_RBP 0x48, 0x89, 0xe5
#define PUSH_R15 0x41, 0x57
#define PUSH_R12 0x41, 0x54
#define PUSH_RBX 0x53
#define SUB_20_RSP 0x48, 0x83, 0xec, 0x20
#define LOAD_CANARY 0x65, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0		/* mov %gs:0x28,%rax */
#define STORE_CANARY 0x48, 0x89, 0x45, 0xd0				/* mov %rax,-0x30(%rbp) */
#define JE 0x74, 0x00

static struct decoder *decoder;
static const struct machine *machine;

static int open_decoder(void **state UNUSED)
{
	machine = machine_of(EM_X86_64);
	return decoder_open(EM_X86_64, &decoder) != NULL;
}

static int close_decoder(void **state UNUSED)
{
	decoder_close(decoder);
	return 0;
}

static struct err *try_read(const uint8_t *bytes, size_t size, struct frame *frame)
{
	struct code_bytes code = { bytes, ADDR, size };

	return frame_read(decoder, machine, &code, frame);
}

static struct frame read_frame(const uint8_t *bytes, size_t size)
{
	struct frame frame;

	assert_success(try_read(bytes, size, &frame));
	return frame;
}

/* The prologue of __schedule() in a kernel with frame pointers and the stack protector. */
static struct frame kernel_frame(void)
{
	return read_frame(BYTES(PUSH_RBP, MOV_RSP_RBP, PUSH_R15, PUSH_R12, PUSH_RBX, SUB_20_RSP,
				LOAD_CANARY, STORE_CANARY, JE));
}

TEST(frame_with_frame_pointer_is_read)
{
	struct frame f = kernel_frame();

	assert_true(f.has_fp);
	assert_int_equal(f.fp.offset, -16);
	assert_int_equal(f.sp.offset, -40 - 0x20);
	assert_true(f.is_saved[RBP] && f.is_saved[R15] && f.is_saved[R12] && f.is_saved[RBX]);
	assert_int_equal(f.saved[RBP].offset, -16);
	assert_int_equal(f.saved[R15].offset, -24);
	assert_int_equal(f.saved[R12].offset, -32);
	assert_int_equal(f.saved[RBX].offset, -40);
	assert_true(f.has_canary);
	assert_int_equal(f.canary.offset, -16 - 0x30);
}

TEST(setup_is_every_instruction_that_makes_the_frame)
{
	static const uint8_t sizes[] = { 1, 3, 2, 2, 1, 4, 9, 4 };
	struct frame f = kernel_frame();
	uint64_t addr = ADDR;

	assert_int_equal(f.nr_setup, sizeof(sizes));
	for (uint32_t i = 0; i < f.nr_setup; i++) {
		assert_int_equal(f.setup[i].addr, addr);
		assert_int_equal(f.setup[i].size, sizes[i]);
		assert_int_equal(f.setup[i].field, 0);
		addr += sizes[i];
	}
}

TEST(frame_without_frame_pointer_is_read)
{
	/* push %r12; push %rbp; mov %rdi,%rbp; push %rbx; sub $0x20,%rsp */
	struct frame f = read_frame(BYTES(PUSH_R12, PUSH_RBP, 0x48, 0x89, 0xfd, PUSH_RBX, SUB_20_RSP, JE));

	assert_false(f.has_fp);
	assert_false(f.has_canary);
	assert_int_equal(f.sp.offset, -32 - 0x20);
	assert_int_equal(f.saved[R12].offset, -16);
	assert_int_equal(f.saved[RBP].offset, -24);
	assert_int_equal(f.saved[RBX].offset, -32);
	assert_int_equal(f.nr_setup, 4);
}

TEST(canary_below_the_stack_pointer_is_read)
{
	/* sub $0x20,%rsp; mov %gs:0x28,%rax; mov %rax,0x18(%rsp) */
	struct frame f = read_frame(BYTES(SUB_20_RSP, LOAD_CANARY, 0x48, 0x89, 0x44, 0x24, 0x18, JE));

	assert_true(f.has_canary);
	assert_int_equal(f.canary.offset, -8 - 0x20 + 0x18);
}

TEST(canary_by_symbol_keeps_its_field)
{
	/* mov %gs:0x10(%rip),%rax (__stack_chk_guard of Linux 6.15) */
	struct frame f = read_frame(BYTES(PUSH_RBP, MOV_RSP_RBP, 0x65, 0x48, 0x8b, 0x05, 0x10, 0, 0, 0,
					  STORE_CANARY, JE));

	assert_true(f.has_canary);
	assert_int_equal(f.nr_setup, 4);
	assert_int_equal(f.setup[2].field, 4);
	assert_int_equal(f.setup[2].target, ADDR + 12 + 0x10);
}

TEST(canary_register_that_is_overwritten_is_no_canary)
{
	/* mov %rdi,%rax or xor %eax,%eax between load and store */
	assert_false(read_frame(BYTES(PUSH_RBP, MOV_RSP_RBP, LOAD_CANARY, 0x48, 0x89, 0xf8, STORE_CANARY,
				      JE)).has_canary);
	assert_false(read_frame(BYTES(PUSH_RBP, MOV_RSP_RBP, LOAD_CANARY, 0x31, 0xc0, STORE_CANARY,
				      JE)).has_canary);
}

TEST(landing_pad_and_trace_call_are_passed_over)
{
	/* endbr64; call __fentry__ */
	struct frame f = read_frame(BYTES(0xf3, 0x0f, 0x1e, 0xfa, 0xe8, 0, 0, 0, 0, PUSH_RBP, MOV_RSP_RBP, JE));

	assert_true(f.has_fp);
	assert_int_equal(f.setup[0].addr, ADDR + 9);
}

TEST(prologue_ends_at_the_first_branch_or_call)
{
	struct frame f = read_frame(BYTES(PUSH_RBP, 0xe8, 0, 0, 0, 0, PUSH_RBX));

	assert_int_equal(f.nr_setup, 1);
	assert_false(f.is_saved[RBX]);
}

TEST(second_push_of_a_register_is_not_where_it_is_saved)
{
	assert_int_equal(read_frame(BYTES(PUSH_RBX, PUSH_RBX, JE)).saved[RBX].offset, -16);
}

TEST(realigned_stack_counts_from_where_it_was_rounded)
{
	/* push %rbx below the saved %rbp; and $-32,%rsp; sub $0x20,%rsp; canary at 0x18(%rsp) */
	struct frame f = read_frame(BYTES(PUSH_RBP, MOV_RSP_RBP, PUSH_RBX, 0x48, 0x83, 0xe4, 0xe0, SUB_20_RSP,
					  LOAD_CANARY, 0x48, 0x89, 0x44, 0x24, 0x18, JE));

	assert_true(f.realigned);
	assert_int_equal(f.aligned_at, -24);
	assert_int_equal(f.sp.base, BASE_ALIGNED);
	assert_int_equal(f.sp.offset, -0x20);
	assert_int_equal(f.fp.base, BASE_CFA);
	assert_int_equal(f.saved[RBX].base, BASE_CFA);
	assert_int_equal(f.saved[RBX].offset, -24);
	assert_true(f.has_canary);
	assert_int_equal(f.canary.base, BASE_ALIGNED);
	assert_int_equal(f.canary.offset, -8);
	assert_int_equal(f.canary_source, 0x28);
}

/* lea 8(%rsp),%r10; and $-64,%rsp; push -8(%r10); push %rbp; mov %rsp,%rbp; push %r12; push %r10 */
#define DRAP 0x4c, 0x8d, 0x54, 0x24, 0x08, 0x48, 0x83, 0xe4, 0xc0, 0x41, 0xff, 0x72, 0xf8, PUSH_RBP,        \
	     MOV_RSP_RBP, PUSH_R12, 0x41, 0x52

TEST(cfa_that_is_kept_in_the_frame_is_found)
{
	struct frame f = read_frame(BYTES(DRAP, JE));

	assert_true(f.realigned && f.has_fp && f.has_cfa_slot);
	assert_int_equal(f.aligned_at, -8);
	assert_int_equal(f.fp.base, BASE_ALIGNED);
	assert_int_equal(f.fp.offset, -16);
	assert_int_equal(f.saved[RBP].offset, -16);
	assert_int_equal(f.saved[R12].offset, -24);
	assert_int_equal(f.cfa_slot.base, BASE_ALIGNED);
	assert_int_equal(f.cfa_slot.offset, -32);
}

TEST(second_realignment_is_refused)
{
	struct frame f;

	assert_error(try_read(BYTES(PUSH_RBP, MOV_RSP_RBP, 0x48, 0x83, 0xe4, 0xf0, 0x48, 0x83, 0xe4, 0xe0, JE), &f),
		     "`and rsp, 0xffffffffffffffe0` moves the stack pointer");
}

TEST(registers_stored_with_mov_are_found)
{
	/* sub $0x20,%rsp; mov %rbx,8(%rsp); mov %r12,0x10(%rsp) */
	struct frame f = read_frame(BYTES(SUB_20_RSP, 0x48, 0x89, 0x5c, 0x24, 0x08, 0x4c, 0x89, 0x64, 0x24, 0x10, JE));

	assert_true(f.is_saved[RBX] && f.is_saved[R12]);
	assert_int_equal(f.saved[RBX].offset, -32);
	assert_int_equal(f.saved[R12].offset, -24);
	assert_int_equal(f.nr_setup, 3);
}

TEST(changed_frame_pointer_is_refused)
{
	struct frame f;

	assert_error(try_read(BYTES(PUSH_RBP, MOV_RSP_RBP, 0x48, 0x89, 0xfd, JE), &f),
		     "`mov rbp, rdi` changes the frame pointer");
}

TEST(pop_in_the_prologue_is_refused)
{
	struct frame f;

	assert_error(try_read(BYTES(PUSH_RBX, 0x5b, JE), &f), "`pop rbx` moves the stack pointer");
}

TEST(endless_prologue_is_refused)
{
	uint8_t pushes[FRAME_MAX_SETUP + 1];
	struct frame f;

	memset(pushes, 0x50, sizeof(pushes));
	assert_error(try_read(pushes, sizeof(pushes), &f), "more than 32 instructions");
}

TEST(damaged_prologue_is_refused)
{
	struct frame f;

	assert_error(try_read(BYTES(PUSH_RBP, 0x06), &f), "not decodable at +0x1");
}

/* What call frame information says of kernel_frame(). */
static struct cfi_row kernel_row(void)
{
	struct cfi_row row = { .cfa_known = true, .cfa_reg = RBP, .cfa_offset = 16 };

	row.rule[RBP] = row.rule[R15] = row.rule[R12] = row.rule[RBX] = CFI_SAVED;
	row.offset[RBP] = -16;
	row.offset[R15] = -24;
	row.offset[R12] = -32;
	row.offset[RBX] = -40;
	return row;
}

TEST(frame_agrees_with_its_row)
{
	struct frame f = kernel_frame();
	struct cfi_row row = kernel_row();

	assert_success(frame_agrees(machine, &f, &row));
	row.cfa_reg = RSP;
	row.cfa_offset = 40 + 0x20;
	assert_success(frame_agrees(machine, &f, &row));
}

TEST(scratch_registers_do_not_matter)
{
	struct frame f = kernel_frame();
	struct cfi_row row = kernel_row();

	row.rule[0] = CFI_UNDEFINED;
	row.rule[RSP] = CFI_OTHER;
	assert_success(frame_agrees(machine, &f, &row));
}

static void refuse_row(const struct cfi_row *row, const char *message)
{
	struct frame f = kernel_frame();

	assert_error(frame_agrees(machine, &f, row), message);
}

TEST(every_disagreement_is_refused)
{
	struct cfi_row row = kernel_row();

	row.cfa_known = false;
	refuse_row(&row, "gives the CFA as an expression");
	row = kernel_row();
	row.cfa_reg = 10;
	refuse_row(&row, "counts the CFA from register 10");
	row = kernel_row();
	row.cfa_offset = 24;
	refuse_row(&row, "about the CFA (by 8 bytes)");
	row = kernel_row();
	row.rule[RBX] = CFI_OTHER;
	refuse_row(&row, "does not say where %rbx is");
	row = kernel_row();
	row.rule[14] = CFI_UNDEFINED;
	refuse_row(&row, "does not say where %r14 is");
	row = kernel_row();
	row.rule[R12] = CFI_SAME;
	refuse_row(&row, "disagree about %r12");
	row = kernel_row();
	row.rule[13] = CFI_SAVED;
	refuse_row(&row, "disagree about %r13");
	row = kernel_row();
	row.offset[R15] = -32;
	refuse_row(&row, "disagree about %r15");
}

TEST(row_by_a_frame_pointer_that_is_not_there_is_refused)
{
	struct frame f = read_frame(BYTES(PUSH_RBP, JE));
	struct cfi_row row = { .cfa_known = true, .cfa_reg = RBP, .cfa_offset = 16 };

	assert_error(frame_agrees(machine, &f, &row), "counts the CFA from register 6");
}

/* What call frame information says of the frame of DRAP. */
static struct cfi_row drap_row(void)
{
	struct cfi_row row = { .cfa_known = true, .cfa_in_memory = true, .cfa_reg = RBP, .cfa_offset = -16 };

	row.rule[RBP] = row.rule[R12] = CFI_SAVED_BY_REGISTER;
	row.base[RBP] = row.base[R12] = RBP;
	row.offset[R12] = -8;
	return row;
}

TEST(realigned_frame_agrees_with_its_row)
{
	struct frame f = read_frame(BYTES(DRAP, JE));
	struct cfi_row row = drap_row();

	assert_success(frame_agrees(machine, &f, &row));
	row.offset[R12] = -16;
	assert_error(frame_agrees(machine, &f, &row), "disagree about %r12");
	row = drap_row();
	row.base[R12] = 13;
	assert_error(frame_agrees(machine, &f, &row), "does not say where %r12 is");
	row = drap_row();
	row.cfa_offset = -8;
	assert_error(frame_agrees(machine, &f, &row), "disagree about the word with the CFA");
	row = drap_row();
	row.cfa_in_memory = false;
	assert_error(frame_agrees(machine, &f, &row), "counts the CFA from a realigned stack");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_with_frame_pointer_is_read),
		cmocka_unit_test(setup_is_every_instruction_that_makes_the_frame),
		cmocka_unit_test(frame_without_frame_pointer_is_read),
		cmocka_unit_test(canary_below_the_stack_pointer_is_read),
		cmocka_unit_test(canary_by_symbol_keeps_its_field),
		cmocka_unit_test(canary_register_that_is_overwritten_is_no_canary),
		cmocka_unit_test(landing_pad_and_trace_call_are_passed_over),
		cmocka_unit_test(prologue_ends_at_the_first_branch_or_call),
		cmocka_unit_test(second_push_of_a_register_is_not_where_it_is_saved),
		cmocka_unit_test(realigned_stack_counts_from_where_it_was_rounded),
		cmocka_unit_test(cfa_that_is_kept_in_the_frame_is_found),
		cmocka_unit_test(second_realignment_is_refused),
		cmocka_unit_test(registers_stored_with_mov_are_found),
		cmocka_unit_test(changed_frame_pointer_is_refused),
		cmocka_unit_test(pop_in_the_prologue_is_refused),
		cmocka_unit_test(endless_prologue_is_refused),
		cmocka_unit_test(damaged_prologue_is_refused),
		cmocka_unit_test(frame_agrees_with_its_row),
		cmocka_unit_test(scratch_registers_do_not_matter),
		cmocka_unit_test(every_disagreement_is_refused),
		cmocka_unit_test(row_by_a_frame_pointer_that_is_not_there_is_refused),
		cmocka_unit_test(realigned_frame_agrees_with_its_row),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, open_decoder, close_decoder);
}
