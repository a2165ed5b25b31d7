// SPDX-License-Identifier: GPL-2.0
#include "relink/prune.h"
#include "t/unit/elf_builder.h"

/*
 * .text: `entry` at 0 calls `last` at 48 without a relocation, and is jumped back to; `unused` at 16 and `other` at 32 are reached by
 * nothing. Of the two bugs one is in `unused`, one in `last`. What ORC says from `unused` on holds in `last`, too.
 */
struct file {
	struct elf_builder elf;
	uint8_t code[64], bugs[24], strings[8], ips[12], orc[6], data[8];
	uint32_t text, bug_table, string_section, ip_section, orc_section, data_section;
	uint32_t text_symbol, string_symbol, data_symbol, bug_symbol, entry, unused, other, last;
};

static struct object *object;
static struct symbol_map map;
static struct pruned pruned;

static void file_init(struct file *f)
{
	static const uint8_t start[] = { 0xe8, 43, 0, 0, 0, 0xc3 };	/* call 48; ret */
	static const uint8_t back[] = { 0xe9, 0xcb, 0xff, 0xff, 0xff };	/* jmp 0, 53 bytes back */
	struct elf_builder *b = &f->elf;

	memset(f, 0, sizeof(*f));
	memset(f->code, 0xcc, sizeof(f->code));
	memcpy(f->code, start, sizeof(start));
	f->code[16] = f->code[32] = 0xc3;
	memcpy(f->code + 48, back, sizeof(back));
	for (uint8_t i = 0; i < sizeof(f->orc); i++)
		f->orc[i] = i / 2 + 1;
	f->bugs[8] = 11;	/* line */
	f->bugs[20] = 22;
	elf_init(b, ET_REL);
	f->text = elf_section(b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0, f->code, sizeof(f->code));
	f->bug_table = elf_section(b, "__bug_table", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0, f->bugs, sizeof(f->bugs));
	f->string_section = elf_section(b, ".rodata.str1.1", SHT_PROGBITS, SHF_ALLOC, 0, f->strings, 8);
	f->ip_section = elf_section(b, ".orc_unwind_ip", SHT_PROGBITS, SHF_ALLOC, 0, f->ips, sizeof(f->ips));
	f->orc_section = elf_section(b, ".orc_unwind", SHT_PROGBITS, SHF_ALLOC, 0, f->orc, sizeof(f->orc));
	f->data_section = elf_section(b, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0, f->data, 8);
	f->text_symbol = elf_symbol(b, "", STT_SECTION, STB_LOCAL, f->text, 0, 0);
	f->string_symbol = elf_symbol(b, "", STT_SECTION, STB_LOCAL, f->string_section, 0, 0);
	f->data_symbol = elf_symbol(b, "", STT_SECTION, STB_LOCAL, f->data_section, 0, 0);
	f->bug_symbol = elf_symbol(b, "", STT_SECTION, STB_LOCAL, f->bug_table, 0, 0);
	f->entry = elf_symbol(b, "entry", STT_FUNC, STB_GLOBAL, f->text, 0, 6);
	f->unused = elf_symbol(b, "unused", STT_FUNC, STB_GLOBAL, f->text, 16, 1);
	f->other = elf_symbol(b, "other", STT_FUNC, STB_GLOBAL, f->text, 32, 1);
	f->last = elf_symbol(b, "last", STT_FUNC, STB_GLOBAL, f->text, 48, 5);
	for (uint32_t i = 0; i < 2; i++) {
		elf_rela(b, f->bug_table, 12 * i, R_X86_64_PC32, f->text_symbol, i ? 48 : 16);
		elf_rela(b, f->bug_table, 12 * i + 4, R_X86_64_PC32, f->string_symbol, 0);
	}
	for (uint32_t i = 0; i < 3; i++)
		elf_rela(b, f->ip_section, 4 * i, R_X86_64_PC32, f->text_symbol, (int[]){ 0, 6, 16 }[i]);
}

