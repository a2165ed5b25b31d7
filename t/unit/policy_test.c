// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <unistd.h>

#include "elfkit/policy.h"
#include "t/unit/unit.h"

/* Seconds after which a document that hangs the reader ends the test. */
#define PATIENCE 20

static struct err *try_parse(const char *text, struct policy **policy)
{
	*policy = NULL;
	return policy_parse(text, strlen(text), "b.yaml", policy);
}

static struct policy *parse(const char *text)
{
	struct policy *policy;

	assert_success(try_parse(text, &policy));
	return policy;
}

static void refuse(const char *text, const char *message)
{
	struct policy *policy;

	assert_error(try_parse(text, &policy), message);
	assert_null(policy);
}

TEST(every_list_is_read)
{
	struct policy *p = parse("files:\n"
				 "  - kernel/sched/core.c\n"
				 "  - file: kernel/sched/fair.c\n"
				 "keep_out:\n"
				 "  - function: foo\n"
				 "    why: because\n"
				 "switches:\n"
				 "  - { function: __switch_to_asm, why: stacks }\n"
				 "unpatchable:\n"
				 "  - from: a\n"
				 "    to: b\n"
				 "    why: entry\n"
				 "entry_tables:\n"
				 "  - { object: sys_call_table, why: system calls }\n"
				 "released:\n"
				 "  - { function: my_file_*, why: removed before }\n"
				 "  - my_timer\n");

	assert_int_equal(p->files.n, 2);
	assert_string_equal(p->files.v[1].name, "kernel/sched/fair.c");
	assert_string_equal(p->keep_out.v[0].why, "because");
	assert_int_equal(p->keep_out.v[0].line, 5);
	assert_string_equal(p->switches.v[0].name, "__switch_to_asm");
	assert_string_equal(p->unpatchable.v[0].name, "a");
	assert_string_equal(p->unpatchable.v[0].to, "b");
	assert_string_equal(p->entry_tables.v[0].name, "sys_call_table");
	assert_int_equal(p->entry_tables.v[0].line, 14);
	assert_string_equal(policy_match(&p->released, "my_file_open")->why, "removed before");
	assert_non_null(policy_match(&p->released, "my_timer"));
	assert_null(policy_match(&p->released, "my_timer2"));
	policy_free(p);
}

TEST(policy_that_comes_along_is_good)
{
	struct policy *policy = NULL;
	const char *file = __FILE__;	/* t/unit/policy_test.c, as the compiler was called */
	size_t root = strlen(file) - strlen("t/unit/policy_test.c");
	AUTO_FREE char *path = xasprintf("%.*sboundary.yaml", (int)root, file);

	assert_success(policy_read(path, &policy));
	assert_true(policy_has_file(policy, "kernel/sched/core.c"));
	policy_free(policy);
}

TEST(empty_list_is_fine)
{
	struct policy *p = parse("files: [a.c]\nkeep_out: []\nswitches:\n");

	assert_int_equal(p->keep_out.n, 0);
	assert_int_equal(p->switches.n, 0);
	policy_free(p);
}

TEST(missing_file_is_an_error)
{
	struct policy *policy;

	assert_error(policy_read("/nonexistent/b.yaml", &policy), "/nonexistent/b.yaml: No such file");
}

TEST(unknown_key_is_an_error_with_its_place)
{
	refuse("files: [a.c]\nkeepout: []\n", "b.yaml:2:1: unknown key \"keepout\"");
	refuse("files: [a.c]\nkeep_out:\n  - function: f\n    wy: x\n", "b.yaml:4:5: unknown key \"wy\"");
	refuse("files: [a.c]\nkeep_out:\n  - { object: f, why: x }\n", "b.yaml:3:7: unknown key \"object\"");
	refuse("files:\n  - { file: a.c, to: b }\n", "unknown key \"to\"");
}

TEST(reason_is_optional)
{
	struct policy *p = parse("files: [a.c]\nkeep_out:\n  - g\n  - { function: f, why: slow }\n");
	AUTO_FREE char *line = policy_reason(p, &p->keep_out.v[0]), *why = policy_reason(p, &p->keep_out.v[1]);

	assert_string_equal(line, "b.yaml:3");
	assert_string_equal(why, "slow");
	policy_free(p);
	refuse("files: [a.c]\nkeep_out:\n  - { function: f, why: }\n", "expected text for \"why\"");
}

TEST(missing_name_is_an_error)
{
	refuse("files: [a.c]\nkeep_out:\n  - why: x\n", "b.yaml:3:5: missing key \"function\"");
	refuse("files: [a.c]\nunpatchable:\n  - { from: a, why: x }\n", "missing key \"to\"");
	refuse("files: [a.c]\nsidecar:\n  - { function: f }\n", "b.yaml:3:5: missing key \"file\"");
	refuse("files: [a.c]\ndata:\n  - { object: o }\n", "b.yaml:3:5: missing key \"policy\"");
}

