// SPDX-License-Identifier: GPL-2.0
/* elfkit boundary: compute the boundary of a vmlinux and write the report. */
#include <argp.h>

#include "elfkit/cmd.h"
#include "elfkit/output.h"
#include "elfkit/report.h"
#include "elfkit/terminal.h"
#include "elfkit/why.h"

struct args {
	bool structs;
	const char *policy;
	const char *output;
	const char *vmlinux;
	const char *why;
	bool summary;
	enum report_format format;
};

enum { OPT_WHY = 256, OPT_SUMMARY, OPT_STRUCTS, OPT_JSON };

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0, "what the scheduler is (default: boundary.yaml of the installation)", 0 },
	{ "output", 'o', "FILE", 0, "write the report to FILE instead of stdout", 0 },
	{ "why", OPT_WHY, "NAME", 0,
	  "say why a function, object, struct or STRUCT.MEMBER is what it is, and what uses it, instead of a report", 0 },
	{ "summary", OPT_SUMMARY, NULL, 0, "print the counts alone", 0 },
	{ "structs", OPT_STRUCTS, NULL, 0, "say who outside uses which member of the scheduler's structs", 0 },
	{ "json", OPT_JSON, NULL, 0, "write JSON", 0 },
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
	       "  elfkit boundary -o report.yaml /usr/lib/debug/boot/vmlinux-$(uname -r)\n\n"
	       "Exit status: 0 done, 2 error.",
};

static void print_summary(const struct survey *survey, FILE *file)
{
	const struct boundary *b = survey->kernel.boundary;

	fprintf(file, "boundary: %u interface, %u callback, %u insider, %u outsider, %u init; %u of %u declared functions are modifiable\n",
		b->counts[SIDE_INTERFACE], b->counts[SIDE_CALLBACK], b->counts[SIDE_INSIDER],
		b->counts[SIDE_OUTSIDER], b->counts[SIDE_INIT], survey->declarations.nr_modifiable, survey->declarations.n);
}

static struct err *write_to(struct survey *survey, const struct args *args, FILE *file)
{
	if (args->why)
		return why_write(survey, args->why, args->format == REPORT_JSON, file);
	if (!args->summary)
		return report_write(survey, args->format, file);
	if (args->format == REPORT_JSON)
		return report_write_counts(survey, REPORT_JSON, file);
	print_summary(survey, file);
	return NULL;
}

static struct err *write_output(struct survey *survey, const struct args *args)
{
	struct output output;
	struct err *err;

	if (!args->output)
		return write_to(survey, args, stdout);
	err = output_open(args->output, &output);
	if (err)
		return err;
	err = write_to(survey, args, output.file);
	if (err) {
		output_abort(&output);
		return err;
	}
	return output_commit(&output);
}

struct err *cmd_boundary(int argc, char **argv, int *status)
{
	AUTO_FREE char *policy = NULL, *vmlinux = NULL;
	struct args args = { 0 };
	struct survey survey = { 0 };
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
	err = err ?: write_output(&survey, &args);
	if (!err && !args.why && !args.summary)
		print_summary(&survey, stderr);
	survey_release(&survey);
	*status = EXIT_CLEAN;
	return err;
}
