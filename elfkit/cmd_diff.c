// SPDX-License-Identifier: GPL-2.0
/* elfkit diff: what is different between the boundaries of two kernels. */
#include <argp.h>

#include "elfkit/cmd.h"
#include "elfkit/diff_write.h"
#include "elfkit/output.h"
#include "elfkit/page_diff.h"

enum { OPT_JSON = 256, OPT_ALL, OPT_HTML };

struct args {
	const char *output, *html;
	const char *reports[2];
	unsigned int nr_reports;
	bool json, all;
};

static const struct argp_option options[] = {
	{ "all", OPT_ALL, NULL, 0, "also what needs nothing done: new, gone, moved, resized", 0 },
	{ "json", OPT_JSON, NULL, 0, "write JSON", 0 },
	{ "html", OPT_HTML, "FILE", 0, "write a page for a browser, with all differences, instead of text to stdout", 0 },
	{ "output", 'o', "FILE", 0, "write to FILE instead of stdout", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case OPT_ALL:
		args->all = true;
		return 0;
	case OPT_JSON:
		args->json = true;
		return 0;
	case OPT_HTML:
		args->html = arg;
		return 0;
	case 'o':
		args->output = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (args->nr_reports == 2)
			argp_error(state, "only two reports can be given");
		args->reports[args->nr_reports++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (args->nr_reports < 2)
			argp_error(state, "two reports are needed: `elfkit boundary -o FILE VMLINUX` makes one");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "OLD NEW",
	.doc = "Say what is different between the boundaries of two kernels.\v"
	       "OLD and NEW are reports of `elfkit boundary`. What breaks a module comes first, then what needs a "
	       "look:\n\n"
	       "  elfkit diff old.yaml new.yaml\n\n"
	       "Exit status: 0 nothing to report, 1 differences, 2 error.",
};

static struct err *write_to(const struct diff *diff, const struct args *args, FILE *file)
{
	return args->json ? diff_write_json(diff, args->all, file) : diff_write_text(diff, args->all, file);
}

static struct err *write_page(const struct diff *diff, const struct args *args, FILE *file)
{
	(void)args;
	return page_diff_write(diff, file);
}

static struct err *write_file(const struct diff *diff, const struct args *args, const char *path,
			      struct err *(*write)(const struct diff *, const struct args *, FILE *))
{
	struct output output;
	struct err *err = output_open(path, &output);

	if (err)
		return err;
	err = write(diff, args, output.file);
	if (err) {
		output_abort(&output);
		return err_in(err, path);
	}
	return output_commit(&output);
}

static struct err *write_diff(const struct diff *diff, const struct args *args)
{
	struct err *err = args->html ? write_file(diff, args, args->html, write_page) : NULL;

	if (err || (args->html && !args->output))
		return err;
	return args->output ? write_file(diff, args, args->output, write_to) : write_to(diff, args, stdout);
}

/* Silence is no proof: what is not shown is at least counted. */
static void print_rest(const struct diff *diff, const struct args *args)
{
	if (!diff_nr_written(diff, args->all) && diff->counts[DIFF_INFO])
		fprintf(stderr, "diff: nothing that matters; %u differences for information, see --all\n",
			diff->counts[DIFF_INFO]);
}

struct err *cmd_diff(int argc, char **argv, int *status)
{
	struct report_data *old = NULL, *new = NULL;
	struct diff *diff = NULL;
	struct args args = { 0 };
	struct err *err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	err = report_read(args.reports[0], &old);
	err = err ?: report_read(args.reports[1], &new);
	if (!err) {
		diff = diff_reports(old, new);
		err = write_diff(diff, &args);
	}
	if (!err) {
		print_rest(diff, &args);
		*status = diff_nr_written(diff, args.all) ? EXIT_FINDINGS : EXIT_CLEAN;
	}
	diff_free(diff);
	report_free(old);
	report_free(new);
	return err;
}
