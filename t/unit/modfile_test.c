// SPDX-License-Identifier: GPL-2.0
/* What is read of a module before the kernel gets it. */
#include "elfkit/modfile.h"
#include "t/unit/elf_builder.h"

#define MADE "elfkit_build_id=00\0elfkit_kernel=1.2\0elfkit_functions=3\0elfkit_version=0.1\0"

static struct err *name_of(const void *modinfo, size_t size, uint32_t type, char **ret)
{
	struct elf_builder b;
	struct modfile file;
	struct err *err;

	elf_init(&b, ET_REL);
	elf_section(&b, ".modinfo", type, SHF_ALLOC, 0, modinfo, size);
	elf_build(&b);
	err = modfile_read(elf_save(&b), &file);
	if (!err)
		*ret = xstrdup(file.name);
	modfile_release(&file);
	elf_release(&b);
	return err;
}

static void refuse(const void *modinfo, size_t size, uint32_t type)
{
	char *name = NULL;

	assert_error(name_of(modinfo, size, type, &name), "not a module that elfkit relink has made");
	assert_null(name);
}

#define REFUSE(text) refuse(text, sizeof(text), SHT_PROGBITS)

TEST(name_is_read)
{
	static const char text[] = "license=GPL\0name=my_sched-2\0" MADE;
	char *name;

	assert_success(name_of(text, sizeof(text), SHT_PROGBITS, &name));
	assert_string_equal(name, "my_sched-2");
	free(name);
}

TEST(modules_of_others_are_refused)
{
	REFUSE("name=other");
	REFUSE(MADE);
	REFUSE("");
}

/* found by fuzzing: a size, and no bytes */
TEST(modinfo_may_be_in_no_file)
{
	refuse(NULL, 64, SHT_NOBITS);
}

TEST(modinfo_may_have_no_end)
{
	static const char text[] = { 'n', 'a', 'm', 'e', '=', 'x', 0, 'e', 'l', 'f', 'k', 'i', 't', '_', 'b', 'u', 'i',
				     'l', 'd', '_', 'i', 'd', '=', '0' };

	refuse(text, sizeof(text), SHT_PROGBITS);
}

TEST(name_goes_to_no_terminal_and_leads_nowhere)
{
	REFUSE("name=a\033[2Jb\0" MADE);
	REFUSE("name=../../etc\0" MADE);
	REFUSE("name=\0" MADE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_is_read),
		cmocka_unit_test(modules_of_others_are_refused),
		cmocka_unit_test(modinfo_may_be_in_no_file),
		cmocka_unit_test(modinfo_may_have_no_end),
		cmocka_unit_test(name_goes_to_no_terminal_and_leads_nowhere),
	};

	return RUN(tests);
}
