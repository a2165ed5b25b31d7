// SPDX-License-Identifier: GPL-2.0
#include <elf.h>

#include "relink/section.h"
#include "t/unit/unit.h"

#define A SHF_ALLOC
#define AX (SHF_ALLOC | SHF_EXECINSTR)
#define AW (SHF_ALLOC | SHF_WRITE)

static void check(const char *name, uint32_t type, uint64_t flags, enum section_class class)
{
	struct object_section section = { .name = (char *)name, .type = type, .flags = flags };

	if (section_classify(&section) != class)
		fail_msg("%s: class %d, not %d", name, section_classify(&section), class);
}

TEST(code_is_what_can_be_run)
{
	check(".text", SHT_PROGBITS, AX, SECTION_CODE);
	check(".text.unlikely", SHT_PROGBITS, AX, SECTION_CODE);
	check(".sched.text", SHT_PROGBITS, AX, SECTION_CODE);
	check(".init.text", SHT_PROGBITS, AX, SECTION_CODE);
	check(".altinstr_replacement", SHT_PROGBITS, AX, SECTION_CODE);
}

TEST(data_is_what_is_allocated)
{
	check(".rodata.str1.1", SHT_PROGBITS, A, SECTION_DATA);
	check(".data", SHT_PROGBITS, AW, SECTION_DATA);
	check(".bss", SHT_NOBITS, AW, SECTION_DATA);
	check(".data..read_mostly", SHT_PROGBITS, AW, SECTION_DATA);
}

TEST(per_cpu_and_once_data_stand_apart)
{
	check(".data..percpu", SHT_PROGBITS, AW, SECTION_PERCPU);
	check(".data..percpu..shared_aligned", SHT_PROGBITS, AW, SECTION_PERCPU);
	check(".data.once", SHT_PROGBITS, AW, SECTION_FRESH);
	check(".data..once", SHT_PROGBITS, AW, SECTION_FRESH);
}

TEST(tables_of_places_in_code_are_known)
{
	check("__jump_table", SHT_PROGBITS, AW, SECTION_TABLE);
	check("__bug_table", SHT_PROGBITS, AW, SECTION_TABLE);
	check("__ex_table", SHT_PROGBITS, A, SECTION_TABLE);
	check(".altinstructions", SHT_PROGBITS, A, SECTION_TABLE);
	check(".orc_unwind", SHT_PROGBITS, A, SECTION_TABLE);
	check(".orc_unwind_ip", SHT_PROGBITS, A, SECTION_TABLE);
}

TEST(constants_of_the_boot_are_known)
{
	check("runtime_ptr_dentry_hashtable", SHT_PROGBITS, A, SECTION_BOOT_CONSTANT);
	check("runtime_shift_d_hash_shift", SHT_PROGBITS, A, SECTION_BOOT_CONSTANT);
	check("runtime_mask___futex_mask", SHT_PROGBITS, A, SECTION_BOOT_CONSTANT);
}

/* Names of functions in them are for the loader: they are places, and pin nothing. */
TEST(records_for_the_loader_are_tables)
{
	check(".elfkit.hooks", SHT_PROGBITS, A, SECTION_TABLE);
	check(".elfkit.pools", SHT_PROGBITS, A, SECTION_TABLE);
}

TEST(tables_that_a_module_must_not_carry_are_removed)
{
	check("___ksymtab+schedule", SHT_PROGBITS, A, SECTION_REMOVED);
	check("__ksymtab_gpl", SHT_PROGBITS, A, SECTION_REMOVED);
	check(".initcall6.init", SHT_PROGBITS, A, SECTION_REMOVED);
	check("__tracepoints_ptrs", SHT_PROGBITS, A, SECTION_REMOVED);
	check("__tracepoint_check", SHT_PROGBITS, A, SECTION_REMOVED);
	check(".BTF_ids", SHT_PROGBITS, A, SECTION_REMOVED);
	check(".discard.addressable", SHT_PROGBITS, AW, SECTION_REMOVED);
	check(".note.gnu.property", SHT_NOTE, A, SECTION_REMOVED);
}

TEST(what_is_not_allocated_is_removed)
{
	check(".debug_info", SHT_PROGBITS, 0, SECTION_REMOVED);
	check(".symtab", SHT_SYMTAB, 0, SECTION_REMOVED);
	check(".rela.text", SHT_RELA, 0, SECTION_REMOVED);
	check(".group", SHT_GROUP, 0, SECTION_REMOVED);
}

TEST(similar_names_are_not_taken_for_tables)
{
	check(".init_array", SHT_PROGBITS, AW, SECTION_DATA);
	check("__bug_tables", SHT_PROGBITS, A, SECTION_DATA);
	check("my__jump_table", SHT_PROGBITS, A, SECTION_DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_is_what_can_be_run),
		cmocka_unit_test(data_is_what_is_allocated),
		cmocka_unit_test(per_cpu_and_once_data_stand_apart),
		cmocka_unit_test(tables_of_places_in_code_are_known),
		cmocka_unit_test(constants_of_the_boot_are_known),
		cmocka_unit_test(records_for_the_loader_are_tables),
		cmocka_unit_test(tables_that_a_module_must_not_carry_are_removed),
		cmocka_unit_test(what_is_not_allocated_is_removed),
		cmocka_unit_test(similar_names_are_not_taken_for_tables),
	};

	return RUN(tests);
}
