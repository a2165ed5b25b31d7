// SPDX-License-Identifier: GPL-2.0
/* elfkit load: insmod that waits, tries again, and says why not. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "elfkit/cmd.h"
#include "elfkit/control.h"
#include "elfkit/kmsg.h"
#include "elfkit/modfile.h"
#include "elfkit/trial.h"

enum { OPT_RETRY = 256, OPT_PROBATION, OPT_HEALTH, OPT_REPLACE, OPT_CHECK, OPT_JSON };

#define HEALTH_PROBATION	60	/* seconds, where --health comes without --probation */
#define PUT_BACK_TIME		10	/* seconds that we have before the module goes back by itself */

static const struct argp_option options[] = {
	{ "retry", OPT_RETRY, "N", 0,
	  "while a task is in the way, try again up to N times, a second apart (default 0)", 0 },
	{ "probation", OPT_PROBATION, "SECONDS", 0, "go back by itself unless confirmed in time", 0 },
	{ "health", OPT_HEALTH, "COMMAND", 0,
	  "run it with sh when the module is in: its success confirms, its failure puts back what was in before; has --probation to do it in (default 60)", 0 },
	{ "replace", OPT_REPLACE, "NAMES", 0,
	  "take over only from these modules (shell patterns with commas between), and remove them; refuse if another is in", 0 },
	{ "json", OPT_JSON, NULL, 0, "write JSON", 0 },
	{ "check", OPT_CHECK, NULL, 0, "say whether it is for the running kernel, by release and build-id; load nothing", 0 },
	{ 0 },
};

struct args {
	const char *file;
	unsigned int retry, probation;
	const char *health, *replace;
	bool check, json;
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

	switch (key) {
	case OPT_RETRY:
		args->retry = cmd_number(arg, state, "--retry");
		return 0;
	case OPT_PROBATION:
		args->probation = cmd_number(arg, state, "--probation");
		return 0;
	case OPT_HEALTH:
		args->health = *arg ? arg : NULL;	/* a unit's variable may be empty */
		return 0;
	case OPT_REPLACE:
		args->replace = arg;
		return 0;
	case OPT_CHECK:
		args->check = true;
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
	case ARGP_KEY_SUCCESS:
		if (args->health && !args->probation)
			args->probation = HEALTH_PROBATION;
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
	       "  elfkit load --probation=60 mysched.ko\n"
	       "  elfkit load --health='systemctl is-system-running' --replace='mysched_*' mysched_2.ko\n\n"
	       "Exit status: 0 loaded, 1 refused or not healthy (all is as it was before), 2 error.",
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
	const char *name = outcome->name;
	struct outcome_of of = { outcome, name };
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
		said = kmsg_read(&kmsg, name, outcome_line, &of);
		kmsg_close(&kmsg);
		if (!said || error == EEXIST)
			outcome_say(outcome, name, "%s", explain(error));
		if (error != EBUSY || try >= args->retry)
			return error;
		outcome_say(outcome, name, "trying again, %u of %u", try + 1, args->retry);
		sleep(1);
	}
}

static struct err *print_loaded(const char *name)
{
	struct loaded_list list;
	const struct loaded *m;
	struct err *err = loaded_read("", &list);

	if (err)
		return err;
	m = loaded_find(&list, name);
	if (m)
		printf("%s: loaded, %u functions, stopped %" PRIu64 " us%s%s%s\n", name, m->nr_functions,
		       loaded_time(m, "load_stopped_ns") / 1000,
		       m->confirmed ? "" : "; to stay: echo 1 > /sys/kernel/elfkit/", m->confirmed ? "" : name,
		       m->confirmed ? "" : "/confirm");
	else
		err = err_new("%s: loaded, but /sys/kernel/elfkit/%s is not there", name, name);
	loaded_release(&list);
	return err;
}

/* With --json this comes last, when it is known what became of it. */
static struct err *print_json(const struct outcome *outcome, bool done)
{
	struct loaded_list list;
	struct err *err = loaded_read("", &list);

	if (err)
		return err;
	err = outcome_write_json(outcome, done, loaded_find(&list, outcome->name), stdout);
	loaded_release(&list);
	return err;
}

/* Whether @file is for the running kernel; if not, *@why says so.  Caller frees. */
static bool fits_running(const struct modfile *file, char **why)
{
	struct utsname uts;

	uname(&uts);
	return modfile_fits(file, "", uts.release, why);
}

