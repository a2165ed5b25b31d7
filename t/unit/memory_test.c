// SPDX-License-Identifier: GPL-2.0
/*
 * Bounded memory: inputs that would take out of all proportion to their size, each read in a process of its own.  What
 * is told from the size alone is refused; what is not meets the bound, which ends the program.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include "disasm/refs.h"
#include "elfkit/debuginfo.h"
#include "elfkit/memory.h"
#include "relink/object.h"
#include "t/unit/scratch.h"

#define MB (1L << 20)

static struct scratch scratch;

/* What @read returns of the scratch file, as an exit status: 0 success, 1 an error; and the memory in use at most, in KB. */
static int read_apart(struct err *(*read)(void), const char *part, long *peak)
{
	struct rusage usage;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct err *err;

		memory_bound();
		err = read();
		if (err && part && !strstr(err_message(err), part))
			fprintf(stderr, "# %s\n", err_message(err));
		_exit(!err ? 0 : part && strstr(err_message(err), part) ? 1 : 3);
	}
	assert_int_equal(wait4(pid, &status, 0, &usage), pid);
	assert_true(WIFEXITED(status));
	*peak = usage.ru_maxrss;
	return WEXITSTATUS(status);
}

static bool want_all(const char *unit UNUSED, void *arg UNUSED)
{
	return true;
}

static struct err *read_scratch_object(void)
{
	struct object *object;

	return object_read(scratch.object, &object);
}

static struct err *read_scratch_image(void)
{
	struct image *image;

	return image_open(scratch.object, &image);
}

static struct err *read_scratch_debuginfo(void)
{
	struct debuginfo *info;

	return debuginfo_open(scratch.linked, want_all, NULL, &info);
}

static struct err *allocate_all(void)
{
	for (int i = 0; i < 1000; i++)
		memset(xcalloc(1, 4 * MB), 1, 4 * MB);
	return NULL;
}

/* Copied for each of the symbols that have it: a string table can hold a name once for all. */
static void symbols_have_a_long_name(void)
{
	scratch_init(&scratch);
	run_command("cd %s && perl -e '$n = \"x\" x (1 << 20); print \".globl $n\\n$n = 1\\n\"' > code.s && as -o out.o code.s",
		    scratch.dir);
}

TEST(symbol_with_a_name_of_a_megabyte_is_refused)
{
	long peak;

	symbols_have_a_long_name();
	assert_int_equal(read_apart(read_scratch_object, "name is longer than a kernel's can be", &peak), 1);
	scratch_release(&scratch);
}

TEST(image_with_such_a_symbol_is_refused)
{
	long peak;

	symbols_have_a_long_name();
	run_command("cd %s && ld -e 0 -o x out.o && mv x out.o", scratch.dir);
	assert_int_equal(read_apart(read_scratch_image, "name is longer than a kernel's can be", &peak), 1);
	scratch_release(&scratch);
}

/* Each of 20,000 functions has the same list of 20,000 ranges: 10 GB. */
TEST(functions_may_share_a_list_of_ranges)
{
	long peak;
	int status;

	if (memory_is_sanitized())
		return;
	scratch_init(&scratch);
	scratch_assemble(&scratch, ".section .debug_abbrev, \"\", @progbits\n"
		".uleb128 1, 0x11; .byte 1; .uleb128 0x03, 0x08, 0, 0\n"
		".uleb128 2, 0x2e; .byte 0; .uleb128 0x55, 0x17, 0, 0\n"
		".byte 0\n"
		".section .debug_info, \"\", @progbits\n"
		".long end - version\n"
		"version: .short 5; .byte 1, 8; .long 0\n"
		".uleb128 1; .asciz \"kernel/sched/core.c\"\n"
		".rept 20000; .uleb128 2; .long list - lists; .endr\n"
		".byte 0\nend:\n"
		".section .debug_rnglists, \"\", @progbits\n"
		"lists: .long lists_end - lists_version\n"
		"lists_version: .short 5; .byte 8, 0; .long 0\n"
		"list: .rept 20000; .byte 7; .quad f; .uleb128 1; .endr\n"
		".byte 0\nlists_end:\n"
		".text\n.globl f\nf: ret\n");
	scratch_link(&scratch, "out.o");
	status = read_apart(read_scratch_debuginfo, NULL, &peak);
	assert_int_equal(status, 2);
	assert_true(peak < (long)(MEMORY_FIXED / 1024) + 64 * 1024);
	scratch_release(&scratch);
}

TEST(out_of_bounds_is_the_end_and_says_so)
{
	long peak;

	if (memory_is_sanitized())
		return;
	assert_int_equal(read_apart(allocate_all, NULL, &peak), 2);
	assert_true(peak < (long)(MEMORY_FIXED / 1024) + 64 * 1024);
}

/* A bitmap of entries, a bit for each byte between the first function and the last, was 256 MB. */
TEST(code_that_is_far_apart_is_refused)
{
	struct program p = { 0 };
	struct refs *refs;

	scratch_init(&p.scratch);
	scratch_assemble(&p.scratch, ".section .low, \"ax\"\n" FUNC("low", "ret") ".text\n" FUNC("high", "ret"));
	run_command("cd %s && " LINK " --section-start=.low=0xffffffff11000000 -o vmlinux out.o", p.scratch.dir);
	assert_success(image_open(p.scratch.linked, &p.image));
	p.symbols = symbols_read(p.image);
	p.funcs = funcs_build(p.image, p.symbols, &p.debuginfo);
	assert_error(refs_collect(p.funcs, NULL, &refs), "too far apart for one image");
	program_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbol_with_a_name_of_a_megabyte_is_refused),
		cmocka_unit_test(image_with_such_a_symbol_is_refused),
		cmocka_unit_test(functions_may_share_a_list_of_ranges),
		cmocka_unit_test(out_of_bounds_is_the_end_and_says_so),
		cmocka_unit_test(code_that_is_far_apart_is_refused),
	};

	alarm(60);
	return RUN(tests);
}
