// SPDX-License-Identifier: GPL-2.0
/* Both contents of an updated object as sections of the module: addresses move, numbers do not. */
#include "loader/abi.h"
#include "relink/updates.h"
#include "t/unit/elf_builder.h"

#define BASE	0xffffffff81000000ULL
#define CODE	BASE			/* 64 bytes */
#define CONST	(BASE + 0x1000)		/* 64 bytes */
#define ZERO	(BASE + 0x2000)		/* 64 bytes, in no file */

enum { OBJECT_CLASS, OBJECT_SETTING, OBJECT_RELATIVE, OBJECT_ZERO, OBJECT_NOWHERE, NR_OBJECTS };

/* The old contents: an address, a number, an address outside of the kernel, one at an odd place. */
static const uint64_t theirs[8] = { CODE + 8, 1234, 0xffffffffc0000000ULL, CODE << 32, CODE >> 32, 100, 0, 0 };
static const uint64_t ours[8] = { 0, 1235 };
static const uint8_t code[64] = { 0xf3, 0x0f, 0x1e, 0xfa, 0xc3, 0x90, 0x90, 0x90, 0xc3 };
static const uint32_t setting = 200;

struct fixture {
	struct elf_builder vmlinux, module;
	struct kernel kernel;
	struct object *object;
	struct object_refs refs;
	struct bindings bindings;
	struct rewrite_result rewritten;
	struct remarks remarks;
	struct updates updates;
	uint32_t id[NR_OBJECTS], padded, bare, anchor;
};

static void build_vmlinux(struct fixture *f, bool ibt)
{
	struct elf_builder *b = &f->vmlinux;
	uint32_t text;

	elf_init(b, ET_EXEC);
	text = elf_section(b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, CODE, code, sizeof(code));
	elf_section(b, ".rodata", SHT_PROGBITS, SHF_ALLOC, CONST, theirs, sizeof(theirs));
	elf_section(b, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, ZERO, NULL, 64);
	if (ibt)
		elf_section(b, ".ibt_endbr_seal", SHT_PROGBITS, SHF_ALLOC, BASE + 0x3000, theirs, 4);
	elf_symbol(b, "anchor", STT_FUNC, STB_GLOBAL, text, CODE, 8);
	elf_build(b);
	assert_success(image_open(elf_save(b), &f->kernel.image));
}

static void build_module(struct fixture *f, bool sealed)
{
	struct elf_builder *b = &f->module;
	uint32_t text, constant, data, bss, seals = 0;

	elf_init(b, ET_REL);
	text = elf_section(b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0, code, sizeof(code));
	constant = elf_section(b, "__class", SHT_PROGBITS, SHF_ALLOC, 0, ours, sizeof(ours));
	data = elf_section(b, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0, &setting, 4);
	bss = elf_section(b, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, 0, NULL, 16);
	if (sealed)
		seals = elf_section(b, ".ibt_endbr_seal", SHT_PROGBITS, SHF_ALLOC, 0, ours, 4);
	f->id[OBJECT_CLASS] = elf_symbol(b, "class", STT_OBJECT, STB_GLOBAL, constant, 0, 40);
	f->id[OBJECT_SETTING] = elf_symbol(b, "setting", STT_OBJECT, STB_GLOBAL, data, 0, 4);
	f->id[OBJECT_RELATIVE] = elf_symbol(b, "relative", STT_OBJECT, STB_GLOBAL, constant, 40, 8);
	f->id[OBJECT_ZERO] = elf_symbol(b, "zero", STT_OBJECT, STB_GLOBAL, bss, 0, 16);
	f->id[OBJECT_NOWHERE] = elf_symbol(b, "nowhere", STT_OBJECT, STB_GLOBAL, constant, 48, 8);
	f->padded = elf_symbol(b, "padded", STT_FUNC, STB_GLOBAL, text, 0, 8);
	f->bare = elf_symbol(b, "bare", STT_FUNC, STB_GLOBAL, text, 8, 8);
	f->anchor = elf_symbol(b, "anchor", STT_NOTYPE, STB_GLOBAL, SHN_UNDEF, 0, 0);
	elf_rela(b, constant, 0, R_X86_64_64, f->padded, 0);
	elf_rela(b, constant, 40, R_X86_64_PC32, f->padded, 0);
	elf_build(b);
	assert_success(object_read(elf_save(b), &f->object));
	f->refs.first = calloc(f->object->nr_sections + 1, sizeof(*f->refs.first));
	if (!sealed)
		return;
	f->refs.n = 1;
	f->refs.v = calloc(1, sizeof(*f->refs.v));
	f->refs.v[0] = (struct object_ref){ .kind = OBJECT_REF_PLACE, .section = seals, .symbol = f->padded };
	for (uint32_t i = seals + 1; i <= f->object->nr_sections; i++)
		f->refs.first[i] = 1;
}

static void setup(struct fixture *f, bool ibt, bool sealed)
{
	static const uint64_t where[NR_OBJECTS] = { CONST, CONST + 40, CONST + 48, ZERO, BASE + 0x100000 };

	memset(f, 0, sizeof(*f));
	build_vmlinux(f, ibt);
	build_module(f, sealed);
	f->bindings.n = f->object->nr_symbols;
	f->bindings.v = calloc(f->bindings.n, sizeof(*f->bindings.v));
	f->rewritten.updates_hold = calloc(f->bindings.n, sizeof(bool));
	f->rewritten.anchor = (struct anchor){ .addr = CODE, .symbol = f->anchor };
	for (int i = 0; i < NR_OBJECTS; i++)
		f->bindings.v[f->id[i]].kernel = where[i];
}

