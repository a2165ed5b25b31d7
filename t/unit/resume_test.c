// SPDX-License-Identifier: GPL-2.0
/* Control flow behind a stack switch, and the proof that nothing there needs the top half. */
#include "disasm/resume.h"
#include "t/unit/scratch.h"

/* A function with frame pointer, two saved registers and a canary, up to its stack switch. */
#define TOP "push %rbp; mov %rsp, %rbp; push %r12; push %rbx; sub $0x20, %rsp\n"                     \
	    "mov %gs:0x28, %rax; mov %rax, -0x18(%rbp); test %rdi, %rdi; je 9f\n"                    \
	    "call switch_to\n" "resume:\n"
#define BOTTOM "9: add $0x20, %rsp; pop %rbx; pop %r12; pop %rbp; ret\n"

#define CALLEES                                                                                     \
	FUNC("switch_to", "ret")                                                                    \
	FUNC("helper", "ret")                                                                       \
	FUNC("panic", "1: pause; jmp 1b")                                                           \
	FUNC("other", "ret")

/* Proves `sleeper`: TOP, the @body behind its switch, BOTTOM. */
static struct err *prove_with(const char *top, const char *body, const char *bottom, const char *rest)
{
	AUTO_FREE char *text = xasprintf("%s" ".globl sleeper; .type sleeper, @function; sleeper:\n"
					 "%s%s\n%s\n.size sleeper, . - sleeper\n%s", CALLEES, top, body,
					 bottom, rest);
	const struct machine *machine = machine_of(EM_X86_64);
	struct code_bytes code;
	struct program p;
	struct frame frame;
	struct needs needs;
	struct flow flow;
	uint64_t resume;
	uint32_t func;
	struct err *err;

	program_init(&p, text);
	func = func_named(p.funcs, "sleeper");
	resume = address_of(p.symbols, "resume");
	code.addr = p.funcs->v[func].low;
	code.size = p.funcs->v[func].high - code.addr;
	code.data = image_bytes(p.image, code.addr, code.size);
	assert_success(frame_read(p.decoder, machine, &code, &frame));
	flow_from(p.funcs, p.decoder, func, resume, &flow);
	err = resume_read(p.funcs, p.decoder, machine, func, &flow, resume, &frame, &needs);
	err = err ?: resume_prove(p.funcs, &frame, &needs);
	needs_release(&needs);
	flow_release(&flow);
	program_release(&p);
	return err;
}

static struct err *prove(const char *body)
{
	return prove_with(TOP, body, BOTTOM, "");
}

TEST(epilogue_is_accepted)
{
	assert_success(prove(""));
	assert_success(prove("call helper"));
}

TEST(epilogue_by_frame_pointer_is_accepted)
{
	assert_success(prove("lea -0x10(%rbp), %rsp; pop %rbx; pop %r12; pop %rbp; ret"));
}

TEST(leave_is_accepted_when_nothing_else_was_saved)
{
	assert_success(prove_with("push %rbp; mov %rsp, %rbp; sub $0x20, %rsp; call switch_to; resume:",
				  "leave; ret", "", ""));
	assert_error(prove("mov %rax, %rbx; leave; ret"), "leaves without restoring the caller's registers");
}

TEST(canary_check_is_accepted)
{
	assert_success(prove("mov -0x18(%rbp), %rax; sub %gs:0x28, %rax; jne 1f; jmp 9f; 1: call panic"));
}

TEST(epilogue_without_frame_pointer_is_accepted)
{
	assert_success(prove_with("push %r12; push %rbx; sub $0x18, %rsp; call switch_to; resume:",
				  "mov %rax, 8(%rsp); mov 8(%rsp), %rdi; call helper",
				  "add $0x18, %rsp; pop %rbx; pop %r12; ret", ""));
}

TEST(register_set_before_the_switch_is_refused)
{
	assert_error(prove("mov %rbx, %rdi; call helper"),
		     "sleeper+0x22: `mov rdi, rbx` behind the stack switch reads a register that was set before");
	assert_error(prove("mov 8(%r12), %rax"), "`mov rax, qword ptr [r12 + 8]` behind the stack switch reads");
	assert_error(prove("cmp %rbx, %rax"), "`cmp rax, rbx`");
}

TEST(register_set_behind_the_switch_may_be_read)
{
	assert_success(prove("mov %rax, %rbx; mov %rbx, %rdi; call helper"));
}

TEST(register_that_is_zeroed_is_not_read)
{
	assert_success(prove("xor %ebx, %ebx; sub %r12, %r12; mov %rbx, %rdi; call helper"));
	assert_error(prove("xor %bl, %bl"), "reads a register that was set before it");
	assert_error(prove("xor %r12, %rbx"), "reads a register that was set before it");
}

