// SPDX-License-Identifier: GPL-2.0
/* Objects read, edited, written and read again; and damaged ones. */
#include "relink/object.h"
#include "relink/object_refs.h"
#include "t/unit/elf_builder.h"

static const uint8_t code[32] = { 0xe8, 0, 0, 0, 0, 0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xc3 };
static const uint8_t data[16] = "data";

struct file {
	struct elf_builder elf;
	uint32_t text, data, other;
	uint32_t used, unused, local, global;
};

static void file_init(struct file *f)
{
	struct elf_builder *b = &f->elf;

	elf_init(b, ET_REL);
	f->text = elf_section(b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0, code, sizeof(code));
	f->data = elf_section(b, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0, data, sizeof(data));
	f->other = elf_section(b, ".other", SHT_PROGBITS, SHF_ALLOC, 0, data, 8);
	elf_section(b, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, 0, NULL, 64);
	elf_source(b, "a.c");
	f->local = elf_symbol(b, "local", STT_FUNC, STB_LOCAL, f->text, 13, 19);
	elf_source(b, "b.c");
	elf_symbol(b, "local", STT_OBJECT, STB_LOCAL, f->data, 8, 8);
	elf_symbol(b, "", STT_SECTION, STB_LOCAL, f->other, 0, 0);
	f->global = elf_symbol(b, "global", STT_FUNC, STB_GLOBAL, f->text, 0, 13);
	f->used = elf_symbol(b, "used", STT_NOTYPE, STB_GLOBAL, SHN_UNDEF, 0, 0);
	f->unused = elf_symbol(b, "unused", STT_NOTYPE, STB_GLOBAL, SHN_UNDEF, 0, 0);
	elf_symbol(b, "absolute", STT_NOTYPE, STB_GLOBAL, SHN_ABS, 0x1234, 0);
	elf_rela(b, f->text, 8, R_X86_64_PC32, f->local, -4);
	elf_rela(b, f->text, 1, R_X86_64_PLT32, f->used, -4);
	elf_rela(b, f->data, 0, R_X86_64_64, f->global, 0x10);
	elf_build(b);
}

static struct object *read_file(struct file *f)
{
	struct object *object = NULL;

	assert_success(object_read(elf_save(&f->elf), &object));
	elf_release(&f->elf);
	return object;
}

static void refuse_file(struct file *f, const char *message)
{
	struct object *object = NULL;

	assert_error(object_read(elf_save(&f->elf), &object), message);
	assert_null(object);
	elf_release(&f->elf);
}

/* Writes @object and reads what was written. Consumes @object. */
static struct object *write_and_read(struct object *object)
{
	char path[] = "/tmp/elfkit-unit-XXXXXX";
	struct object *ret = NULL;

	close(mkstemp(path));
	assert_success(object_write(object, path));
	object_free(object);
	assert_success(object_read(path, &ret));
	unlink(path);
	return ret;
}

static struct object *round_trip(void)
{
	struct file f;

	file_init(&f);
	return write_and_read(read_file(&f));
}

static struct object_section *section_named(struct object *o, const char *name)
{
	for (uint32_t i = 1; i < o->nr_sections; i++)
		if (!strcmp(o->sections[i].name, name))
			return &o->sections[i];
	return NULL;
}

static struct object_symbol *symbol_named(struct object *o, const char *name)
{
	for (uint32_t i = 1; i < o->nr_symbols; i++)
		if (!strcmp(o->symbols[i].name, name))
			return &o->symbols[i];
	return NULL;
}

static struct object_reloc *reloc_at(struct object *o, const char *section, uint64_t offset)
{
	struct object_section *s = section_named(o, section);

	for (uint32_t i = 0; i < s->nr_relocs; i++)
		if (s->relocs[i].offset == offset)
			return &s->relocs[i];
	fail_msg("no relocation at %s+0x%lx", section, (unsigned long)offset);
	return NULL;
}

TEST(groups_follow_source_files)
{
	struct file f;
	struct object *o;

	file_init(&f);
	o = read_file(&f);
	assert_int_equal(o->nr_groups, 2);
	assert_int_equal(o->symbols[f.local].group, 1);
	assert_int_equal(o->symbols[f.local + 2].group, 2);
	assert_int_equal(o->symbols[f.global].group, 0);
	assert_int_equal(o->symbols[f.used].shndx, SHN_UNDEF);
	assert_true(object_symbol_defined(&o->symbols[f.global]));
	object_free(o);
}

TEST(sections_survive)
{
	struct object *o = round_trip();

	assert_memory_equal(section_named(o, ".text")->data, code, sizeof(code));
	assert_int_equal(section_named(o, ".text")->flags, SHF_ALLOC | SHF_EXECINSTR);
	assert_int_equal(section_named(o, ".text")->align, 8);
	assert_memory_equal(section_named(o, ".data")->data, data, sizeof(data));
	assert_int_equal(section_named(o, ".bss")->type, SHT_NOBITS);
	assert_int_equal(section_named(o, ".bss")->size, 64);
	object_free(o);
}

