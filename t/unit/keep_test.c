// SPDX-License-Identifier: GPL-2.0
/* That a function keeps its frame up to a call: what is accepted, and each way to lose it. */
#include "disasm/keep.h"
#include "t/unit/scratch.h"

#define WITH_FP "push %rbp; mov %rsp, %rbp; push %r12; push %rbx; sub $0x40, %rsp\n"
#define WITHOUT "push %r12; push %rbp; push %rbx; sub $0x40, %rsp\n"
#define REALIGNED "lea 8(%rsp), %r10; and $-64, %rsp; push -8(%r10); push %rbp; mov %rsp, %rbp; push %r12; push %r10\n" \
		  "push %rbx; sub $0x48, %rsp\n"

/* Whether a function of prologue @top and @body keeps its frame up to its call of switch_to. */
static struct err *keeps_with(const char *top, const char *body, const char *rest)
{
	AUTO_FREE char *text = xasprintf(FUNC("switch_to", "ret") FUNC("helper", "ret") FUNC("panic", "1: pause; jmp 1b")
					 FUNC("sleeper", "%s\n%s\nat_call: call switch_to\n behind: ud2\n%s"),
					 top, body, rest);
	const struct machine *machine = machine_of(EM_X86_64);
	struct body_part part = { .name = "sleeper" };
	struct body_edge edges[3];
	struct body b = { .parts = &part, .nr_parts = 1, .edges = edges };
	struct frame frame;
	struct program p;
	uint32_t func;
	struct err *err;

	program_init(&p, text);
	func = func_named(p.funcs, "sleeper");
	part.code.addr = p.funcs->v[func].low;
	part.code.size = p.funcs->v[func].high - part.code.addr;
	part.code.data = image_bytes(p.image, part.code.addr, part.code.size);
	if (symbols_find(p.symbols, "maybe_from") != NO_ID)
		edges[b.nr_edges++] = (struct body_edge){
			address_of(p.symbols, "maybe_from"), address_of(p.symbols, "maybe_to"), EDGE_MAYBE,
		};
	if (symbols_find(p.symbols, "ends") != NO_ID)
		edges[b.nr_edges++] = (struct body_edge){ address_of(p.symbols, "ends"), 0, EDGE_ENDS };
	if (symbols_find(p.symbols, "branch_from") != NO_ID)
		edges[b.nr_edges++] = (struct body_edge){
			address_of(p.symbols, "branch_from"), address_of(p.symbols, "branch_to"), EDGE_BRANCH,
		};
	assert_success(frame_read(p.decoder, machine, &part.code, &frame));
	err = body_keeps_frame(p.decoder, machine, &b, address_of(p.symbols, "at_call"), &frame);
	program_release(&p);
	return err;
}

static struct err *keeps(const char *body)
{
	return keeps_with(WITH_FP "call helper\n", body, "");
}

TEST(straight_body_is_accepted)
{
	assert_success(keeps(""));
	assert_success(keeps("mov %rax, -0x20(%rbp); mov %rdi, (%rsp); mov %rax, %rbx; lea -0x30(%rbp), %r12"));
	assert_success(keeps_with(WITHOUT "call helper", "mov %rax, 8(%rsp); mov %rax, %rbp", ""));
	assert_success(keeps_with(REALIGNED "call helper", "mov %rax, -0x30(%rbp); mov %rax, (%rsp)", ""));
}

TEST(arguments_on_the_stack_are_accepted_when_they_are_taken_off)
{
	assert_success(keeps("push $7; push $6; call helper; pop %rdx; add $8, %rsp"));
	assert_error(keeps("push $7; push $6; call helper; pop %rdx"),
		     "`...` ahead of the stack switch is reached with another frame than the prologue's: rsp");
}

/* What local_irq_disable() and its like are where lockdep follows interrupts. */
TEST(flags_on_the_stack_are_accepted_when_they_are_taken_off)
{
	assert_success(keeps("pushf; pop %rax; cli; test $2, %ah; jne 1f; push %rax; popf; 1:"));
	assert_error(keeps("pushf"), "is reached with another frame than the prologue's: rsp");
	assert_error(keeps("add $0x58, %rsp; pushf; sub $0x50, %rsp"), "`pushfq` ahead of the stack switch changes the frame pointer, or the slot with the caller's");
}