TEST(registers_restored_with_mov_are_accepted)
{
	assert_success(prove("mov -8(%rbp), %r12; mov -0x10(%rbp), %rbx; leave; ret"));
	assert_error(prove("mov -0x10(%rbp), %r12; mov -8(%rbp), %rbx; leave; ret"),
		     "leaves without restoring the caller's registers");
}

TEST(epilogue_of_a_realigned_stack_is_accepted)
{
	assert_success(prove_with("push %rbp; mov %rsp, %rbp; push %r12; and $-64, %rsp; sub $0x40, %rsp\n"
				  "mov %gs:0x28, %rax; mov %rax, 0x38(%rsp); call switch_to; resume:\n",
				  "mov 0x38(%rsp), %rax; sub %gs:0x28, %rax; lea -8(%rbp), %rsp",
				  "pop %r12; pop %rbp; ret", ""));
	assert_success(prove_with("lea 8(%rsp), %r10; and $-64, %rsp; push -8(%r10); push %rbp; mov %rsp, %rbp\n"
				  "push %r10; call switch_to; resume:\n",
				  "mov -8(%rbp), %r10; mov -8(%rbp), %r10; leave", "lea -8(%r10), %rsp; ret", ""));
}

TEST(local_variable_set_before_the_switch_is_refused)
{
	assert_error(prove("mov -0x28(%rbp), %rdi"), "reads a local variable that was set before it");
	assert_error(prove("mov 8(%rsp), %rdi"), "reads a local variable that was set before it");
	assert_error(prove("incl -0x28(%rbp)"), "reads a local variable that was set before it");
}

TEST(local_variable_set_behind_the_switch_may_be_read)
{
	assert_success(prove("mov %rax, -0x28(%rbp); mov -0x28(%rbp), %rdi; mov -0x28(%rbp), %rsi"));
}

TEST(local_variable_set_on_one_path_only_is_refused)
{
	assert_error(prove("test %rax, %rax; je 1f; mov %rax, -0x28(%rbp); jmp 2f; 1: mov %rax, -0x20(%rbp)\n"
			   "2: mov -0x28(%rbp), %rdi"), "behind the stack switch");
	assert_error(prove("test %rax, %rax; jne 1f; mov %rax, -0x20(%rbp); jmp 2f; 1: mov %rax, -0x28(%rbp)\n"
			   "2: mov -0x28(%rbp), %rdi"), "behind the stack switch");
}

TEST(loop_that_writes_a_local_variable_is_walked_once)
{
	assert_success(prove("1: mov %rax, -0x28(%rbp); dec %rax; jne 1b"));
}

TEST(address_of_a_local_variable_is_refused)
{
	assert_error(prove("lea -0x28(%rbp), %rdi; call helper"), "takes the address of a local variable");
	assert_error(prove("mov %rsp, %rdi; call helper"), "takes the address of a local variable");
	assert_error(prove("mov %rbp, %rdi; call helper"), "takes the address of a local variable");
	assert_error(prove("mov -0x28(%rbp,%rax,8), %rdi"), "takes the address of a local variable");
}

TEST(registers_restored_in_the_wrong_order_are_refused)
{
	assert_error(prove("add $0x20, %rsp; pop %r12; pop %rbx; pop %rbp; ret"),
		     "`pop r12` behind the stack switch restores a register from a slot that holds another");
}

TEST(return_without_restoring_is_refused)
{
	assert_error(prove("ret"), "`ret` behind the stack switch leaves with the stack pointer at another place");
	assert_error(prove("add $0x20, %rsp; pop %rbx; add $8, %rsp; pop %rbp; mov $1, %r12; ret"),
		     "leaves without restoring the caller's registers");
}

TEST(tail_jump_is_held_to_the_same)
{
	assert_success(prove("add $0x20, %rsp; pop %rbx; pop %r12; pop %rbp; jmp other"));
	assert_error(prove("jmp other"), "`jmp 0x");
}

TEST(conditional_jump_out_of_the_function_is_refused)
{
	assert_error(prove("je other"), "leaves the function");
}

TEST(moved_stack_and_frame_pointers_are_refused)
{
	assert_error(prove("and $-16, %rsp"), "moves the stack pointer in a way that is not understood");
	assert_error(prove("mov %rax, %rsp"), "moves the stack pointer in a way that is not understood");
	assert_error(prove("mov %rax, %rbp"), "changes the frame pointer");
}

TEST(joining_paths_with_different_frames_are_refused)
{
	assert_error(prove("test %rax, %rax; je 1f; sub $8, %rsp; 1: nop"), "is reached with different frames");
}

TEST(last_bytes_of_a_section_are_decoded)
{
	assert_success(prove_with("sub $8, %rsp; call switch_to; resume:", "", "add $8, %rsp; ret", ""));
}

