// SPDX-License-Identifier: GPL-2.0
/* The variables of a small scheduler and who uses them. */
#include "elfkit/crosscheck.h"
#include "elfkit/sharing.h"
#include "t/unit/scratch.h"

#define PRELUDE                                                                                     \
	"#define ROOM __asm__ volatile(\"nop; nop; nop; nop; nop; nop; nop; nop\")\n"              \
	"#define NOINLINE __attribute__((noinline, noclone, noipa))\n"                              \
	"#define PERCPU __attribute__((section(\".percpu\")))\n"

static const char core[] = PRELUDE
	"int called_by_all, mine, pointed_at, never, exported, key, by_init;\n"
	"static int hidden = 4;\n"
	"const int table[4] = { 1, 2, 3, 4 };\n"
	"PERCPU long cpu_own = 1;\n"
	"PERCPU long cpu_shared[8] = { 1 };\n"
	"PERCPU __attribute__((used)) static long cpu_hidden[2] = { 1 };\n"
	"__attribute__((section(\".init.data\"))) int at_boot = 1;\n"
	"__attribute__((section(\".once\"))) char passed = 1;\n"
	"NOINLINE int inside(int x) {\n"
	"	static int counter = 3;\n"
	"	ROOM; mine += x; called_by_all += counter++; passed = 1;\n"
	"	__asm__ volatile(\"incq %%gs:cpu_own; incq %%gs:cpu_hidden\" ::: \"memory\");\n"
	"	return table[x & 3] + hidden++; }\n"
	"NOINLINE int twice(int x) { ROOM; return inside(x) + inside(x + 1); }\n"
	"int *take(void) { ROOM; return &pointed_at; }\n"
	"__attribute__((section(\".init.text\"))) int init(void) { ROOM; return by_init++; }\n";

static const char other[] = PRELUDE
	"extern int called_by_all; extern long cpu_shared[];\n"
	"int inside(int);\n"
	"int outside(void) { ROOM; called_by_all++; return inside(2); }\n"
	/* per_cpu_ptr() hides from the compiler what it adds to (include/linux/compiler.h, RELOC_HIDE) */
	"long reads_percpu(long cpu) { extern long offsets[]; long p = (long)cpu_shared; ROOM; __asm__(\"\" : \"+r\"(p));\n"
	"	return *(long *)(p + offsets[cpu]); }\n"
	"long numbers(long x) { ROOM; return (x & 0x20000) + (x & 0x20048); }\n"
	"long offsets[4];\n"
	"extern int pointed_at; int *const pointer = &pointed_at;\n"
	"long number = 0x20000;\n"
	"long keyed(void) { ROOM; __asm__ volatile(\"1: nop\\n\"\n"
	"	\".pushsection __jump_table, \\\"aw\\\"; .balign 8; .long 1b - ., 0; .quad key - .; .popsection\"); return 1; }\n";

static const char start[] =
	"__asm__(\".pushsection __jump_table, \\\"aw\\\"; .globl __start___jump_table; __start___jump_table: .popsection\\n\"\n"
	"	\".pushsection .percpu, \\\"aw\\\"; .globl __per_cpu_start; __per_cpu_start: .popsection\\n\"\n"
	"	\".pushsection .once, \\\"aw\\\"; .globl __start_once; __start_once: .popsection\\n\");\n";

static const char end[] =
	"__asm__(\".globl __ksymtab_exported; __ksymtab_exported:\\n\"\n"
	"	\".pushsection __jump_table, \\\"aw\\\"; .globl __stop___jump_table; __stop___jump_table: .popsection\\n\"\n"
	"	\".pushsection .percpu, \\\"aw\\\"; .globl __per_cpu_end; __per_cpu_end: .popsection\\n\"\n"
	"	\".pushsection .once, \\\"aw\\\"; .globl __end_once; __end_once: .popsection\\n\");\n";