static void run(struct fixture *f)
{
	updates_add(&f->kernel, f->object, &f->refs, &f->bindings, &f->rewritten, &f->remarks, &f->updates);
}

static void release(struct fixture *f)
{
	updates_release(&f->updates);
	remarks_release(&f->remarks);
	free(f->rewritten.updates_hold);
	free(f->bindings.v);
	free(f->refs.v);
	free(f->refs.first);
	object_free(f->object);
	image_free(f->kernel.image);
	elf_release(&f->module);
	elf_release(&f->vmlinux);
}

static void assert_reloc(const struct object_section *s, uint32_t i, uint64_t offset, uint32_t symbol, int64_t addend)
{
	assert_true(i < s->nr_relocs);
	assert_int_equal(s->relocs[i].type, R_X86_64_64);
	assert_int_equal(s->relocs[i].offset, offset);
	assert_int_equal(s->relocs[i].symbol, symbol);
	assert_int_equal(s->relocs[i].addend, addend);
}

TEST(nothing_updated_adds_nothing)
{
	struct fixture f;
	uint32_t n;

	setup(&f, false, false);
	n = f.object->nr_sections;
	run(&f);
	assert_int_equal(f.updates.n, 0);
	assert_int_equal(f.object->nr_sections, n);
	release(&f);
}

TEST(addresses_move_and_numbers_do_not)
{
	const struct object_section *old, *now;
	struct fixture f;
	uint64_t word;

	setup(&f, false, false);
	f.bindings.v[f.id[OBJECT_CLASS]].updated = true;
	f.bindings.v[f.id[OBJECT_SETTING]].updated = true;
	run(&f);
	assert_int_equal(f.remarks.n, 0);
	assert_int_equal(f.updates.n, 2);
	old = &f.object->sections[f.updates.old];
	now = &f.object->sections[f.updates.now];

	assert_int_equal(f.updates.v[0].at, 0);
	assert_int_equal(f.updates.v[0].size, 40);
	assert_int_equal(f.updates.v[0].flags, ELFKIT_UPDATE_CONSTANT);
	assert_int_equal(old->nr_relocs, 1);
	assert_reloc(old, 0, 0, f.anchor, 8);
	memcpy(&word, old->data, 8);
	assert_int_equal(word, 0);
	assert_memory_equal(old->data + 8, theirs + 1, 32);
	assert_int_equal(now->nr_relocs, 1);
	assert_reloc(now, 0, 0, f.padded, 0);
	assert_memory_equal(now->data, ours, 40);

	assert_int_equal(f.updates.v[1].at, 40);
	assert_int_equal(f.updates.v[1].size, 4);
	assert_int_equal(f.updates.v[1].flags, ELFKIT_UPDATE_SETTING);
	assert_memory_equal(old->data + 40, theirs + 5, 4);
	assert_memory_equal(now->data + 40, &setting, 4);
	assert_int_equal(old->size, 44);
	assert_int_equal(now->size, 44);
	release(&f);
}

/* An address of .bss has no bytes in the file, and yet has contents; 16 bytes are no setting. */
TEST(zeros_have_contents_too)
{
	static const uint8_t zeros[16];
	struct fixture f;

	setup(&f, false, false);
	f.bindings.v[f.id[OBJECT_ZERO]].updated = true;
	run(&f);
	assert_int_equal(f.remarks.n, 0);
	assert_int_equal(f.updates.n, 1);
	assert_int_equal(f.updates.v[0].flags, 0);
	assert_memory_equal(f.object->sections[f.updates.old].data, zeros, 16);
	assert_memory_equal(f.object->sections[f.updates.now].data, zeros, 16);
	release(&f);
}

static void assert_refused(struct fixture *f, int object, const char *why)
{
	setup(f, false, false);
	f->bindings.v[f->id[object]].updated = true;
	run(f);
	assert_int_equal(f->updates.n, 0);
	assert_int_equal(f->remarks.n, 1);
	assert_int_equal(f->remarks.v[0].weight, REMARK_REFUSED);
	assert_holds(f->remarks.v[0].what, why);
	release(f);
}

TEST(what_cannot_be_copied_is_refused)
{
	struct fixture f;

	assert_refused(&f, OBJECT_RELATIVE, "a distance from itself");
	assert_refused(&f, OBJECT_NOWHERE, "vmlinux does not have its contents");
}

/* @hold: the function whose address is in the contents. The reason that is given, or NULL. */
static void assert_pad(bool ibt, bool sealed, bool bare, const char *why)
{
	struct fixture f;

	setup(&f, ibt, sealed);
	f.bindings.v[f.id[OBJECT_CLASS]].updated = true;
	f.rewritten.updates_hold[bare ? f.bare : f.padded] = true;
	run(&f);
	assert_int_equal(f.remarks.n, why != NULL);
	if (why) {
		assert_int_equal(f.remarks.v[0].kind, REMARK_SEALED);
		assert_holds(f.remarks.v[0].what, why);
	}
	release(&f);
}

TEST(new_functions_need_landing_pads)
{
	assert_pad(false, false, true, NULL);
	assert_pad(true, false, false, NULL);
	assert_pad(true, false, true, "it has no endbr64");
	assert_pad(true, true, false, "overwrites its endbr64 when the module comes");
	assert_pad(false, true, false, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_updated_adds_nothing),
		cmocka_unit_test(addresses_move_and_numbers_do_not),
		cmocka_unit_test(zeros_have_contents_too),
		cmocka_unit_test(what_cannot_be_copied_is_refused),
		cmocka_unit_test(new_functions_need_landing_pads),
	};

	return RUN(tests);
}