TEST(loops_and_branches_are_followed)
{
	assert_success(keeps("1: dec %eax; jne 1b; test %eax, %eax; je 2f; mov %rax, -0x20(%rbp); 2:"));
	assert_error(keeps("test %eax, %eax; je 2f; mov %rax, -0x10(%rbp); 2: inc %eax"),
		     "`mov qword ptr [rbp - 0x10], rax` ahead of the stack switch overwrites the slot of %rbx");
	assert_error(keeps("jmp 2f; 1: mov %rax, -8(%rbp); jmp 3f; 2: test %eax, %eax; jne 1b; 3:"),
		     "overwrites the slot of %r12");
	assert_error(keeps("test %eax, %eax; je 2f; push %rax; 2: inc %eax"), "is reached with different stack pointers");
}

TEST(save_slot_one_off_is_refused)
{
	assert_success(keeps("mov %rax, -0x18(%rbp)"));
	assert_error(keeps("mov %al, -0x10(%rbp)"), "overwrites the slot of %rbx");
	assert_error(keeps("mov %rax, -0x14(%rbp)"), "overwrites the slot of %rbx");
	assert_error(keeps("mov %rax, 0x40(%rsp)"), "overwrites the slot of %rbx");
	assert_error(keeps_with(WITHOUT "call helper", "mov %rax, 0x48(%rsp)", ""), "overwrites the slot of %rbp");
	assert_error(keeps_with(REALIGNED "call helper", "mov %rax, -0x10(%rbp)", ""), "overwrites the word with the CFA");
}

TEST(store_through_a_copy_of_the_frame_base_is_followed)
{
	assert_success(keeps("lea -0x18(%rbp), %rcx; mov %rax, (%rcx)"));
	assert_error(keeps("lea -0x18(%rbp), %rcx; mov %rax, 8(%rcx)"), "overwrites the slot of %rbx");
}

TEST(return_address_is_kept)
{
	assert_error(keeps("mov %rax, 8(%rbp)"), "`mov qword ptr [rbp + 8], rax` ahead of the stack switch overwrites the return");
}

TEST(frame_pointer_is_kept)
{
	assert_error(keeps("mov %rax, %rbp"), "`mov rbp, rax` ahead of the stack switch changes the frame pointer");
	assert_error(keeps("mov %rax, (%rbp)"), "changes the frame pointer, or the slot with the caller's");
	assert_success(keeps("mov %rbp, -0x20(%rbp); mov %rax, %rcx; mov %rbp, %rcx; mov -0x20(%rbp), %rbp"));
}

TEST(register_that_is_not_saved_is_kept)
{
	assert_error(keeps("mov %rax, %r13"), "`mov r13, rax` ahead of the stack switch overwrites a register that the frame "
		     "does not save: %r13");
	assert_error(keeps("mov %rax, %r13; mov %rax, %rbx"), "%r13");
	assert_success(keeps("mov %r13, -0x20(%rbp); mov %rax, %r13; mov -0x20(%rbp), %r13"));
}

TEST(stack_pointer_that_is_not_understood_is_refused)
{
	assert_error(keeps("sub %rax, %rsp"), "`sub rsp, rax` ahead of the stack switch moves the stack pointer in a way");
	assert_error(keeps("sub $0x10, %rsp"), "is reached with another frame than the prologue's: rsp");
}

TEST(write_at_an_unknown_index_is_refused)
{
	assert_error(keeps("mov %rax, -0x30(%rbp,%rcx,8)"), "writes into the frame at an index that is not known");
	assert_error(keeps("mov %rax, (%rcx,%rbp)"), "writes into the frame at an index that is not known");
	assert_success(keeps("mov -0x30(%rbp,%rcx,8), %rax; mov %rax, (%rdi,%rcx,8)"));
}

