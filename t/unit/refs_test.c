// SPDX-License-Identifier: GPL-2.0
/* Functions by address, and what refers to them. */
#include "disasm/refs.h"
#include "t/unit/elf_builder.h"
#include "t/unit/scratch.h"

static struct program program;
static struct refs *refs;

#define ALTERNATIVE(site, new)                                                                    \
	".long " site " - ., " new " - .; .word 0; .byte 3, " new "_end - " new "\n"

static const char assembly[] =
	FUNC("target", "nop; nop; middle: nop; ret")
	FUNC("caller", "call target; ret")
	FUNC("jumper", "test %rax, %rax; je target; jmp target")
	FUNC("into_middle", "jmp middle")
	FUNC("by_lea", "lea leaf(%rip), %rax; ret")
	FUNC("by_immediate", "mov $leaf, %rdi; ret")
	FUNC("by_movabs", "movabs $leaf, %rdi; ret")
	FUNC("by_store", "movq $leaf, pointer(%rip); ret")
	FUNC("leaf", "ret")
	FUNC("recursive", "call recursive; 1: jmp 1b; ret")
	FUNC("own_address", "lea own_address(%rip), %rax; ret")
	FUNC("in_data", "nop; ret")
	FUNC("in_tables", "ret")
	FUNC("alone", "ret")
	"between: call alone\n"
	FUNC("constant", "mov $0x12345678, %eax; ret")
	FUNC("exported", "ret") FUNC("at_boot", "ret") FUNC("noted", "ret") FUNC("by_distance_alone", "ret")
	".type outer, @function; outer: nop; .type inner, @function; inner: jmp inner; call leaf2; "
	".size inner, . - inner; nop; call leaf2; .size outer, . - outer\n"
	FUNC("leaf2", "ret")
	FUNC("by_eip", "lea leaf2(%eip), %eax; ret")
	FUNC("behind_ud1", "ud1 0xc(%eax), %eax; call leaf2; ret")
	FUNC("alternative", "site: nop; nop; nop; back: ret")
	".section .altinstr_replacement, \"ax\"; "
	"new1: jmp back; new1_end: new2: call leaf2; new2_end: beside: call alone2\n"
	".text\n"
	FUNC("alone2", "ret")
	".section .altinstructions, \"a\"; .globl __alt_instructions, __alt_instructions_end; __alt_instructions:\n"
	ALTERNATIVE("site", "new1") ALTERNATIVE("site", "new2") "__alt_instructions_end:\n"
	".section __ksymtab, \"a\"; .globl __start___ksymtab, __stop___ksymtab; __start___ksymtab:\n"
	".long exported - ., 0, 0; __stop___ksymtab: .long by_distance_alone - .\n"
	".section .init.data, \"aw\"; .balign 8; .long 0; .globl __initcall_start, __initcall_end; __initcall_start:\n"
	".long at_boot - .; __initcall_end: .long 0, 0, 0\n"
	".section .notes, \"a\", @note; .balign 4; .long 0; .quad noted\n"
	".data; .balign 8; pointer: .quad in_data, in_data + 1, 0\n"
	".section .tables, \"a\"; .balign 8\n"
	"__start_mcount_loc: .quad in_tables\n__stop_mcount_loc:\n"
	"__start_kprobe_blacklist: .quad in_tables, leaf\n__stop_kprobe_blacklist:\n"
	".quad in_data\n";

static int setup(void **state UNUSED)
{
	program_init(&program, assembly);
	return refs_collect(program.funcs, NULL, &refs) != NULL;
}

static int teardown(void **state UNUSED)
{
	refs_free(refs);
	program_release(&program);
	return 0;
}

/* References of @kind to @to; from NULL: from no function. */
static uint32_t count(const char *from, const char *to, enum ref_kind kind)
{
	uint32_t f = from ? func_named(program.funcs, from) : NO_ID, t = func_named(program.funcs, to), n = 0;

	for (uint32_t r = refs->to[t]; r < refs->to[t + 1]; r++) {
		assert_int_equal(refs->v[r].to, t);
		n += refs->v[r].from == f && refs->v[r].kind == kind;
	}
	return n;
}

