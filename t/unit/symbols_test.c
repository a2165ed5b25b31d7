// SPDX-License-Identifier: GPL-2.0
#include "elfkit/symbols.h"
#include "t/unit/elf_builder.h"

#define TEXT 0xffffffff81000000ULL

static struct elf_builder elf;
static struct image *image;
static struct symbols *symbols;

/*
 * Two files with a local symbol of the same name, one twice in one file, and a
 * global one of a name that a local one has too.
 */
static int setup(void **state UNUSED)
{
	static const uint8_t code[0x100];
	uint16_t text;

	elf_init(&elf, ET_EXEC);
	text = elf_section(&elf, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TEXT, code, sizeof(code));
	elf_symbol(&elf, "", STT_SECTION, STB_LOCAL, text, TEXT, 0);
	elf_symbol(&elf, "early", STT_FUNC, STB_LOCAL, text, TEXT + 0x90, 4);
	elf_source(&elf, "a.c");
	elf_symbol(&elf, "helper", STT_FUNC, STB_LOCAL, text, TEXT + 0x10, 8);
	elf_symbol(&elf, "twice", STT_OBJECT, STB_LOCAL, text, TEXT + 0x20, 4);
	elf_symbol(&elf, "twice", STT_OBJECT, STB_LOCAL, text, TEXT + 0x24, 4);
	elf_source(&elf, "b.c");
	elf_symbol(&elf, "helper", STT_FUNC, STB_LOCAL, text, TEXT + 0x30, 8);
	elf_symbol(&elf, "shared", STT_FUNC, STB_LOCAL, text, TEXT, 8);
	elf_source(&elf, "");
	elf_symbol(&elf, "linker", STT_NOTYPE, STB_LOCAL, text, TEXT + 0x38, 0);
	elf_symbol(&elf, "__ksymtab_schedule", STT_NOTYPE, STB_LOCAL, text, TEXT + 0x80, 0);
	elf_symbol(&elf, "__ksymtab_helper", STT_NOTYPE, STB_LOCAL, text, TEXT + 0x8c, 0);
	elf_symbol(&elf, "shared", STT_FUNC, STB_GLOBAL, text, TEXT + 0x40, 8);
	elf_symbol(&elf, "schedule", STT_FUNC, STB_GLOBAL, text, TEXT + 0x50, 8);
	elf_symbol(&elf, "sched_alias", STT_FUNC, STB_WEAK, text, TEXT + 0x50, 16);
	elf_symbol(&elf, "undefined", STT_NOTYPE, STB_GLOBAL, SHN_UNDEF, 0, 0);
	elf_build(&elf);
	if (image_open(elf_save(&elf), &image))
		return -1;
	symbols = symbols_read(image);
	return 0;
}

static int teardown(void **state UNUSED)
{
	symbols_free(symbols);
	image_free(image);
	elf_release(&elf);
	return 0;
}

static uint32_t group_named(const char *name)
{
	for (uint32_t i = 1; i < symbols->nr_groups; i++)
		if (!strcmp(symbols->groups[i], name))
			return i;
	return NO_ID;
}

static uint64_t value_of(uint32_t id)
{
	assert_int_not_equal(id, NO_ID);
	return symbols->v[id].value;
}

TEST(files_sections_and_undefined_symbols_are_left_out)
{
	assert_int_equal(symbols->n, 12);
	assert_int_equal(symbols_find(symbols, "a.c"), NO_ID);
	assert_int_equal(symbols_find(symbols, "undefined"), NO_ID);
	assert_int_equal(symbols_find(symbols, ""), NO_ID);
}

TEST(local_symbols_are_told_apart_by_their_file)
{
	assert_int_equal(symbols->nr_groups, 3);
	assert_int_equal(value_of(symbols_find_local(symbols, group_named("a.c"), "helper")), TEXT + 0x10);
	assert_int_equal(value_of(symbols_find_local(symbols, group_named("b.c"), "helper")), TEXT + 0x30);
	assert_int_equal(symbols_find_local(symbols, group_named("b.c"), "twice"), NO_ID);
}

