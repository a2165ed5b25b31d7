// SPDX-License-Identifier: GPL-2.0
/* Damage that once made a reader go round, recurse without end or fill the memory, each as it was found. */
#include <string.h>

#include "disasm/refs.h"
#include "elfkit/sleep.h"
#include "elfkit/typeinfo.h"
#include "t/unit/scratch.h"

/* DIEs in the abbreviations of PROLOGUE; strings are inline. */
#define PROLOGUE                                                                                  \
	".section .debug_abbrev, \"\", @progbits\n"                                               \
	".uleb128 1, 0x11; .byte 1; .uleb128 0x03, 0x08, 0, 0\n" /* unit: name */                 \
	".uleb128 2, 0x2e; .byte 0; .uleb128 0x31, 0x13, 0, 0\n" /* subprogram: abstract origin */ \
	".uleb128 3, 0x16; .byte 0; .uleb128 0x03, 0x08, 0x49, 0x13, 0, 0\n" /* typedef: name, type */ \
	".uleb128 4, 0x34; .byte 0; .uleb128 0x49, 0x13, 0x02, 0x18, 0, 0\n" /* variable: type, location */ \
	".uleb128 5, 0x2e; .byte 1; .uleb128 0x03, 0x08, 0, 0\n" /* subprogram: name */           \
	".uleb128 6, 0x0b; .byte 1; .uleb128 0, 0\n" /* lexical block */                          \
	".uleb128 7, 0x0f; .byte 0; .uleb128 0x49, 0x13, 0, 0\n" /* pointer: type */              \
	".uleb128 8, 0x2e; .byte 0; .uleb128 0x03, 0x08, 0x3a, 0x0b, 0, 0\n" /* subprogram: name, file */ \
	".byte 0\n"                                                                               \
	".section .debug_info, \"\", @progbits\n"                                                 \
	"unit: .long end - version\n"                                                             \
	"version: .short 5; .byte 1, 8; .long 0\n"                                                \
	".uleb128 1; .asciz \"kernel/sched/core.c\"\n"
#define EPILOGUE ".byte 0\nend:\n.text\n.globl f\nf: ret\n"
#define VARIABLE ".uleb128 4; .long type - unit; .byte 9, 3; .quad f\n"

static struct scratch scratch;

static bool want_all(const char *unit UNUSED, void *arg UNUSED)
{
	return true;
}

static void link_dies(const char *dies)
{
	static char text[65536];

	snprintf(text, sizeof(text), PROLOGUE "%s" EPILOGUE, dies);
	scratch_init(&scratch);
	scratch_assemble(&scratch, text);
	scratch_link(&scratch, "out.o");
}

static void refuse_functions(const char *dies, const char *part)
{
	struct debuginfo *info;
	struct err *err;

	link_dies(dies);
	err = debuginfo_open(scratch.linked, want_all, NULL, &info);
	assert_error(err, part);
	scratch_release(&scratch);
}

static void refuse_types(const char *dies, const char *part)
{
	struct typeinfo *info;
	struct err *err;

	link_dies(dies);
	err = typeinfo_read(scratch.linked, 2, NULL, &info);
	assert_error(err, part);
	scratch_release(&scratch);
}

TEST(abstract_origins_may_lead_in_a_circle)
{
	refuse_functions("one: .uleb128 2; .long two - unit; two: .uleb128 2; .long one - unit\n",
			 "unit kernel/sched/core.c: .debug_info+0x");
}

TEST(unknown_abbreviation_is_an_error)
{
	refuse_functions(".uleb128 99\n", "unit kernel/sched/core.c: .debug_info+0xc");
	refuse_types(".uleb128 99\n", "unit kernel/sched/core.c: .debug_info+0xc");
}

TEST(file_that_is_not_in_the_line_table_is_an_error)
{
	refuse_functions(".uleb128 8; .asciz \"f\"; .byte 7\n", "its file is not in the line table");
}

TEST(file_zero_is_the_units_own)
{
	struct debuginfo *info;

	link_dies(".uleb128 8; .asciz \"f\"; .byte 0\n");
	assert_success(debuginfo_open(scratch.linked, want_all, NULL, &info));
	assert_int_equal(info->nr_funcs, 1);
	assert_string_equal(info->funcs[0].file, "kernel/sched/core.c");
	debuginfo_free(info);
	scratch_release(&scratch);
}

TEST(blocks_may_nest_without_end)
{
	const char *dies = ".uleb128 5; .asciz \"f\"; .rept 2000; .uleb128 6; .endr; .fill 2001, 1, 0\n";

	refuse_functions(dies, "nested too deeply");
	refuse_types(dies, "nested too deeply");
}

TEST(typedef_may_be_of_itself)
{
	refuse_types("type: .uleb128 3; .asciz \"t\"; .long type - unit\n" VARIABLE, "a type made of itself");
}

TEST(pointer_may_be_to_itself)
{
	refuse_types("type: .uleb128 7; .long type - unit\n" VARIABLE, "a type made of itself");
}

TEST(code_may_be_torn_apart)
{
	struct program p = { 0 };
	struct refs *refs;

	scratch_init(&p.scratch);
	scratch_assemble(&p.scratch, ".section .low, \"ax\"\n" FUNC("low", "ret") ".text\n" FUNC("high", "ret"));
	run_command("cd %s && " LINK " --section-start=.low=0x1000 -o vmlinux out.o", p.scratch.dir);
	assert_success(image_open(p.scratch.linked, &p.image));
	p.symbols = symbols_read(p.image);
	p.funcs = funcs_build(p.image, p.symbols, &p.debuginfo);
	assert_error(refs_collect(p.funcs, NULL, &refs), "low at 0x1000 and high at 0xffffffff81000000");
	program_release(&p);
}

TEST(stack_switch_may_call_its_callers)
{
	struct stack_switch sw = { 0 };
	struct boundary boundary = { .switches = &sw, .nr_switches = 1 };
	const struct policy policy = { 0 };
	struct sleep sleep;
	struct program p;
	struct refs *refs;
	char *path;

	program_init(&p, FUNC("switch_to", "jmp sleeper") FUNC("scheduler", "call switch_to; ret")
			 FUNC("sleeper", "call scheduler; ret"));
	assert_success(refs_collect(p.funcs, NULL, &refs));
	sw.func = func_named(p.funcs, "scheduler");
	sw.callee = func_named(p.funcs, "switch_to");
	sleep_compute(p.funcs, refs, &policy, &boundary, &sleep);
	path = sleep_path(&sleep, p.funcs, func_named(p.funcs, "sleeper"));
	assert_string_equal(path, "scheduler > switch_to");
	free(path);
	sleep_release(&sleep);
	refs_free(refs);
	program_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(abstract_origins_may_lead_in_a_circle),
		cmocka_unit_test(unknown_abbreviation_is_an_error),
		cmocka_unit_test(file_that_is_not_in_the_line_table_is_an_error),
		cmocka_unit_test(file_zero_is_the_units_own),
		cmocka_unit_test(blocks_may_nest_without_end),
		cmocka_unit_test(typedef_may_be_of_itself),
		cmocka_unit_test(pointer_may_be_to_itself),
		cmocka_unit_test(code_may_be_torn_apart),
		cmocka_unit_test(stack_switch_may_call_its_callers),
	};

	alarm(60);	/* what hangs ends the test */
	return RUN(tests);
}
