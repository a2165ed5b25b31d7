// SPDX-License-Identifier: GPL-2.0
#include "elfkit/image.h"
#include "elfkit/symbols.h"
#include "t/unit/elf_builder.h"

#define TEXT 0xffffffff81000000ULL
#define RODATA 0xffffffff82000000ULL
#define BSS 0xffffffff83000000ULL

static const uint8_t code[32] = { 0xc3, 1, 2, 3 };
static const uint8_t rodata[16] = "constants";
static const struct {
	Elf64_Nhdr header;
	char name[4];
	uint8_t desc[20];
} build_id = { { 4, 20, NT_GNU_BUILD_ID }, "GNU", { 0xab, [19] = 0xcd } };

struct file {
	struct elf_builder elf;
	uint32_t text, rodata, note;
};

static void file_init(struct file *f)
{
	struct elf_builder *b = &f->elf;

	elf_init(b, ET_EXEC);
	f->text = elf_section(b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TEXT, code, sizeof(code));
	f->rodata = elf_section(b, ".rodata", SHT_PROGBITS, SHF_ALLOC, RODATA, rodata, sizeof(rodata));
	elf_section(b, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, BSS, NULL, 4096);
	f->note = elf_section(b, ".notes", SHT_NOTE, SHF_ALLOC, RODATA + 0x1000, &build_id, sizeof(build_id));
	elf_source(b, "core.c");
	elf_symbol(b, "schedule", STT_FUNC, STB_GLOBAL, f->text, TEXT, 32);
	elf_build(b);
}

/* Opens the file in hand, which must work, and closes the builder. */
static struct image *open_file(struct file *f)
{
	struct image *image = NULL;

	assert_success(image_open(elf_save(&f->elf), &image));
	elf_release(&f->elf);
	return image;
}

static void refuse_file(struct file *f, const char *message)
{
	struct image *image = NULL;

	assert_error(image_open(elf_save(&f->elf), &image), message);
	assert_null(image);
	elf_release(&f->elf);
}

/* Touches every byte that the image promises. */
static uint64_t read_all(const struct image *image)
{
	struct symbols *symbols = symbols_read(image);
	uint64_t sum = symbols->n;

	for (size_t i = 0; i < image->nr_sections; i++) {
		const struct image_section *s = &image->sections[i];

		sum += strlen(s->name);
		for (uint64_t k = 0; s->data && k < s->size; k++)
			sum += s->data[k];
	}
	for (size_t i = 0; i < image->nr_symtab; i++)
		sum += strlen(image->strtab + image->symtab[i].st_name);
	symbols_free(symbols);
	return sum;
}

TEST(good_file_is_read)
{
	struct file f;
	struct image *image;

	file_init(&f);
	image = open_file(&f);
	assert_int_equal(image->machine, EM_X86_64);
	assert_int_equal(image->nr_sections, 8);
	assert_int_equal(image->nr_symtab, 3);
	assert_string_equal(image->strtab + image->symtab[2].st_name, "schedule");
	assert_ptr_equal(image_section_at(image, RODATA + 15), image_section_named(image, ".rodata"));
	assert_null(image_section_at(image, RODATA + 16));
	assert_null(image_section_named(image, ".data"));
	image_free(image);
}

TEST(what_can_be_written_is_no_code)
{
	const struct image_section *data;
	struct image *image;
	struct file f;

	file_init(&f);
	elf_section(&f.elf, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR, BSS + 0x10000, rodata, sizeof(rodata));
	elf_build(&f.elf);
	image = open_file(&f);
	data = image_section_named(image, ".data");
	assert_non_null(data);
	assert_false(image_section_is_code(data));
	assert_true(image_section_is_code(image_section_named(image, ".text")));
	image_free(image);
}

TEST(build_id_is_read)
{
	struct file f;
	struct image *image;

	file_init(&f);
	image = open_file(&f);
	assert_int_equal(image->build_id_len, 20);
	assert_memory_equal(image->build_id, build_id.desc, 20);
	image_free(image);
}

TEST(notes_of_absurd_sizes_are_passed_over)
{
	static const uint32_t sizes[] = { 0xffffffff, 0xfffffffc, 0x7fffffff, 21, 25, 33 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int field = 0; field < 2; field++) {
			struct file f;
			struct image *image;

			file_init(&f);
			((uint32_t *)elf_contents(&f.elf, f.note, 0))[field] = sizes[i];
			image = open_file(&f);
			assert_int_equal(image->build_id_len, 0);
			image_free(image);
		}
}

TEST(bytes_are_given_inside_a_section_only)
{
	struct file f;
	struct image *image;

	file_init(&f);
	image = open_file(&f);
	assert_memory_equal(image_bytes(image, TEXT, 32), code, 32);
	assert_int_equal(*image_bytes(image, TEXT + 3, 29), 3);
	assert_null(image_bytes(image, TEXT, 33));
	assert_null(image_bytes(image, TEXT + 31, 2));
	assert_null(image_bytes(image, TEXT - 1, 1));
	assert_null(image_bytes(image, TEXT + 8, UINT64_MAX - 4));
	assert_null(image_bytes(image, UINT64_MAX, UINT64_MAX));
	assert_null(image_bytes(image, BSS, 1));
	image_free(image);
}

TEST(missing_file_is_an_error)
{
	struct image *image;

	assert_error(image_open("/nonexistent/vmlinux", &image), "/nonexistent/vmlinux: No such file");
}

TEST(directory_is_an_error)
{
	struct image *image;

	assert_error(image_open("/tmp", &image), "/tmp: not a regular file");
}

