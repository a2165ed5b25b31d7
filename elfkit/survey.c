// SPDX-License-Identifier: GPL-2.0
/* The stages behind the boundary. */
#include <string.h>

#include "elfkit/survey.h"
#include "elfkit/unknown.h"

struct err *survey_make(const char *vmlinux, const char *policy, struct survey *ret)
{
	struct kernel *k = &ret->kernel;
	struct err *err;

	memset(ret, 0, sizeof(*ret));
	err = kernel_read(vmlinux, policy, k);
	if (err)
		return err;
	sleep_compute(k->funcs, k->refs, k->policy, k->boundary, &ret->sleep);
	sharing_find(k->funcs, k->variables, k->refs, k->boundary, &ret->sharing);
	err = err_in(copies_find(k->debuginfo, k->policy, &ret->copies), vmlinux);
	if (err)
		return err;
	declarations_find(k->funcs, k->policy, k->boundary, &ret->copies, &ret->declarations);
	unknown_names(k, &ret->unknown, &ret->nr_unknown);
	return crosscheck(k->funcs, k->variables, k->refs, &ret->findings);
}

void survey_release(struct survey *survey)
{
	for (uint32_t i = 0; i < survey->nr_unknown; i++)
		free(survey->unknown[i]);
	free(survey->unknown);
	findings_release(&survey->findings);
	declarations_release(&survey->declarations);
	copies_release(&survey->copies);
	sharing_release(&survey->sharing);
	sleep_release(&survey->sleep);
	kernel_release(&survey->kernel);
}
