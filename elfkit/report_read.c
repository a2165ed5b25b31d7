// SPDX-License-Identifier: GPL-2.0
/*
 * Reading a report, event by event: nothing is kept but the fields that the tables
 * below name, so memory stays within a small multiple of the file, whatever it holds.
 * A report has no use for anchors and aliases; they are refused before they can expand.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "elfkit/memory.h"
#include "elfkit/report_read.h"

#define TEXT_MAX 65536		/* of one scalar; a long signature has some hundred bytes */
#define SKIP_DEPTH_MAX 64
#define CHUNK_SIZE 65536

const char *const report_list_names[NR_REPORT_LISTS] = {
	"switches", "closure", "findings", "functions", "objects", "structs",
};

enum field_type { TEXT, NUMBER, FLAG, USERS, MEMBERS };

struct field {
	const char *name;
	enum field_type type;
	size_t at;
	bool required;
};

#define FIELD(record, name, type, required) { #name, type, offsetof(struct record, name), required }
#define NR(array) (sizeof(array) / sizeof((array)[0]))

static const struct field kernel_fields[] = {
	FIELD(report_data, release, TEXT, true),
	FIELD(report_data, build_id, TEXT, true),
	FIELD(report_data, machine, TEXT, true),
};

static const struct field switch_fields[] = {
	FIELD(report_switch, function, TEXT, true),
	FIELD(report_switch, calls, TEXT, true),
	FIELD(report_switch, at, TEXT, false),
};

static const struct field finding_fields[] = {
	FIELD(report_finding, kind, TEXT, true),
	FIELD(report_finding, what, TEXT, true),
};

static const struct field function_fields[] = {
	FIELD(report_function, name, TEXT, true),
	FIELD(report_function, class, TEXT, true),
	FIELD(report_function, file, TEXT, false),
	FIELD(report_function, line, NUMBER, false),
	FIELD(report_function, size, NUMBER, false),
	FIELD(report_function, entry, TEXT, false),
	FIELD(report_function, exported, FLAG, false),
	FIELD(report_function, signature, TEXT, false),
	FIELD(report_function, because, TEXT, false),
	FIELD(report_function, modifiable, FLAG, false),
	FIELD(report_function, copies, TEXT, false),
	FIELD(report_function, sleeps, TEXT, false),
};

static const struct field object_fields[] = {
	FIELD(report_object, name, TEXT, true),
	FIELD(report_object, class, TEXT, true),
	FIELD(report_object, kind, TEXT, false),
	FIELD(report_object, file, TEXT, false),
	FIELD(report_object, line, NUMBER, false),
	FIELD(report_object, function, TEXT, false),
	FIELD(report_object, size, NUMBER, false),
	FIELD(report_object, type, TEXT, false),
	FIELD(report_object, users, USERS, false),
	FIELD(report_object, because, TEXT, false),
};

static const struct field struct_fields[] = {
	FIELD(report_struct, name, TEXT, true),
	FIELD(report_struct, file, TEXT, false),
	FIELD(report_struct, size, NUMBER, false),
	FIELD(report_struct, class, TEXT, true),
	FIELD(report_struct, members, MEMBERS, false),
};

static const struct field member_fields[] = {
	FIELD(report_member, name, TEXT, false),
	FIELD(report_member, offset, NUMBER, true),
	FIELD(report_member, size, NUMBER, false),
	FIELD(report_member, bit, NUMBER, false),
	FIELD(report_member, bits, NUMBER, false),
	FIELD(report_member, inside, FLAG, false),
	FIELD(report_member, type, TEXT, false),
	FIELD(report_member, class, TEXT, false),
	FIELD(report_member, users, USERS, false),
};

struct reader {
	yaml_parser_t parser;
	yaml_event_t event;	/* the one that is looked at */
	struct report_data *data;
};

struct text_chunk {
	struct text_chunk *next;
	size_t used, size;
	char bytes[];
};

static const char *keep_text(struct report_data *data, const char *s, size_t len)
{
	struct text_chunk *chunk = data->text;
	char *copy;

	if (!chunk || chunk->size - chunk->used <= len) {
		size_t size = len < CHUNK_SIZE / 4 ? CHUNK_SIZE : len + 1;

		chunk = xcalloc(1, sizeof(*chunk) + size);
		chunk->size = size;
		chunk->next = data->text;
		data->text = chunk;
	}
	copy = chunk->bytes + chunk->used;
	memcpy(copy, s, len);
	chunk->used += len + 1;
	return copy;
}

static struct err *err_mark(const struct reader *r, yaml_mark_t mark, const char *what, const char *value)
{
	return err_new("%s:%zu:%zu: %s%s%.100s%s", r->data->path, mark.line + 1, mark.column + 1, what,
		       value ? " \"" : "", value ?: "", value ? "\"" : "");
}

