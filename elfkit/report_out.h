/* SPDX-License-Identifier: GPL-2.0 */
/* A report under way, for the files that write its sections. */
#ifndef ELFKIT_REPORT_OUT_H
#define ELFKIT_REPORT_OUT_H

#include <yaml.h>

#include "elfkit/survey.h"

struct report_out {
	const struct survey *survey;
	const struct kernel *kernel;
	yaml_emitter_t emitter;
	bool failed;
};

void report_emit(struct report_out *r, yaml_event_t *event, int initialised);
void report_open_mapping(struct report_out *r, yaml_mapping_style_t style);
void report_close_mapping(struct report_out *r);
void report_open_list(struct report_out *r, yaml_sequence_style_t style);
void report_close_list(struct report_out *r);
void report_text(struct report_out *r, const char *s);
void report_pair(struct report_out *r, const char *key, const char *value);
void report_pair_number(struct report_out *r, const char *key, uint64_t value);

#endif
