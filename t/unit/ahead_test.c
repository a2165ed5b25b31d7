// SPDX-License-Identifier: GPL-2.0
/* Where the code of a function in an object can go on: split parts, jump labels, exceptions. */
#include "relink/ahead.h"
#include "t/unit/scratch.h"

#define TOP ".section .sched.text,\"ax\"; .globl sleeper; .type sleeper, @function\n" \
	    "sleeper: push %rbp; mov %rsp, %rbp; push %rbx; sub $0x18, %rsp; call helper\n"
#define END "at_call: call switch_to; add $0x18, %rsp; pop %rbx; pop %rbp; ret; .size sleeper, . - sleeper\n"
#define COLD(body) ".section .text.unlikely,\"ax\"; .type sleeper.cold, @function; sleeper.cold: " body \
		   "\n.size sleeper.cold, . - sleeper.cold\n"
#define BAD "mov %rax, -8(%rbp)"

static uint32_t symbol_named(const struct object *object, const char *name)
{
	for (uint32_t i = 1; i < object->nr_symbols; i++)
		if (!strcmp(object->symbols[i].name, name))
			return i;
	fail_msg("no symbol %s", name);
	return 0;
}

/* The call at `at_call` in an object of @text, with no function that the kernel has. */
static struct err *prove(const char *text)
{
	const struct machine *machine = machine_of(EM_X86_64);
	struct match match = { 0 };
	struct object_ref call = { 0 };
	struct code_bytes code;
	struct object_refs refs;
	struct decoder *decoder;
	struct symbol_map map;
	struct object *object;
	struct scratch s;
	struct frame frame;
	struct err *err;

	scratch_init(&s);
	scratch_assemble(&s, text);
	assert_success(object_read(s.object, &object));
	symbol_map_init(object, &map);
	assert_success(object_refs_read(object, &map, &refs));
	assert_success(decoder_open(EM_X86_64, &decoder));
	match.func = xcalloc(object->nr_symbols, sizeof(*match.func));
	memset(match.func, 0xff, object->nr_symbols * sizeof(*match.func));
	call.host = symbol_named(object, "sleeper");
	call.section = object->symbols[call.host].section;
	call.insn = object->symbols[symbol_named(object, "at_call")].value;
	code = (struct code_bytes){ object->sections[call.section].data, 0, object->symbols[call.host].size };
	assert_success(frame_read(decoder, machine, &code, &frame));
	err = ahead_keeps_frame(NULL, object, &refs, &match, decoder, &call, &frame);
	decoder_close(decoder);
	free(match.func);
	object_refs_release(&refs);
	symbol_map_release(&map);
	object_free(object);
	scratch_release(&s);
	return err;
}

TEST(part_that_was_split_off_is_followed)
{
	assert_success(prove(TOP "jne sleeper.cold; back:" END COLD("mov %rax, %rbx; jmp back")));
	assert_error(prove(TOP "jne sleeper.cold; back:" END COLD("nop; " BAD "; jmp back")),
		     "sleeper.cold+0x1: `mov qword ptr [rbp - 8], rax` ahead of the stack switch overwrites the slot of %rbx");
}

TEST(jump_to_another_function_leaves)
{
	assert_success(prove(TOP "je 1f; add $0x18, %rsp; pop %rbx; pop %rbp; jmp elsewhere; 1:" END));
	assert_error(prove(TOP "je 1f; jmp elsewhere; 1:" END), "leads to a place that is not known");
}

TEST(jump_label_is_an_edge)
{
	assert_success(prove(TOP "from: nopl 0(%rax,%rax,1); jmp at_call; to: " BAD "; jmp at_call;" END));
	assert_error(prove(TOP "from: nopl 0(%rax,%rax,1); jmp at_call; to: " BAD "; jmp at_call;" END
			   ".section __jump_table,\"aw\"; .long from - ., to - .; .quad key - .\n"),
		     "overwrites the slot of %rbx");
}

TEST(exception_is_an_edge)
{
	assert_error(prove(TOP "from: mov (%rdi), %rax; jmp at_call; to: " BAD "; jmp at_call;" END
			   ".section __ex_table,\"a\"; .long from - ., to - ., 1\n"), "overwrites the slot of %rbx");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(part_that_was_split_off_is_followed),
		cmocka_unit_test(jump_to_another_function_leaves),
		cmocka_unit_test(jump_label_is_an_edge),
		cmocka_unit_test(exception_is_an_edge),
	};

	return RUN(tests);
}
