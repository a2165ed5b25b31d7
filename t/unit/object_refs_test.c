// SPDX-License-Identifier: GPL-2.0
#include "relink/object_refs.h"
#include "t/unit/elf_builder.h"

#define AX (SHF_ALLOC | SHF_EXECINSTR)

/* An object of two functions in .text, two variables in .data and a jump table. */
struct file {
	struct elf_builder elf;
	uint8_t code[32], data[16], table[16];
	uint32_t text, data_section, table_section;
	uint32_t text_symbol, data_symbol, caller, callee, first, second, outside;
};

/* @size bytes of @code become `caller`; `callee` comes at 16. */
static void file_init(struct file *f, const uint8_t *code, size_t size)
{
	struct elf_builder *b = &f->elf;

	memset(f, 0, sizeof(*f));
	memset(f->code, 0x90, sizeof(f->code));
	memcpy(f->code, code, size);
	f->code[31] = 0xc3;
	elf_init(b, ET_REL);
	f->text = elf_section(b, ".text", SHT_PROGBITS, AX, 0, f->code, 32);
	f->data_section = elf_section(b, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0, f->data, 16);
	f->table_section = elf_section(b, "__jump_table", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0, f->table, 16);
	f->text_symbol = elf_symbol(b, "", STT_SECTION, STB_LOCAL, f->text, 0, 0);
	f->data_symbol = elf_symbol(b, "", STT_SECTION, STB_LOCAL, f->data_section, 0, 0);
	f->first = elf_symbol(b, "first", STT_OBJECT, STB_LOCAL, f->data_section, 0, 8);
	f->second = elf_symbol(b, "second", STT_OBJECT, STB_LOCAL, f->data_section, 8, 8);
	f->caller = elf_symbol(b, "caller", STT_FUNC, STB_GLOBAL, f->text, 0, 16);
	f->callee = elf_symbol(b, "callee", STT_FUNC, STB_GLOBAL, f->text, 16, 16);
	f->outside = elf_symbol(b, "outside", STT_NOTYPE, STB_GLOBAL, SHN_UNDEF, 0, 0);
}