/* About the event that is looked at. */
static struct err *err_here(const struct reader *r, const char *what, const char *value)
{
	return err_mark(r, r->event.start_mark, what, value);
}

static bool is(const struct reader *r, yaml_event_type_t type)
{
	return r->event.type == type;
}

static const char *scalar(const struct reader *r)
{
	return (const char *)r->event.data.scalar.value;
}

static struct err *next(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const yaml_char_t *anchor = NULL;

	yaml_event_delete(&r->event);
	if (!yaml_parser_parse(&r->parser, &r->event))
		return err_mark(r, p->error == YAML_READER_ERROR ? p->mark : p->problem_mark,
				p->problem ?: "not YAML", NULL);
	if (is(r, YAML_SCALAR_EVENT))
		anchor = r->event.data.scalar.anchor;
	else if (is(r, YAML_SEQUENCE_START_EVENT))
		anchor = r->event.data.sequence_start.anchor;
	else if (is(r, YAML_MAPPING_START_EVENT))
		anchor = r->event.data.mapping_start.anchor;
	if (anchor || is(r, YAML_ALIAS_EVENT))
		return err_here(r, "a report has no anchors and aliases", NULL);
	return NULL;
}

/* Passes over the value that begins here. */
static struct err *skip(struct reader *r)
{
	unsigned int depth = 0;

	for (;;) {
		struct err *err;

		if (is(r, YAML_SEQUENCE_START_EVENT) || is(r, YAML_MAPPING_START_EVENT))
			depth++;
		else if (is(r, YAML_SEQUENCE_END_EVENT) || is(r, YAML_MAPPING_END_EVENT))
			depth--;
		if (!depth)
			return NULL;
		if (depth > SKIP_DEPTH_MAX)
			return err_here(r, "nested too deeply", NULL);
		err = next(r);
		if (err)
			return err;
	}
}

/* What is shown on a terminal must be text, and one line of it. */
static bool printable(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = s[i];

		if (c < 0x20 || c == 0x7f || (c == 0xc2 && i + 1 < len && (unsigned char)s[i + 1] < 0xa0))
			return false;
	}
	return true;
}

static struct err *check_text(const struct reader *r, const char *what)
{
	if (!is(r, YAML_SCALAR_EVENT))
		return err_here(r, "expected text for", what);
	if (r->event.data.scalar.length > TEXT_MAX)
		return err_here(r, "text too long for", what);
	if (!printable(scalar(r), r->event.data.scalar.length))
		return err_here(r, "a control character in the text for", what);
	return NULL;
}

static struct err *read_text(struct reader *r, const char *what, const char **ret)
{
	struct err *err = check_text(r, what);

	if (!err)
		*ret = keep_text(r->data, scalar(r), r->event.data.scalar.length);
	return err;
}

static struct err *read_number(struct reader *r, const char *what, uint64_t *ret)
{
	struct err *err = check_text(r, what);
	unsigned long long value;
	char *end;

	if (err)
		return err;
	errno = 0;
	value = strtoull(scalar(r), &end, 10);
	if (*scalar(r) < '0' || *scalar(r) > '9' || *end || errno || value == NO_NUMBER)
		return err_here(r, "expected a number for", what);
	*ret = value;
	return NULL;
}

static struct err *read_flag(struct reader *r, const char *what, enum report_flag *ret)
{
	struct err *err = check_text(r, what);

	if (err)
		return err;
	if (!strcmp(scalar(r), "true"))
		*ret = FLAG_TRUE;
	else if (!strcmp(scalar(r), "false"))
		*ret = FLAG_FALSE;
	else
		return err_here(r, "expected true or false for", what);
	return NULL;
}

/* Goes to the next item of the list that is looked at; *more is false behind the last one. */
static struct err *next_item(struct reader *r, bool *more)
{
	struct err *err = next(r);

	*more = !err && !is(r, YAML_SEQUENCE_END_EVENT);
	return err;
}

static struct err *check_list(const struct reader *r, const char *what)
{
	return is(r, YAML_SEQUENCE_START_EVENT) ? NULL : err_here(r, "expected a list for", what);
}

/* How many there are is kept, and the first one as an example. */
static struct err *read_users(struct reader *r, const char *what, struct report_users *users)
{
	struct err *err = check_list(r, what);
	bool more;

	for (err = err ?: next_item(r, &more); !err && more; err = next_item(r, &more)) {
		err = users->n++ ? check_text(r, what) : read_text(r, what, &users->first);
		if (err)
			return err;
	}
	return err;
}

