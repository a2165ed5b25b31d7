// SPDX-License-Identifier: GPL-2.0
/* elfkit unload: goes back and removes the module. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "elfkit/cmd.h"
#include "elfkit/kmsg.h"
#include "elfkit/loaded_write.h"
#include "elfkit/outcome.h"

enum { OPT_RETRY = 256, OPT_JSON };

#define REMOVE_TRIES	50
#define REMOVE_PAUSE_US	100000

static const struct argp_option options[] = {
	{ "retry", OPT_RETRY, "N", 0,
	  "while a task is in the way, try again up to N times, a second apart (default 0)", 0 },
	{ "json", OPT_JSON, NULL, 0, "write JSON", 0 },
	{ 0 },
};

struct args {
	const char *name;
	unsigned int retry;
	bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case OPT_RETRY:
		args->retry = cmd_number(arg, state, "--retry");
		return 0;
	case OPT_JSON:
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->name)
			argp_error(state, "only one module can be given");
		args->name = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[NAME]",
	.doc = "Go back to the kernel's own functions and remove the module.\v"
	       "NAME may be left out where only one elfkit module is loaded. `echo 0 > "
	       "/sys/kernel/elfkit/NAME/enabled` and rmmod do the same.\n\n"
	       "  elfkit unload --retry=10 mysched\n\n"
	       "Exit status: 0 removed, 1 it is still in use and says why, 2 error.",
};

static struct err *choose(const struct loaded_list *list, const char *given, const char **ret)
{
	if (given && !loaded_find(list, given))
		return err_new("%s: no elfkit module of this name is loaded", given);
	if (!given && !list->n)
		return err_new("no elfkit module is loaded");
	if (!given && list->n > 1)
		return err_new("%u elfkit modules are loaded, %s and %s among them: name one", list->n, list->v[0].name,
			       list->v[1].name);
	*ret = given ? given : list->v[0].name;
	return NULL;
}

static int write_zero(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), error;

	if (fd < 0)
		return errno;
	error = write(fd, "0\n", 2) < 0 ? errno : 0;
	close(fd);
	return error;
}

/* Where the log cannot be read, sysfs still knows who was in the way. */
static void print_blockers(const char *name)
{
	struct loaded_list list;
	const struct loaded *m;
	struct err *err = loaded_read("", &list);

	if (err) {
		err_free(err);
		return;
	}
	m = loaded_find(&list, name);
	if (m)
		loaded_write_blockers(m, "unload: ", stderr);
	loaded_release(&list);
}

/* 0, or the errno of the last try. */
static int disable(const struct args *args, struct outcome *outcome)
{
	AUTO_FREE char *path = xasprintf("/sys/kernel/elfkit/%s/enabled", outcome->name);

	for (unsigned int try = 0; ; try++) {
		struct kmsg kmsg;
		int error;

		kmsg_open(&kmsg);
		error = write_zero(path);
		if (error && !kmsg_read(&kmsg, outcome->name, outcome_line, outcome)) {
			print_blockers(outcome->name);
			outcome_say(outcome, "%s", strerror(error));
		}
		kmsg_close(&kmsg);
		if (error != EBUSY || try >= args->retry)
			return error;
		outcome_say(outcome, "trying again, %u of %u", try + 1, args->retry);
		sleep(1);
	}
}

/* Who reads one of its files, or traces its functions, holds it a little longer. */
static int remove_module(const char *name)
{
	int error = 0;

	for (int try = 0; try < REMOVE_TRIES; try++) {
		error = syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
		if (error != EAGAIN && error != EBUSY)
			break;
		usleep(REMOVE_PAUSE_US);
	}
	return error;
}

static struct err *go_back(const struct args *args, struct outcome *outcome, int *status)
{
	const char *name = outcome->name;
	int error = disable(args, outcome);

	if (error == EACCES || error == EPERM)
		return err_new("%s: %s: it takes root", name, strerror(error));
	*status = EXIT_FINDINGS;
	if (error) {
		outcome_say(outcome, "still enabled, nothing has changed");
		return NULL;
	}
	error = remove_module(name);
	if (error)
		outcome_say(outcome, "disabled, but not removed: %s%s", strerror(error),
			    error == EAGAIN || error == EBUSY ? "; somebody uses it" : "");
	else
		*status = EXIT_CLEAN;
	return NULL;
}

static struct err *unload(const struct args *args, const struct loaded_list *list, int *status)
{
	struct outcome outcome = { .command = "unload" };
	struct err *err = choose(list, args->name, &outcome.name);

	err = err ?: go_back(args, &outcome, status);
	if (!err && args->json)
		err = outcome_write_json(&outcome, *status == EXIT_CLEAN, NULL, stdout);
	else if (!err && *status == EXIT_CLEAN)
		printf("%s: removed\n", outcome.name);
	outcome_release(&outcome);
	return err;
}

struct err *cmd_unload(int argc, char **argv, int *status)
{
	struct args args = { 0 };
	struct loaded_list list;
	struct err *err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	err = loaded_read("", &list);
	if (err)
		return err;
	err = unload(&args, &list, status);
	loaded_release(&list);
	return err;
}