static struct scratch scratch;
static struct policy *policy;
static struct image *image;
static struct symbols *symbols;
static struct debuginfo *debuginfo;
static struct funcs *funcs;
static struct variables *variables;
static struct refs *refs;
static struct boundary *boundary;
static struct sharing sharing;

static int setup(void **state UNUSED)
{
	static const char text[] = "files: [kernel/sched/core.c]\n";
	struct err *err;

	scratch_init(&scratch);
	scratch_file(&scratch, "kernel/sched/core.c", core);
	scratch_file(&scratch, "other/other.c", other);
	scratch_file(&scratch, "start.c", start);
	scratch_file(&scratch, "end.c", end);
	scratch_compile(&scratch, "kernel/sched/core.c", "core.o", "");
	scratch_compile(&scratch, "other/other.c", "other.o", "");
	scratch_compile(&scratch, "start.c", "start.o", "");
	scratch_compile(&scratch, "end.c", "end.o", "");
	run_command("cd %s && " LINK " --emit-relocs --section-start=.percpu=0x20000 -o vmlinux start.o core.o other.o end.o",
		    scratch.dir);
	err = policy_parse(text, strlen(text), "b.yaml", &policy);
	err = err ?: image_open(scratch.linked, &image);
	err = err ?: debuginfo_open(scratch.linked, policy_wants_unit, policy, &debuginfo);
	if (err)
		return -1;
	symbols = symbols_read(image);
	funcs = funcs_build(image, symbols, debuginfo);
	variables = variables_find(image, symbols, debuginfo, policy);
	err = refs_collect(funcs, variables, &refs);
	err = err ?: boundary_compute(funcs, refs, policy, NULL, &boundary);
	if (err)
		return -1;
	sharing_find(funcs, variables, refs, boundary, &sharing);
	return 0;
}

static int teardown(void **state UNUSED)
{
	sharing_release(&sharing);
	boundary_free(boundary);
	refs_free(refs);
	variables_free(variables);
	funcs_free(funcs);
	symbols_free(symbols);
	debuginfo_free(debuginfo);
	image_free(image);
	policy_free(policy);
	scratch_release(&scratch);
	return 0;
}

static uint32_t variable_named(const char *name)
{
	for (uint32_t i = 0; i < variables->n; i++)
		if (!strncmp(variables->v[i].name, name, strlen(name)) &&
		    strchr(".", variables->v[i].name[strlen(name)]))
			return i;
	fail_msg("no variable %s", name);
	return NO_ID;
}

static void check(const char *name, enum variable_kind kind, bool shared, const char *because)
{
	uint32_t id = variable_named(name);

	if (variables->v[id].kind != kind)
		fail_msg("%s is %s", name, variable_kind_names[variables->v[id].kind]);
	if (sharing.v[id].shared != shared)
		fail_msg("%s is %s: %s", name, shared ? "private" : "shared", sharing.v[id].because);
	assert_holds(sharing.v[id].because, because);
}

TEST(use_by_outside_code_shares)
{
	check("called_by_all", VARIABLE_WRITABLE, true, "used outside at outside+0x");
	check("mine", VARIABLE_WRITABLE, false, "only used inside");
	check("hidden", VARIABLE_WRITABLE, false, "only used inside");
	check("never", VARIABLE_WRITABLE, false, "no reference was found");
}

TEST(pointer_in_outside_data_shares)
{
	check("pointed_at", VARIABLE_WRITABLE, true, "used outside at pointer+0x0");
}

TEST(export_shares)
{
	check("exported", VARIABLE_WRITABLE, true, "exported: modules use it");
}

TEST(static_key_is_used_where_its_branch_is)
{
	check("key", VARIABLE_WRITABLE, true, "used outside at keyed+0x");
}

TEST(init_code_does_not_count)
{
	check("by_init", VARIABLE_WRITABLE, false, "only used inside");
}

TEST(place_says_what_kind_it_is)
{
	check("table", VARIABLE_CONSTANT, false, "only used inside");
	check("at_boot", VARIABLE_INIT, false, "no reference was found");
	check("passed", VARIABLE_ONCE, false, "only used inside");
}

