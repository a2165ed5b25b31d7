// SPDX-License-Identifier: GPL-2.0
/* Sections in which the edited source speaks to the loader: found, and of this elfkit's version. */
#include <stdlib.h>

#include "loader/abi.h"
#include "relink/records.h"
#include "t/unit/unit.h"

static struct object_section sections[3];
static struct object object = { .sections = sections, .nr_sections = 3 };

/* A section @name of @size bytes, filled with heads of records a @step apart. */
static void make(const char *name, uint64_t size, uint32_t version, uint32_t step)
{
	static uint8_t data[4 * ELFKIT_HOOKS_SIZE];
	uint32_t head[2] = { version, step };

	memset(data, 0, sizeof(data));
	for (uint64_t at = 0; at + sizeof(head) <= size; at += step)
		memcpy(data + at, head, sizeof(head));
	sections[1] = (struct object_section){ .name = ".text", .size = 8 };
	sections[2] = (struct object_section){ .name = (char *)name, .size = size, .data = data };
}

TEST(no_records_are_good)
{
	make(".data", 64, 7, 64);
	assert_success(records_check(&object));
	assert_int_equal(records_section(&object, ELFKIT_HOOKS_SECTION), 0);
}

TEST(records_of_several_objects_are_one_section)
{
	make(ELFKIT_HOOKS_SECTION, 3 * ELFKIT_HOOKS_SIZE, ELFKIT_RECORD_HEADER, ELFKIT_HOOKS_SIZE);
	assert_success(records_check(&object));
	assert_int_equal(records_section(&object, ELFKIT_HOOKS_SECTION), 2);
	make(ELFKIT_POOLS_SECTION, 2 * ELFKIT_POOLS_SIZE, ELFKIT_RECORD_HEADER, ELFKIT_POOLS_SIZE);
	assert_success(records_check(&object));
}

TEST(another_version_is_an_error)
{
	make(ELFKIT_HOOKS_SECTION, ELFKIT_HOOKS_SIZE, ELFKIT_RECORD_HEADER + 1, ELFKIT_HOOKS_SIZE);
	assert_error(records_check(&object), ".elfkit.hooks+0x0: not compiled with this elfkit's elfkit.h");
	make(ELFKIT_POOLS_SECTION, 2 * ELFKIT_POOLS_SIZE, ELFKIT_RECORD_HEADER, ELFKIT_POOLS_SIZE);
	sections[2].data[ELFKIT_POOLS_SIZE] ^= 1;
	assert_error(records_check(&object), ".elfkit.pools+0x10: not compiled with");
}

TEST(records_of_another_size_are_an_error)
{
	make(ELFKIT_HOOKS_SECTION, 2 * ELFKIT_HOOKS_SIZE, ELFKIT_RECORD_HEADER, ELFKIT_HOOKS_SIZE + 8);
	assert_error(records_check(&object), "not compiled with");
	make(ELFKIT_HOOKS_SECTION, ELFKIT_HOOKS_SIZE + 8, ELFKIT_RECORD_HEADER, ELFKIT_HOOKS_SIZE);
	assert_error(records_check(&object), ".elfkit.hooks+0x50: not compiled with");
}

TEST(section_without_contents_is_an_error)
{
	make(ELFKIT_HOOKS_SECTION, ELFKIT_HOOKS_SIZE, ELFKIT_RECORD_HEADER, ELFKIT_HOOKS_SIZE);
	sections[2].data = NULL;
	assert_error(records_check(&object), "not compiled with");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_records_are_good),
		cmocka_unit_test(records_of_several_objects_are_one_section),
		cmocka_unit_test(another_version_is_an_error),
		cmocka_unit_test(records_of_another_size_are_an_error),
		cmocka_unit_test(section_without_contents_is_an_error),
	};

	return RUN(tests);
}
