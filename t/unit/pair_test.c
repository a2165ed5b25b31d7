// SPDX-License-Identifier: GPL-2.0
#include "elfkit/pair.h"
#include "t/unit/unit.h"

#define MAX 8

static uint32_t old_mate[MAX], new_mate[MAX];

/* Pairs functions given as "name", "place", ..., NULL on both sides. */
static uint32_t keys_of(const char *const *v, struct pair_key *keys)
{
	uint32_t n = 0;

	for (; v[2 * n]; n++)
		keys[n] = (struct pair_key){ v[2 * n], pair_function_base(v[2 * n]), v[2 * n + 1] };
	return n;
}

static void pair(const char *const *old, const char *const *new)
{
	struct pair_key a[MAX], b[MAX];
	uint32_t n = keys_of(old, a), m = keys_of(new, b);

	pair_up(a, n, b, m, old_mate, new_mate);
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

TEST(equal_names_go_before_clones)
{
	pair(LIST("f.isra.0", "a", "f.part.0", "a"), LIST("f.part.0", "a"));
	assert_int_equal(old_mate[0], PAIR_EXTRA);
	assert_int_equal(old_mate[1], 0);
	pair(LIST("f.isra.0", "a", "f", "a"), LIST("f", "a", "f.part.0", "a"));
	assert_int_equal(old_mate[0], 1);
	assert_int_equal(old_mate[1], 0);
	assert_int_equal(new_mate[0], 1);
}

TEST(a_place_goes_before_another)
{
	pair(LIST("f", "b", "f", "a"), LIST("f", "a", "f", "c"));
	assert_int_equal(old_mate[1], 0);
	assert_int_equal(old_mate[0], 1);
}

TEST(two_that_moved_are_not_guessed)
{
	pair(LIST("f", "a", "f", "b"), LIST("f", "c", "f", "d"));
	assert_int_equal(old_mate[0], PAIR_NONE);
	assert_int_equal(new_mate[1], PAIR_NONE);
}

TEST(one_more_in_the_same_place_is_extra)
{
	pair(LIST("f", "a"), LIST("f.constprop.0", "a", "f", "a", "g", "a"));
	assert_int_equal(old_mate[0], 1);
	assert_int_equal(new_mate[0], PAIR_EXTRA);
	assert_int_equal(new_mate[2], PAIR_NONE);
	assert_false(pair_found(new_mate[0]));
}

TEST(an_extra_one_is_not_one_that_moved)
{
	pair(LIST("f", "a", "f", "a"), LIST("f", "a", "f", "b"));
	assert_int_equal(old_mate[1], PAIR_EXTRA);
	assert_int_equal(new_mate[1], PAIR_NONE);
}

TEST(a_prefix_is_another_name)
{
	pair(LIST("f", "a", "fo", "a"), LIST("foo", "a", "f", "a"));
	assert_int_equal(old_mate[0], 1);
	assert_int_equal(old_mate[1], PAIR_NONE);
}

TEST(nothing_pairs_with_nothing)
{
	pair_up(NULL, 0, NULL, 0, NULL, NULL);
}

static void assert_base(const char *name, const char *base)
{
	assert_int_equal(pair_function_base(name), strlen(base));
}

TEST(clone_suffixes_are_the_compilers)
{
	assert_base("f", "f");
	assert_base("f.isra.0", "f");
	assert_base("f.constprop.0.isra.12", "f");
	assert_base("f.part.0.cold", "f");
	assert_base("f.cold", "f");
	assert_base("f.llvm.12345678901234567890", "f");
}

TEST(other_dots_are_part_of_the_name)
{
	assert_base("f.0", "f.0");
	assert_base("f.x.0", "f.x.0");
	assert_base(".isra.0", ".isra.0");
	assert_base(".cold", ".cold");
	assert_base("f.", "f.");
	assert_base("f.isra.", "f.isra.");
	assert_base("", "");
}

TEST(numbers_of_function_statics_are_the_compilers)
{
	assert_int_equal(pair_object_base("once.12"), 4);
	assert_int_equal(pair_object_base("once.x"), 6);
	assert_int_equal(pair_object_base(".12"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_names_go_before_clones),
		cmocka_unit_test(a_place_goes_before_another),
		cmocka_unit_test(two_that_moved_are_not_guessed),
		cmocka_unit_test(one_more_in_the_same_place_is_extra),
		cmocka_unit_test(an_extra_one_is_not_one_that_moved),
		cmocka_unit_test(a_prefix_is_another_name),
		cmocka_unit_test(nothing_pairs_with_nothing),
		cmocka_unit_test(clone_suffixes_are_the_compilers),
		cmocka_unit_test(other_dots_are_part_of_the_name),
		cmocka_unit_test(numbers_of_function_statics_are_the_compilers),
	};

	return RUN(tests);
}
