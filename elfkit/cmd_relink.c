// SPDX-License-Identifier: GPL-2.0
/* elfkit relink: rebuilt objects to a module, with the running kernel as the default. */
#include <argp.h>
#include <string.h>
#include <sys/utsname.h>

#include "elfkit/cmd.h"
#include "elfkit/terminal.h"
#include "relink/module.h"
#include "relink/relink.h"
#include "relink/remarks_write.h"

enum { OPT_VMLINUX = 256, OPT_KERNEL_DIR, OPT_CHECK, OPT_JSON, OPT_ALL, OPT_STRICT, OPT_KEEP_BUILD, OPT_SIGN };

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0, "what the scheduler is (default: boundary.yaml of the installation)", 0 },
	{ "vmlinux", OPT_VMLINUX, "FILE", 0, "the kernel with DWARF, or its build-id (default: the running kernel's)", 0 },
	{ "kernel-dir", OPT_KERNEL_DIR, "DIR", 0,
	  "the kernel's headers for building modules (default: /lib/modules/$(uname -r)/build)", 0 },
	{ "output", 'o', "OUT.ko", 0, "the module (default: named after the first object)", 0 },
	{ "check", OPT_CHECK, NULL, 0, "say what changed and whether it can be loaded; make nothing", 0 },
	{ "json", OPT_JSON, NULL, 0, "write JSON: what changed, what is refused, and which files were made", 0 },
	{ "all", OPT_ALL, NULL, 0, "with --check: list what is the same, too", 0 },
	{ "strict", OPT_STRICT, NULL, 0, "refuse edits that would be lost (of init code)", 0 },
	{ "sign", OPT_SIGN, "KEY CERT", 0, "sign the module with the kernel's sign-file", 0 },
	{ "keep-build", OPT_KEEP_BUILD, NULL, 0, "leave the folder that the module is built in", 0 },
	{ "verbose", 'v', NULL, 0, "show what ld and Kbuild say", 0 },
	{ 0 },
};

struct args {
	struct relink_options relink;
	bool check, json, all;
	char **objects;
	uint32_t cap;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'c':
		args->relink.policy = arg;
		return 0;
	case 'o':
		args->relink.output = arg;
		return 0;
	case OPT_VMLINUX:
		args->relink.vmlinux = arg;
		return 0;
	case OPT_KERNEL_DIR:
		args->relink.kernel_dir = arg;
		return 0;
	case OPT_CHECK:
		args->check = true;
		return 0;
	case OPT_JSON:
		args->json = true;
		return 0;
	case OPT_ALL:
		args->all = true;
		return 0;
	case OPT_STRICT:
		args->relink.strict = true;
		return 0;
	case OPT_SIGN:
		if (state->next >= state->argc)
			argp_error(state, "--sign wants a key and a certificate");
		args->relink.sign_key = arg;
		args->relink.sign_cert = state->argv[state->next++];
		return 0;
	case OPT_KEEP_BUILD:
		args->relink.keep_build = true;
		return 0;
	case 'v':
		args->relink.verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		GROW(args->objects, args->relink.nr_objects, args->cap);
		args->objects[args->relink.nr_objects++] = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no object is given");
		return 0;
	case ARGP_KEY_SUCCESS:
		if (args->all && !args->check)
			argp_error(state, "--all goes with --check");
		if (args->check && args->relink.output)
			argp_error(state, "--check makes no module: -o says where to");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "NEW.o...",
	.doc = "Make rebuilt scheduler objects into a module for a running kernel.\v"
	       "After editing kernel/sched/*.c and `make kernel/sched/`:\n\n"
	       "  elfkit relink --check kernel/sched/*.o\n"
	       "  elfkit relink -o mysched.ko kernel/sched/*.o && insmod mysched.ko\n\n"
	       "Exit status: 0 done, 1 the change is refused, 2 error.",
};

/* DIR/core.o gives core.ko in the current directory. */
static char *default_output(const char *object)
{
	const char *slash = strrchr(object, '/'), *base = slash ? slash + 1 : object;
	size_t len = strlen(base);

	if (len > 2 && !strcmp(base + len - 2, ".o"))
		len -= 2;
	return xasprintf("%.*s.ko", (int)len, base);
}

static void print_line(const char *line, void *arg __attribute__((unused)))
{
	fprintf(stderr, "%s\n", line);
}

static void show_step(const char *what, void *arg __attribute__((unused)))
{
	if (what)
		progress("relink: %s...", what);
	else
		progress(NULL);
}

static struct err *report(const struct args *args, const struct relink_result *result)
{
	struct err *err;

	if (args->json)
		return remarks_write_json(&result->remarks, result->release, result->made ? args->relink.output : NULL, stdout);
	if (!args->check)
		return remarks_write_text(&result->remarks, stderr);
	err = remarks_write_changes(&result->remarks, args->all, stdout);
	return err ?: remarks_write_text(&result->remarks, stdout);
}

struct err *cmd_relink(int argc, char **argv, int *status)
{
	AUTO_FREE char *policy = NULL, *loader = NULL, *vmlinux = NULL, *kernel_dir = NULL, *output = NULL;
	struct args args = { .relink.progress = print_line };
	struct relink_options *o = &args.relink;
	struct relink_result result = { 0 };
	struct utsname uts;
	struct err *err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	uname(&uts);
	err = policy_path(o->policy, &policy);
	o->policy = policy;
	err = err ?: data_path("loader", &loader);
	o->loader_dir = loader;
	err = err ?: vmlinux_path(o->vmlinux, &vmlinux);
	o->vmlinux = vmlinux;
	if (!o->kernel_dir)
		o->kernel_dir = kernel_dir = xasprintf("/lib/modules/%s/build", uts.release);
	if (!o->output && !args.check)
		o->output = output = default_output(args.objects[0]);
	o->objects = args.objects;
	if (progress_is_seen() && !o->verbose)
		o->step = show_step;
	module_catch_signals();
	err = err ?: relink(o, &result);
	err = err ?: report(&args, &result);
	if (!err && result.made)
		fprintf(stderr, "relink: wrote %s\n", o->output);
	*status = remarks_count(&result.remarks, REMARK_REFUSED) ? EXIT_FINDINGS : EXIT_CLEAN;
	relink_result_release(&result);
	free(args.objects);
	return err;
}
