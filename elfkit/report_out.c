// SPDX-License-Identifier: GPL-2.0
/* Events of libyaml in the words of a report. */
#include <string.h>

#include "elfkit/report_out.h"

void report_emit(struct report_out *r, yaml_event_t *event, int initialised)
{
	if (!initialised || !yaml_emitter_emit(&r->emitter, event))
		r->failed = true;
}

void report_open_mapping(struct report_out *r, yaml_mapping_style_t style)
{
	yaml_event_t event;

	report_emit(r, &event, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style));
}

void report_close_mapping(struct report_out *r)
{
	yaml_event_t event;

	report_emit(r, &event, yaml_mapping_end_event_initialize(&event));
}

void report_open_list(struct report_out *r, yaml_sequence_style_t style)
{
	yaml_event_t event;

	report_emit(r, &event, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style));
}

void report_close_list(struct report_out *r)
{
	yaml_event_t event;

	report_emit(r, &event, yaml_sequence_end_event_initialize(&event));
}

void report_text(struct report_out *r, const char *s)
{
	yaml_event_t event;

	report_emit(r, &event, yaml_scalar_event_initialize(&event, NULL, NULL, (yaml_char_t *)s, strlen(s),
						     1, 1, YAML_ANY_SCALAR_STYLE));
}

void report_pair(struct report_out *r, const char *key, const char *value)
{
	report_text(r, key);
	report_text(r, value);
}

void report_pair_number(struct report_out *r, const char *key, uint64_t value)
{
	char buffer[24];

	snprintf(buffer, sizeof(buffer), "%lu", (unsigned long)value);
	report_pair(r, key, buffer);
}