TEST(empty_name_is_an_error)
{
	refuse("files:\n  - a.c\n  -\n", "b.yaml:3:");
	refuse("files: [\"\"]\n", "b.yaml:1:9");
}

TEST(plain_name_where_a_mapping_is_due_is_an_error)
{
	refuse("files: [a.c]\nkeep_in: [f]\n", "b.yaml:2:11: expected a mapping with the key \"function\"");
}

TEST(list_where_a_mapping_is_due_is_an_error)
{
	refuse("files: [a.c]\nkeep_out: [[f]]\n", "expected a mapping with the key \"function\"");
	refuse("- files\n", "expected a mapping at the top");
}

TEST(mapping_where_a_list_is_due_is_an_error)
{
	refuse("files:\n  a: b\n", "b.yaml:2:3: expected a list for \"files\"");
	refuse("files: a.c\n", "b.yaml:1:8: expected a list for \"files\"");
}

TEST(list_where_text_is_due_is_an_error)
{
	refuse("files: [a.c]\nkeep_out:\n  - { function: [f], why: x }\n", "expected text for \"function\"");
	refuse("files: [a.c]\nkeep_out:\n  - { [f]: g, why: x }\n", "a key must be a plain word");
	refuse("files: [a.c]\n[f]: []\n", "b.yaml:2:1: unknown key");
}

TEST(key_given_twice_is_an_error)
{
	refuse("files: [a.c]\nkeep_out:\n  - function: f\n    why: x\n    why: y\n",
	       "b.yaml:5:5: key given twice: \"why\"");
	refuse("files: [a.c]\nfiles: [b.c]\n", "b.yaml:2:1: key given twice: \"files\"");
}

TEST(syntax_error_has_its_place)
{
	refuse("files: [a.c\nkeep_out: []\n", "b.yaml:2:");
	refuse("files:\n\t- a.c\n", "b.yaml:2:1");
	refuse("files: [*nowhere]\n", "b.yaml:1:9: found undefined alias");
}

TEST(second_document_is_an_error)
{
	refuse("files: [a.c]\n---\nkeep_out: []\n", "b.yaml:2:1: more than one document");
	refuse("files: [a.c]\n---\n[\n", "b.yaml:2:1: more than one document");
}

TEST(nesting_has_an_end)
{
	refuse("files: [[[[[[[[[[a.c]]]]]]]]]]\n", "b.yaml:1:15: nested too deeply");
}

TEST(bytes_that_are_no_text_are_an_error)
{
	struct policy *policy = NULL;

	refuse("files: [\xff\xfe]\n", "b.yaml:");
	assert_error(policy_parse("files: [a\0b]\n", 13, "b.yaml", &policy), "b.yaml:");
}

TEST(empty_file_is_an_error)
{
	refuse("", "b.yaml: expected a mapping at the top");
	refuse("# nothing\n", "b.yaml: expected a mapping at the top");
	refuse("files: []\n", "b.yaml: no files");
	refuse("keep_out: []\n", "b.yaml: no files");
}

