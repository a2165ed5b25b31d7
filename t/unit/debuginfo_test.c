// SPDX-License-Identifier: GPL-2.0
/* What is read from the DWARF of a small object and of the image linked from it. */
#include "elfkit/debuginfo.h"
#include "t/unit/scratch.h"

static const char header[] =
	"static inline __attribute__((always_inline)) int tiny(int x)\n"
	"{\n"
	"	static int calls;\n"
	"	return x * 3 + ++calls;\n"
	"}\n";

static const char source[] =
	"#include \"./../sched/tiny.h\"\n"
	"void log_bad(int x) __attribute__((cold, noinline));\n"
	"void fail(void) __attribute__((cold, noinline, noreturn));\n"
	"int total;\n"
	"static __attribute__((noinline)) int cloned(int x, int step)\n"
	"{\n"
	"	total += x * step;\n"
	"	return total;\n"
	"}\n"
	"int parted(int x)\n"
	"{\n"
	"	static int count;\n"
	"	count += x;\n"
	"	if (x < 0) {\n"
	"		log_bad(x);\n"
	"		log_bad(count);\n"
	"		fail();\n"
	"	}\n"
	"	return cloned(x, 7) + cloned(count, 7);\n"
	"}\n"
	"int first_host(int x) { return tiny(x) + tiny(x + 1); }\n"
	"int second_host(int x) { static int count; return tiny(x) + count++; }\n"
	"int framed(int (*f)(int), int x) { return f(x) + f(x + 1); }\n"
	"void log_bad(int x) { total = x; }\n"
	"void fail(void) { for (;;) ; }\n";

static struct scratch scratch;
static struct debuginfo *object, *image;

static bool want_all(const char *unit UNUSED, void *arg UNUSED)
{
	return true;
}

static int setup(void **state UNUSED)
{
	scratch_init(&scratch);
	scratch_file(&scratch, "kernel/sched/tiny.h", header);
	scratch_file(&scratch, "kernel/sched/core.c", source);
	scratch_compile(&scratch, "./kernel/../kernel/sched/core.c", "out.o",
			"-fno-omit-frame-pointer -fno-schedule-insns2");
	scratch_link(&scratch, "out.o");
	return debuginfo_open(scratch.object, want_all, NULL, &object) ||
	       debuginfo_open(scratch.linked, want_all, NULL, &image);
}

static int teardown(void **state UNUSED)
{
	debuginfo_free(object);
	debuginfo_free(image);
	scratch_release(&scratch);
	return 0;
}

static uint32_t find_func(const struct debuginfo *info, const char *name)
{
	uint32_t found = UINT32_MAX;

	for (uint32_t i = 0; i < info->nr_funcs; i++)
		if (!strcmp(info->funcs[i].name, name)) {
			assert_int_equal(found, UINT32_MAX);
			found = i;
		}
	if (found == UINT32_MAX)
		fail_msg("no function %s", name);
	return found;
}

static const struct debug_code *find_code(const struct debuginfo *info, const char *name)
{
	uint32_t func = find_func(info, name);

	for (uint32_t i = 0; i < info->nr_codes; i++)
		if (info->codes[i].func == func)
			return &info->codes[i];
	fail_msg("no code of %s", name);
	return NULL;
}

static uint64_t symbol_value(const char *name)
{
	struct image *elf;
	struct symbols *symbols;
	uint64_t value;

	assert_success(image_open(scratch.linked, &elf));
	symbols = symbols_read(elf);
	value = address_of(symbols, name);
	symbols_free(symbols);
	image_free(elf);
	return value;
}

TEST(functions_have_their_declared_place)
{
	const struct debug_func *f = &object->funcs[find_func(object, "parted")];

	assert_string_equal(f->file, "kernel/sched/core.c");
	assert_int_equal(f->line, 10);
	assert_true(f->has_code);
	f = &object->funcs[find_func(object, "tiny")];
	assert_string_equal(f->file, "kernel/sched/tiny.h");
	assert_int_equal(f->line, 1);
}

TEST(unit_names_are_normalised)
{
	assert_int_equal(object->nr_units, 1);
	assert_string_equal(object->units[0], "kernel/sched/core.c");
}

static bool want_none(const char *unit, void *seen)
{
	*(bool *)seen |= !strcmp(unit, "kernel/sched/core.c");
	return false;
}

TEST(only_wanted_units_are_read)
{
	struct debuginfo *none;
	bool seen = false;

	assert_success(debuginfo_open(scratch.object, want_none, &seen, &none));
	assert_true(seen);
	assert_int_equal(none->nr_units + none->nr_funcs + none->nr_vars, 0);
	debuginfo_free(none);
}

TEST(function_that_is_inlined_everywhere_has_no_code)
{
	assert_false(object->funcs[find_func(object, "tiny")].has_code);
}

TEST(inlined_copies_have_their_host_once)
{
	uint32_t tiny = find_func(object, "tiny"), hosts = 0;

	for (uint32_t i = 0; i < object->nr_inlines; i++) {
		const char *host = object->funcs[object->codes[object->inlines[i].host].func].name;

		if (object->inlines[i].callee != tiny)
			continue;
		assert_true(!strcmp(host, "first_host") || !strcmp(host, "second_host"));
		hosts++;
	}
	assert_int_equal(hosts, 2);
}

/* Counts the variables @name that are static in @func; NULL for none. */
static uint32_t count_vars(const struct debuginfo *info, const char *name, const char *func)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < info->nr_vars; i++) {
		const struct debug_var *v = &info->vars[i];

		if (!strcmp(v->name, name) && (func ? v->func != UINT32_MAX &&
		    !strcmp(info->funcs[v->func].name, func) : v->func == UINT32_MAX))
			n++;
	}
	return n;
}