static struct err *read_members(struct reader *r, const char *what, struct report_struct *s);

static struct err *read_value(struct reader *r, const struct field *field, void *record)
{
	void *value = (char *)record + field->at;

	switch (field->type) {
	case TEXT:
		return read_text(r, field->name, value);
	case NUMBER:
		return read_number(r, field->name, value);
	case FLAG:
		return read_flag(r, field->name, value);
	case USERS:
		return read_users(r, field->name, value);
	case MEMBERS:
		return read_members(r, field->name, record);
	}
	return NULL;
}

static struct err *check_required(const struct reader *r, const struct field *fields, size_t n, unsigned int seen,
				  yaml_mark_t start)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i].required && !(seen & 1U << i))
			return err_mark(r, start, "missing key", fields[i].name);
	return NULL;
}

/* The mapping that begins here, into @record; numbers that are not there become NO_NUMBER. */
static struct err *read_record(struct reader *r, const struct field *fields, size_t n, void *record)
{
	yaml_mark_t start = r->event.start_mark;
	unsigned int seen = 0;
	struct err *err;

	if (!is(r, YAML_MAPPING_START_EVENT))
		return err_here(r, "expected a mapping with the key", fields[0].name);
	for (size_t i = 0; i < n; i++)
		if (fields[i].type == NUMBER)
			*(uint64_t *)((char *)record + fields[i].at) = NO_NUMBER;
	for (err = next(r); !err && !is(r, YAML_MAPPING_END_EVENT); err = err ?: next(r)) {
		size_t i = 0;

		if (!is(r, YAML_SCALAR_EVENT))
			return err_here(r, "a key must be a plain word", NULL);
		while (i < n && strcmp(fields[i].name, scalar(r)))
			i++;
		if (i < n && (seen & 1U << i))
			return err_here(r, "key given twice:", scalar(r));
		if (i < n)
			seen |= 1U << i;
		err = next(r) ?: i < n ? read_value(r, &fields[i], record) : skip(r);
	}
	return err ?: check_required(r, fields, n, seen, start);
}

static struct err *read_members(struct reader *r, const char *what, struct report_struct *s)
{
	struct report_data *d = r->data;
	struct err *err = check_list(r, what);
	bool more;

	s->members = d->nr_members;
	for (err = err ?: next_item(r, &more); !err && more; err = err ?: next_item(r, &more)) {
		GROW(d->members, d->nr_members, d->cap_members);
		d->members[d->nr_members] = (struct report_member){ 0 };
		err = read_record(r, member_fields, NR(member_fields), &d->members[d->nr_members++]);
	}
	s->nr_members = d->nr_members - s->members;
	return err;
}

