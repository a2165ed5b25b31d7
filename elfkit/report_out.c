// SPDX-License-Identifier: GPL-2.0
/* A report's words as events of libyaml or as values of jansson. */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "elfkit/report_out.h"

#define MAX_DEPTH 8

/* Containers that are open, outermost first, and the key that waits for its value. */
struct json_builder {
	json_t *root;
	json_t *open[MAX_DEPTH];
	int depth;
	char *key;
};

static void emit(struct report_out *r, yaml_event_t *event, int initialised)
{
	if (!initialised || !yaml_emitter_emit(&r->emitter, event))
		r->failed = true;
}

/* Consumes @value. */
static void json_put(struct report_out *r, json_t *value)
{
	struct json_builder *b = r->json;
	json_t *in = b->depth ? b->open[b->depth - 1] : NULL;
	int bad;

	if (!in) {
		b->root = value;
		bad = !value;
	} else if (json_is_array(in)) {
		bad = json_array_append_new(in, value);
	} else {
		bad = json_object_set_new(in, b->key, value);
		free(b->key);
		b->key = NULL;
	}
	r->failed |= bad;
}

static void json_open(struct report_out *r, json_t *container)
{
	json_put(r, container);
	assert(r->json->depth < MAX_DEPTH);
	r->json->open[r->json->depth++] = container;
}

void report_begin(struct report_out *r)
{
	yaml_event_t event;

	if (r->format != REPORT_YAML) {
		r->json = xcalloc(1, sizeof(*r->json));
		return;
	}
	yaml_emitter_initialize(&r->emitter);
	yaml_emitter_set_output_file(&r->emitter, r->file);
	yaml_emitter_set_width(&r->emitter, -1);
	emit(r, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	emit(r, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
}

struct err *report_end(struct report_out *r)
{
	yaml_event_t event;

	if (r->format != REPORT_YAML) {
		if (!r->failed && json_dumpf(r->json->root, r->file, r->format == REPORT_JSON ? JSON_INDENT(2) : JSON_COMPACT))
			r->failed = true;
		fputc('\n', r->file);
		json_decref(r->json->root);
		free(r->json->key);
		free(r->json);
	} else {
		emit(r, &event, yaml_document_end_event_initialize(&event, 1));
		emit(r, &event, yaml_stream_end_event_initialize(&event));
		yaml_emitter_flush(&r->emitter);
		yaml_emitter_delete(&r->emitter);
	}
	if (r->failed || fflush(r->file) || ferror(r->file))
		return err_new("cannot write the report");
	return NULL;
}

void report_open_mapping(struct report_out *r, yaml_mapping_style_t style)
{
	yaml_event_t event;

	if (r->json)
		json_open(r, json_object());
	else
		emit(r, &event, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style));
}

void report_close_mapping(struct report_out *r)
{
	yaml_event_t event;

	if (r->json)
		r->json->depth--;
	else
		emit(r, &event, yaml_mapping_end_event_initialize(&event));
}

void report_open_list(struct report_out *r, yaml_sequence_style_t style)
{
	yaml_event_t event;

	if (r->json)
		json_open(r, json_array());
	else
		emit(r, &event, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style));
}

void report_close_list(struct report_out *r)
{
	yaml_event_t event;

	if (r->json)
		r->json->depth--;
	else
		emit(r, &event, yaml_sequence_end_event_initialize(&event));
}

static void put_scalar(struct report_out *r, const char *s)
{
	yaml_event_t event;

	emit(r, &event, yaml_scalar_event_initialize(&event, NULL, NULL, (yaml_char_t *)s, strlen(s), 1, 1,
						     YAML_ANY_SCALAR_STYLE));
}

/* Bytes of the printable UTF-8 character (RFC 3629) at @s; 0: there is none. */
static size_t printable_at(const uint8_t *s)
{
	size_t n = *s < 0x80 ? 1 : *s >= 0xc2 && *s < 0xe0 ? 2 : (*s & 0xf0) == 0xe0 ? 3 : *s >= 0xf0 && *s < 0xf5 ? 4 : 0;

	if (*s < 0x20 || *s == 0x7f || (*s == 0xc2 && s[1] < 0xa0))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* too long a form, or a surrogate, or beyond U+10FFFF; U+FEFF and the like are no text either */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) || (*s == 0xf0 && s[1] < 0x90) ||
	    (*s == 0xf4 && s[1] > 0x8f) || (*s == 0xef && s[1] >= 0xbb))
		return 0;
	return n;
}

char *report_as_text(const char *s)
{
	char *text = xcalloc(strlen(s) + 1, 4), *end = text;

	while (*s) {
		size_t n = printable_at((const uint8_t *)s);

		if (n)
			end = mempcpy(end, s, n);
		else
			end += sprintf(end, "\\x%02x", (uint8_t)*s);
		s += n ?: 1;
	}
	return text;
}

void report_text(struct report_out *r, const char *name)
{
	AUTO_FREE char *s = report_as_text(name);
	struct json_builder *b = r->json;

	if (!b)
		put_scalar(r, s);
	else if (b->depth && json_is_object(b->open[b->depth - 1]) && !b->key)
		b->key = xstrdup(s);
	else
		json_put(r, json_string(s));
}

void report_pair(struct report_out *r, const char *key, const char *value)
{
	report_text(r, key);
	report_text(r, value);
}

void report_pair_number(struct report_out *r, const char *key, uint64_t value)
{
	char buffer[24];

	report_text(r, key);
	snprintf(buffer, sizeof(buffer), "%lu", (unsigned long)value);
	if (r->json)
		json_put(r, json_integer(value));
	else
		put_scalar(r, buffer);
}

void report_pair_flag(struct report_out *r, const char *key, bool value)
{
	report_text(r, key);
	if (r->json)
		json_put(r, json_boolean(value));
	else
		put_scalar(r, value ? "true" : "false");
}
