// SPDX-License-Identifier: GPL-2.0
/*
 * Writing the boundary report.
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
 *	  source: ...		of a clone or a folded function: the name in the source
 *	  file: ..., line: ...	of the declaration
 *	  size: ...		bytes, cold parts left out
 *	  entry: ...		fentry: the jump goes on the fentry nop; bare: on the first instructions
 *	  entry_offset: ...	where that is: behind a landing pad, say
 *	  exported: true	only where it is
 *	  signature: ...	types of result and parameters, as C spells them
 *	  modifiable: ...	whether an edit of it takes effect everywhere
 *	  because: ...		why it has this class
 *	  copies: ...		of what is inside and not modifiable: where another copy is
 *	  sleeps: ...		of what is inside: a shortest way on which a task can sleep in it
 */
#include <string.h>

#include "elfkit/report.h"
#include "elfkit/report_objects.h"
#include "elfkit/report_order.h"
#include "elfkit/report_structs.h"

#define REPORT_SCHEMA_WRITTEN 1

static void write_kernel(struct report_out *r)
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

static uint32_t count_gone(const struct survey *survey)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < survey->declarations.n; i++)
		n += !survey->declarations.v[i].has_code;
	return n;
}

static void write_counts(struct report_out *r)
{
	report_text(r, "counts");
	report_open_mapping(r, YAML_BLOCK_MAPPING_STYLE);
	for (int side = SIDE_INTERFACE; side < NR_SIDES; side++)
		report_pair_number(r, side_names[side], r->kernel->boundary->counts[side]);
	report_pair_number(r, "gone", count_gone(r->survey));
	report_pair_number(r, "modifiable", r->survey->declarations.nr_modifiable);
	report_close_mapping(r);
}

static void write_switches(struct report_out *r)
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

/* References that a jump at interfaces and callbacks alone would let slip: none, if all is well. */
static void write_closure(struct report_out *r)
{
	const struct boundary *b = r->kernel->boundary;

	report_text(r, "closure");
	report_open_list(r, YAML_BLOCK_SEQUENCE_STYLE);
	for (uint32_t i = 0; i < b->nr_closure; i++) {
		const struct ref *ref = &r->kernel->refs->v[b->closure[i]];
		AUTO_FREE char *place = funcs_place(r->kernel->funcs, ref->at);
		AUTO_FREE char *edge = xasprintf("%s reaches %s", place, r->kernel->funcs->v[ref->to].name);

		report_text(r, edge);
	}
	report_close_list(r);
}

static void write_finding(struct report_out *r, const char *kind, const char *what)
{
	report_open_mapping(r, YAML_BLOCK_MAPPING_STYLE);
	report_pair(r, "kind", kind);
	report_pair(r, "what", what);
	report_close_mapping(r);
}

static void write_findings(struct report_out *r)
{
	const struct survey *s = r->survey;

	report_text(r, "findings");
	report_open_list(r, YAML_BLOCK_SEQUENCE_STYLE);
	for (uint32_t i = 0; i < s->findings.n; i++) {
		const struct finding *f = &s->findings.v[i];

		/* one about a function of others is their business */
		if (f->func == NO_ID || r->kernel->boundary->v[f->func].side != SIDE_NONE)
			write_finding(r, finding_names[f->kind], f->text);
	}
	for (uint32_t i = 0; i < s->nr_unknown; i++)
		write_finding(r, "unknown-name", s->unknown[i]);
	report_close_list(r);
}

static void write_function(struct report_out *r, const struct report_entry *e)
{
	const struct func *f = e->func == NO_ID ? NULL : &r->kernel->funcs->v[e->func];
	const struct decision *d = f ? &r->kernel->boundary->v[e->func] : NULL;
	bool inside = f && boundary_is_inside(r->kernel->boundary, e->func);
	AUTO_FREE char *path = inside ? sleep_path(&r->survey->sleep, r->kernel->funcs, e->func) : NULL;
	AUTO_FREE char *signature = debuginfo_signature(r->kernel->debuginfo, e->source);

	report_open_mapping(r, YAML_BLOCK_MAPPING_STYLE);
	report_pair(r, "name", e->name);
	report_pair(r, "class", d ? side_names[d->side] : "gone");
	if (strcmp(e->name, e->source->name))
		report_pair(r, "source", e->source->name);
	report_pair(r, "file", e->source->file);
	report_pair_number(r, "line", e->source->line);
	if (f) {
		report_pair_number(r, "size", f->high - f->low);
		if (d->site) {
			report_pair(r, "entry", f->traced ? "fentry" : "bare");
			report_pair_number(r, "entry_offset", d->site - f->low);
		}
		if (f->exported)
			report_pair_flag(r, "exported", true);
	}
	if (signature)
		report_pair(r, "signature", signature);
	/* a function without a name in DWARF has no declaration */
	report_pair_flag(r, "modifiable", e->declaration && e->declaration->modifiable);
	report_pair(r, "because", d ? d->because : e->declaration->because);
	if (inside && e->declaration && !e->declaration->modifiable)
		report_pair(r, "copies", e->declaration->because);
	if (path)
		report_pair(r, "sleeps", path);
	report_close_mapping(r);
}

static void write_functions(struct report_out *r)
{
	uint32_t n;
	struct report_entry *entries = report_order_functions(r->survey, &n);

	report_text(r, "functions");
	report_open_list(r, YAML_BLOCK_SEQUENCE_STYLE);
	for (uint32_t i = 0; i < n; i++)
		write_function(r, &entries[i]);
	report_close_list(r);
	free(entries);
}

static void begin(struct report_out *r)
{
	report_begin(r);
	report_open_mapping(r, YAML_BLOCK_MAPPING_STYLE);
	report_pair_number(r, "elfkit", REPORT_SCHEMA_WRITTEN);
	write_kernel(r);
	write_counts(r);
}

struct err *report_write_counts(const struct survey *survey, enum report_format format, FILE *file)
{
	struct report_out r = { .survey = survey, .kernel = &survey->kernel, .file = file, .format = format };

	begin(&r);
	report_close_mapping(&r);
	return report_end(&r);
}

struct err *report_write(const struct survey *survey, enum report_format format, FILE *file)
{
	struct report_out r = { .survey = survey, .kernel = &survey->kernel, .file = file, .format = format };

	begin(&r);
	write_switches(&r);
	write_closure(&r);
	write_findings(&r);
	write_functions(&r);
	report_objects(&r);
	if (r.kernel->structs)
		report_structs(&r, r.kernel->structs);
	report_close_mapping(&r);
	return report_end(&r);
}