static uint32_t count_all(const char *to)
{
	uint32_t t = func_named(program.funcs, to);

	return refs->to[t + 1] - refs->to[t];
}

TEST(call_is_found)
{
	assert_int_equal(count("caller", "target", REF_CALL), 1);
	assert_int_equal(refs->v[refs->to[func_named(program.funcs, "target")]].at,
			 address_of(program.symbols, "caller"));
}

TEST(jumps_out_of_a_function_are_found)
{
	assert_int_equal(count("jumper", "target", REF_JUMP), 2);
	assert_int_equal(count("into_middle", "target", REF_JUMP), 1);
	assert_int_equal(count_all("target"), 4);
}

TEST(address_in_an_instruction_is_found)
{
	assert_int_equal(count("by_lea", "leaf", REF_ADDRESS), 1);
	assert_int_equal(count("by_immediate", "leaf", REF_ADDRESS), 1);
	assert_int_equal(count("by_movabs", "leaf", REF_ADDRESS), 1);
	assert_int_equal(count("by_store", "leaf", REF_ADDRESS), 1);
	assert_int_equal(count_all("leaf"), 4);
}

TEST(pointer_to_an_entry_in_data_is_found)
{
	assert_int_equal(count(NULL, "in_data", REF_DATA), 2);
	assert_int_equal(count_all("in_data"), 2);
}

TEST(tables_of_places_in_code_are_no_references)
{
	assert_int_equal(count_all("in_tables"), 0);
}

TEST(tables_of_distances_take_addresses)
{
	assert_int_equal(count(NULL, "exported", REF_DATA), 1);
	assert_int_equal(count(NULL, "at_boot", REF_DATA), 1);
	assert_int_equal(count_all("by_distance_alone"), 0);
}

TEST(pointers_in_notes_are_aligned_to_four_bytes)
{
	assert_int_equal(count(NULL, "noted", REF_DATA), 1);
}

TEST(code_belongs_to_the_innermost_function)
{
	assert_int_equal(count("inner", "leaf2", REF_CALL), 1);
	assert_int_equal(count("outer", "leaf2", REF_CALL), 0);
	assert_int_equal(count(NULL, "leaf2", REF_CALL), 1);
	assert_int_equal(count("outer", "inner", REF_JUMP), 0);
}

TEST(replacement_runs_as_part_of_the_function_it_is_for)
{
	assert_int_equal(count_all("alternative"), 0);
	assert_int_equal(count("alternative", "leaf2", REF_CALL), 1);
	assert_int_equal(count(NULL, "alone2", REF_CALL), 1);
}

TEST(address_relative_to_eip_is_found)
{
	assert_int_equal(count("by_eip", "leaf2", REF_ADDRESS), 1);
}

TEST(decoding_stays_in_step_behind_ud1)
{
	assert_int_equal(count("behind_ud1", "leaf2", REF_CALL), 1);
}

TEST(function_that_calls_itself_is_no_reference)
{
	assert_int_equal(count_all("recursive"), 0);
}

TEST(own_address_is_a_reference)
{
	assert_int_equal(count("own_address", "own_address", REF_ADDRESS), 1);
}

TEST(code_outside_of_functions_is_read)
{
	assert_int_equal(count(NULL, "alone", REF_CALL), 1);
}

TEST(references_are_sorted)
{
	for (uint32_t i = 1; i < refs->n; i++)
		assert_true(refs->v[i - 1].to < refs->v[i].to ||
			    (refs->v[i - 1].to == refs->v[i].to && refs->v[i - 1].at <= refs->v[i].at));
	assert_int_equal(refs->to[program.funcs->n], refs->n);
}