TEST(symbols_survive)
{
	struct object *o = round_trip();
	const struct object_symbol *s = symbol_named(o, "global");

	assert_int_equal(s->size, 13);
	assert_int_equal(s->type, STT_FUNC);
	assert_int_equal(s->bind, STB_GLOBAL);
	assert_string_equal(o->sections[s->section].name, ".text");
	assert_int_equal(symbol_named(o, "local")->value, 13);
	assert_int_equal(o->nr_groups, 2);
	object_free(o);
}

TEST(relocations_survive)
{
	struct object *o = round_trip();
	const struct object_reloc *r = reloc_at(o, ".text", 1);

	assert_string_equal(o->symbols[r->symbol].name, "used");
	assert_int_equal(r->type, R_X86_64_PLT32);
	assert_int_equal(r->addend, -4);
	assert_string_equal(o->symbols[reloc_at(o, ".text", 8)->symbol].name, "local");
	assert_int_equal(reloc_at(o, ".data", 0)->addend, 0x10);
	object_free(o);
}

TEST(undefined_symbols_that_nothing_uses_are_dropped)
{
	struct object *o = round_trip();

	assert_non_null(symbol_named(o, "used"));
	assert_null(symbol_named(o, "unused"));
	object_free(o);
}

TEST(removed_parts_are_gone)
{
	struct file f;
	struct object *o;

	file_init(&f);
	o = read_file(&f);
	o->sections[f.other].removed = true;
	o->symbols[f.local].removed = true;
	reloc_at(o, ".text", 8)->removed = true;
	o = write_and_read(o);
	assert_null(section_named(o, ".other"));
	assert_int_equal(section_named(o, ".text")->nr_relocs, 1);
	assert_int_equal(symbol_named(o, "local")->type, STT_OBJECT);
	assert_string_equal(o->sections[symbol_named(o, "global")->section].name, ".text");
	object_free(o);
}

TEST(relocation_against_a_removed_symbol_is_an_error)
{
	struct file f;
	struct object *o;

	file_init(&f);
	o = read_file(&f);
	o->symbols[f.local].removed = true;
	assert_error(object_write(o, "/tmp/elfkit-unit-never"),
		     ".text+0x8: relocation against local, which does not travel");
	assert_int_equal(access("/tmp/elfkit-unit-never", F_OK), -1);
	object_free(o);
}

TEST(added_parts_are_written_and_locals_come_first)
{
	struct file f;
	struct object *o;
	uint32_t section, symbol;
	bool global = false;

	file_init(&f);
	o = read_file(&f);
	section = object_add_section(o, ".new", SHF_ALLOC, 4, xcalloc(1, 8), 8);
	symbol = object_add_symbol(o, "added", STT_OBJECT, STB_LOCAL, SHNDX_SECTION, section, 4, 4);
	object_add_reloc(o, section, 0, R_X86_64_PC32, symbol, 7);
	object_add_reloc(o, section, 4, R_X86_64_32S, object_section_symbol(o, section), 3);
	assert_int_equal(object_section_symbol(o, section), object_section_symbol(o, section));
	o = write_and_read(o);
	assert_int_equal(section_named(o, ".new")->align, 4);
	assert_string_equal(o->symbols[reloc_at(o, ".new", 0)->symbol].name, "added");
	assert_int_equal(o->symbols[reloc_at(o, ".new", 4)->symbol].type, STT_SECTION);
	for (uint32_t i = 1; i < o->nr_symbols; i++) {
		global |= o->symbols[i].bind != STB_LOCAL;
		assert_int_equal(o->symbols[i].bind != STB_LOCAL, global);
	}
	for (uint32_t i = 1; i < o->nr_sections; i++)
		if (o->sections[i].type == SHT_SYMTAB)
			assert_true(o->symbols[o->sections[i].info].bind != STB_LOCAL &&
				    o->symbols[o->sections[i].info - 1].bind == STB_LOCAL);
	object_free(o);
}

TEST(other_files_are_refused)
{
	struct object *o;
	struct file f;

	assert_error(object_read("/nonexistent/x.o", &o), "/nonexistent/x.o: No such file");
	assert_error(object_read("/tmp", &o), "/tmp: not an ELF file");
	file_init(&f);
	elf_header(&f.elf)->e_type = ET_EXEC;
	refuse_file(&f, "not a relocatable object (e_type 2)");
}

TEST(bad_alignments_are_errors)
{
	struct file f;

	file_init(&f);
	elf_section_header(&f.elf, f.text)->sh_addralign = UINT64_C(1) << 40;
	refuse_file(&f, "section .text: bad alignment");
	file_init(&f);
	elf_section_header(&f.elf, f.text)->sh_addralign = 24;
	refuse_file(&f, "section .text: bad alignment");
}

