// SPDX-License-Identifier: GPL-2.0
/*
 * Frames of which the address sanitizer keeps marks in shadow memory: the kernel's way out takes its own off,
 * and the adapter those of the new frame, and nothing else.
 */
#include "relink/adapter_proof.h"
#include "t/unit/scratch.h"

/* gcc -fsanitize=kernel-address --param asan-stack=1, with the place of the marks kept at SLOT(%rbp). */
#define TOP(base, slot, size, marks)                                                                                   \
	"push %rbp; mov %rsp, %rbp; push %r15; push %r14; lea -" base "(%rbp), %rax; push %r13; shr $3, %rax\n"         \
	"movabs $0xdffffc0000000000, %r13; push %r12; push %rbx; sub $" size ", %rsp; mov %rax, -" slot "(%rbp)\n"      \
	"add %r13, %rax; " marks "mov %gs:0x28, %rax; mov %rax, -0x30(%rbp)\n"
#define EIGHT "movl $0xf1f1f1f1, (%rax); movl $0xf3f30000, 4(%rax);\n"
#define TWELVE "movq $0xf1, (%rax); movl $0xf3, 8(%rax);\n"
#define BOTTOM(use)                                                                                                    \
	use "\nmov -0x30(%rbp), %rax; sub %gs:0x28, %rax; jne 1f; add $0x110, %rsp; pop %rbx; pop %r12; pop %r13\n"     \
	"pop %r14; pop %r15; pop %rbp; ret; 1: call panic"
#define LOAD "mov -0x108(%rbp), %rcx; movabs $0xdffffc0000000000, %rax; "
#define CLEARED LOAD "movq $0, (%rcx,%rax)"

/* The same with the place kept in %r12. */
#define TOP_REG(base, size)                                                                                            \
	"movabs $0xdffffc0000000000, %rdx; push %rbp; mov %rsp, %rbp; push %r14; push %r13; push %r12\n"                \
	"lea -" base "(%rbp), %r12; push %rbx; shr $3, %r12; lea (%r12,%rdx,1), %rax; sub $" size ", %rsp\n" EIGHT
#define BOTTOM_REG(use) use "\nadd $0x90, %rsp; pop %rbx; pop %r12; pop %r13; pop %r14; pop %rbp; ret"

static const char *const old_top = TOP("0x88", "0x108", "0x110", EIGHT), *const new_top = TOP("0xa8", "0x148", "0x150", TWELVE);

struct bridge {
	struct program program;
	struct frame from, to;
	struct cfi_row from_row, to_row;
	struct needs needs;
	uint64_t call;
	struct adapter_code code;
};

static struct cfi_row row_of(const struct frame *f)
{
	struct cfi_row row = { .cfa_known = true, .cfa_reg = machine_of(EM_X86_64)->fp, .cfa_offset = 16 };

	for (uint8_t reg = 0; reg < FRAME_REGS; reg++) {
		row.rule[reg] = f->is_saved[reg] ? CFI_SAVED : CFI_SAME;
		row.offset[reg] = f->saved[reg].offset;
	}
	return row;
}

static uint32_t read_function(struct program *p, const char *name, struct frame *frame)
{
	uint32_t func = func_named(p->funcs, name);
	struct code_bytes code = { .addr = p->funcs->v[func].low, .size = p->funcs->v[func].high - p->funcs->v[func].low };

	code.data = image_bytes(p->image, code.addr, code.size);
	assert_success(frame_read(p->decoder, machine_of(EM_X86_64), &code, frame));
	return func;
}

/* Up to the adapter; an error is that of the code behind the kernel's call. */
static struct err *bridge_between(struct bridge *b, const char *top, const char *old, const char *bottom)
{
	AUTO_FREE char *text = xasprintf(
		FUNC("switch_to", "ret") FUNC("panic", "1: pause; jmp 1b") FUNC("new", "%s\ncall switch_to; ret")
		FUNC("old", "%s\nat_call: call switch_to; resume: mov %%rax, %%rdi; %s\n"), top, old, bottom);
	const struct machine *machine = machine_of(EM_X86_64);
	struct flow flow;
	struct err *err;
	uint32_t func;

	memset(b, 0, sizeof(*b));
	program_init(&b->program, text);
	read_function(&b->program, "new", &b->from);
	func = read_function(&b->program, "old", &b->to);
	b->from_row = row_of(&b->from);
	b->to_row = row_of(&b->to);
	b->call = address_of(b->program.symbols, "at_call");
	flow_from(b->program.funcs, b->program.decoder, func, address_of(b->program.symbols, "resume"), &flow);
	err = resume_read(b->program.funcs, b->program.decoder, machine, func, &flow,
			  address_of(b->program.symbols, "resume"), &b->to, &b->needs);
	err = err ?: resume_prove(b->program.funcs, &b->to, &b->needs);
	flow_release(&flow);
	return err;
}

static struct err *bridge_init(struct bridge *b, const char *top, const char *bottom)
{
	return bridge_between(b, top, old_top, bottom);
}

static void bridge_release(struct bridge *b)
{
	needs_release(&b->needs);
	program_release(&b->program);
}

/* @from: the frame that the generator knows of. */
static struct err *make(struct bridge *b, const struct frame *from)
{
	struct adapter_claim claim = { .from = &b->from, .to = &b->to, .to_row = &b->to_row, .needs = &b->needs, .call = b->call };
	struct unwind_rows rows;