/* The address of a per-CPU variable is a small number here: 0x20000 and so on. */
TEST(number_is_no_percpu_variable)
{
	check("cpu_own", VARIABLE_PERCPU, false, "only used inside");
	check("cpu_hidden", VARIABLE_PERCPU, false, "only used inside");
	check("cpu_shared", VARIABLE_PERCPU, true, "used outside at reads_percpu+0x");
	assert_int_equal(sharing.v[variable_named("cpu_shared")].nr_users, 1);
}

TEST(static_of_a_function_is_known_with_it)
{
	const struct debug_var *v = variables_source(variables, variable_named("counter"));
	AUTO_FREE char *type = debuginfo_var_type(debuginfo, v);

	assert_string_equal(debuginfo->funcs[v->func].name, "inside");
	assert_string_equal(type, "int");
	assert_string_equal(v->file, "kernel/sched/core.c");
}

TEST(signature_is_spelled_as_in_c)
{
	const struct debug_func *f = funcs_source(funcs, func_named(funcs, "inside"));
	AUTO_FREE char *inside = debuginfo_signature(debuginfo, f), *take = NULL;

	f = funcs_source(funcs, func_named(funcs, "take"));
	take = debuginfo_signature(debuginfo, f);
	assert_string_equal(inside, "int (int)");
	assert_string_equal(take, "int * (void)");
}

TEST(relocations_show_nothing_else)
{
	struct findings findings;

	assert_success(crosscheck(funcs, variables, refs, &findings));
	for (uint32_t i = 0; i < findings.n; i++)
		fail_msg("%s", findings.v[i].text);
	findings_release(&findings);
}

/* What was found for one variable is taken away: the relocations must show it. */
TEST(relocations_show_what_is_missing)
{
	uint32_t *to_var = refs->to_var, n = variables->n, id = variable_named("called_by_all");
	uint32_t *without = xcalloc(n + 1, sizeof(*without));
	struct findings findings;

	memcpy(without, to_var, (n + 1) * sizeof(*without));
	without[id] = without[id + 1];
	refs->to_var = without;
	assert_success(crosscheck(funcs, variables, refs, &findings));
	refs->to_var = to_var;
	free(without);
	assert_true(findings.n > 0);
	assert_holds(findings.v[0].text, "the linker put a reference to called_by_all at ");
	findings_release(&findings);
}

/* The compiler's list of calls says something else than the code. */
TEST(call_site_that_was_not_found_is_a_finding)
{
	struct debug_call *call = &debuginfo->calls[0];
	struct findings findings;
	const char *callee;

	assert_int_equal(debuginfo->nr_calls, 2);
	callee = call->callee;
	assert_string_equal(callee, "inside");
	call->callee = "outside";
	assert_success(crosscheck(funcs, variables, refs, &findings));
	call->callee = callee;
	assert_int_equal(findings.n, 1);
	assert_int_equal(findings.nr_call_sites, 2);
	assert_holds(findings.v[0].text, "the compiler put a call of outside before twice+0x");
	assert_holds(findings.v[0].text, "and one of inside was found there");
	findings_release(&findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(use_by_outside_code_shares),
		cmocka_unit_test(pointer_in_outside_data_shares),
		cmocka_unit_test(export_shares),
		cmocka_unit_test(static_key_is_used_where_its_branch_is),
		cmocka_unit_test(init_code_does_not_count),
		cmocka_unit_test(place_says_what_kind_it_is),
		cmocka_unit_test(number_is_no_percpu_variable),
		cmocka_unit_test(static_of_a_function_is_known_with_it),
		cmocka_unit_test(signature_is_spelled_as_in_c),
		cmocka_unit_test(relocations_show_nothing_else),
		cmocka_unit_test(relocations_show_what_is_missing),
		cmocka_unit_test(call_site_that_was_not_found_is_a_finding),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
