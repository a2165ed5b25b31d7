// SPDX-License-Identifier: GPL-2.0
/* The boundary of a kernel of a few functions, linked as a kernel is. */
#include "elfkit/boundary.h"
#include "elfkit/declarations.h"
#include "elfkit/sleep.h"
#include "t/unit/scratch.h"

/* Five bytes at the entry that a jump can take the place of. */
#define PRELUDE                                                                                     \
	"#define ROOM __asm__ volatile(\"nop; nop; nop; nop; nop; nop; nop; nop\")\n"              \
	"#define NOINLINE __attribute__((noinline, noclone, noipa))\n"                              \
	"void switch_to(void);\n"                                                                   \
	"extern int nr;\n"

static const char core[] = PRELUDE
	"int nr;\n"
	"static inline int tiny(int x) { return x * 3; }\n"
	"static NOINLINE int insider(int x) { ROOM; return tiny(x) + nr; }\n"
	"int interface(int x) { ROOM; nr += x; return insider(x) + nr; }\n"
	"int exported(int x) { ROOM; nr ^= x; return x; }\n"
	"static NOINLINE int callback(int x) { ROOM; return x - nr; }\n"
	"int (*const ops[])(int) = { callback };\n"
	"static NOINLINE int system_call(int x) { ROOM; return x | nr; }\n"
	"int (*const call_table[])(int) = { system_call };\n"
	"NOINLINE int kept_out(int x) { ROOM; return insider(x) - nr; }\n"
	"NOINLINE int behind_switch(int x) { ROOM; return x + 5 * nr; }\n"
	"NOINLINE void switcher(void) { ROOM; nr++; switch_to(); behind_switch(nr); nr++; }\n"
	"NOINLINE void waits(void) { ROOM; switcher(); nr++; }\n"
	"NOINLINE int below(int x) { ROOM; return x + 3 * nr; }\n"
	"NOINLINE int cramped(int x) { return below(x); }\n"
	"NOINLINE __attribute__((section(\".init.text\"))) int init_only(int x) { ROOM; return x; }\n"
	"NOINLINE __attribute__((section(\".entry.text\"))) int entry_only(int x) { ROOM; return x; }\n"
	"int copied(int x) { ROOM; return x + 2 * nr; }\n"
	"int unreferenced(int x) { ROOM; return x + 9 * nr; }\n"
	"int handed_out(int x) { ROOM; return x - 7 * nr; }\n"
	"#include \"sched.h\"\n"
	"int uses_header(int x) { ROOM; return from_header(x); }\n";

static const char sched_h[] =
	"static inline __attribute__((always_inline)) int from_header(int x) { return x * 5 + nr; }\n";

static const char other[] = PRELUDE
	"int interface(int), exported(int), cramped(int), kept_out(int), copied(int), handed_out(int);\n"
	"int (*chosen)(int);\n"
	"void choose(void) { ROOM; chosen = handed_out; }\n"
	"void waits(void);\n"
	"#include \"../kernel/sched/sched.h\"\n"
	"int outside(int x) { ROOM; waits(); return interface(x) + cramped(x) + kept_out(x) + copied(x) + from_header(x); }\n"
	"__asm__(\".globl switch_to; .type switch_to, @function; switch_to: nop; nop; nop; nop; nop; ret; .size switch_to, . - switch_to\\n\"\n"
	"	\".globl __ksymtab_exported; __ksymtab_exported:\\n\"\n"
	"	\".pushsection .entry.text, \\\"ax\\\"; .globl entry_end; entry_end: nop; .popsection\");\n";

static const char policy_text[] =
	"files: [kernel/sched/core.c, kernel/sched/sched.h]\n"
	"keep_out: [{ function: kept_*, why: for a reason }]\n"
	"switches: [{ function: switch_to, why: it does }, { function: cpu_switch_to, why: elsewhere }]\n"
	"unpatchable: [{ from: entry_only, to: entry_end, why: entry code }]\n"
	"entry_tables: [{ object: call_table, why: calls }]\n";

static struct scratch scratch;
static struct policy *policy;
static struct image *image;
static struct symbols *symbols;
static struct debuginfo *debuginfo;
static struct funcs *funcs;
static struct refs *refs;
static struct boundary *boundary;

