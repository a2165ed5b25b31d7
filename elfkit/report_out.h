/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A report under way, for the files that write its sections: the same calls make YAML,
 * event by event, or one JSON document.
 */
#ifndef ELFKIT_REPORT_OUT_H
#define ELFKIT_REPORT_OUT_H

#include <yaml.h>

#include "elfkit/survey.h"

enum report_format {
	REPORT_YAML,
	REPORT_JSON,
	REPORT_JSON_LINE,	/* the same without line breaks, for programs alone */
};

struct report_out {
	const struct survey *survey;
	const struct kernel *kernel;
	FILE *file;
	enum report_format format;
	yaml_emitter_t emitter;
	struct json_builder *json;
	bool failed;
};

void report_begin(struct report_out *r);
struct err *report_end(struct report_out *r);

void report_open_mapping(struct report_out *r, yaml_mapping_style_t style);
void report_close_mapping(struct report_out *r);
void report_open_list(struct report_out *r, yaml_sequence_style_t style);
void report_close_list(struct report_out *r);
/* A key of a mapping, or text in a list or behind a key. */
void report_text(struct report_out *r, const char *name);
void report_pair(struct report_out *r, const char *key, const char *value);
void report_pair_number(struct report_out *r, const char *key, uint64_t value);
void report_pair_flag(struct report_out *r, const char *key, bool value);

/* Names come from the kernel's file as they are: what is not text is spelt out, as \xNN. Caller frees. */
char *report_as_text(const char *s);

#endif