TEST(empty_file_is_an_error)
{
	struct image *image;
	struct file f;

	file_init(&f);
	assert_error(image_open(elf_save_part(&f.elf, 0), &image), "not an ELF file");
	elf_release(&f.elf);
}

TEST(other_file_is_an_error)
{
	struct file f;

	file_init(&f);
	memcpy(f.elf.bytes, "#!/bin/sh\n", 10);
	refuse_file(&f, "not an ELF file");
}

TEST(file_of_32_bits_is_refused)
{
	struct file f;

	file_init(&f);
	f.elf.bytes[EI_CLASS] = ELFCLASS32;
	refuse_file(&f, "not a 64-bit little-endian ELF file");
}

TEST(relocatable_object_is_refused)
{
	struct file f;

	file_init(&f);
	elf_header(&f.elf)->e_type = ET_REL;
	refuse_file(&f, "not a linked kernel image (e_type 1)");
}

TEST(missing_section_headers_are_an_error)
{
	struct file f;

	file_init(&f);
	elf_header(&f.elf)->e_shoff = 0;
	elf_header(&f.elf)->e_shnum = 0;
	refuse_file(&f, "no section headers");
}

TEST(missing_symbol_table_is_an_error)
{
	struct file f;

	file_init(&f);
	elf_section_header(&f.elf, f.elf.symtab)->sh_type = SHT_PROGBITS;
	refuse_file(&f, "no symbol table");
}

TEST(section_name_out_of_bounds_is_an_error)
{
	struct file f;

	file_init(&f);
	elf_section_header(&f.elf, f.text)->sh_name = 100000;
	refuse_file(&f, "section header 1: name is out of bounds");
}

TEST(symbol_name_out_of_bounds_is_an_error)
{
	struct file f;

	file_init(&f);
	((Elf64_Sym *)elf_contents(&f.elf, f.elf.symtab, 0))[2].st_name = f.elf.strtab_size;
	refuse_file(&f, "symbol 2: name is out of bounds");
}

TEST(string_table_without_an_end_is_an_error)
{
	struct file f;

	file_init(&f);
	*(char *)elf_contents(&f.elf, f.elf.symtab + 1, f.elf.strtab_size - 1) = 'x';
	refuse_file(&f, "not a string table");
}

TEST(bad_string_table_index_is_an_error)
{
	struct file f;

	file_init(&f);
	elf_section_header(&f.elf, f.elf.symtab)->sh_link = 99;
	refuse_file(&f, "bad string table index");
}

TEST(section_beyond_the_end_is_an_error)
{
	struct file f;

	file_init(&f);
	elf_section_header(&f.elf, f.text)->sh_offset = 1 << 20;
	refuse_file(&f, "section .text: lies at 0x100000-0x100020 but the file ends at");
	file_init(&f);
	elf_section_header(&f.elf, f.text)->sh_offset = UINT64_MAX - 7;
	refuse_file(&f, "section .text: lies at");
	file_init(&f);
	elf_section_header(&f.elf, f.rodata)->sh_size = f.elf.size;
	refuse_file(&f, "section .rodata: lies at");
}

TEST(section_that_wraps_around_is_an_error)
{
	struct file f;

	file_init(&f);
	elf_section_header(&f.elf, f.text)->sh_addr = UINT64_MAX - 3;
	refuse_file(&f, "section .text: size 0x20 runs past the end of the address space");
}

TEST(truncated_file_is_an_error_at_every_length)
{
	struct file f;

	file_init(&f);
	for (size_t size = 0; size < f.elf.size; size++) {
		struct image *image = NULL;

		assert_error(image_open(elf_save_part(&f.elf, size), &image), f.elf.path);
	}
	elf_release(&f.elf);
}

TEST(damaged_byte_is_an_error_or_a_consistent_image)
{
	static const uint8_t damage[] = { 0x00, 0x7f, 0xff };
	struct file f;

	file_init(&f);
	for (size_t at = 0; at < f.elf.size * 3; at++) {
		uint8_t *byte = &f.elf.bytes[at / 3], kept = *byte;
		struct image *image = NULL;
		struct err *err;

		*byte = damage[at % 3];
		err = image_open(elf_save(&f.elf), &image);
		*byte = kept;
		if (err)
			assert_error(err, f.elf.path);
		else
			assert_true(read_all(image) > 0);
		image_free(image);
	}
	elf_release(&f.elf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_file_is_read),
		cmocka_unit_test(what_can_be_written_is_no_code),
		cmocka_unit_test(build_id_is_read),
		cmocka_unit_test(notes_of_absurd_sizes_are_passed_over),
		cmocka_unit_test(bytes_are_given_inside_a_section_only),
		cmocka_unit_test(missing_file_is_an_error),
		cmocka_unit_test(directory_is_an_error),
		cmocka_unit_test(empty_file_is_an_error),
		cmocka_unit_test(other_file_is_an_error),
		cmocka_unit_test(file_of_32_bits_is_refused),
		cmocka_unit_test(relocatable_object_is_refused),
		cmocka_unit_test(missing_section_headers_are_an_error),
		cmocka_unit_test(missing_symbol_table_is_an_error),
		cmocka_unit_test(section_name_out_of_bounds_is_an_error),
		cmocka_unit_test(symbol_name_out_of_bounds_is_an_error),
		cmocka_unit_test(string_table_without_an_end_is_an_error),
		cmocka_unit_test(bad_string_table_index_is_an_error),
		cmocka_unit_test(section_beyond_the_end_is_an_error),
		cmocka_unit_test(section_that_wraps_around_is_an_error),
		cmocka_unit_test(truncated_file_is_an_error_at_every_length),
		cmocka_unit_test(damaged_byte_is_an_error_or_a_consistent_image),
	};

	return RUN(tests);
}