TEST(alias_bomb_is_an_error_at_once)
{
	char text[4096] = "a: &a [x, x, x, x, x, x, x, x, x]\n";
	size_t len = strlen(text);

	for (char c = 'b'; c <= 'z'; c++)
		len += sprintf(text + len, "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c, c - 1,
			       c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
	alarm(PATIENCE);
	refuse(text, "b.yaml:1:1: unknown key \"a\"");
	memcpy(text, "files", 1);
	refuse("files: &a [*a]\n", "expected a mapping");
	alarm(0);
}

TEST(deep_nesting_is_an_error_at_once)
{
	size_t depth = 20000;
	AUTO_FREE char *text = xcalloc(1, depth + 16);
	struct policy *policy;
	struct err *err;

	strcpy(text, "files: ");
	memset(text + 7, '[', depth);
	alarm(PATIENCE);
	err = try_parse(text, &policy);
	alarm(0);
	assert_error(err, "b.yaml:");
}

TEST(file_matches_by_whole_components)
{
	struct policy *p = parse("files: [kernel/sched/core.c]\n");

	assert_true(policy_has_file(p, "kernel/sched/core.c"));
	assert_true(policy_has_file(p, "/usr/src/linux/kernel/sched/core.c"));
	assert_false(policy_has_file(p, "mykernel/sched/core.c"));
	assert_false(policy_has_file(p, "sched/core.c"));
	assert_false(policy_has_file(p, "kernel/sched/core.c.orig"));
	assert_false(policy_has_file(p, ""));
	policy_free(p);
}

TEST(kept_out_functions_match_by_pattern)
{
	struct policy *p = parse("files: [a.c]\nkeep_out:\n"
				 "  - { function: \"sched_debug_*\", why: first }\n"
				 "  - { function: \"exact\", why: second }\n");

	assert_string_equal(policy_kept_out(p, "a.c", "sched_debug_start")->why, "first");
	assert_string_equal(policy_kept_out(p, "a.c", "exact")->why, "second");
	assert_null(policy_kept_out(p, "a.c", "exactly"));
	assert_null(policy_kept_out(p, "a.c", "my_sched_debug_x"));
	policy_free(p);
}

TEST(keep_in_wins_over_keep_out)
{
	struct policy *p = parse("files: [a.c]\nkeep_out: [\"sched_*\"]\n"
				 "keep_in: [{ function: sched_go, file: k/b.c }]\n");

	assert_null(policy_kept_out(p, "k/b.c", "sched_go"));
	assert_non_null(policy_kept_out(p, "k/c.c", "sched_go"));
	assert_true(policy_has_func(p, "k/b.c", "sched_go"));
	assert_false(policy_has_func(p, "k/c.c", "sched_go"));
	assert_false(policy_has_func(p, "k/b.c", "sched_stop"));
	assert_true(policy_has_func(p, "a.c", "sched_stop"));
	policy_free(p);
}

TEST(object_has_its_policy)
{
	struct policy *p = parse("files: [a.c]\ndata:\n  - { object: mine, policy: private }\n"
				 "  - { object: \"*_class\", policy: update, why: methods }\n"
				 "  - { object: ours, policy: share }\n");

	assert_int_equal(policy_of_object(p, "mine"), DATA_PRIVATE);
	assert_int_equal(policy_of_object(p, "fair_class"), DATA_UPDATE);
	assert_int_equal(policy_of_object(p, "ours"), DATA_SHARE);
	assert_int_equal(policy_of_object(p, "other"), DATA_NONE);
	policy_free(p);
	refuse("files: [a.c]\ndata:\n  - { object: o, policy: copy }\n",
	       "b.yaml:3:26: expected private, share or update, not \"copy\"");
}

TEST(state_is_rebuilt_or_kept)
{
	struct policy *p = parse("files: [a.c]\nstate: keep\n");

	assert_true(p->state_keep);
	policy_free(p);
	p = parse("files: [a.c]\nstate: rebuild\n");
	assert_false(p->state_keep);
	policy_free(p);
	refuse("files: [a.c]\nstate: renew\n", "b.yaml:2:8: expected rebuild or keep for \"state\"");
	refuse("files: [a.c]\nstate: keep\nstate: keep\n", "b.yaml:3:1: key given twice: \"state\"");
}

TEST(units_in_a_folder_of_the_scheduler_are_wanted)
{
	struct policy *p = parse("files: [kernel/sched/core.c]\n");

	assert_true(policy_wants_unit("kernel/sched/build_policy.c", p));
	assert_true(policy_wants_unit("/src/kernel/sched/core.c", p));
	assert_false(policy_wants_unit("kernel/fork.c", p));
	assert_false(policy_wants_unit("core.c", p));
	policy_free(p);
	p = parse("files: [kernel/sched/core.c]\nsidecar: [{ function: f, file: kernel/kthread.c }]\n");
	assert_true(policy_wants_unit("kernel/kthread.c", p));
	assert_false(policy_wants_unit("kernel/fork.c", p));
	policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_list_is_read),
		cmocka_unit_test(policy_that_comes_along_is_good),
		cmocka_unit_test(empty_list_is_fine),
		cmocka_unit_test(missing_file_is_an_error),
		cmocka_unit_test(unknown_key_is_an_error_with_its_place),
		cmocka_unit_test(reason_is_optional),
		cmocka_unit_test(missing_name_is_an_error),
		cmocka_unit_test(empty_name_is_an_error),
		cmocka_unit_test(plain_name_where_a_mapping_is_due_is_an_error),
		cmocka_unit_test(list_where_a_mapping_is_due_is_an_error),
		cmocka_unit_test(mapping_where_a_list_is_due_is_an_error),
		cmocka_unit_test(list_where_text_is_due_is_an_error),
		cmocka_unit_test(key_given_twice_is_an_error),
		cmocka_unit_test(syntax_error_has_its_place),
		cmocka_unit_test(second_document_is_an_error),
		cmocka_unit_test(nesting_has_an_end),
		cmocka_unit_test(bytes_that_are_no_text_are_an_error),
		cmocka_unit_test(empty_file_is_an_error),
		cmocka_unit_test(alias_bomb_is_an_error_at_once),
		cmocka_unit_test(deep_nesting_is_an_error_at_once),
		cmocka_unit_test(file_matches_by_whole_components),
		cmocka_unit_test(kept_out_functions_match_by_pattern),
		cmocka_unit_test(keep_in_wins_over_keep_out),
		cmocka_unit_test(object_has_its_policy),
		cmocka_unit_test(state_is_rebuilt_or_kept),
		cmocka_unit_test(units_in_a_folder_of_the_scheduler_are_wanted),
	};

	return RUN(tests);
}
