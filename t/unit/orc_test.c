// SPDX-License-Identifier: GPL-2.0
/* Unwind entries copied from places of the same kind, in a format made up here. */
#include "relink/orc.h"
#include "t/unit/scratch.h"

/* An entry of three bytes at this place. */
#define ORC(bytes)                                                                                   \
	"777: .pushsection .orc_unwind, \"a\"; .byte " bytes "; .popsection\n"                        \
	".pushsection .orc_unwind_ip, \"a\"; .long 777b - .; .popsection\n"

/* At the entry the CFA is %rsp + 8; behind the push %rsp + 16, with %rbp saved. */
#define PUSHES(name, at_entry, behind_push)                                                          \
	FUNC(name, ".cfi_startproc\n" ORC(at_entry) "push %rbp\n .cfi_def_cfa_offset 16\n"            \
	     ".cfi_offset %rbp, -16\n" ORC(behind_push) "mov %rsp, %rbp; nop; pop %rbp; ret\n .cfi_endproc\n")

#define THREE PUSHES("a", "1, 2, 3", "4, 5, 6") PUSHES("b", "1, 2, 3", "4, 5, 6") PUSHES("c", "1, 2, 3", "4, 5, 6")

enum { RBP = 6, RSP = 7 };

static const struct unwind_row at_entry = { .offset = 7, .cfa_reg = RSP, .cfa_offset = 8 };
static const struct unwind_row behind_push = {
	.offset = 8, .cfa_reg = RSP, .cfa_offset = 16, .fp_saved = true, .fp_offset = -16,
};
static const struct unwind_row as_call = { .as_call = true };

struct made {
	struct scratch scratch;
	struct object *object;
	struct debuginfo *info;
	uint32_t ips, entries, adapter;
};

static bool want_all(const char *unit UNUSED, void *arg UNUSED)
{
	return true;
}

static uint32_t section(const struct object *object, const char *name)
{
	for (uint32_t i = 1; i < object->nr_sections; i++)
		if (!strcmp(object->sections[i].name, name))
			return i;
	return 0;
}

static void made_init(struct made *m, const char *assembly)
{
	AUTO_FREE char *text = xasprintf(".cfi_sections .debug_frame\n.text\n%s", assembly);

	memset(m, 0, sizeof(*m));
	scratch_init(&m->scratch);
	scratch_file(&m->scratch, "code.s", text);
	run_command("cd %s && as -g -o out.o code.s", m->scratch.dir);
	assert_success(object_read(m->scratch.object, &m->object));
	assert_success(debuginfo_open(m->scratch.object, want_all, NULL, &m->info));
	m->ips = section(m->object, ".orc_unwind_ip");
	m->entries = section(m->object, ".orc_unwind");
	m->adapter = object_add_section(m->object, ".text.adapter", SHF_ALLOC | SHF_EXECINSTR, 16, xcalloc(64, 1), 64);
}

static void made_release(struct made *m)
{
	debuginfo_free(m->info);
	object_free(m->object);
	scratch_release(&m->scratch);
}

/* With the call at @call of .text and the adapter 16 bytes into its section. */
static struct err *add(struct made *m, uint64_t call, struct unwind_row row)
{
	const struct orc_code code = { m->adapter, 16, section(m->object, ".text"), call };
	struct unwind_rows rows = { .n = 1 };

	rows.v[0] = row;
	return orc_add(m->object, m->info, machine_of(EM_X86_64), &code, &rows);
}

/* The last entry has these bytes and begins at @offset of the adapter's section. */
static void assert_added(const struct made *m, const char *bytes, uint32_t nr_before, uint64_t offset)
{
	const struct object_section *entries = &m->object->sections[m->entries], *ips = &m->object->sections[m->ips];
	const struct object_reloc *r = &ips->relocs[ips->nr_relocs - 1];

	assert_int_equal(entries->size, (nr_before + 1) * 3);
	assert_int_equal(ips->size, (nr_before + 1) * 4);
	assert_memory_equal(entries->data + nr_before * 3, bytes, 3);
	assert_int_equal(r->offset, nr_before * 4);
	assert_int_equal(r->type, R_X86_64_PC32);
	assert_int_equal(m->object->symbols[r->symbol].section, m->adapter);
	assert_int_equal(r->addend, offset);
}

TEST(entry_of_the_same_kind_of_frame_is_copied)
{
	struct made m;

	made_init(&m, THREE);
	assert_success(add(&m, 0, at_entry));
	assert_added(&m, "\1\2\3", 6, 16 + 7);
	assert_success(add(&m, 0, behind_push));
	assert_added(&m, "\4\5\6", 7, 16 + 8);
	made_release(&m);
}

TEST(entry_of_the_call_is_the_nearest_before_it)
{
	struct made m;

	made_init(&m, THREE);
	assert_success(add(&m, 0, as_call));
	assert_added(&m, "\1\2\3", 6, 16);
	assert_success(add(&m, 4, as_call));
	assert_added(&m, "\4\5\6", 7, 16);
	made_release(&m);
}

TEST(kind_of_frame_without_enough_examples_is_refused)
{
	struct unwind_row far = at_entry;
	struct made m;

	far.cfa_offset = 24;
	made_init(&m, THREE);
	assert_error(add(&m, 0, far), "no example of a frame at %rsp + 24");
	made_release(&m);
	made_init(&m, PUSHES("a", "1, 2, 3", "4, 5, 6") PUSHES("b", "1, 2, 3", "4, 5, 6"));
	assert_error(add(&m, 0, at_entry), "no example of a frame at %rsp + 8");
	made_release(&m);
}

TEST(examples_that_differ_are_refused)
{
	struct made m;

	made_init(&m, THREE PUSHES("d", "1, 2, 3", "4, 5, 6"));
	m.object->sections[m.entries].data[2 * 3] ^= 1;
	assert_error(add(&m, 0, at_entry), "two ways to say where the frame is");
	made_release(&m);
}

TEST(object_without_unwind_data_gets_none)
{
	uint32_t nr;
	struct made m;

	made_init(&m, FUNC("a", ".cfi_startproc\n ret\n .cfi_endproc\n"));
	nr = m.object->nr_sections;
	assert_success(add(&m, 0, at_entry));
	assert_int_equal(m.object->nr_sections, nr);
	made_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_of_the_same_kind_of_frame_is_copied),
		cmocka_unit_test(entry_of_the_call_is_the_nearest_before_it),
		cmocka_unit_test(kind_of_frame_without_enough_examples_is_refused),
		cmocka_unit_test(examples_that_differ_are_refused),
		cmocka_unit_test(object_without_unwind_data_gets_none),
	};

	return RUN(tests);
}
