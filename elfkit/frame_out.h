/* SPDX-License-Identifier: GPL-2.0 */
/* What `elfkit frame` says of a function, as text and as JSON. */
#ifndef ELFKIT_FRAME_OUT_H
#define ELFKIT_FRAME_OUT_H

#include <stdio.h>

#include "disasm/resume.h"

/* A call in the function, and what the code behind it needs. */
struct frame_call {
	uint64_t addr;
	const char *callee;	/* "" for one that has no name */
	struct cfi_row row;
	struct needs needs;
	struct flow after;
	char *disagrees;	/* why frame and call frame information do not agree, or NULL */
	char *unknown;		/* why the code behind the call cannot be followed, or NULL */
};

struct frame_report {
	const struct funcs *funcs;
	const struct machine *machine;
	uint32_t func;
	struct frame frame;
	struct frame_call *calls;	/* by address */
	uint32_t nr_calls, cap_calls;
};

void frame_report_release(struct frame_report *report);

void frame_write_text(const struct frame_report *report, FILE *file);
struct err *frame_write_json(const struct frame_report *report, FILE *file);

#endif