/*
 * --replace: nobody else may be in.  One of the very name of @file cannot be taken over from and goes first, but
 * not for a module that the kernel would then refuse, nor if it is @file itself; then *@in is set.
 */
static void clear_way(const struct args *args, const struct modfile *file, const struct loaded_list *before,
		      struct outcome *outcome, bool *in, int *status)
{
	const struct loaded *other = control_conflict(before, file->name, args->replace);
	const struct loaded *same = loaded_find(before, file->name);
	AUTO_FREE char *why = NULL;

	if (other) {
		outcome_say(outcome, file->name, "refused: %s is in, which is not to be replaced; elfkit unload %s first",
			    other->name, other->name);
		*status = EXIT_FINDINGS;
	} else if (same && same->enabled && modfile_is_loaded(file, "")) {
		if (!args->json)
			printf("%s: is loaded already\n", file->name);
		*in = true;
	} else if (same && !fits_running(file, &why)) {
		outcome_say(outcome, file->name, "refused: %s", why);
		*status = EXIT_FINDINGS;
	} else if (same) {
		outcome_say(outcome, file->name, "one of the same name is loaded, and is removed first");
		if (!control_unload(outcome, file->name, args->retry))
			*status = EXIT_FINDINGS;
	}
}

/* It is in: whether it stays, and what becomes of the one that was in before. */
static struct err *settle(const struct args *args, struct outcome *outcome, const struct loaded_list *before, int *status)
{
	const struct loaded *old = NULL;
	struct err *err = trial_replaced(before, outcome->name, &old);
	bool healthy = true;

	if (!err && args->health)
		err = trial_run(outcome, old, args->health, args->probation, args->retry, &healthy);
	if (err)
		return err;
	if (!healthy)
		*status = EXIT_FINDINGS;
	else if (args->health && !args->json)
		printf("%s: confirmed\n", outcome->name);
	if (healthy && args->replace && old && control_unload(outcome, old->name, args->retry) && !args->json)
		printf("%s: removed\n", old->name);
	return NULL;
}

static struct err *insert(const struct args *args, struct outcome *outcome, int *status)
{
	int fd = open(args->file, O_RDONLY | O_CLOEXEC), error;

	if (fd < 0)
		return err_new("%s: %s", args->file, strerror(errno));
	error = try_often(args, fd, outcome);
	close(fd);
	if (error == EPERM || error == ENOSYS)
		return err_new("%s: %s: loading a module takes root, and a kernel that allows it", outcome->name,
			       strerror(error));
	if (!error)
		return args->json ? NULL : print_loaded(outcome->name);
	outcome_say(outcome, outcome->name, "not loaded, nothing has changed");
	*status = EXIT_FINDINGS;
	return NULL;
}

static struct err *load(const struct args *args, const struct modfile *file, int *status)
{
	struct outcome outcome = { .command = "load", .name = file->name };
	struct loaded_list before;
	struct err *err = loaded_read("", &before);
	bool in = false;

	if (err)
		return err;
	if (args->replace)
		clear_way(args, file, &before, &outcome, &in, status);
	if (!in && *status == EXIT_CLEAN)
		err = insert(args, &outcome, status);
	if (!err && *status == EXIT_CLEAN && !(in && loaded_find(&before, file->name)->confirmed))
		err = settle(args, &outcome, &before, status);
	if (!err && args->json)
		err = print_json(&outcome, *status == EXIT_CLEAN);
	outcome_release(&outcome);
	loaded_release(&before);
	return err;
}

/* --check */
static void check(const struct modfile *file, int *status)
{
	AUTO_FREE char *why = NULL;

	if (fits_running(file, &why)) {
		printf("%s: is for the running kernel\n", file->name);
		return;
	}
	printf("%s: %s\n", file->name, why);
	*status = EXIT_FINDINGS;
}

struct err *cmd_load(int argc, char **argv, int *status)
{
	struct args args = { .parameters = xstrdup("") };
	AUTO_FREE char *probation = NULL;
	struct modfile file = { 0 };
	struct err *err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (args.probation) {
		probation = xasprintf("probation=%u", args.probation + (args.health ? PUT_BACK_TIME : 0));
		add_parameter(&args, probation);
	}
	err = access(args.file, R_OK) ? err_new("%s: %s", args.file, strerror(errno)) : modfile_read(args.file, &file);
	if (!err && args.check)
		check(&file, status);
	else if (!err)
		err = load(&args, &file, status);
	modfile_release(&file);
	free(args.parameters);
	return err;
}