	assert_success(adapter_generate(b->program.image, b->program.decoder, machine_of(EM_X86_64), from, &b->from_row,
					&b->to, b->call, &b->code));
	claim.bytes = b->code.bytes;
	claim.size = b->code.size;
	claim.fixups = b->code.fixups;
	claim.nr_fixups = b->code.nr_fixups;
	return adapter_prove(b->program.decoder, machine_of(EM_X86_64), &claim, &rows);
}

TEST(marks_and_their_place_are_read_from_the_prologue)
{
	struct bridge b;

	assert_success(bridge_init(&b, new_top, BOTTOM(CLEARED)));
	assert_true(b.to.in_slot);
	assert_false(b.to.in_reg);
	assert_int_equal(b.to.shadow_slot.offset, -0x118);
	assert_int_equal(b.to.shadow.place.offset, -0x98);
	assert_int_equal(b.to.nr_marks, 2);
	assert_int_equal(b.to.marks[1].addr.number, 0xdffffc0000000004);
	assert_int_equal(b.from.marks[0].size, 8);
	assert_int_equal(b.from.marks[1].size, 4);
	bridge_release(&b);
}

TEST(adapter_moves_the_marks_place_and_is_proven)
{
	struct bridge b;

	assert_success(bridge_init(&b, new_top, BOTTOM(CLEARED)));
	assert_int_equal(b.needs.n, 2);
	assert_true(need_is_shadow(&b.needs.v[0], &b.to) || need_is_shadow(&b.needs.v[1], &b.to));
	assert_success(make(&b, &b.from));
	bridge_release(&b);
}

TEST(marks_that_stay_are_refused)
{
	struct bridge b;
	struct frame less;

	assert_success(bridge_init(&b, new_top, BOTTOM(CLEARED)));
	less = b.from;
	less.nr_marks = 1;
	assert_error(make(&b, &less), "shadow memory of the new frame stays marked");
	bridge_release(&b);
}

TEST(other_shadow_memory_is_not_cleared)
{
	struct bridge b;
	struct frame other;

	assert_success(bridge_init(&b, new_top, BOTTOM(CLEARED)));
	other = b.from;
	other.marks[1].addr.number++;
	assert_error(make(&b, &other), "writes to memory that is not the frame's");
	other = b.from;
	other.marks[0].addr.place.offset -= 8;
	assert_error(make(&b, &other), "writes to memory that is not the frame's");
	bridge_release(&b);
}

TEST(new_frame_without_marks_is_refused)
{
	struct bridge b;

	assert_success(bridge_init(&b, TOP("0x88", "0x108", "0x110", ""), BOTTOM(CLEARED)));
	assert_error(make(&b, &b.from), "the new frame has no marks");
	bridge_release(&b);
}

TEST(place_of_the_marks_used_for_something_else_is_refused)
{
	static const char *const uses[] = {
		LOAD "movq $0, 8(%rcx,%rax)",			/* no mark there */
		LOAD "movq (%rcx,%rax), %rdx; movq $0, (%rcx,%rax)",
		LOAD "movq %rcx, -0x80(%rbp); movq $0, (%rcx,%rax)",
		LOAD "movq $0, (%rcx)",
		LOAD "test %rcx, %rcx; movq $0, (%rcx,%rax)",
		LOAD "movq $0, (%rcx,%rax,2)",
		LOAD "mov %rcx, %rdi; call panic; movq $0, (%rcx,%rax)",
		"movabs $0xdffffc0000000000, %rax; add -0x108(%rbp), %rax; movq $0, (%rax)",
	};
	struct bridge b;

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		AUTO_FREE char *bottom = xasprintf("%s%s", uses[i], BOTTOM(""));

		assert_error(bridge_init(&b, new_top, bottom), "takes the address of a local variable");
		bridge_release(&b);
	}
}

TEST(place_of_the_marks_may_be_in_a_register)
{
	static const char *const misuses[] = {
		"mov %r12, %rdi; call panic", "movq $0, 8(%r12)", "call *%r12", "mov %r12, -0x50(%rbp)",
		"mov (%r12), %rdx",
	};
	const char *used = BOTTOM_REG("movabs $0xdffffc0000000000, %rax; add %rax, %r12; movl $0, 4(%r12); movl $0, (%r12)");
	struct bridge b;

	assert_success(bridge_between(&b, TOP_REG("0xc0", "0xb0"), TOP_REG("0xa0", "0x90"), used));
	assert_true(b.to.in_reg);
	assert_int_equal(b.needs.n, 1);
	assert_true(need_is_shadow(&b.needs.v[0], &b.to));
	assert_success(make(&b, &b.from));
	bridge_release(&b);
	assert_success(bridge_between(&b, new_top, TOP_REG("0xa0", "0x90"), used));
	assert_success(make(&b, &b.from));
	bridge_release(&b);
	for (size_t i = 0; i < sizeof(misuses) / sizeof(misuses[0]); i++) {
		AUTO_FREE char *bottom = xasprintf("%s%s", misuses[i], BOTTOM_REG(""));

		assert_error(bridge_between(&b, TOP_REG("0xc0", "0xb0"), TOP_REG("0xa0", "0x90"), bottom),
			     "takes the address of a local variable");
		bridge_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_and_their_place_are_read_from_the_prologue),
		cmocka_unit_test(adapter_moves_the_marks_place_and_is_proven),
		cmocka_unit_test(marks_that_stay_are_refused),
		cmocka_unit_test(other_shadow_memory_is_not_cleared),
		cmocka_unit_test(new_frame_without_marks_is_refused),
		cmocka_unit_test(place_of_the_marks_used_for_something_else_is_refused),
		cmocka_unit_test(place_of_the_marks_may_be_in_a_register),
	};

	return RUN(tests);
}
