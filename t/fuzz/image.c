// SPDX-License-Identifier: GPL-2.0
/* A vmlinux through every stage of `elfkit boundary --structs`; its report must be one that can be read. */
#include "elfkit/report.h"
#include "elfkit/report_read.h"
#include "t/fuzz/elf.h"

static void write_report(struct survey *survey, size_t size)
{
	struct report_data *report;
	AUTO_FREE char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);
	int written;

	memory_end(size);
	promise(file);
	written = well(report_write(survey, REPORT_YAML, file));
	fclose(file);
	if (!written)
		return;
	promise(well(report_parse(text, len, "report.yaml", &report)));
	report_free(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct survey survey = { 0 };
	struct input input;

	input_open(&input, data, size);
	if (well(survey_make(input.path, "t/damage/boundary.yaml", &survey)) &&
	    well(kernel_read_structs(&survey.kernel)))
		write_report(&survey, size);
	survey_release(&survey);
	input_close(&input);
	return 0;
}