static int setup(void **state UNUSED)
{
	struct err *err;

	scratch_init(&scratch);
	scratch_file(&scratch, "kernel/sched/core.c", core);
	scratch_file(&scratch, "kernel/sched/sched.h", sched_h);
	scratch_file(&scratch, "other/other.c", other);
	scratch_compile(&scratch, "kernel/sched/core.c", "core.o", "");
	scratch_compile(&scratch, "other/other.c", "other.o", "");
	scratch_link(&scratch, "core.o other.o");
	err = policy_parse(policy_text, strlen(policy_text), "b.yaml", &policy);
	err = err ?: image_open(scratch.linked, &image);
	err = err ?: debuginfo_open(scratch.linked, policy_wants_unit, policy, &debuginfo);
	if (err)
		return -1;
	symbols = symbols_read(image);
	funcs = funcs_build(image, symbols, debuginfo);
	err = refs_collect(funcs, NULL, &refs);
	return (err ?: boundary_compute(funcs, refs, policy, NULL, &boundary)) != NULL;
}

static int teardown(void **state UNUSED)
{
	boundary_free(boundary);
	refs_free(refs);
	funcs_free(funcs);
	symbols_free(symbols);
	debuginfo_free(debuginfo);
	image_free(image);
	policy_free(policy);
	scratch_release(&scratch);
	return 0;
}

static void check_in(const struct boundary *b, const char *name, enum side side, const char *because)
{
	const struct decision *d = &b->v[func_named(funcs, name)];

	if (d->side != side)
		fail_msg("%s is %s: %s", name, side_names[d->side], d->because ? d->because : "-");
	assert_holds(d->because, because);
}

static void check(const char *name, enum side side, const char *because)
{
	check_in(boundary, name, side, because);
}

TEST(interface_is_called_from_outside)
{
	check("interface", SIDE_INTERFACE, "called from outside at outside+0x");
}

TEST(interface_is_exported)
{
	check("exported", SIDE_INTERFACE, "exported: modules call it");
}

TEST(interface_is_a_system_call)
{
	check("system_call", SIDE_INTERFACE, "a system call: in call_table+0x0");
}

TEST(callback_has_its_address_taken)
{
	check("callback", SIDE_CALLBACK, "its address is in ops+0x0");
}

TEST(callback_has_its_address_taken_in_code)
{
	check("handed_out", SIDE_CALLBACK, "its address is taken at choose+0x");
}

TEST(callback_is_what_nothing_refers_to)
{
	check("unreferenced", SIDE_CALLBACK, "no reference was found");
}

TEST(function_called_by_an_outsider_is_interface)
{
	check("insider", SIDE_INTERFACE, "called from outside at kept_out+0x");
}

TEST(function_called_behind_a_switch_is_interface)
{
	check("behind_switch", SIDE_INTERFACE, "called from outside at switcher+0x");
}

TEST(function_with_a_switch_is_inside)
{
	assert_int_equal(boundary->nr_switches, 1);
	assert_int_equal(boundary->switches[0].func, func_named(funcs, "switcher"));
	assert_int_equal(boundary->switches[0].callee, func_named(funcs, "switch_to"));
	assert_int_equal(boundary->switches[0].resume, boundary->switches[0].call + 5);
	assert_true(flow_has(&boundary->switches[0].after, boundary->switches[0].resume));
	assert_false(flow_has(&boundary->switches[0].after, boundary->switches[0].call));
	assert_true(boundary_is_inside(boundary, func_named(funcs, "switcher")));
}

TEST(outsider_calls_a_function_with_a_switch)
{
	check("waits", SIDE_OUTSIDER, "a task can be parked in it: it calls switcher");
}

TEST(outsider_is_kept_out)
{
	check("kept_out", SIDE_OUTSIDER, "kept out: for a reason");
}

TEST(outsider_is_init_code)
{
	check("init_only", SIDE_INIT, "init code");
}

TEST(outsider_is_unpatchable)
{
	check("entry_only", SIDE_OUTSIDER, "unpatchable: entry code");
}

TEST(outsider_has_no_room_for_its_jump)
{
	check("cramped", SIDE_OUTSIDER, "no room for the jump that it needs: shorter than a jump");
}

