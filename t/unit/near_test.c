// SPDX-License-Identifier: GPL-2.0
/* Near misses: what counts as one, and that each is offered once. */
#include "elfkit/near.h"
#include "t/unit/unit.h"

TEST(edits_are_counted)
{
	assert_int_equal(near_distance("schedule", "schedule", 2), 0);
	assert_int_equal(near_distance("shedule", "schedule", 2), 1);
	assert_int_equal(near_distance("scheduel", "schedule", 2), 2);
	assert_int_equal(near_distance("", "ab", 2), 2);
}

TEST(what_is_too_far_is_not_worked_out)
{
	char name[200];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(near_distance("a", "abcde", 2), 3);
	assert_int_equal(near_distance(name, name, 2), 3);
}

TEST(each_is_offered_once_and_three_at_most)
{
	struct near near = { .name = "aaaa" };

	assert_string_equal(near_text(&near), "");
	near_offer(&near, "aaaab");
	near_offer(&near, "zzzz");
	near_offer(&near, "aaaa.x");
	near_offer(&near, "aaaab");
	near_offer(&near, "aaaa");	/* a part of those that are there */
	near_offer(&near, "aaac");
	assert_string_equal(near_text(&near), "; near: aaaab, aaaa.x, aaaa");
	near_release(&near);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edits_are_counted),
		cmocka_unit_test(what_is_too_far_is_not_worked_out),
		cmocka_unit_test(each_is_offered_once_and_three_at_most),
	};

	return RUN(tests);
}
