// SPDX-License-Identifier: GPL-2.0
/*
 * Reports and what is different between two: the input is both, with a byte of zero between them, or one.
 * A report has no difference to itself.
 */
#include "elfkit/diff_write.h"
#include "t/fuzz/fuzz.h"

static void write_both(const struct diff *diff)
{
	FILE *file = fopen("/dev/null", "w");

	promise(file);
	well(diff_write_text(diff, true, file));
	well(diff_write_json(diff, true, file));
	fclose(file);
}

static uint32_t compare(const struct report_data *before, const struct report_data *after)
{
	struct diff *diff = diff_reports(before, after);
	uint32_t n = diff_nr_written(diff, true);

	write_both(diff);
	diff_free(diff);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	size_t first = zero ? (size_t)(zero - data) : size;
	struct report_data *before, *after;

	memory_begin();
	if (!well(report_parse((const char *)data, first, "before.yaml", &before))) {
		memory_end(size);
		return 0;
	}
	promise(!compare(before, before));
	if (zero && well(report_parse((const char *)zero + 1, size - first - 1, "after.yaml", &after))) {
		compare(before, after);
		compare(after, before);
		report_free(after);
	}
	memory_end(size);
	report_free(before);
	return 0;
}
