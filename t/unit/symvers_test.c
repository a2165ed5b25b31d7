// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <unistd.h>

#include "relink/symvers.h"
#include "t/unit/unit.h"

static struct err *try_read(const char *text, struct symvers *symvers)
{
	char path[] = "/tmp/elfkit-unit-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	struct err *err;

	fputs(text, file);
	fclose(file);
	err = symvers_read(path, symvers);
	unlink(path);
	return err;
}

TEST(symbols_of_vmlinux_are_found)
{
	struct symvers s;

	assert_success(try_read("0x1\tschedule\tvmlinux\tEXPORT_SYMBOL\t\n"
				"0x2\t_printk\tvmlinux\tEXPORT_SYMBOL_GPL\t\n", &s));
	assert_int_equal(s.n, 2);
	assert_true(symvers_has(&s, "schedule"));
	assert_true(symvers_has(&s, "_printk"));
	assert_false(symvers_has(&s, "sched"));
	assert_false(symvers_has(&s, ""));
	symvers_release(&s);
}

TEST(last_column_may_be_missing)
{
	struct symvers s;

	assert_success(try_read("0x1\tschedule\tvmlinux\tEXPORT_SYMBOL", &s));
	assert_true(symvers_has(&s, "schedule"));
	symvers_release(&s);
}

TEST(symbols_in_a_namespace_are_passed_over)
{
	struct symvers s;

	assert_success(try_read("0x1\tschedule\tvmlinux\tEXPORT_SYMBOL\t\n"
				"0x2\tdma_buf\tvmlinux\tEXPORT_SYMBOL_GPL\tDMA_BUF\n", &s));
	assert_int_equal(s.n, 1);
	assert_false(symvers_has(&s, "dma_buf"));
	symvers_release(&s);
}

TEST(symbols_of_modules_are_passed_over)
{
	struct symvers s;

	assert_success(try_read("0x1\tschedule\tvmlinux\tEXPORT_SYMBOL\t\n"
				"0x2\text4_x\tfs/ext4/ext4\tEXPORT_SYMBOL\t\n"
				"0x3\tother\tdrivers/vmlinux\tEXPORT_SYMBOL\t\n", &s));
	assert_int_equal(s.n, 1);
	symvers_release(&s);
}

TEST(damaged_lines_are_passed_over)
{
	struct symvers s;

	assert_success(try_read("\n\t\t\n0x1\nno tabs at all\n0x1\tschedule\tvmlinux\tEXPORT_SYMBOL\t\n", &s));
	assert_int_equal(s.n, 1);
	symvers_release(&s);
}

TEST(file_without_symbols_is_an_error)
{
	struct symvers s;

	assert_error(try_read("", &s), "lists no symbol of vmlinux");
	symvers_release(&s);
}

TEST(missing_file_is_an_error)
{
	struct symvers s;

	assert_error(symvers_read("/nonexistent/Module.symvers", &s), "No such file");
	assert_int_equal(s.n, 0);
	assert_false(symvers_has(&s, "schedule"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbols_of_vmlinux_are_found),
		cmocka_unit_test(last_column_may_be_missing),
		cmocka_unit_test(symbols_in_a_namespace_are_passed_over),
		cmocka_unit_test(symbols_of_modules_are_passed_over),
		cmocka_unit_test(damaged_lines_are_passed_over),
		cmocka_unit_test(file_without_symbols_is_an_error),
		cmocka_unit_test(missing_file_is_an_error),
	};

	return RUN(tests);
}