TEST(bad_links_are_errors)
{
	struct file f;

	file_init(&f);
	elf_section_header(&f.elf, f.elf.symtab)->sh_link = 99;
	refuse_file(&f, ".symtab: bad string table index");
	file_init(&f);
	elf_section_header(&f.elf, f.elf.symtab)->sh_link = 0;
	refuse_file(&f, ".strtab: not a string table");
	file_init(&f);
	elf_section_header(&f.elf, f.elf.symtab - 1)->sh_info = 99;
	refuse_file(&f, "bad target section");
	/* a compressed section of relocations would go by unread */
	file_init(&f);
	elf_section_header(&f.elf, f.elf.symtab - 1)->sh_flags |= SHF_COMPRESSED;
	refuse_file(&f, "compressed, and not debug information");
	file_init(&f);
	elf_section_header(&f.elf, f.text)->sh_flags |= SHF_COMPRESSED;
	refuse_file(&f, "section .text: compressed, and not debug information");
}

static Elf64_Sym *symbol_of(struct file *f, uint32_t i)
{
	return (Elf64_Sym *)elf_contents(&f->elf, f->elf.symtab, 0) + i;
}

TEST(bad_symbols_are_errors)
{
	struct file f;

	file_init(&f);
	symbol_of(&f, f.global)->st_shndx = 99;
	refuse_file(&f, "symbol global: bad section index 99");
	file_init(&f);
	symbol_of(&f, f.global)->st_name = 1 << 20;
	refuse_file(&f, "name is out of bounds");
	file_init(&f);
	*(char *)elf_contents(&f.elf, f.elf.symtab + 1, symbol_of(&f, f.global)->st_name) = '\n';
	refuse_file(&f, "control characters in its name");
	file_init(&f);
	symbol_of(&f, f.global)->st_value = 33;
	refuse_file(&f, "symbol global: lies outside of section .text");
	file_init(&f);
	symbol_of(&f, f.global)->st_size = UINT64_MAX;
	refuse_file(&f, "symbol global: runs past the end of section .text");
}

/* The relocations of .text are the first section behind .bss. */
static Elf64_Rela *reloc_of(struct file *f)
{
	return elf_contents(&f->elf, f->other + 2, 0);
}

TEST(bad_relocations_are_errors)
{
	struct file f;

	file_init(&f);
	reloc_of(&f)->r_offset = 29;
	refuse_file(&f, ".text+0x1d: relocation outside of the section");
	file_init(&f);
	reloc_of(&f)->r_offset = UINT64_MAX;
	refuse_file(&f, "relocation outside of the section");
	file_init(&f);
	reloc_of(&f)->r_info = ELF64_R_INFO(99ULL, R_X86_64_PC32);
	refuse_file(&f, ".text+0x8: relocation with bad symbol index");
	file_init(&f);
	reloc_of(&f)->r_info = ELF64_R_INFO(1ULL, R_X86_64_GOTPCREL);
	refuse_file(&f, ".text+0x8: relocation type 9 is not supported");
	for (int i = 0; i < 2; i++) {
		file_init(&f);
		reloc_of(&f)->r_addend = i ? INT64_MAX - 3 : INT64_MIN + 3;
		refuse_file(&f, ".text+0x8: relocation that leads nowhere");
	}
	file_init(&f);
	elf_section_header(&f.elf, f.other + 2)->sh_type = SHT_REL;
	refuse_file(&f, "REL relocations are not supported");
	file_init(&f);
	elf_section_header(&f.elf, f.other + 2)->sh_size--;
	refuse_file(&f, "section .rela: ");
}

static void use_object(struct object *object)
{
	struct symbol_map map;
	struct object_refs refs;

	symbol_map_init(object, &map);
	err_free(object_refs_read(object, &map, &refs));
	object_refs_release(&refs);
	symbol_map_release(&map);
	{
		char path[] = "/tmp/elfkit_object.XXXXXX";
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		close(fd);
		err_free(object_write(object, path));
		unlink(path);
	}
}

TEST(damaged_byte_is_an_error_or_a_consistent_object)
{
	static const uint8_t damage[] = { 0x00, 0x08, 0xff };
	struct file f;

	file_init(&f);
	for (size_t at = 0; at < f.elf.size * 3; at++) {
		uint8_t *byte = &f.elf.bytes[at / 3], kept = *byte;
		struct object *object = NULL;
		struct err *err;

		*byte = damage[at % 3];
		err = object_read(elf_save(&f.elf), &object);
		*byte = kept;
		if (err)
			assert_error(err, f.elf.path);
		else
			use_object(object);
		object_free(object);
	}
	elf_release(&f.elf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_follow_source_files),
		cmocka_unit_test(sections_survive),
		cmocka_unit_test(symbols_survive),
		cmocka_unit_test(relocations_survive),
		cmocka_unit_test(undefined_symbols_that_nothing_uses_are_dropped),
		cmocka_unit_test(removed_parts_are_gone),
		cmocka_unit_test(relocation_against_a_removed_symbol_is_an_error),
		cmocka_unit_test(added_parts_are_written_and_locals_come_first),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(bad_alignments_are_errors),
		cmocka_unit_test(bad_links_are_errors),
		cmocka_unit_test(bad_symbols_are_errors),
		cmocka_unit_test(bad_relocations_are_errors),
		cmocka_unit_test(damaged_byte_is_an_error_or_a_consistent_object),
	};

	return RUN(tests);
}