TEST(function_called_by_one_without_room_is_interface)
{
	check("below", SIDE_INTERFACE, "called from outside at cramped+0x0");
}

/* The declaration of @name, or NULL; @ret is what it is in. */
static const struct declaration *declaration(const char *name, struct declarations *ret)
{
	static const struct copies none;

	declarations_find(funcs, policy, boundary, &none, ret);
	for (uint32_t i = 0; i < ret->n; i++)
		if (!strcmp(debuginfo->funcs[ret->v[i].source].name, name))
			return &ret->v[i];
	return NULL;
}

TEST(function_that_is_only_inlined_has_no_code)
{
	struct declarations all;

	assert_false(declaration("from_header", &all)->has_code);
	declarations_release(&all);
	assert_false(declaration("tiny", &all)->has_code);
	declarations_release(&all);
}

TEST(function_whose_code_is_inside_is_modifiable)
{
	struct declarations all;
	const struct declaration *d = declaration("callback", &all);

	assert_true(d->has_code);
	assert_true(d->modifiable);
	assert_string_equal(d->because, "all of its code is inside");
	declarations_release(&all);
}

TEST(function_that_stays_the_kernels_is_not_modifiable)
{
	struct declarations all;
	const struct declaration *d = declaration("cramped", &all);

	assert_false(d->modifiable);
	assert_non_null(strstr(d->because, "cramped stays the kernel's: no room"));
	declarations_release(&all);
}

TEST(copy_in_another_unit_is_not_modifiable)
{
	struct copy copy = { (char *)"callback", (char *)"stranger", (char *)"fs/proc.c", 1 };
	struct copies copies = { .v = &copy, .n = 1 };
	struct declarations all;

	declarations_find(funcs, policy, boundary, &copies, &all);
	for (uint32_t i = 0; i < all.n; i++)
		if (!strcmp(debuginfo->funcs[all.v[i].source].name, "callback")) {
			assert_false(all.v[i].modifiable);
			assert_string_equal(all.v[i].because, "inlined into stranger of fs/proc.c");
		}
	declarations_release(&all);
}

TEST(copies_in_other_units_are_found)
{
	struct copies copies;
	const struct copy *copy;

	assert_success(copies_find(debuginfo, policy, &copies));
	copy = copies_of(&copies, "from_header");
	assert_non_null(copy);
	assert_string_equal(copy->host, "outside");
	assert_string_equal(copy->unit, "other/other.c");
	assert_null(copies_of(&copies, "tiny"));
	copies_release(&copies);
}

TEST(nothing_outside_reaches_an_insider)
{
	assert_int_equal(boundary->nr_closure, 0);
}

TEST(way_to_the_switch_is_a_shortest_one)
{
	struct sleep sleep;
	char *path;

	sleep_compute(funcs, refs, policy, boundary, &sleep);
	for (uint32_t i = 0; i < boundary->nr_switches; i++) {
		path = sleep_path(&sleep, funcs, boundary->switches[i].func);
		assert_string_equal(path, funcs->v[boundary->switches[i].callee].name);
		free(path);
	}
	path = sleep_path(&sleep, funcs, func_named(funcs, "outside"));
	free(path);
	sleep_release(&sleep);
}

TEST(functions_of_other_files_are_nothing)
{
	assert_int_equal(boundary->v[func_named(funcs, "outside")].side, SIDE_NONE);
	assert_null(boundary->v[func_named(funcs, "outside")].because);
	assert_int_equal(boundary->v[func_named(funcs, "switch_to")].side, SIDE_NONE);
}

TEST(jumps_are_written_at_the_entry)
{
	for (uint32_t i = 0; i < boundary->n; i++) {
		const struct decision *d = &boundary->v[i];

		if (d->side == SIDE_INTERFACE || d->side == SIDE_CALLBACK)
			assert_int_equal(d->site, funcs->v[i].low);
	}
}

TEST(counts_add_up)
{
	uint32_t sum = 0;

	for (int side = 0; side < NR_SIDES; side++)
		sum += boundary->counts[side];
	assert_int_equal(sum, funcs->n);
}