/* Prunes with `entry` as the only new body. */
static struct err *prune(struct file *f)
{
	struct binding *bindings;
	struct match match;
	struct err *err;

	if (!f->elf.bytes)
		elf_build(&f->elf);
	assert_success(object_read(elf_save(&f->elf), &object));
	elf_release(&f->elf);
	symbol_map_init(object, &map);
	bindings = xcalloc(object->nr_symbols, sizeof(*bindings));
	match.foreign = xcalloc(object->nr_symbols, sizeof(bool));
	match.symbol = xcalloc(object->nr_symbols, sizeof(uint32_t));
	bindings[f->entry].replaced = true;
	err = prune_object(object, &match, (enum verdict[64]){ 0 },
			   &(struct bindings){ .v = bindings, .n = object->nr_symbols }, &map, &pruned);
	free(bindings);
	free(match.foreign);
	free(match.symbol);
	return err;
}

static void forget(void)
{
	pruned_release(&pruned);
	symbol_map_release(&map);
	object_free(object);
}

TEST(unused_code_goes_and_calls_follow)
{
	const struct object_section *text;
	struct file f;
	int32_t distance;

	file_init(&f);
	assert_success(prune(&f));
	text = &object->sections[f.text];
	assert_int_equal(pruned.functions, 2);
	assert_true(object->symbols[f.unused].removed && object->symbols[f.other].removed);
	/* 6 to 33 goes in steps of the alignment, and 53 to 64; the padding before `last` is its own */
	assert_int_equal(pruned.code, 24 + 11);
	assert_int_equal(text->size, 64 - 24 - 11);
	assert_int_equal(text->data[object->symbols[f.last].value], 0xe9);
	assert_int_equal(object->symbols[f.last].value % 8, 0);
	memcpy(&distance, text->data + 1, 4);
	assert_int_equal(5 + distance, object->symbols[f.last].value);
	memcpy(&distance, text->data + object->symbols[f.last].value + 1, 4);
	assert_int_equal(object->symbols[f.last].value + 5 + distance, 0);
	forget();
}

TEST(tables_lose_what_describes_unused_code)
{
	const struct object_section *bugs;
	struct file f;

	file_init(&f);
	assert_success(prune(&f));
	bugs = &object->sections[f.bug_table];
	assert_int_equal(bugs->size, 12);
	assert_int_equal(bugs->data[8], 22);
	assert_int_equal(bugs->nr_relocs, 2);
	assert_int_equal(bugs->relocs[0].offset, 0);
	assert_int_equal(bugs->relocs[0].addend, object->symbols[f.last].value);
	assert_int_equal(bugs->relocs[1].offset, 4);
	assert_false(object->sections[f.string_section].removed);
	assert_true(object->sections[f.data_section].removed);
	forget();
}

TEST(code_follows_its_entry_of_a_table)
{
	static const uint8_t lea[] = { 0x48, 0x8d, 0x3d, 0, 0, 0, 0, 0xc3 };	/* lea the second bug,%rdi; ret */
	struct file f;

	file_init(&f);
	memcpy(f.code + 5, lea, sizeof(lea));
	f.elf.symbols[f.entry].st_size = 5 + sizeof(lea);
	elf_rela(&f.elf, f.text, 8, R_X86_64_PC32, f.bug_symbol, 12 - 4);
	assert_success(prune(&f));
	assert_int_equal(object->sections[f.bug_table].size, 12);
	assert_int_equal(object->sections[f.text].nr_relocs, 1);
	assert_int_equal(object->sections[f.text].relocs[0].addend, -4);
	forget();
}

