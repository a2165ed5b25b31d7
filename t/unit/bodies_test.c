// SPDX-License-Identifier: GPL-2.0
/* Which places of a body a kernel may rewrite, from tables as the kernel's linker script makes them. */
#include "relink/bodies.h"
#include "t/unit/elf_builder.h"

#define TEXT	0xffffffff81000000ULL
#define TABLES	(TEXT + 0x1000)

static const uint8_t code[] = {
	0xe8, 0, 0, 0, 0,				/* 00 call __fentry__ */
	0xf0, 0xff, 0x07,				/* 05 lock incl (%rdi) */
	0x66, 0x90,					/* 08 a short jump label */
	0xe9, 0x21, 0, 0, 0,				/* 0a a long one */
	0x48, 0xc7, 0xc0, 0x10, 0, 0, 0x81,		/* 0f mov $TEXT+0x10, %rax */
	0xe8, 1, 0, 0, 0,				/* 16 call of a retpoline */
	0xe8, 2, 0, 0, 0,				/* 1b call */
	0x65, 0x8b, 0x05, 0x19, 0, 0, 0x7f,		/* 20 mov %gs:0x40(%rip), %eax */
	0xe9, 3, 0, 0, 0,				/* 27 jmp __x86_return_thunk */
	0xcc, 0xcc, 0xcc, 0xcc, 0xc3,			/* 2c */
};

static struct {
	int32_t lock, retpoline, ret, calls[2];
	int32_t unused;
	struct { int32_t code, target; int64_t key; } jumps[2];
	uint64_t entry;
} tables;

static struct elf_builder elf;
static struct kernel kernel;

/* The distance from a word of the tables to offset @to of the code. */
static int32_t distance(const int32_t *word, uint64_t to)
{
	return (int32_t)(TEXT + to - (TABLES + (uint64_t)((const char *)word - (const char *)&tables)));
}

static void table(const char *start, const char *stop, uint16_t section, const void *from, size_t size)
{
	uint64_t at = TABLES + (uint64_t)((const char *)from - (const char *)&tables);

	elf_symbol(&elf, start, STT_NOTYPE, STB_GLOBAL, section, at, 0);
	elf_symbol(&elf, stop, STT_NOTYPE, STB_GLOBAL, section, at + size, 0);
}

static int setup(void **state UNUSED)
{
	static const uint8_t percpu[0x100];
	uint16_t s;

	tables.lock = distance(&tables.lock, 0x05);
	tables.retpoline = distance(&tables.retpoline, 0x16);
	tables.ret = distance(&tables.ret, 0x27);
	tables.calls[0] = distance(&tables.calls[0], 0x16);
	tables.calls[1] = distance(&tables.calls[1], 0x1b);
	tables.jumps[0].code = distance(&tables.jumps[0].code, 0x08);
	tables.jumps[0].target = distance(&tables.jumps[0].target, 0x30);
	tables.jumps[1].code = distance(&tables.jumps[1].code, 0x0a);
	tables.jumps[1].target = distance(&tables.jumps[1].target, 0x30);
	tables.entry = TEXT;
	elf_init(&elf, ET_EXEC);
	elf_section(&elf, ".data..percpu", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0, percpu, sizeof(percpu));
	elf_section(&elf, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TEXT, code, sizeof(code));
	s = elf_section(&elf, ".tables", SHT_PROGBITS, SHF_ALLOC, TABLES, &tables, sizeof(tables));
	table("__smp_locks", "__smp_locks_end", s, &tables.lock, 4);
	table("__retpoline_sites", "__retpoline_sites_end", s, &tables.retpoline, 4);
	table("__return_sites", "__return_sites_end", s, &tables.ret, 4);
	table("__call_sites", "__call_sites_end", s, tables.calls, sizeof(tables.calls));
	table("__start___jump_table", "__stop___jump_table", s, tables.jumps, sizeof(tables.jumps));
	table("__start_mcount_loc", "__stop_mcount_loc", s, &tables.entry, sizeof(tables.entry));
	elf_build(&elf);
	if (image_open(elf_save(&elf), &kernel.image))
		return -1;
	kernel.symbols = symbols_read(kernel.image);
	return 0;
}

static int teardown(void **state UNUSED)
{
	symbols_free(kernel.symbols);
	image_free(kernel.image);
	elf_release(&elf);
	return 0;
}

TEST(every_table_makes_its_holes)
{
	static const struct elfkit_hole want[] = {
		{ 0x05, 1, ELFKIT_HOLE_LOCK, 0 },
		{ 0x08, 2, ELFKIT_HOLE_JUMP_LABEL, 0 },
		{ 0x0a, 5, ELFKIT_HOLE_JUMP_LABEL, 0 },
		{ 0x12, 4, ELFKIT_HOLE_ADDRESS, 0 },
		{ 0x16, 5, ELFKIT_HOLE_ANY, 0 },	/* in two tables */
		{ 0x1b, 5, ELFKIT_HOLE_CALL, 0 },
		{ 0x23, 4, ELFKIT_HOLE_PERCPU, 0 },
		{ 0x27, 5, ELFKIT_HOLE_RETURN, 0 },
	};
	struct bodies b;

	assert_success(bodies_open(&kernel, &b));
	assert_success(bodies_add(&b, TEXT, TEXT + sizeof(code)));
	assert_int_equal(b.size, sizeof(code));
	assert_int_equal(b.nr_holes, sizeof(want) / sizeof(want[0]));
	for (uint32_t i = 0; i < b.nr_holes; i++) {
		assert_int_equal(b.holes[i].at, want[i].at);
		assert_int_equal(b.holes[i].size, want[i].size);
		assert_int_equal(b.holes[i].kind, want[i].kind);
	}
	bodies_release(&b);
}

TEST(entries_are_nops_and_labels_are_jumps)
{
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x44, 0, 0 }, jumps[] = { 0xeb, 0x26, 0xe9, 0x21, 0, 0, 0 };
	struct bodies b;

	assert_success(bodies_open(&kernel, &b));
	assert_success(bodies_add(&b, TEXT, TEXT + sizeof(code)));
	assert_memory_equal(b.bytes, nop, sizeof(nop));
	assert_memory_equal(b.bytes + 0x08, jumps, sizeof(jumps));
	assert_memory_equal(b.bytes + 0x0f, code + 0x0f, sizeof(code) - 0x0f);
	bodies_release(&b);
}

TEST(ranges_follow_each_other)
{
	struct bodies b;

	assert_success(bodies_open(&kernel, &b));
	assert_success(bodies_add(&b, TEXT + 0x1b, TEXT + 0x20));
	assert_success(bodies_add(&b, TEXT + 0x05, TEXT + 0x08));
	assert_int_equal(b.size, 8);
	assert_int_equal(b.nr_holes, 2);
	assert_int_equal(b.holes[1].at, 5);
	assert_int_equal(b.holes[1].kind, ELFKIT_HOLE_LOCK);
	bodies_release(&b);
}

TEST(a_place_that_leaves_its_range_is_an_error)
{
	struct bodies b;

	assert_success(bodies_open(&kernel, &b));
	assert_error(bodies_add(&b, TEXT + 0x1b, TEXT + 0x1d), "a table of places to be patched has 5 bytes at");
	assert_error(bodies_add(&b, TEXT + 0x1b, TEXT + 0x1000), "no bytes from");
	bodies_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_table_makes_its_holes),
		cmocka_unit_test(entries_are_nops_and_labels_are_jumps),
		cmocka_unit_test(ranges_follow_each_other),
		cmocka_unit_test(a_place_that_leaves_its_range_is_an_error),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
