// SPDX-License-Identifier: GPL-2.0
/* What /sys/kernel/elfkit and the kernel's log say, from files and records made here. */
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "elfkit/kmsg.h"
#include "elfkit/loaded_write.h"
#include "t/unit/unit.h"

static char root[] = "/tmp/loaded.XXXXXX";

static void put(const char *path, const char *text)
{
	char full[256];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	if (!text) {
		assert_int_equal(mkdir(full, 0777), 0);
		return;
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void put_module(const char *name, const char *enabled, const char *confirm, const char *blockers)
{
	char path[128];

#define PUT(file, text) (snprintf(path, sizeof(path), "/sys/kernel/elfkit/%s" file, name), put(path, text))
	PUT("", NULL);
	PUT("/enabled", enabled);
	PUT("/confirm", confirm);
	PUT("/build_id", "00ff\n");
	PUT("/timing", "load_stopped_ns 44027\nload_total_ns 1000000\nload_tries 1\nload_cpus 2\nunload_tries 0\n");
	PUT("/blockers", blockers);
	PUT("/functions", NULL);
	PUT("/functions/schedule,1", "1\n");
	PUT("/functions/wake_up_process,1", "1\n");
}

static int make_root(void **state UNUSED)
{
	assert_non_null(mkdtemp(root));
	put("/sys", NULL);
	put("/sys/kernel", NULL);
	return 0;
}

static int remove_entry(const char *path, const struct stat *st UNUSED, int type UNUSED, struct FTW *ftw UNUSED)
{
	return remove(path);
}

static int remove_root(void **state UNUSED)
{
	return nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static char *written(struct err *(*write)(const struct loaded_list *, FILE *), const struct loaded_list *list)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_null(write(list, file));
	fclose(file);
	return text;
}

TEST(no_directory_is_no_modules)
{
	struct loaded_list list;
	AUTO_FREE char *text = NULL;

	assert_null(loaded_read("/nowhere", &list));
	assert_int_equal(list.n, 0);
	text = written(loaded_write_text, &list);
	assert_string_equal(text, "no elfkit module is loaded\n");
	loaded_release(&list);
}

TEST(modules_are_read_by_name)
{
	struct loaded_list list;
	AUTO_FREE char *text = NULL, *json = NULL;
	const struct loaded *m;

	put("/sys/kernel/elfkit", NULL);
	put_module("two", "0\n", "1\n", "");
	put_module("one", "1\n", "0\n", "105 a b parked\n7 odd (no reliable stack)\nnonsense\n");
	put("/sys/kernel/elfkit/going", NULL);	/* its files are gone already */
	assert_null(loaded_read(root, &list));
	assert_int_equal(list.n, 2);
	assert_null(loaded_find(&list, "going"));
	m = loaded_find(&list, "one");
	assert_non_null(m);
	assert_true(m->enabled && !m->confirmed);
	assert_int_equal(m->nr_functions, 2);
	assert_int_equal(loaded_time(m, "load_stopped_ns"), 44027);
	assert_int_equal(loaded_time(m, "no_such_time"), 0);
	assert_int_equal(m->nr_blockers, 2);
	assert_int_equal(m->blockers[0].pid, 105);
	assert_string_equal(m->blockers[0].comm, "a b");
	assert_string_equal(m->blockers[0].function, "parked");
	assert_string_equal(m->blockers[1].comm, "odd");
	assert_null(m->blockers[1].function);
	text = written(loaded_write_text, &list);
	assert_string_equal(text,
			    "one: enabled, on probation: write 1 to confirm\n"
			    "  functions  2\n  build-id   00ff\n"
			    "  load       stopped 44 us, total 1000 us, 1 try, 2 CPUs\n"
			    "  the last switch failed:\n"
			    "    pid 105 (a b) is in parked\n"
			    "    pid 7 (odd) has a stack that cannot be unwound reliably\n"
			    "two: disabled\n"
			    "  functions  2\n  build-id   00ff\n"
			    "  load       stopped 44 us, total 1000 us, 1 try, 2 CPUs\n");
	json = written(loaded_write_json, &list);
	assert_non_null(strstr(json, "\"function\": null"));
	assert_non_null(strstr(json, "\"load_stopped_ns\": 44027"));
	loaded_release(&list);
}

/* found by fuzzing */
TEST(names_of_tasks_do_nothing_to_a_terminal)
{
	struct loaded_list list;
	AUTO_FREE char *text = NULL;

	put("/sys/kernel/elfkit/one/blockers", "\n105 a\033[2Jb\177 par\rked\n");
	put("/sys/kernel/elfkit/one/build_id", "00\tff\n");
	assert_null(loaded_read(root, &list));
	text = written(loaded_write_text, &list);
	assert_non_null(strstr(text, "pid 105 (a?[2Jb?) is in par?ked\n"));
	assert_non_null(strstr(text, "00?ff\n"));
	loaded_release(&list);
}

TEST(names_that_are_no_text_do_not_break_json)
{
	struct loaded_blocker blocker = { 1, "\xff\xfe", NULL };
	struct loaded one = { .name = "one", .build_id = "\xff", .blockers = &blocker, .nr_blockers = 1 };
	struct loaded_list list = { .v = &one, .n = 1 };
	AUTO_FREE char *json = written(loaded_write_json, &list);

	assert_non_null(strstr(json, "\"comm\": null"));
	assert_non_null(strstr(json, "\"build_id\": null"));
}

static void expect_line(const char *record, const char *want)
{
	char copy[256];
	const char *text;

	snprintf(copy, sizeof(copy), "%s", record);
	text = kmsg_parse(copy, "sched");
	if (want)
		assert_string_equal(text, want);
	else
		assert_null(text);
}

TEST(log_lines_of_one_module)
{
	expect_line("3,812,77,-;elfkit: sched: refused: no\n SUBSYSTEM=x\n", "refused: no");
	expect_line("11,812,77,-;elfkit: sched: facility 1\n", "facility 1");
	expect_line("5,1,7,-;elfkit: sched: a notice\n", "a notice");
	expect_line("6,1,7,-;elfkit: sched: information\n", NULL);
	expect_line("3,1,7,-;elfkit: sched2: refused: no\n", NULL);
	expect_line("4,1,7,-;sched: disagrees about version of symbol x\n", "disagrees about version of symbol x");
	expect_line("3,1,7,-;module sched: .gnu.linkonce.this_module section size must match\n",
		    ".gnu.linkonce.this_module section size must match");
	expect_line("4,1,7,-;sched: loading out-of-tree module taints kernel.\n", NULL);
	expect_line("3,1,7,-;a line about sched: no\n", NULL);
	expect_line("no record", NULL);
	expect_line("", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_directory_is_no_modules),
		cmocka_unit_test(modules_are_read_by_name),
		cmocka_unit_test(names_of_tasks_do_nothing_to_a_terminal),
		cmocka_unit_test(names_that_are_no_text_do_not_break_json),
		cmocka_unit_test(log_lines_of_one_module),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_root, remove_root);
}