TEST(functions_are_found_by_address)
{
	const struct funcs *funcs = program.funcs;
	uint32_t target = func_named(funcs, "target");

	assert_int_equal(funcs_at(funcs, funcs->v[target].low + 2), target);
	assert_int_equal(funcs_starting_at(funcs, funcs->v[target].low), target);
	assert_int_equal(funcs_starting_at(funcs, funcs->v[target].low + 2), NO_ID);
	assert_int_equal(funcs_at(funcs, address_of(program.symbols, "between")), NO_ID);
	assert_int_equal(funcs_at(funcs, 0), NO_ID);
	assert_int_equal(funcs_at(funcs, UINT64_MAX), NO_ID);
}

TEST(functions_in_the_trace_table_are_traced)
{
	for (uint32_t i = 0; i < program.funcs->n; i++)
		assert_int_equal(program.funcs->v[i].traced, !strcmp(program.funcs->v[i].name, "in_tables"));
}

TEST(places_have_names)
{
	AUTO_FREE char *in_func = funcs_place(program.funcs, address_of(program.symbols, "middle"));
	AUTO_FREE char *in_data = funcs_place(program.funcs, address_of(program.symbols, "pointer"));
	AUTO_FREE char *nowhere = funcs_place(program.funcs, 0x10);

	assert_string_equal(in_func, "target+0x2");
	assert_holds(in_data, ".data+0x0");
	assert_string_equal(nowhere, "?+0x10");
}

/* Symbols of a damaged image: they must neither count as functions nor cost memory. */
TEST(function_outside_of_its_section_is_none)
{
	static const uint8_t code[16] = { 0xc3 };
	struct debuginfo none = { 0 };
	struct elf_builder b;
	struct image *image;
	struct symbols *symbols;
	struct funcs *funcs;
	struct refs *found;
	uint16_t text;

	elf_init(&b, ET_EXEC);
	text = elf_section(&b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TEXT, code, sizeof(code));
	elf_symbol(&b, "good", STT_FUNC, STB_GLOBAL, text, TEXT, 16);
	elf_symbol(&b, "low", STT_FUNC, STB_GLOBAL, text, 8, 16);
	elf_symbol(&b, "high", STT_FUNC, STB_GLOBAL, text, UINT64_MAX - 7, 16);
	elf_symbol(&b, "long", STT_FUNC, STB_GLOBAL, text, TEXT + 8, UINT64_MAX);
	elf_build(&b);
	assert_success(image_open(elf_save(&b), &image));
	symbols = symbols_read(image);
	funcs = funcs_build(image, symbols, &none);
	assert_int_equal(funcs->n, 1);
	assert_success(refs_collect(funcs, NULL, &found));
	refs_free(found);
	funcs_free(funcs);
	symbols_free(symbols);
	image_free(image);
	elf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_is_found),
		cmocka_unit_test(jumps_out_of_a_function_are_found),
		cmocka_unit_test(address_in_an_instruction_is_found),
		cmocka_unit_test(pointer_to_an_entry_in_data_is_found),
		cmocka_unit_test(tables_of_places_in_code_are_no_references),
		cmocka_unit_test(tables_of_distances_take_addresses),
		cmocka_unit_test(pointers_in_notes_are_aligned_to_four_bytes),
		cmocka_unit_test(code_belongs_to_the_innermost_function),
		cmocka_unit_test(replacement_runs_as_part_of_the_function_it_is_for),
		cmocka_unit_test(address_relative_to_eip_is_found),
		cmocka_unit_test(decoding_stays_in_step_behind_ud1),
		cmocka_unit_test(function_that_calls_itself_is_no_reference),
		cmocka_unit_test(own_address_is_a_reference),
		cmocka_unit_test(code_outside_of_functions_is_read),
		cmocka_unit_test(references_are_sorted),
		cmocka_unit_test(functions_are_found_by_address),
		cmocka_unit_test(functions_in_the_trace_table_are_traced),
		cmocka_unit_test(places_have_names),
		cmocka_unit_test(function_outside_of_its_section_is_none),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
