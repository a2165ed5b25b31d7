// SPDX-License-Identifier: GPL-2.0
/* The running kernel's vmlinux, under a root made up here. */
#include <sys/stat.h>

#include "elfkit/running.h"
#include "t/unit/scratch.h"

static char root[] = "/tmp/running-XXXXXX";

static void make(const char *command)
{
	AUTO_FREE char *line = xasprintf("set -e; cd %s; %s", root, command);

	assert_int_equal(system(line), 0);
}

static int setup(void **state UNUSED)
{
	if (!mkdtemp(root))
		return -1;
	make("mkdir -p sys/kernel usr/lib/debug/boot lib/modules/5.5/build boot debuginfod/buildid/0102030405060708;"
	     "echo 'int main(void){return 0;}' >x.c;"
	     "gcc -g -nostdlib -static -e main -Wl,--build-id=0x0102030405060708 -o right x.c;"
	     "gcc -g -nostdlib -static -e main -Wl,--build-id=0x1102030405060708 -o wrong x.c;"
	     "objcopy -g right stripped; objcopy -O binary -j .note.gnu.build-id right sys/kernel/notes");
	return 0;
}

static int teardown(void **state UNUSED)
{
	AUTO_FREE char *line = xasprintf("rm -rf %s", root);

	return system(line);
}

static char *found(void)
{
	char *path = NULL;

	assert_success(running_vmlinux(root, "5.5", &path));
	memmove(path, path + strlen(root), strlen(path) - strlen(root) + 1);
	return path;
}

TEST(none_says_what_to_install)
{
	char *path;

	unsetenv("DEBUGINFOD_URLS");
	assert_error(running_vmlinux(root, "5.5", &path),
		     "no vmlinux with debug information for the running kernel 5.5: install its debug package");
}

TEST(other_build_is_refused)
{
	char *path;

	make("cp wrong usr/lib/debug/boot/vmlinux-5.5");
	assert_error(running_vmlinux(root, "5.5", &path), "vmlinux-5.5 is not of the running kernel");
	make("cp stripped usr/lib/debug/boot/vmlinux-5.5");
	assert_error(running_vmlinux(root, "5.5", &path), "or has no debug information");
}

TEST(build_id_decides)
{
	AUTO_FREE char *path = NULL;

	make("cp wrong usr/lib/debug/boot/vmlinux-5.5; cp right lib/modules/5.5/build/vmlinux");
	path = found();
	assert_string_equal(path, "/lib/modules/5.5/build/vmlinux");
}

TEST(damaged_notes_name_no_build)
{
	AUTO_FREE char *path = NULL;

	make("cp sys/kernel/notes notes; printf '\\377\\377\\377\\377aaaabbbbcccc' >sys/kernel/notes");
	path = found();
	make("mv notes sys/kernel/notes");
	assert_string_equal(path, "/usr/lib/debug/boot/vmlinux-5.5");
}

TEST(server_that_does_not_answer_is_named)
{
	AUTO_FREE char *cache = xasprintf("%s/cache", root);
	char *path;

	setenv("DEBUGINFOD_URLS", "http://127.0.0.1:1", 1);
	setenv("DEBUGINFOD_CACHE_PATH", cache, 1);
	make("rm -r usr lib");
	assert_error(running_vmlinux(root, "5.5", &path),
		     "no vmlinux of the running kernel 5.5 is installed: debuginfod: http://127.0.0.1:1: Connection refused");
	unsetenv("DEBUGINFOD_URLS");
}

TEST(server_is_asked_by_build_id)
{
	const char *real = getenv("RUNNING_TEST_URLS");	/* of a server that has it (t/debuginfod.t) */
	AUTO_FREE char *urls = real ? xstrdup(real) : xasprintf("file://%s/debuginfod", root);
	AUTO_FREE char *cache = xasprintf("%s/cache", root);
	AUTO_FREE char *path = NULL;

	make("cp right debuginfod/buildid/0102030405060708/debuginfo");
	setenv("DEBUGINFOD_URLS", urls, 1);
	setenv("DEBUGINFOD_CACHE_PATH", cache, 1);
	path = found();
	unsetenv("DEBUGINFOD_URLS");
	assert_holds(path, "/cache/0102030405060708/debuginfo");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_says_what_to_install),
		cmocka_unit_test(other_build_is_refused),
		cmocka_unit_test(build_id_decides),
		cmocka_unit_test(damaged_notes_name_no_build),
		cmocka_unit_test(server_that_does_not_answer_is_named),
		cmocka_unit_test(server_is_asked_by_build_id),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("running", tests, setup, teardown);
}