TEST(call_that_does_not_return_ends_the_path)
{
	assert_success(prove("test %rax, %rax; je 9f; call panic; mov %rbx, %rdi; ud2"));
	assert_error(prove("test %rax, %rax; je 9f; call helper; mov %rbx, %rdi"), "`mov rdi, rbx`");
}

static struct program flow_program(const char *body, struct flow *flow)
{
	AUTO_FREE char *text = xasprintf("%s" ".globl f; .type f, @function; f: %s\n.size f, . - f\n", CALLEES,
					 body);
	struct program p;
	uint32_t func;

	program_init(&p, text);
	func = func_named(p.funcs, "f");
	flow_from(p.funcs, p.decoder, func, p.funcs->v[func].low, flow);
	return p;
}

TEST(flow_takes_both_ways_of_a_branch)
{
	struct flow flow;
	struct program p = flow_program("test %rax, %rax; je 1f; ret; 1: nop; two: ret", &flow);

	assert_int_equal(flow.n, 5);
	assert_true(flow.leaves);
	assert_true(flow_has(&flow, address_of(p.symbols, "two")));
	assert_false(flow_has(&flow, address_of(p.symbols, "two") + 1));
	for (uint32_t i = 1; i < flow.n; i++)
		assert_true(flow.v[i - 1] < flow.v[i]);
	flow_release(&flow);
	program_release(&p);
}

TEST(flow_does_not_go_on_behind_a_jump)
{
	struct flow flow;
	struct program p = flow_program("jmp 1f; dead: nop; 1: ret", &flow);

	assert_int_equal(flow.n, 2);
	assert_false(flow_has(&flow, address_of(p.symbols, "dead")));
	flow_release(&flow);
	program_release(&p);
}

TEST(flow_of_an_endless_loop_does_not_leave)
{
	struct flow flow;
	struct program p = flow_program("1: pause; jmp 1b", &flow);

	assert_false(flow.leaves);
	flow_release(&flow);
	program_release(&p);
}

TEST(flow_goes_on_behind_a_trap_as_for_warn)
{
	struct flow flow;
	struct program p = flow_program("ud2; behind: ret", &flow);

	assert_true(flow_has(&flow, address_of(p.symbols, "behind")));
	flow_release(&flow);
	program_release(&p);
}

TEST(flow_leaves_by_a_tail_jump)
{
	struct flow flow;
	struct program p = flow_program("jmp other", &flow);

	assert_true(flow.leaves);
	assert_int_equal(flow.n, 1);
	flow_release(&flow);
	program_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(epilogue_is_accepted),
		cmocka_unit_test(epilogue_by_frame_pointer_is_accepted),
		cmocka_unit_test(leave_is_accepted_when_nothing_else_was_saved),
		cmocka_unit_test(canary_check_is_accepted),
		cmocka_unit_test(epilogue_without_frame_pointer_is_accepted),
		cmocka_unit_test(register_set_before_the_switch_is_refused),
		cmocka_unit_test(register_set_behind_the_switch_may_be_read),
		cmocka_unit_test(register_that_is_zeroed_is_not_read),
		cmocka_unit_test(registers_restored_with_mov_are_accepted),
		cmocka_unit_test(epilogue_of_a_realigned_stack_is_accepted),
		cmocka_unit_test(local_variable_set_before_the_switch_is_refused),
		cmocka_unit_test(local_variable_set_behind_the_switch_may_be_read),
		cmocka_unit_test(local_variable_set_on_one_path_only_is_refused),
		cmocka_unit_test(loop_that_writes_a_local_variable_is_walked_once),
		cmocka_unit_test(address_of_a_local_variable_is_refused),
		cmocka_unit_test(registers_restored_in_the_wrong_order_are_refused),
		cmocka_unit_test(return_without_restoring_is_refused),
		cmocka_unit_test(tail_jump_is_held_to_the_same),
		cmocka_unit_test(conditional_jump_out_of_the_function_is_refused),
		cmocka_unit_test(moved_stack_and_frame_pointers_are_refused),
		cmocka_unit_test(joining_paths_with_different_frames_are_refused),
		cmocka_unit_test(last_bytes_of_a_section_are_decoded),
		cmocka_unit_test(call_that_does_not_return_ends_the_path),
		cmocka_unit_test(flow_takes_both_ways_of_a_branch),
		cmocka_unit_test(flow_does_not_go_on_behind_a_jump),
		cmocka_unit_test(flow_of_an_endless_loop_does_not_leave),
		cmocka_unit_test(flow_goes_on_behind_a_trap_as_for_warn),
		cmocka_unit_test(flow_leaves_by_a_tail_jump),
	};

	return RUN(tests);
}
