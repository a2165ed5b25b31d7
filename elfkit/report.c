// SPDX-License-Identifier: GPL-2.0
/*
 * Writing the boundary report through libyaml.
 *
 *	elfkit: 1
 *	kernel: {release: ..., build_id: ..., machine: ...}
 *	counts: {interface: n, callback: n, insider: n, outsider: n, gone: n, modifiable: n}
 *	closure: []		references from outside to insiders
 *	switches:
 *	- {function: __schedule, calls: __switch_to_asm, at: __schedule+0x348}
 *	findings: [{kind: ..., what: ...}]	disagreements between sources, unknown names of the policy
 *	functions:
 *	- name: ...		the symbol
 *	  class: ...
 *	  file: ..., line: ...	of the declaration
 *	  size: ...		bytes, cold parts left out
 *	  entry: ...		fentry: the jump goes on the fentry nop; bare: on the first instructions
 *	  exported: true	only where it is
 *	  modifiable: ...	whether an edit of it takes effect everywhere
 *	  because: ...		why it has this class
 *	  copies: ...		of what is inside and not modifiable: where another copy is
 *	  sleeps: ...		of what is inside: a shortest way on which a task can sleep in it
 */
#include <string.h>
#include <yaml.h>

#include "elfkit/report.h"

#define REPORT_FORMAT 1

struct report {
	const struct survey *survey;
	const struct kernel *kernel;
	yaml_emitter_t emitter;
	bool failed;
};

static void emit(struct report *r, yaml_event_t *event, int initialised)
{
	if (!initialised || !yaml_emitter_emit(&r->emitter, event))
		r->failed = true;
}

static void open_mapping(struct report *r, yaml_mapping_style_t style)
{
	yaml_event_t event;

	emit(r, &event, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style));
}

static void close_mapping(struct report *r)
{
	yaml_event_t event;

	emit(r, &event, yaml_mapping_end_event_initialize(&event));
}

static void open_list(struct report *r)
{
	yaml_event_t event;

	emit(r, &event, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
							     YAML_BLOCK_SEQUENCE_STYLE));
}

static void close_list(struct report *r)
{
	yaml_event_t event;

	emit(r, &event, yaml_sequence_end_event_initialize(&event));
}

static void text(struct report *r, const char *s)
{
	yaml_event_t event;

	emit(r, &event, yaml_scalar_event_initialize(&event, NULL, NULL, (yaml_char_t *)s, strlen(s),
						     1, 1, YAML_ANY_SCALAR_STYLE));
}

static void pair(struct report *r, const char *key, const char *value)
{
	text(r, key);
	text(r, value);
}

static void pair_number(struct report *r, const char *key, uint64_t value)
{
	char buffer[24];

	snprintf(buffer, sizeof(buffer), "%lu", (unsigned long)value);
	pair(r, key, buffer);
}

static void write_kernel(struct report *r)
{
	const struct image *image = r->kernel->image;
	AUTO_FREE char *release = kernel_release_name(r->kernel);
	char hex[2 * sizeof(image->build_id) + 1] = "";

	for (size_t i = 0; i < image->build_id_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", image->build_id[i]);
	text(r, "kernel");
	open_mapping(r, YAML_BLOCK_MAPPING_STYLE);
	pair(r, "release", release ?: "unknown");
	pair(r, "build_id", *hex ? hex : "none");
	pair(r, "machine", machine_of(image->machine)->name);
	close_mapping(r);
}

static uint32_t count_gone(const struct survey *survey)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < survey->declarations.n; i++)
		n += !survey->declarations.v[i].has_code;
	return n;
}

static void write_counts(struct report *r)
{
	text(r, "counts");
	open_mapping(r, YAML_BLOCK_MAPPING_STYLE);
	for (int side = SIDE_INTERFACE; side < NR_SIDES; side++)
		pair_number(r, side_names[side], r->kernel->boundary->counts[side]);
	pair_number(r, "gone", count_gone(r->survey));
	pair_number(r, "modifiable", r->survey->declarations.nr_modifiable);
	close_mapping(r);
}

static void write_switches(struct report *r)
{
	const struct boundary *b = r->kernel->boundary;

	text(r, "switches");
	open_list(r);
	for (uint32_t i = 0; i < b->nr_switches; i++) {
		AUTO_FREE char *place = funcs_place(r->kernel->funcs, b->switches[i].call);

		open_mapping(r, YAML_FLOW_MAPPING_STYLE);
		pair(r, "function", r->kernel->funcs->v[b->switches[i].func].name);
		pair(r, "calls", r->kernel->funcs->v[b->switches[i].callee].name);
		pair(r, "at", place);
		close_mapping(r);
	}
	close_list(r);
}

/* References that a jump at interfaces and callbacks alone would let slip: none, if all is well. */
static void write_closure(struct report *r)
{
	const struct boundary *b = r->kernel->boundary;

	text(r, "closure");
	open_list(r);
	for (uint32_t i = 0; i < b->nr_closure; i++) {
		const struct ref *ref = &r->kernel->refs->v[b->closure[i]];
		AUTO_FREE char *place = funcs_place(r->kernel->funcs, ref->at);
		AUTO_FREE char *edge = xasprintf("%s reaches %s", place, r->kernel->funcs->v[ref->to].name);

		text(r, edge);
	}
	close_list(r);
}