TEST(an_entry_that_code_refers_to_must_stay)
{
	static const uint8_t lea[] = { 0x48, 0x8d, 0x3d, 0, 0, 0, 0, 0xc3 };	/* lea the bug of `unused`,%rdi; ret */
	struct file f;

	file_init(&f);
	memcpy(f.code + 5, lea, sizeof(lea));
	f.elf.symbols[f.entry].st_size = 5 + sizeof(lea);
	elf_rela(&f.elf, f.text, 8, R_X86_64_PC32, f.bug_symbol, -4);
	assert_error(prune(&f), ".text+0x8 refers to __bug_table+0x0, which was taken for unused");
	forget();
}

TEST(unwind_data_holds_on_behind_a_hole)
{
	const struct object_section *ips, *orc;
	struct file f;

	file_init(&f);
	assert_success(prune(&f));
	ips = &object->sections[f.ip_section];
	orc = &object->sections[f.orc_section];
	/* the entry of `unused` is the one that holds in `last`; that of the gap before it is not needed */
	assert_int_equal(ips->size, 8);
	assert_int_equal(ips->relocs[0].addend, 0);
	assert_int_equal(orc->data[0], 1);
	assert_int_equal(orc->data[2], 3);
	assert_true(ips->relocs[1].addend <= (int64_t)object->symbols[f.last].value);
	assert_true(ips->relocs[1].addend > 5);
	forget();
}

TEST(a_table_without_a_pattern_keeps_what_it_names)
{
	struct file f;

	file_init(&f);
	elf_rela(&f.elf, f.bug_table, 10, R_X86_64_16, f.string_symbol, 0);
	assert_success(prune(&f));
	assert_int_equal(object->sections[f.bug_table].size, 24);
	assert_false(object->symbols[f.unused].removed);
	assert_true(object->symbols[f.other].removed);
	forget();
}

TEST(code_that_falls_into_the_next_function_keeps_it)
{
	struct file f;

	file_init(&f);
	f.code[5] = 0x90;	/* nop instead of ret */
	assert_success(prune(&f));
	assert_false(object->symbols[f.unused].removed);
	assert_true(object->symbols[f.other].removed);
	forget();
}

TEST(a_pointer_in_data_in_use_keeps_its_function)
{
	struct file f;

	file_init(&f);
	/* mov data, %rax instead of the call: 48 8b 04 25 disp32 */
	memcpy(f.code, (uint8_t[]){ 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0, 0xc3 }, 9);
	f.elf.symbols[f.entry].st_size = 9;
	elf_rela(&f.elf, f.text, 4, R_X86_64_32S, f.data_symbol, 0);
	elf_rela(&f.elf, f.data_section, 0, R_X86_64_64, f.other, 0);
	assert_success(prune(&f));
	assert_false(object->sections[f.data_section].removed);
	assert_false(object->symbols[f.other].removed);
	assert_true(object->symbols[f.unused].removed && object->symbols[f.last].removed);
	assert_int_equal(object->sections[f.bug_table].removed, true);
	forget();
}

TEST(code_that_does_not_decode_keeps_all)
{
	struct file f;

	file_init(&f);
	f.code[16] = 0x06;	/* no instruction in 64-bit code */
	assert_success(prune(&f));
	assert_non_null(strstr(pruned.whole, "not decodable"));
	assert_int_equal(object->sections[f.text].size, 64);
	assert_false(object->symbols[f.unused].removed);
	forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unused_code_goes_and_calls_follow),
		cmocka_unit_test(tables_lose_what_describes_unused_code),
		cmocka_unit_test(code_follows_its_entry_of_a_table),
		cmocka_unit_test(an_entry_that_code_refers_to_must_stay),
		cmocka_unit_test(unwind_data_holds_on_behind_a_hole),
		cmocka_unit_test(a_table_without_a_pattern_keeps_what_it_names),
		cmocka_unit_test(code_that_falls_into_the_next_function_keeps_it),
		cmocka_unit_test(a_pointer_in_data_in_use_keeps_its_function),
		cmocka_unit_test(code_that_does_not_decode_keeps_all),
	};

	return RUN(tests);
}
