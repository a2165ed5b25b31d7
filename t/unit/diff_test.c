// SPDX-License-Identifier: GPL-2.0
/* Reports that are odd, and what is different about them; t/diff.t has each kind of difference. */
#include "elfkit/diff_write.h"
#include "t/unit/unit.h"

#define HEAD                                                                                      \
	"elfkit: 1\nkernel: {release: r, build_id: 00, machine: x86-64}\n"                        \
	"counts: {interface: 0, callback: 0, insider: 0, outsider: 0, init: 0, gone: 0, modifiable: 0}\n" \
	"switches: []\nclosure: []\nfindings: []\nfunctions: []\n"

static struct report_data *report_of(const char *text)
{
	struct report_data *report = NULL;

	assert_success(report_parse(text, strlen(text), "report.yaml", &report));
	return report;
}

static uint32_t nr_differences(const char *before, const char *after)
{
	struct report_data *a = report_of(before), *b = report_of(after);
	struct diff *diff = diff_reports(a, b);
	uint32_t n = diff_nr_written(diff, true);

	diff_free(diff);
	report_free(a);
	report_free(b);
	return n;
}

#define EMPTY_STRUCT HEAD "structs:\n- {name: s, file: f.h, size: 0, class: own, members: []}\n"

/* found by fuzzing: no struct of the report has a member */
TEST(structs_may_have_no_members)
{
	assert_int_equal(nr_differences(EMPTY_STRUCT, EMPTY_STRUCT), 0);
	assert_true(nr_differences(HEAD "structs: []\n", EMPTY_STRUCT) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structs_may_have_no_members),
	};

	return RUN(tests);
}