TEST(function_without_a_new_body_is_left_out)
{
	bool *has_body = xcalloc(funcs->n, sizeof(*has_body));
	struct boundary *b;

	memset(has_body, true, funcs->n * sizeof(*has_body));
	has_body[func_named(funcs, "callback")] = false;
	assert_success(boundary_compute(funcs, refs, policy, has_body, &b));
	check_in(b, "callback", SIDE_OUTSIDER, "not in the new objects");
	check_in(b, "interface", SIDE_INTERFACE, "called from outside");
	boundary_free(b);
	free(has_body);
}

/* The same kernel where nobody outside calls `insider`: kept_out has no rule any more. */
TEST(insider_is_only_called_from_inside)
{
	static const char text[] = "files: [kernel/sched/core.c]\n";
	struct policy *plain;
	struct boundary *b;

	assert_success(policy_parse(text, strlen(text), "b.yaml", &plain));
	assert_success(boundary_compute(funcs, refs, plain, NULL, &b));
	check_in(b, "insider", SIDE_INSIDER, "only called from inside, first at ");
	check_in(b, "system_call", SIDE_CALLBACK, "its address is in call_table+0x0");
	assert_int_equal(b->v[func_named(funcs, "insider")].site, 0);
	assert_int_equal(b->nr_switches, 0);
	boundary_free(b);
	policy_free(plain);
}

/* A copy of @copied in a function that stays the kernel's would not change with it. */
static uint32_t code_of(uint32_t func)
{
	for (uint32_t c = 0; c < debuginfo->nr_codes; c++)
		if (debuginfo->codes[c].ranges[0].low == funcs->v[func].low)
			return c;
	return NO_ID;
}

TEST(outsider_is_inlined_into_an_outsider)
{
	uint32_t copied = func_named(funcs, "copied"), host = func_named(funcs, "kept_out");
	struct debug_inline copy = { funcs->v[copied].source, code_of(host) };
	struct debug_inline *kept = debuginfo->inlines;
	uint32_t nr_kept = debuginfo->nr_inlines;
	struct boundary *b;

	check("copied", SIDE_INTERFACE, "called from outside");
	debuginfo->inlines = &copy;
	debuginfo->nr_inlines = 1;
	assert_success(boundary_compute(funcs, refs, policy, NULL, &b));
	debuginfo->inlines = kept;
	debuginfo->nr_inlines = nr_kept;
	check_in(b, "copied", SIDE_OUTSIDER, "inlined into kept_out, which stays the kernel's");
	boundary_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interface_is_called_from_outside),
		cmocka_unit_test(interface_is_exported),
		cmocka_unit_test(interface_is_a_system_call),
		cmocka_unit_test(callback_has_its_address_taken),
		cmocka_unit_test(callback_has_its_address_taken_in_code),
		cmocka_unit_test(callback_is_what_nothing_refers_to),
		cmocka_unit_test(function_called_by_an_outsider_is_interface),
		cmocka_unit_test(function_called_behind_a_switch_is_interface),
		cmocka_unit_test(function_with_a_switch_is_inside),
		cmocka_unit_test(outsider_calls_a_function_with_a_switch),
		cmocka_unit_test(outsider_is_kept_out),
		cmocka_unit_test(outsider_is_init_code),
		cmocka_unit_test(outsider_is_unpatchable),
		cmocka_unit_test(outsider_has_no_room_for_its_jump),
		cmocka_unit_test(function_called_by_one_without_room_is_interface),
		cmocka_unit_test(function_that_is_only_inlined_has_no_code),
		cmocka_unit_test(function_whose_code_is_inside_is_modifiable),
		cmocka_unit_test(function_that_stays_the_kernels_is_not_modifiable),
		cmocka_unit_test(copy_in_another_unit_is_not_modifiable),
		cmocka_unit_test(copies_in_other_units_are_found),
		cmocka_unit_test(nothing_outside_reaches_an_insider),
		cmocka_unit_test(way_to_the_switch_is_a_shortest_one),
		cmocka_unit_test(functions_of_other_files_are_nothing),
		cmocka_unit_test(jumps_are_written_at_the_entry),
		cmocka_unit_test(counts_add_up),
		cmocka_unit_test(function_without_a_new_body_is_left_out),
		cmocka_unit_test(insider_is_only_called_from_inside),
		cmocka_unit_test(outsider_is_inlined_into_an_outsider),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