TEST(local_symbol_that_a_file_has_twice_is_not_found)
{
	assert_int_equal(symbols_find_local(symbols, group_named("a.c"), "twice"), NO_ID);
	assert_int_equal(value_of(symbols_find(symbols, "twice")), TEXT + 0x20);
}

TEST(symbols_of_no_file_are_in_group_zero)
{
	assert_int_equal(symbols->v[symbols_find(symbols, "linker")].group, 0);
	assert_int_equal(symbols->v[symbols_find(symbols, "early")].group, 0);
	assert_int_equal(symbols->v[symbols_find(symbols, "schedule")].group, 0);
	assert_int_equal(value_of(symbols_find_local(symbols, 0, "linker")), TEXT + 0x38);
}

TEST(global_symbol_comes_before_local_ones)
{
	assert_int_equal(value_of(symbols_find(symbols, "shared")), TEXT + 0x40);
	assert_int_equal(value_of(symbols_find_global(symbols, "shared")), TEXT + 0x40);
	assert_int_equal(value_of(symbols_find_local(symbols, group_named("b.c"), "shared")), TEXT);
}

TEST(local_symbol_is_not_found_as_a_global_one)
{
	assert_int_equal(symbols_find_global(symbols, "helper"), NO_ID);
	assert_int_equal(symbols_find_global(symbols, "zzz"), NO_ID);
}

TEST(weak_symbol_is_found_as_a_global_one)
{
	assert_int_equal(value_of(symbols_find_global(symbols, "sched_alias")), TEXT + 0x50);
}

TEST(exported_is_what_the_export_table_names)
{
	for (uint32_t i = 0; i < symbols->n; i++)
		assert_int_equal(symbols->v[i].exported, !strcmp(symbols->v[i].name, "schedule"));
}

TEST(rank_counts_those_of_the_name_by_address)
{
	uint32_t total;

	assert_int_equal(symbols_rank(symbols, symbols_find_global(symbols, "shared"), &total), 2);
	assert_int_equal(total, 2);
	assert_int_equal(symbols_rank(symbols, symbols_find_local(symbols, group_named("b.c"), "shared"), &total), 1);
	assert_int_equal(symbols_rank(symbols, symbols_find_global(symbols, "schedule"), &total), 1);
	assert_int_equal(total, 1);
}

TEST(by_address_the_largest_comes_first)
{
	uint32_t i = symbols_lower_bound(symbols, TEXT + 0x50);

	assert_string_equal(symbols->v[symbols->by_addr[i]].name, "sched_alias");
	assert_string_equal(symbols->v[symbols->by_addr[i + 1]].name, "schedule");
}

TEST(lower_bound_is_the_first_at_or_above)
{
	assert_int_equal(symbols_lower_bound(symbols, 0), 0);
	assert_int_equal(symbols_lower_bound(symbols, UINT64_MAX), symbols->n);
	assert_int_equal(value_of(symbols->by_addr[symbols_lower_bound(symbols, TEXT + 0x11)]), TEXT + 0x20);
	assert_int_equal(value_of(symbols->by_addr[symbols_lower_bound(symbols, TEXT + 0x10)]), TEXT + 0x10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_sections_and_undefined_symbols_are_left_out),
		cmocka_unit_test(local_symbols_are_told_apart_by_their_file),
		cmocka_unit_test(local_symbol_that_a_file_has_twice_is_not_found),
		cmocka_unit_test(symbols_of_no_file_are_in_group_zero),
		cmocka_unit_test(global_symbol_comes_before_local_ones),
		cmocka_unit_test(local_symbol_is_not_found_as_a_global_one),
		cmocka_unit_test(weak_symbol_is_found_as_a_global_one),
		cmocka_unit_test(exported_is_what_the_export_table_names),
		cmocka_unit_test(rank_counts_those_of_the_name_by_address),
		cmocka_unit_test(by_address_the_largest_comes_first),
		cmocka_unit_test(lower_bound_is_the_first_at_or_above),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
