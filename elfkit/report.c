// SPDX-License-Identifier: GPL-2.0
/*
 * Writing the boundary report through libyaml.
 *
 *	elfkit: 1
 *	kernel: {release: ..., build_id: ..., machine: ...}
 *	counts: {interface: n, callback: n, insider: n, outsider: n, gone: n}
 *	switches:
 *	- {function: __schedule, calls: __switch_to_asm, at: __schedule+0x348}
 *	functions:
 *	- name: ...		the symbol
 *	  class: ...
 *	  file: ..., line: ...	of the declaration
 *	  size: ...		bytes, cold parts left out
 *	  entry: ...		fentry: the jump goes on the fentry nop; bare: on the first instructions
 *	  exported: true	only where it is
 *	  because: ...
 *	structs, accesses:	with --structs, see report_structs.c
 */
#include <string.h>
#include <yaml.h>

#include "elfkit/report.h"
#include "elfkit/report_out.h"
#include "elfkit/report_structs.h"

#define REPORT_FORMAT 1

static void write_kernel(struct report *r)
{
	const struct image *image = r->kernel->image;
	AUTO_FREE char *release = kernel_release_name(r->kernel);
	char hex[2 * sizeof(image->build_id) + 1] = "";

	for (size_t i = 0; i < image->build_id_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", image->build_id[i]);
	report_text(r, "kernel");
	report_open_mapping(r, YAML_BLOCK_MAPPING_STYLE);
	report_pair(r, "release", release ?: "unknown");
	report_pair(r, "build_id", *hex ? hex : "none");
	report_pair(r, "machine", machine_of(image->machine)->name);
	report_close_mapping(r);
}

static void write_counts(struct report *r)
{
	report_text(r, "counts");
	report_open_mapping(r, YAML_BLOCK_MAPPING_STYLE);
	for (int side = SIDE_INTERFACE; side < NR_SIDES; side++)
		report_pair_number(r, side_names[side], r->kernel->boundary->counts[side]);
	report_close_mapping(r);
}

static void write_switches(struct report *r)
{
	const struct boundary *b = r->kernel->boundary;

	report_text(r, "switches");
	report_open_list(r, YAML_BLOCK_SEQUENCE_STYLE);
	for (uint32_t i = 0; i < b->nr_switches; i++) {
		AUTO_FREE char *place = funcs_place(r->kernel->funcs, b->switches[i].call);

		report_open_mapping(r, YAML_FLOW_MAPPING_STYLE);
		report_pair(r, "function", r->kernel->funcs->v[b->switches[i].func].name);
		report_pair(r, "calls", r->kernel->funcs->v[b->switches[i].callee].name);
		report_pair(r, "at", place);
		report_close_mapping(r);
	}
	report_close_list(r);
}

/* A line of the function list: a function with code, or (func == NO_ID) one that is gone. */
struct entry {
	const char *name;
	const struct debug_func *source;
	uint32_t func;
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

	report_open_mapping(r, YAML_BLOCK_MAPPING_STYLE);
	report_pair(r, "name", e->name);
	report_pair(r, "class", side_names[d ? d->side : SIDE_GONE]);
	report_pair(r, "file", e->source->file);
	report_pair_number(r, "line", e->source->line);
	if (f) {
		report_pair_number(r, "size", f->high - f->low);
		if (d->site)
			report_pair(r, "entry", f->traced ? "fentry" : "bare");
		if (f->exported)
			report_pair(r, "exported", "true");
	}
	report_pair(r, "because", d ? d->because : "exists only as inlined copies");
	report_close_mapping(r);
}

static void write_functions(struct report *r)
{
	const struct kernel *k = r->kernel;
	const struct boundary *b = k->boundary;
	struct entry *entries = xcalloc(b->n + b->nr_gone, sizeof(*entries));
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++)
		if (b->v[i].side != SIDE_NONE)
			entries[n++] = (struct entry){ k->funcs->v[i].name, funcs_source(k->funcs, i), i };
	for (uint32_t i = 0; i < b->nr_gone; i++) {
		const struct debug_func *source = &k->debuginfo->funcs[b->gone[i]];

		entries[n++] = (struct entry){ source->name, source, NO_ID };
	}
	qsort(entries, n, sizeof(*entries), compare_entries);
	report_text(r, "functions");
	report_open_list(r, YAML_BLOCK_SEQUENCE_STYLE);
	for (uint32_t i = 0; i < n; i++)
		write_function(r, &entries[i]);
	report_close_list(r);
	free(entries);
}

struct err *report_write(const struct kernel *kernel, FILE *file)
{
	struct report r = { .kernel = kernel };
	yaml_event_t event;

	yaml_emitter_initialize(&r.emitter);
	yaml_emitter_set_output_file(&r.emitter, file);
	yaml_emitter_set_width(&r.emitter, -1);
	report_emit(&r, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	report_emit(&r, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
	report_open_mapping(&r, YAML_BLOCK_MAPPING_STYLE);
	report_pair_number(&r, "elfkit", REPORT_FORMAT);
	write_kernel(&r);
	write_counts(&r);
	write_switches(&r);
	write_functions(&r);
	if (kernel->structs)
		report_structs(&r, kernel->structs);
	report_close_mapping(&r);
	report_emit(&r, &event, yaml_document_end_event_initialize(&event, 1));
	report_emit(&r, &event, yaml_stream_end_event_initialize(&event));
	yaml_emitter_flush(&r.emitter);
	yaml_emitter_delete(&r.emitter);
	if (r.failed || fflush(file) || ferror(file))
		return err_new("cannot write the report");
	return NULL;
}