static void write_finding(struct report *r, const char *kind, const char *what)
{
	open_mapping(r, YAML_BLOCK_MAPPING_STYLE);
	pair(r, "kind", kind);
	pair(r, "what", what);
	close_mapping(r);
}

static void write_findings(struct report *r)
{
	const struct survey *s = r->survey;

	text(r, "findings");
	open_list(r);
	for (uint32_t i = 0; i < s->findings.n; i++) {
		const struct finding *f = &s->findings.v[i];

		/* one about a function of others is their business */
		if (r->kernel->boundary->v[f->func].side != SIDE_NONE)
			write_finding(r, finding_names[f->kind], f->text);
	}
	for (uint32_t i = 0; i < s->nr_unknown; i++)
		write_finding(r, "unknown-name", s->unknown[i]);
	close_list(r);
}

/* A line of the function list: a function with code, or (func == NO_ID) a declaration without. */
struct entry {
	const char *name;
	const struct debug_func *source;
	uint32_t func;
	const struct declaration *declaration;
};

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int cmp = strcmp(x->name, y->name);

	if (!cmp)
		cmp = strcmp(x->source->file, y->source->file);
	if (!cmp)
		cmp = x->source->line < y->source->line ? -1 : x->source->line > y->source->line;
	return cmp ? cmp : x->func < y->func ? -1 : x->func > y->func;
}

static void write_function(struct report *r, const struct entry *e)
{
	const struct func *f = e->func == NO_ID ? NULL : &r->kernel->funcs->v[e->func];
	const struct decision *d = f ? &r->kernel->boundary->v[e->func] : NULL;
	bool inside = f && boundary_is_inside(r->kernel->boundary, e->func);
	AUTO_FREE char *path = inside ? sleep_path(&r->survey->sleep, r->kernel->funcs, e->func) : NULL;

	open_mapping(r, YAML_BLOCK_MAPPING_STYLE);
	pair(r, "name", e->name);
	pair(r, "class", d ? side_names[d->side] : "gone");
	pair(r, "file", e->source->file);
	pair_number(r, "line", e->source->line);
	if (f) {
		pair_number(r, "size", f->high - f->low);
		if (d->site)
			pair(r, "entry", f->traced ? "fentry" : "bare");
		if (f->exported)
			pair(r, "exported", "true");
	}
	pair(r, "modifiable", e->declaration->modifiable ? "true" : "false");
	pair(r, "because", d ? d->because : e->declaration->because);
	if (inside && !e->declaration->modifiable)
		pair(r, "copies", e->declaration->because);
	if (path)
		pair(r, "sleeps", path);
	close_mapping(r);
}

static void write_functions(struct report *r)
{
	const struct kernel *k = r->kernel;
	const struct declarations *decls = &r->survey->declarations;
	struct entry *entries = xcalloc(k->boundary->n + decls->n, sizeof(*entries));
	uint32_t n = 0;

	for (uint32_t i = 0; i < k->boundary->n; i++) {
		const struct debug_func *source = funcs_source(k->funcs, i);

		if (k->boundary->v[i].side != SIDE_NONE)
			entries[n++] = (struct entry){ k->funcs->v[i].name, source, i,
						       declarations_lookup(decls, k->debuginfo, source) };
	}
	for (uint32_t i = 0; i < decls->n; i++) {
		const struct debug_func *source = &k->debuginfo->funcs[decls->v[i].source];

		if (!decls->v[i].has_code)
			entries[n++] = (struct entry){ source->name, source, NO_ID, &decls->v[i] };
	}
	qsort(entries, n, sizeof(*entries), compare_entries);
	text(r, "functions");
	open_list(r);
	for (uint32_t i = 0; i < n; i++)
		write_function(r, &entries[i]);
	close_list(r);
	free(entries);
}

struct err *report_write(const struct survey *survey, FILE *file)
{
	struct report r = { .survey = survey, .kernel = &survey->kernel };
	yaml_event_t event;

	yaml_emitter_initialize(&r.emitter);
	yaml_emitter_set_output_file(&r.emitter, file);
	yaml_emitter_set_width(&r.emitter, -1);
	emit(&r, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	emit(&r, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
	open_mapping(&r, YAML_BLOCK_MAPPING_STYLE);
	pair_number(&r, "elfkit", REPORT_FORMAT);
	write_kernel(&r);
	write_counts(&r);
	write_switches(&r);
	write_closure(&r);
	write_findings(&r);
	write_functions(&r);
	close_mapping(&r);
	emit(&r, &event, yaml_document_end_event_initialize(&event, 1));
	emit(&r, &event, yaml_stream_end_event_initialize(&event));
	yaml_emitter_flush(&r.emitter);
	yaml_emitter_delete(&r.emitter);
	if (r.failed || fflush(file) || ferror(file))
		return err_new("cannot write the report");
	return NULL;
}