TEST(repeated_write_is_followed)
{
	assert_success(keeps("lea -0x30(%rbp), %rdi; mov $4, %ecx; rep stosq"));
	assert_error(keeps("lea -0x30(%rbp), %rdi; mov $5, %ecx; rep stosq"),
		     "`rep stosq qword ptr [rdi], rax` ahead of the stack switch overwrites the slot of %rbx");
	assert_success(keeps("lea -0x30(%rbp), %rdi; mov $8, %ecx; rep stosl"));
	assert_error(keeps("lea -0x30(%rbp), %rdi; mov $9, %ecx; rep stosl"), "overwrites the slot of %rbx");
	assert_error(keeps("lea -0x30(%rbp), %rdi; mov %eax, %ecx; rep stosq"), "overwrites a part of the frame that is not known");
	assert_success(keeps("mov %rax, %rdi; mov %eax, %ecx; rep stosq"));
}

TEST(way_out_is_no_way_to_the_call)
{
	assert_success(keeps("test %eax, %eax; jne 1f; add $0x40, %rsp; pop %rbx; pop %r12; pop %rbp; ret; 1:"));
	assert_success(keeps("test %eax, %eax; jne 1f; lea -0x10(%rbp), %rsp; pop %rbx; pop %r12; leave; jmp helper; 1:"));
	assert_error(keeps("test %eax, %eax; jne 1f; jmp helper; 1:"), "`jmp 0x");
	assert_error(keeps("test %eax, %eax; jne 1f; jmp *%rax; 1:"), "leads to a place that is not known");
}

TEST(jump_label_is_followed_in_both_states)
{
	assert_error(keeps_with(WITH_FP "call helper", "maybe_from: nopl (%rax)", "maybe_to: mov %rax, -0x10(%rbp); jmp at_call"),
		     "overwrites the slot of %rbx");
	assert_error(keeps_with(WITH_FP "call helper", "maybe_from: jmp at_call\nmaybe_to: mov %rax, -0x10(%rbp)", ""),
		     "overwrites the slot of %rbx");
	assert_success(keeps_with(WITH_FP "call helper", "maybe_from: nopl (%rax)", "maybe_to: mov %rax, %rbx; jmp at_call"));
}

TEST(branch_leads_where_its_relocation_says)
{
	assert_error(keeps_with(WITH_FP "call helper", "branch_from: jne at_call; jmp at_call", "branch_to: mov %rax, -0x10(%rbp)\n"
				"jmp at_call"), "overwrites the slot of %rbx");
}

TEST(call_that_does_not_return_ends_the_path)
{
	assert_error(keeps("test %eax, %eax; je at_call; push %rax; call panic"), "is reached with different stack pointers");
	assert_success(keeps("test %eax, %eax; je at_call; push %rax; ends: call panic"));
}

TEST(call_that_cannot_be_reached_is_refused)
{
	assert_error(keeps("1: jmp 1b"), "is reached on no path that can be followed");
}

TEST(callee_may_overwrite_what_it_does_not_preserve)
{
	assert_error(keeps_with(WITH_FP, "mov %r13, %rcx; mov %rax, %r13; call helper; mov %rcx, %r13", ""), "%r13");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(straight_body_is_accepted),
		cmocka_unit_test(arguments_on_the_stack_are_accepted_when_they_are_taken_off),
		cmocka_unit_test(flags_on_the_stack_are_accepted_when_they_are_taken_off),
		cmocka_unit_test(loops_and_branches_are_followed),
		cmocka_unit_test(save_slot_one_off_is_refused),
		cmocka_unit_test(store_through_a_copy_of_the_frame_base_is_followed),
		cmocka_unit_test(return_address_is_kept),
		cmocka_unit_test(frame_pointer_is_kept),
		cmocka_unit_test(register_that_is_not_saved_is_kept),
		cmocka_unit_test(stack_pointer_that_is_not_understood_is_refused),
		cmocka_unit_test(write_at_an_unknown_index_is_refused),
		cmocka_unit_test(repeated_write_is_followed),
		cmocka_unit_test(way_out_is_no_way_to_the_call),
		cmocka_unit_test(jump_label_is_followed_in_both_states),
		cmocka_unit_test(branch_leads_where_its_relocation_says),
		cmocka_unit_test(call_that_does_not_return_ends_the_path),
		cmocka_unit_test(call_that_cannot_be_reached_is_refused),
		cmocka_unit_test(callee_may_overwrite_what_it_does_not_preserve),
	};

	return RUN(tests);
}
