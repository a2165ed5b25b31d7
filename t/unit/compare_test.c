// SPDX-License-Identifier: GPL-2.0
/* A function against vmlinux, where its references lead to what has no name of its own. */
#include "relink/compare.h"
#include "t/unit/elf_builder.h"

#define TEXT	0xffffffff81000000ULL
#define BUGS	(TEXT + 0x1000)
#define STRINGS	(TEXT + 0x2000)
#define BSS	(TEXT + 0x3000)

/*
 * warn() puts its bug into a register, and a lock's class; the bug names the code and a format. In vmlinux the class,
 * which is empty, is where `after` begins, in the object where `before` does.
 */
static const uint8_t warn[] = {
	0x48, 0x8d, 0x3d, 0, 0, 0, 0,		/* lea bug(%rip), %rdi */
	0x48, 0xc7, 0xc6, 0, 0, 0, 0,		/* mov $class, %rsi */
	0xc3,
};

struct fixture {
	struct elf_builder vmlinux, rebuilt;
	uint8_t code[sizeof(warn)];
	int32_t bug[3], no_bug[3];
	struct debuginfo info;
	struct kernel kernel;
	struct object *object;
	struct symbol_map map;
	struct object_refs refs;
	struct match match;
	uint32_t warn, class, before;
	enum verdict *verdict;
	char **difference;
	uint64_t *where;
};

static void build_vmlinux(struct fixture *f, const char *format)
{
	struct elf_builder *b = &f->vmlinux;
	uint32_t text, bss;
	int32_t bug = BUGS - (TEXT + 7), class = (int32_t)(BSS + 16);

	memcpy(f->code, warn, sizeof(warn));
	memcpy(f->code + 3, &bug, 4);
	memcpy(f->code + 10, &class, 4);
	f->bug[0] = (int32_t)(TEXT - BUGS);
	f->bug[1] = STRINGS - (BUGS + 4);
	f->bug[2] = 11;	/* line */
	elf_init(b, ET_EXEC);
	text = elf_section(b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TEXT, f->code, sizeof(warn));
	elf_section(b, "__bug_table", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, BUGS, f->bug, sizeof(f->bug));
	elf_section(b, ".rodata", SHT_PROGBITS, SHF_ALLOC, STRINGS, format, strlen(format) + 1);
	bss = elf_section(b, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, BSS, NULL, 32);
	elf_symbol(b, "warn", STT_FUNC, STB_GLOBAL, text, TEXT, sizeof(warn));
	elf_symbol(b, "before", STT_OBJECT, STB_GLOBAL, bss, BSS, 8);
	elf_symbol(b, "class", STT_OBJECT, STB_GLOBAL, bss, BSS + 16, 0);
	elf_symbol(b, "after", STT_OBJECT, STB_GLOBAL, bss, BSS + 16, 8);
	elf_build(b);
	assert_success(image_open(elf_save(b), &f->kernel.image));
	f->kernel.symbols = symbols_read(f->kernel.image);
	f->kernel.funcs = funcs_build(f->kernel.image, f->kernel.symbols, &f->info);
}

static void build_object(struct fixture *f, const char *format)
{
	struct elf_builder *b = &f->rebuilt;
	uint32_t text, bugs, strings, bss, text_symbol, bugs_symbol, strings_symbol, bss_symbol;

	f->no_bug[2] = 12;
	elf_init(b, ET_REL);
	text = elf_section(b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0, warn, sizeof(warn));
	bugs = elf_section(b, "__bug_table", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0, f->no_bug, sizeof(f->no_bug));
	strings = elf_section(b, ".rodata.str1.1", SHT_PROGBITS, SHF_ALLOC | SHF_MERGE | SHF_STRINGS, 0, format,
			      strlen(format) + 1);
	b->sections[strings].header.sh_entsize = 1;
	bss = elf_section(b, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, 0, NULL, 32);
	text_symbol = elf_symbol(b, "", STT_SECTION, STB_LOCAL, text, 0, 0);
	bugs_symbol = elf_symbol(b, "", STT_SECTION, STB_LOCAL, bugs, 0, 0);
	strings_symbol = elf_symbol(b, "", STT_SECTION, STB_LOCAL, strings, 0, 0);
	bss_symbol = elf_symbol(b, "", STT_SECTION, STB_LOCAL, bss, 0, 0);
	f->warn = elf_symbol(b, "warn", STT_FUNC, STB_GLOBAL, text, 0, sizeof(warn));
	f->class = elf_symbol(b, "class", STT_OBJECT, STB_GLOBAL, bss, 0, 0);
	f->before = elf_symbol(b, "before", STT_OBJECT, STB_GLOBAL, bss, 0, 8);
	elf_rela(b, text, 3, R_X86_64_PC32, bugs_symbol, -4);
	elf_rela(b, text, 10, R_X86_64_32S, bss_symbol, 0);
	elf_rela(b, bugs, 0, R_X86_64_PC32, text_symbol, 0);
	elf_rela(b, bugs, 4, R_X86_64_PC32, strings_symbol, 0);
	elf_build(b);
	assert_success(object_read(elf_save(b), &f->object));
	symbol_map_init(f->object, &f->map);
	assert_success(object_refs_read(f->object, &f->map, &f->refs));
}

