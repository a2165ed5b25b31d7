// SPDX-License-Identifier: GPL-2.0
#include "t/unit/unit.h"

TEST(message_is_formatted)
{
	struct err *err = err_new("%s %d", "section", 7);

	assert_string_equal(err_message(err), "section 7");
	err_free(err);
}

TEST(context_goes_in_front)
{
	struct err *err = err_in(err_in(err_new("truncated"), ".text"), "vmlinux");

	assert_string_equal(err_message(err), "vmlinux: .text: truncated");
	err_free(err);
}

TEST(context_may_be_made_in_place)
{
	struct err *err = err_about(err_new("no"), "%s+0x%x", "schedule", 18);

	assert_string_equal(err_message(err), "schedule+0x12: no");
	err_free(err);
}

TEST(a_message_is_one_line_that_no_terminal_acts_on)
{
	struct err *err = err_in(err_new("%s: no", "a\nb\033[2J"), "c\x7f");

	assert_string_equal(err_message(err), "c?: a?b?[2J: no");
	err_free(err);
}

TEST(success_gets_no_context)
{
	assert_null(err_in(NULL, "vmlinux"));
	assert_null(err_about(NULL, "%s", "vmlinux"));
}

TEST(percent_signs_in_a_context_are_text)
{
	struct err *err = err_in(err_new("%s", "100%s"), "50%n");

	assert_string_equal(err_message(err), "50%n: 100%s");
	err_free(err);
}

TEST(freeing_success_is_nothing)
{
	err_free(NULL);
}

TEST(allocated_memory_is_zero_and_never_null)
{
	char *p = xcalloc(3, 5), *none = xcalloc(0, 8);

	for (int i = 0; i < 15; i++)
		assert_int_equal(p[i], 0);
	assert_non_null(none);
	free(p);
	free(none);
}

TEST(growing_keeps_what_is_there)
{
	uint32_t *v = NULL, n = 0, cap = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		GROW(v, n, cap);
		v[n++] = i;
	}
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(v[i], i);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_is_formatted),
		cmocka_unit_test(context_goes_in_front),
		cmocka_unit_test(context_may_be_made_in_place),
		cmocka_unit_test(a_message_is_one_line_that_no_terminal_acts_on),
		cmocka_unit_test(success_gets_no_context),
		cmocka_unit_test(percent_signs_in_a_context_are_text),
		cmocka_unit_test(freeing_success_is_nothing),
		cmocka_unit_test(allocated_memory_is_zero_and_never_null),
		cmocka_unit_test(growing_keeps_what_is_there),
	};

	return RUN(tests);
}
