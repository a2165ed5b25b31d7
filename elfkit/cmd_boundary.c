// SPDX-License-Identifier: GPL-2.0
/* elfkit boundary: compute the boundary of a vmlinux and write the report. */
#include <argp.h>

#include "elfkit/cmd.h"
#include "elfkit/output.h"
#include "elfkit/report.h"

enum { OPT_STRUCTS = 256 };

struct args {
	bool structs;
	const char *policy;
	const char *output;
	const char *vmlinux;
};

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0, "what the scheduler is (default: boundary.yaml of the installation)", 0 },
	{ "output", 'o', "FILE", 0, "write the report to FILE instead of stdout", 0 },
	{ "structs", OPT_STRUCTS, NULL, 0, "say who outside uses which member of the scheduler's structs", 0 },
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
	case OPT_STRUCTS:
		args->structs = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->vmlinux)
			argp_error(state, "only one VMLINUX can be given");
		args->vmlinux = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "VMLINUX is missing");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "VMLINUX",
	.doc = "Compute where the scheduler of a kernel begins and ends.\v"
	       "VMLINUX is the uncompressed kernel with DWARF, as in the kernel's debug package:\n\n"
	       "  elfkit boundary -o report.yaml /usr/lib/debug/boot/vmlinux-$(uname -r)",
};

static void print_summary(const struct kernel *kernel)
{
	const struct boundary *b = kernel->boundary;

	fprintf(stderr, "boundary: %u interface, %u callback, %u insider, %u outsider, %u gone\n",
		b->counts[SIDE_INTERFACE], b->counts[SIDE_CALLBACK], b->counts[SIDE_INSIDER],
		b->counts[SIDE_OUTSIDER], b->counts[SIDE_GONE]);
}

static struct err *write_report(const struct kernel *kernel, const char *path)
{
	struct output output;
	struct err *err;

	if (!path)
		return report_write(kernel, stdout);
	err = output_open(path, &output);
	if (err)
		return err;
	err = report_write(kernel, output.file);
	if (err) {
		output_abort(&output);
		return err_in(err, path);
	}
	return output_commit(&output);
}

struct err *cmd_boundary(int argc, char **argv, int *status)
{
	AUTO_FREE char *policy = NULL;
	struct args args = { 0 };
	struct kernel kernel;
	struct err *err = NULL;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (args.policy)
		policy = xstrdup(args.policy);
	else
		err = data_path("boundary.yaml", &policy);
	if (err)
		return err;
	err = kernel_read(args.vmlinux, policy, &kernel);
	if (!err && args.structs)
		err = kernel_read_structs(&kernel);
	err = err ?: write_report(&kernel, args.output);
	if (!err)
		print_summary(&kernel);
	kernel_release(&kernel);
	*status = EXIT_CLEAN;
	return err;
}
