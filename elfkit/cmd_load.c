// SPDX-License-Identifier: GPL-2.0
/* elfkit load: insmod that waits, tries again, and says why not. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "elfkit/cmd.h"
#include "elfkit/kmsg.h"
#include "elfkit/loaded_write.h"
#include "elfkit/modinfo.h"
#include "elfkit/outcome.h"

enum { OPT_RETRY = 256, OPT_PROBATION, OPT_JSON };

static const struct argp_option options[] = {
	{ "retry", OPT_RETRY, "N", 0,
	  "while a task is in the way, try again up to N times, a second apart (default 0)", 0 },
	{ "probation", OPT_PROBATION, "SECONDS", 0, "go back by itself unless confirmed in time", 0 },
	{ "json", OPT_JSON, NULL, 0, "write JSON", 0 },
	{ 0 },
};

struct args {
	const char *file;
	unsigned int retry;
	bool json;
	char *parameters;	/* of the module */
};

static void add_parameter(struct args *args, const char *text)
{
	char *all = xasprintf("%s%s%s", args->parameters, *args->parameters ? " " : "", text);

	free(args->parameters);
	args->parameters = all;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;
	AUTO_FREE char *parameter = NULL;

	switch (key) {
	case OPT_RETRY:
		args->retry = cmd_number(arg, state, "--retry");
		return 0;
	case OPT_PROBATION:
		parameter = xasprintf("probation=%u", cmd_number(arg, state, "--probation"));
		add_parameter(args, parameter);
		return 0;
	case OPT_JSON:
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!args->file)
			args->file = arg;
		else if (strchr(arg, '='))
			add_parameter(args, arg);
		else
			argp_error(state, "%s: not NAME=VALUE", arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no module is given");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "FILE.ko [PARAMETER=VALUE...]",
	.doc = "Load a module that elfkit relink has made, and wait until it is in.\v"
	       "insmod does the same; this one says what the kernel's log says about a failure. Parameters are "
	       "those of the module: retries, delay_ms, walk.\n\n"
	       "  elfkit load --probation=60 mysched.ko\n\n"
	       "Exit status: 0 loaded, 1 refused (nothing has changed), 2 error.",
};

/* What the log does not say, or where it cannot be read. */
static const char *explain(int error)
{
	switch (error) {
	case EBUSY:
		return "a task is in the way";
	case EADDRINUSE:
		return "somebody has changed functions that it replaces";
	case EUCLEAN:
		return "the runqueues did not add up";
	case EEXIST:
		return "a module of this name is loaded; see elfkit status, elfkit unload";
	case ENOEXEC:
		return "it is not for the running kernel";
	case EKEYREJECTED:
	case ENOKEY:
		return "the kernel wants a signature that it knows";
	}
	return strerror(error);
}

/* 0, or the errno of the last try. */
static int try_often(const struct args *args, int fd, struct outcome *outcome)
{
	int error;

	for (unsigned int try = 0; ; try++) {
		struct kmsg kmsg;
		bool said;

		kmsg_open(&kmsg);
		error = syscall(SYS_finit_module, fd, args->parameters, 0) ? errno : 0;
		if (!error) {
			kmsg_close(&kmsg);
			return 0;
		}
		said = kmsg_read(&kmsg, outcome->name, outcome_line, outcome);
		kmsg_close(&kmsg);
		if (!said || error == EEXIST)
			outcome_say(outcome, "%s", explain(error));
		if (error != EBUSY || try >= args->retry)
			return error;
		outcome_say(outcome, "trying again, %u of %u", try + 1, args->retry);
		sleep(1);
	}
}

static struct err *print_loaded(const struct outcome *outcome, bool json)
{
	const char *name = outcome->name;
	struct loaded_list list;
	const struct loaded *m;
	struct err *err = loaded_read("", &list);

	if (err)
		return err;
	m = loaded_find(&list, name);
	if (!m)
		err = err_new("%s: loaded, but /sys/kernel/elfkit/%s is not there", name, name);
	else if (json)
		err = outcome_write_json(outcome, true, m, stdout);
	else
		printf("%s: loaded, %u functions, stopped %" PRIu64 " us%s%s%s\n", name, m->nr_functions,
		       loaded_time(m, "load_stopped_ns") / 1000,
		       m->confirmed ? "" : "; to stay: echo 1 > /sys/kernel/elfkit/", m->confirmed ? "" : name,
		       m->confirmed ? "" : "/confirm");
	loaded_release(&list);
	return err;
}

static struct err *report(const struct args *args, struct outcome *outcome, int error, int *status)
{
	if (error == EPERM || error == ENOSYS)
		return err_new("%s: %s: loading a module takes root, and a kernel that allows it", outcome->name,
			       strerror(error));
	if (!error)
		return print_loaded(outcome, args->json);
	outcome_say(outcome, "not loaded, nothing has changed");
	*status = EXIT_FINDINGS;
	return args->json ? outcome_write_json(outcome, false, NULL, stdout) : NULL;
}

static struct err *load(const struct args *args, int *status)
{
	struct outcome outcome = { .command = "load" };
	AUTO_FREE char *name = NULL;
	int fd = open(args->file, O_RDONLY | O_CLOEXEC);
	struct err *err;

	if (fd < 0)
		return err_new("%s: %s", args->file, strerror(errno));
	err = modinfo_module_name(args->file, &name);
	outcome.name = name;
	if (!err)
		err = report(args, &outcome, try_often(args, fd, &outcome), status);
	close(fd);
	outcome_release(&outcome);
	return err;
}

struct err *cmd_load(int argc, char **argv, int *status)
{
	struct args args = { .parameters = xstrdup("") };
	struct err *err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	err = load(&args, status);
	free(args.parameters);
	return err;
}