/* What differs about warn(), whose format is this there and here; NULL: nothing. */
static const char *compare(struct fixture *f, const char *theirs, const char *ours, const char *class)
{
	memset(f, 0, sizeof(*f));
	build_vmlinux(f, theirs);
	build_object(f, ours);
	f->match.symbol = xcalloc(f->object->nr_symbols, sizeof(uint32_t));
	f->match.func = xcalloc(f->object->nr_symbols, sizeof(uint32_t));
	for (uint32_t i = 0; i < f->object->nr_symbols; i++)
		f->match.symbol[i] = f->match.func[i] = NO_ID;
	f->match.symbol[f->warn] = symbols_find_global(f->kernel.symbols, "warn");
	f->match.func[f->warn] = funcs_starting_at(f->kernel.funcs, TEXT);
	f->match.symbol[f->class] = symbols_find_global(f->kernel.symbols, class);
	f->match.symbol[f->before] = symbols_find_global(f->kernel.symbols, "before");
	compare_symbols(&f->kernel, f->object, &f->refs, &f->map, &f->match, &f->verdict, &f->difference, &f->where);
	assert_int_equal(f->verdict[f->warn], f->difference[f->warn] ? VERDICT_CHANGED : VERDICT_SAME);
	return f->difference[f->warn];
}

static void release(struct fixture *f)
{
	for (uint32_t i = 0; i < f->object->nr_symbols; i++)
		free(f->difference[i]);
	free(f->difference);
	free(f->verdict);
	free(f->where);
	match_release(&f->match);
	object_refs_release(&f->refs);
	symbol_map_release(&f->map);
	object_free(f->object);
	funcs_free(f->kernel.funcs);
	symbols_free(f->kernel.symbols);
	image_free(f->kernel.image);
	elf_release(&f->rebuilt);
	elf_release(&f->vmlinux);
}

TEST(line_of_a_bug_is_no_difference)
{
	struct fixture f;

	assert_null(compare(&f, "odd", "odd", "class"));
	release(&f);
}

TEST(format_of_a_bug_is_one)
{
	struct fixture f;

	assert_string_equal(compare(&f, "odd", "even", "class"), "a string or a constant");
	release(&f);
}

TEST(folder_of_the_build_is_none)
{
	struct fixture f;

	assert_null(compare(&f, "in include/x.h:1", "in ./include/x.h:1", "class"));
	release(&f);
	assert_null(compare(&f, "include/x.h", "./include/x.h", "class"));
	release(&f);
	assert_string_equal(compare(&f, "a/x.h", "a./x.h", "class"), "a string or a constant");
	release(&f);
	assert_string_equal(compare(&f, "in include/x.h:1", "in ./include/x.h:2", "class"), "a string or a constant");
	release(&f);
}

TEST(empty_object_is_where_its_counterpart_is)
{
	struct fixture f;

	assert_string_equal(compare(&f, "odd", "odd", "no such"), "a reference to before instead of after+0x0");
	release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_of_a_bug_is_no_difference),
		cmocka_unit_test(format_of_a_bug_is_one),
		cmocka_unit_test(folder_of_the_build_is_none),
		cmocka_unit_test(empty_object_is_where_its_counterpart_is),
	};

	return RUN(tests);
}