TEST(static_variables_belong_to_their_function)
{
	assert_int_equal(count_vars(object, "count", "parted"), 1);
	assert_int_equal(count_vars(object, "count", "second_host"), 1);
	assert_int_equal(count_vars(object, "count", NULL), 0);
	assert_int_equal(count_vars(object, "total", NULL), 1);
}

TEST(static_variable_of_an_inlined_function_is_there_once)
{
	assert_int_equal(count_vars(object, "calls", "tiny"), 1);
	assert_int_equal(count_vars(object, "calls", "first_host"), 0);
}

TEST(variables_of_an_image_have_their_address)
{
	for (uint32_t i = 0; i < image->nr_vars; i++)
		if (!strcmp(image->vars[i].name, "total")) {
			assert_int_equal(image->vars[i].addr, symbol_value("total"));
			assert_int_equal(image->vars[i].section, 0);
		}
	assert_int_equal(count_vars(image, "total", NULL), 1);
}

TEST(cold_part_is_a_range_behind_the_entry)
{
	const struct debug_code *code = find_code(image, "parted");

	assert_int_equal(code->nr_ranges, 2);
	assert_int_equal(code->ranges[0].low, symbol_value("parted"));
	assert_int_equal(code->ranges[1].low, symbol_value("parted.cold"));
}

TEST(ranges_of_an_object_count_from_their_sections)
{
	const struct debug_code *code = find_code(object, "parted"), *linked = find_code(image, "parted");

	assert_int_equal(code->nr_ranges, 2);
	assert_int_not_equal(code->ranges[0].section, 0);
	assert_int_not_equal(code->ranges[0].section, code->ranges[1].section);
	for (int i = 0; i < 2; i++) {
		assert_true(code->ranges[i].low < 0x1000);
		assert_int_equal(code->ranges[i].high - code->ranges[i].low,
				 linked->ranges[i].high - linked->ranges[i].low);
	}
}

TEST(clone_belongs_to_its_source_function)
{
	const struct debug_code *code = find_code(image, "cloned");

	assert_int_equal(code->ranges[0].low, symbol_value("cloned.constprop.0"));
}

/* push %rbp; mov %rsp,%rbp: one byte, then three */
static void check_rows(const struct debuginfo *info)
{
	const struct debug_range *r = &find_code(info, "framed")->ranges[0];
	struct cfi_row row;

	assert_success(debuginfo_cfi(info, r->section, r->low, &row));
	assert_true(row.cfa_known && row.cfa_reg == 7 && row.cfa_offset == 8);
	assert_int_equal(row.rule[6], CFI_SAME);
	assert_int_equal(row.rule[3], CFI_SAME);
	assert_int_equal(row.rule[16], CFI_SAVED);
	assert_int_equal(row.offset[16], -8);
	assert_success(debuginfo_cfi(info, r->section, r->low + 1, &row));
	assert_true(row.cfa_known && row.cfa_reg == 7 && row.cfa_offset == 16);
	assert_int_equal(row.rule[6], CFI_SAVED);
	assert_int_equal(row.offset[6], -16);
	assert_success(debuginfo_cfi(info, r->section, r->low + 4, &row));
	assert_true(row.cfa_known && row.cfa_reg == 6 && row.cfa_offset == 16);
}

TEST(rows_of_an_image_follow_the_prologue)
{
	check_rows(image);
}

TEST(rows_of_an_object_follow_the_prologue)
{
	check_rows(object);
}

TEST(address_without_a_row_is_an_error)
{
	struct cfi_row row;

	assert_error(debuginfo_cfi(image, 0, 0x1000, &row), "no call frame information");
	assert_error(debuginfo_cfi(object, 9999, 0, &row), "no section 9999");
}

TEST(files_without_dwarf_are_an_error)
{
	struct debuginfo *info;

	run_command("strip -g -o %s/stripped %s", scratch.dir, scratch.linked);
	run_command("echo text > %s/text", scratch.dir);
	AUTO_FREE char *stripped = xasprintf("%s/stripped", scratch.dir);
	AUTO_FREE char *text = xasprintf("%s/text", scratch.dir);

	assert_error(debuginfo_open(stripped, want_all, NULL, &info), "/stripped: no DWARF");
	assert_error(debuginfo_open(text, want_all, NULL, &info), "/text: ");
	assert_error(debuginfo_open("/nonexistent/x", want_all, NULL, &info), "/nonexistent/x: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_have_their_declared_place),
		cmocka_unit_test(unit_names_are_normalised),
		cmocka_unit_test(only_wanted_units_are_read),
		cmocka_unit_test(function_that_is_inlined_everywhere_has_no_code),
		cmocka_unit_test(inlined_copies_have_their_host_once),
		cmocka_unit_test(static_variables_belong_to_their_function),
		cmocka_unit_test(static_variable_of_an_inlined_function_is_there_once),
		cmocka_unit_test(variables_of_an_image_have_their_address),
		cmocka_unit_test(cold_part_is_a_range_behind_the_entry),
		cmocka_unit_test(ranges_of_an_object_count_from_their_sections),
		cmocka_unit_test(clone_belongs_to_its_source_function),
		cmocka_unit_test(rows_of_an_image_follow_the_prologue),
		cmocka_unit_test(rows_of_an_object_follow_the_prologue),
		cmocka_unit_test(address_without_a_row_is_an_error),
		cmocka_unit_test(files_without_dwarf_are_an_error),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