#define FILE_OF(f, ...)                                                                             \
	file_init(f, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static struct object *object;
static struct symbol_map map;
static struct object_refs refs;

static struct err *try_read(struct file *f)
{
	if (!f->elf.bytes)
		elf_build(&f->elf);
	assert_success(object_read(elf_save(&f->elf), &object));
	elf_release(&f->elf);
	symbol_map_init(object, &map);
	return object_refs_read(object, &map, &refs);
}

static void forget(void)
{
	object_refs_release(&refs);
	symbol_map_release(&map);
	object_free(object);
}

/* The only reference of the object. */
static struct object_ref read_one(struct file *f)
{
	struct object_ref ref;

	assert_success(try_read(f));
	assert_int_equal(refs.n, 1);
	ref = refs.v[0];
	forget();
	return ref;
}

/* An instruction at 0 whose displacement at @offset is @left bytes before its end refers to second + 2. */
static void check_distance(struct file *f, uint64_t offset, int left)
{
	struct object_ref ref;

	elf_rela(&f->elf, f->text, offset, R_X86_64_PC32, f->data_symbol, 10 - left);
	ref = read_one(f);
	assert_int_equal(ref.kind, OBJECT_REF_ADDRESS);
	assert_int_equal(ref.symbol, f->second);
	assert_int_equal(ref.target, 2);
	assert_int_equal(ref.target_section, f->data_section);
	assert_int_equal(ref.bias, -left);
	assert_int_equal(ref.host, f->caller);
	assert_int_equal(ref.insn, 0);
	assert_int_equal(ref.offset, offset);
	assert_true(ref.pc_relative && !ref.indexed);
}

TEST(object_behind_a_section_is_found)
{
	struct file f;

	FILE_OF(&f, 0x48, 0x8d, 0x05, 0, 0, 0, 0);		/* lea */
	check_distance(&f, 3, 4);
}

/* found by fuzzing: what compares the bytes between two fields took the distance for a size */
TEST(relocations_must_not_overlap)
{
	struct file f;

	FILE_OF(&f, 0x48, 0xc7, 0x05, 0, 0, 0, 0, 0, 0, 0, 0);	/* movq $x, y(%rip) */
	elf_rela(&f.elf, f.text, 3, R_X86_64_PC32, f.data_symbol, 0);
	elf_rela(&f.elf, f.text, 6, R_X86_64_32S, f.data_symbol, 0);
	assert_error(try_read(&f), "relocations overlap");
	forget();
	FILE_OF(&f, 0x48, 0xc7, 0x05, 0, 0, 0, 0, 0, 0, 0, 0);
	elf_rela(&f.elf, f.text, 3, R_X86_64_PC32, f.data_symbol, 0);
	elf_rela(&f.elf, f.text, 7, R_X86_64_32S, f.data_symbol, 0);
	assert_success(try_read(&f));
	assert_int_equal(refs.n, 2);
	forget();
}

TEST(object_behind_a_section_is_found_before_an_immediate)
{
	struct file f;

	FILE_OF(&f, 0xc6, 0x05, 0, 0, 0, 0, 1);			/* movb $1 */
	check_distance(&f, 2, 5);
	FILE_OF(&f, 0xc7, 0x05, 0, 0, 0, 0, 1, 0, 0, 0);	/* movl $1 */
	check_distance(&f, 2, 8);
	FILE_OF(&f, 0x66, 0x81, 0x3d, 0, 0, 0, 0, 0x34, 0x12);	/* cmpw $0x1234 */
	check_distance(&f, 3, 6);
}

TEST(call_by_name_is_a_branch)
{
	struct file f;
	struct object_ref ref;

	FILE_OF(&f, 0xe8, 0, 0, 0, 0);
	elf_rela(&f.elf, f.text, 1, R_X86_64_PLT32, f.outside, -4);
	ref = read_one(&f);
	assert_int_equal(ref.kind, OBJECT_REF_BRANCH);
	assert_int_equal(ref.symbol, f.outside);
	assert_int_equal(ref.target_section, 0);
	assert_int_equal(ref.target, 0);
	assert_int_equal(ref.bias, -4);
}

TEST(call_without_a_relocation_is_a_branch)
{
	struct file f;
	struct object_ref ref;

	FILE_OF(&f, 0x90, 0xe8, 10, 0, 0, 0);
	ref = read_one(&f);
	assert_int_equal(ref.kind, OBJECT_REF_BRANCH);
	assert_int_equal(ref.reloc, NO_REF);
	assert_int_equal(ref.symbol, f.callee);
	assert_int_equal(ref.target, 0);
	assert_int_equal(ref.host, f.caller);
	assert_int_equal(ref.offset, 2);
	assert_int_equal(ref.insn, 1);
	assert_int_equal(ref.bias, -4);
	assert_int_equal(ref.width, 4);
}

TEST(short_jump_to_another_function_is_a_branch)
{
	struct file f;
	struct object_ref ref;

	FILE_OF(&f, 0xeb, 16);
	ref = read_one(&f);
	assert_int_equal(ref.symbol, f.callee);
	assert_int_equal(ref.target, 2);
	assert_int_equal(ref.width, 1);
}

TEST(branch_inside_a_function_is_no_reference)
{
	struct file f;

	FILE_OF(&f, 0x74, 2, 0xeb, 0xfc);
	assert_success(try_read(&f));
	assert_int_equal(refs.n, 0);
	forget();
}

TEST(indexed_table_is_marked)
{
	struct file f;
	struct object_ref ref;

	FILE_OF(&f, 0x48, 0x8b, 0x04, 0xc5, 0, 0, 0, 0);	/* mov second(,%rax,8),%rax */
	elf_rela(&f.elf, f.text, 4, R_X86_64_32S, f.data_symbol, 8);
	ref = read_one(&f);
	assert_true(ref.indexed && !ref.pc_relative);
	assert_int_equal(ref.symbol, f.second);
	assert_int_equal(ref.bias, 0);
}

TEST(address_as_an_immediate_is_found)
{
	struct file f;
	struct object_ref ref;

	FILE_OF(&f, 0x48, 0xc7, 0xc7, 0, 0, 0, 0);		/* mov $callee,%rdi */
	elf_rela(&f.elf, f.text, 3, R_X86_64_32S, f.text_symbol, 16);
	ref = read_one(&f);
	assert_int_equal(ref.kind, OBJECT_REF_ADDRESS);
	assert_int_equal(ref.symbol, f.callee);
}

TEST(pointer_in_data_is_found)
{
	struct file f;
	struct object_ref ref;

	FILE_OF(&f, 0x90);
	elf_rela(&f.elf, f.data_section, 8, R_X86_64_64, f.text_symbol, 16);
	ref = read_one(&f);
	assert_int_equal(ref.kind, OBJECT_REF_POINTER);
	assert_int_equal(ref.section, f.data_section);
	assert_int_equal(ref.symbol, f.callee);
	assert_int_equal(ref.host, NO_REF);
	assert_int_equal(ref.width, 8);
}

TEST(table_names_a_place_in_code)
{
	struct file f;
	struct object_ref ref;

	FILE_OF(&f, 0x90);
	elf_rela(&f.elf, f.table_section, 0, R_X86_64_PC32, f.text_symbol, 5);
	ref = read_one(&f);
	assert_int_equal(ref.kind, OBJECT_REF_PLACE);
	assert_int_equal(ref.symbol, f.caller);
	assert_int_equal(ref.target, 5);
}

TEST(unnamed_contents_have_a_section_only)
{
	struct file f;
	struct object_ref ref;

	FILE_OF(&f, 0x90);
	elf_rela(&f.elf, f.table_section, 0, R_X86_64_PC32, elf_symbol(&f.elf, "", STT_SECTION, STB_LOCAL,
		 f.table_section, 0, 0), 4);
	ref = read_one(&f);
	assert_int_equal(ref.symbol, NO_REF);
	assert_int_equal(ref.target_section, f.table_section);
	assert_int_equal(ref.target, 4);
}

TEST(references_are_listed_by_section)
{
	struct file f;

	FILE_OF(&f, 0xe8, 0, 0, 0, 0, 0xe8, 0, 0, 0, 0);
	elf_rela(&f.elf, f.text, 6, R_X86_64_PLT32, f.outside, -4);
	elf_rela(&f.elf, f.text, 1, R_X86_64_PLT32, f.outside, -4);
	elf_rela(&f.elf, f.data_section, 0, R_X86_64_64, f.outside, 0);
	assert_success(try_read(&f));
	assert_int_equal(refs.n, 3);
	assert_int_equal(refs.v[0].offset, 1);
	assert_int_equal(refs.v[1].offset, 6);
	assert_int_equal(refs.first[f.text], 0);
	assert_int_equal(refs.first[f.data_section], 2);
	assert_int_equal(refs.first[object->nr_sections], 3);
	forget();
}

TEST(relocation_in_no_field_is_an_error)
{
	struct file f;

	FILE_OF(&f, 0x48, 0x8d, 0x05, 0, 0, 0, 0);
	elf_rela(&f.elf, f.text, 2, R_X86_64_PC32, f.data_symbol, 0);
	assert_error(try_read(&f), ".text+0x2: relocation is in no field of `lea rax");
	forget();
}

TEST(relocation_in_no_instruction_is_an_error)
{
	struct file f;

	FILE_OF(&f, 0x06, 0x06, 0x06, 0x06);
	elf_rela(&f.elf, f.text, 0, R_X86_64_PC32, f.data_symbol, 0);
	assert_error(try_read(&f), ".text+0x0: not decodable");
	forget();
}

TEST(code_that_is_not_in_the_file_is_an_error)
{
	struct file f;

	FILE_OF(&f, 0x90);
	elf_build(&f.elf);
	elf_section_header(&f.elf, f.text)->sh_type = SHT_NOBITS;
	assert_error(try_read(&f), "section .text: code that is not in the file");
	forget();
}

TEST(global_alias_is_preferred)
{
	struct file f;
	uint32_t alias;

	FILE_OF(&f, 0x90);
	f.elf.nr_symbols -= 3;	/* global symbols come after the new local one */
	elf_symbol(&f.elf, "local_alias", STT_FUNC, STB_LOCAL, f.text, 16, 16);
	alias = elf_symbol(&f.elf, "callee", STT_FUNC, STB_GLOBAL, f.text, 16, 16);
	assert_success(try_read(&f));
	assert_int_equal(symbol_at(object, &map, f.text, 20), alias);
	assert_int_equal(symbol_at(object, &map, f.text, 3), NO_REF);
	assert_int_equal(symbol_at(object, &map, f.text, 32), NO_REF);
	assert_int_equal(symbol_at(object, &map, f.data_section, 7), f.first);
	forget();
}

/* A weak name can mean another unit's code, a section cannot. */
TEST(weak_alias_is_avoided)
{
	struct file f;
	uint32_t local;

	FILE_OF(&f, 0x90);
	f.elf.nr_symbols -= 3;
	local = elf_symbol(&f.elf, "callee", STT_FUNC, STB_LOCAL, f.text, 16, 16);
	elf_symbol(&f.elf, "overridden", STT_FUNC, STB_WEAK, f.text, 16, 16);
	assert_success(try_read(&f));
	assert_int_equal(symbol_at(object, &map, f.text, 20), local);
	forget();
}

/* Length of what is at @at of a section with these contents; 0: no string. */
static uint64_t string_length(const uint8_t *data, uint64_t size, uint64_t flags, uint64_t at, bool sanitized)
{
	struct object_section sections[2] = { { 0 }, { .name = ".rodata", .data = (uint8_t *)data, .size = size,
							.flags = SHF_ALLOC | flags, .entsize = 1 } };
	struct object o = { .sections = sections, .nr_sections = 2 };
	struct object_ref ref = { .symbol = NO_REF, .target_section = 1, .target = at };
	uint64_t len;

	return object_ref_string(&o, &ref, sanitized, &len) ? len : 0;
}

TEST(string_ends_with_its_zero)
{
	static const uint8_t data[] = "one\0two";

	assert_int_equal(string_length(data, sizeof(data), SHF_MERGE | SHF_STRINGS, 4, false), 4);
	assert_int_equal(string_length(data, sizeof(data) - 1, SHF_MERGE | SHF_STRINGS, 4, false), 0);
	assert_int_equal(string_length(data, sizeof(data), 0, 4, false), 0);
	assert_int_equal(string_length(data, sizeof(data), SHF_WRITE | SHF_STRINGS, 4, false), 0);
}

TEST(sanitized_string_has_room_behind_it)
{
	static const uint8_t data[160] = "one", full[160] = "thirty-one characters and 1 end", binary[160] = "\2",
			     level[160] = "\1" "6one", none[160];
	uint8_t next[160] = "one";

	next[40] = 1;
	assert_int_equal(string_length(data, 160, 0, 0, true), 64);
	assert_int_equal(string_length(full, 160, 0, 0, true), 64);
	assert_int_equal(string_length(level, 160, 0, 0, true), 64);
	assert_int_equal(string_length(data, 160, 0, 0, false), 0);
	assert_int_equal(string_length(data, 33, 0, 0, true), 0);
	assert_int_equal(string_length(next, 160, 0, 0, true), 0);
	assert_int_equal(string_length(binary, 160, 0, 0, true), 0);
	assert_int_equal(string_length(none, 160, 0, 0, true), 0);
	assert_int_equal(string_length(data, 160, 0, 1, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(object_behind_a_section_is_found),
		cmocka_unit_test(relocations_must_not_overlap),
		cmocka_unit_test(object_behind_a_section_is_found_before_an_immediate),
		cmocka_unit_test(call_by_name_is_a_branch),
		cmocka_unit_test(call_without_a_relocation_is_a_branch),
		cmocka_unit_test(short_jump_to_another_function_is_a_branch),
		cmocka_unit_test(branch_inside_a_function_is_no_reference),
		cmocka_unit_test(indexed_table_is_marked),
		cmocka_unit_test(address_as_an_immediate_is_found),
		cmocka_unit_test(pointer_in_data_is_found),
		cmocka_unit_test(table_names_a_place_in_code),
		cmocka_unit_test(unnamed_contents_have_a_section_only),
		cmocka_unit_test(references_are_listed_by_section),
		cmocka_unit_test(relocation_in_no_field_is_an_error),
		cmocka_unit_test(relocation_in_no_instruction_is_an_error),
		cmocka_unit_test(code_that_is_not_in_the_file_is_an_error),
		cmocka_unit_test(global_alias_is_preferred),
		cmocka_unit_test(weak_alias_is_avoided),
		cmocka_unit_test(string_ends_with_its_zero),
		cmocka_unit_test(sanitized_string_has_room_behind_it),
	};

	return RUN(tests);
}
