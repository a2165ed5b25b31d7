// SPDX-License-Identifier: GPL-2.0
/* elfkit boundary: compute the boundary of a vmlinux and write the report. */
#include <argp.h>

#include "elfkit/cmd.h"
#include "elfkit/dot.h"
#include "elfkit/output.h"
#include "elfkit/page_boundary.h"
#include "elfkit/report.h"
#include "elfkit/terminal.h"
#include "elfkit/why.h"

struct args {
	bool structs;
	const char *policy;
	const char *output;
	const char *html, *dot;
	const char *vmlinux;
	const char *why;
	bool summary;
	enum report_format format;
};

enum { OPT_WHY = 256, OPT_SUMMARY, OPT_STRUCTS, OPT_JSON, OPT_HTML, OPT_DOT };

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0, "what the scheduler is (default: boundary.yaml of the installation)", 0 },
	{ "output", 'o', "FILE", 0, "write the report to FILE instead of stdout", 0 },
	{ "why", OPT_WHY, "NAME", 0,
	  "say why a function, object, struct or STRUCT.MEMBER is what it is, and what uses it, instead of a report", 0 },
	{ "summary", OPT_SUMMARY, NULL, 0, "print the counts alone", 0 },
	{ "structs", OPT_STRUCTS, NULL, 0, "say who outside uses which member of the scheduler's structs", 0 },
	{ "json", OPT_JSON, NULL, 0, "write JSON", 0 },
	{ "html", OPT_HTML, "FILE", 0, "write a page for a browser, with --structs, instead of a report to stdout", 0 },
	{ "dot", OPT_DOT, "FILE", 0,
	  "write the boundary for Graphviz, or with --why what leads to a function, instead of a report to stdout", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'c':
		args->policy = arg;
		return 0;
	case 'o':
		args->output = arg;
		return 0;
	case OPT_WHY:
		args->why = arg;
		return 0;
	case OPT_SUMMARY:
		args->summary = true;
		return 0;
	case OPT_STRUCTS:
		args->structs = true;
		return 0;
	case OPT_JSON:
		args->format = REPORT_JSON;
		return 0;
	case OPT_HTML:
		args->html = arg;
		args->structs = true;
		return 0;
	case OPT_DOT:
		args->dot = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (args->vmlinux)
			argp_error(state, "only one VMLINUX can be given");
		args->vmlinux = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[VMLINUX]",
	.doc = "Compute where the scheduler of a kernel begins and ends.\v"
	       "VMLINUX is the uncompressed kernel with DWARF, as in the kernel's debug package, or a build-id that a "
	       "debuginfod server knows; without it, that of the running kernel is looked for in the usual places and "
	       "with debuginfod:\n\n"
	       "  elfkit boundary -o report.yaml /usr/lib/debug/boot/vmlinux-$(uname -r)\n"
	       "  elfkit boundary --html report.html\n\n"
	       "Exit status: 0 done, 2 error.",
};

struct job {
	struct survey *survey;
	const struct graph *graph;	/* empty where no output asks for it */
	const struct args *args;
};

static void print_summary(const struct survey *survey, FILE *file)
{
	const struct boundary *b = survey->kernel.boundary;

	fprintf(file, "boundary: %u interface, %u callback, %u insider, %u outsider, %u init; %u of %u declared functions are modifiable\n",
		b->counts[SIDE_INTERFACE], b->counts[SIDE_CALLBACK], b->counts[SIDE_INSIDER],
		b->counts[SIDE_OUTSIDER], b->counts[SIDE_INIT], survey->declarations.nr_modifiable, survey->declarations.n);
}

static struct err *write_report(const struct job *job, FILE *file)
{
	bool json = job->args->format == REPORT_JSON;

	if (job->args->why)
		return why_write(job->survey, job->args->why, json, file);
	if (!job->args->summary)
		return report_write(job->survey, job->args->format, file);
	if (json)
		return report_write_counts(job->survey, REPORT_JSON, file);
	print_summary(job->survey, file);
	return NULL;
}

static struct err *write_page(const struct job *job, FILE *file)
{
	return page_boundary_write(job->survey, job->graph, file);
}

static struct err *write_dot(const struct job *job, FILE *file)
{
	return dot_write(job->survey, job->graph, job->args->why, file);
}

/* Files are seen when all of them are whole; what goes to stdout comes last. */
static struct err *write_outputs(const struct job *job)
{
	const struct {
		const char *path;
		struct err *(*write)(const struct job *job, FILE *file);
	} files[] = {
		{ job->args->html, write_page }, { job->args->dot, write_dot }, { job->args->output, write_report },
	};
	struct output outputs[3];
	struct err *err = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < 3 && !err; i++) {
		if (!files[i].path)
			continue;
		err = output_open(files[i].path, &outputs[n]);
		if (!err)
			err = files[i].write(job, outputs[n++].file);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (err)
			output_abort(&outputs[i]);
		else
			err = output_commit(&outputs[i]);
	}
	if (err || job->args->output || ((job->args->html || job->args->dot) && !job->args->why && !job->args->summary))
		return err;
	return write_report(job, stdout);
}

struct err *cmd_boundary(int argc, char **argv, int *status)
{
	AUTO_FREE char *policy = NULL, *vmlinux = NULL;
	struct args args = { 0 };
	struct survey survey = { 0 };
	struct graph graph = { 0 };
	struct job job = { &survey, &graph, &args };
	struct err *err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	err = policy_path(args.policy, &policy);
	err = err ?: vmlinux_path(args.vmlinux, &vmlinux);
	progress("boundary: reading the kernel...");
	err = err ?: survey_make(vmlinux, policy, &survey);
	progress(args.structs && !err ? "boundary: following types through its code..." : NULL);
	if (!err && args.structs)
		err = kernel_read_structs(&survey.kernel);
	progress(NULL);
	if (!err && (args.html || args.dot))
		err = graph_make(&survey, &graph);
	err = err ?: write_outputs(&job);
	if (!err && !args.why && !args.summary)
		print_summary(&survey, stderr);
	graph_release(&graph);
	survey_release(&survey);
	*status = EXIT_CLEAN;
	return err;
}