/* Reads the list that begins here into an array; @fields describe an item. */
#define READ_LIST(r, list, fields)                                                                    \
	({                                                                                            \
		struct report_data *d_ = (r)->data;                                                   \
		struct err *err_;                                                                     \
		bool more_;                                                                           \
		for (err_ = next_item(r, &more_); !err_ && more_; err_ = err_ ?: next_item(r, &more_)) { \
			GROW(d_->list, d_->nr_##list, d_->cap_##list);                                \
			memset(&d_->list[d_->nr_##list], 0, sizeof(d_->list[0]));                     \
			err_ = read_record(r, fields, NR(fields), &d_->list[d_->nr_##list++]);        \
		}                                                                                     \
		err_;                                                                                 \
	})

static struct err *read_closure(struct reader *r)
{
	struct report_data *d = r->data;
	struct err *err;
	bool more;

	for (err = next_item(r, &more); !err && more; err = err ?: next_item(r, &more)) {
		GROW(d->closure, d->nr_closure, d->cap_closure);
		err = read_text(r, "closure", &d->closure[d->nr_closure++]);
	}
	return err;
}

static struct err *read_list(struct reader *r, enum report_list list)
{
	struct err *err = check_list(r, report_list_names[list]);

	if (err)
		return err;
	r->data->has[list] = true;
	switch (list) {
	case LIST_SWITCHES:
		return READ_LIST(r, switches, switch_fields);
	case LIST_CLOSURE:
		return read_closure(r);
	case LIST_FINDINGS:
		return READ_LIST(r, findings, finding_fields);
	case LIST_FUNCTIONS:
		return READ_LIST(r, functions, function_fields);
	case LIST_OBJECTS:
		return READ_LIST(r, objects, object_fields);
	case LIST_STRUCTS:
		return READ_LIST(r, structs, struct_fields);
	case NR_REPORT_LISTS:
		break;
	}
	return NULL;
}

/* One `key: value` at the top. */
static struct err *read_top(struct reader *r, bool *seen_kernel)
{
	enum report_list list = 0;
	bool kernel;
	struct err *err;

	if (!is(r, YAML_SCALAR_EVENT))
		return err_here(r, "a key must be a plain word", NULL);
	kernel = !strcmp(scalar(r), "kernel");
	while (list < NR_REPORT_LISTS && strcmp(report_list_names[list], scalar(r)))
		list++;
	if (!strcmp(scalar(r), "elfkit") || (kernel && *seen_kernel) ||
	    (list < NR_REPORT_LISTS && r->data->has[list]))
		return err_here(r, "key given twice:", scalar(r));
	err = next(r);
	if (err)
		return err;
	if (list < NR_REPORT_LISTS)
		return read_list(r, list);
	if (!kernel)
		return skip(r);
	*seen_kernel = true;
	return read_record(r, kernel_fields, NR(kernel_fields), r->data);
}

/* The schema number comes first: nothing else can be relied on before it is known. */
static struct err *read_schema(struct reader *r)
{
	uint64_t schema;
	struct err *err = next(r);

	if (err)
		return err;
	if (!is(r, YAML_SCALAR_EVENT) || strcmp(scalar(r), "elfkit"))
		return err_here(r, "not a report of elfkit: it does not begin with `elfkit: NUMBER`", NULL);
	err = next(r) ?: read_number(r, "elfkit", &schema);
	if (!err && schema > REPORT_SCHEMA)
		return err_new("%s: the report has schema %lu, newer than this elfkit's %u: use the elfkit that wrote it",
			       r->data->path, (unsigned long)schema, REPORT_SCHEMA);
	if (!err && !schema)
		return err_here(r, "no such schema", scalar(r));
	return err;
}

static struct err *read_document(struct reader *r)
{
	bool seen_kernel = false;
	struct err *err;

	/* the beginnings of stream and document */
	err = next(r) ?: next(r);
	if (!err && is(r, YAML_STREAM_END_EVENT))
		return err_new("%s: empty: not a report of elfkit", r->data->path);
	err = err ?: next(r);
	if (!err && !is(r, YAML_MAPPING_START_EVENT))
		return err_here(r, "not a report of elfkit: expected a mapping at the top", NULL);
	err = err ?: read_schema(r) ?: next(r);
	for (; !err && !is(r, YAML_MAPPING_END_EVENT); err = err ?: next(r))
		err = read_top(r, &seen_kernel);
	if (!err && !seen_kernel)
		return err_here(r, "missing key", "kernel");
	/* the ends of document and stream */
	err = err ?: next(r) ?: next(r);
	if (!err && !is(r, YAML_STREAM_END_EVENT))
		return err_here(r, "more than one document", NULL);
	return err;
}

static struct err *read_all(struct reader *r, struct report_data **ret)
{
	struct err *err = read_document(r);

	yaml_event_delete(&r->event);
	yaml_parser_delete(&r->parser);
	if (err)
		report_free(r->data);
	else
		*ret = r->data;
	return err;
}

static void start(struct reader *r, const char *path)
{
	*r = (struct reader){ .data = xcalloc(1, sizeof(*r->data)) };
	r->data->path = xstrdup(path);
	yaml_parser_initialize(&r->parser);
}

struct err *report_parse(const char *text, size_t len, const char *path, struct report_data **ret)
{
	struct reader r;

	start(&r, path);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	return read_all(&r, ret);
}

struct err *report_read(const char *path, struct report_data **ret)
{
	FILE *file = fopen(path, "re");
	struct reader r;
	struct stat st;
	struct err *err;
	int first;

	if (!file)
		return err_new("%s: %s", path, strerror(errno));
	if (!fstat(fileno(file), &st) && S_ISDIR(st.st_mode)) {
		fclose(file);
		return err_new("%s: %s", path, strerror(EISDIR));
	}
	memory_count_file(path);
	first = getc(file);
	if (first == 0x7f) {
		fclose(file);
		return err_new("%s: not a report but an ELF file: make its report with `elfkit boundary -o FILE VMLINUX`", path);
	}
	ungetc(first, file);	/* a pipe cannot be wound back */
	start(&r, path);
	yaml_parser_set_input_file(&r.parser, file);
	err = read_all(&r, ret);
	fclose(file);
	return err;
}

void report_free(struct report_data *report)
{
	if (!report)
		return;
	while (report->text) {
		struct text_chunk *chunk = report->text;

		report->text = chunk->next;
		free(chunk);
	}
	free(report->switches);
	free(report->closure);
	free(report->findings);
	free(report->functions);
	free(report->objects);
	free(report->structs);
	free(report->members);
	free(report->path);
	free(report);
}
