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

enum { OPT_RETRY = 256 };

#define REMOVE_TRIES	50
#define REMOVE_PAUSE_US	100000

static const struct argp_option options[] = {
	{ "retry", OPT_RETRY, "N", 0,
	  "while a task is in the way, try again up to N times, a second apart (default 0)", 0 },
	{ 0 },
};

struct args {
	const char *name;
	unsigned int retry;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case OPT_RETRY:
		args->retry = cmd_number(arg, state, "--retry");
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

static void print_reason(const char *text, void *arg)
{
	fprintf(stderr, "unload: %s: %s\n", (const char *)arg, text);
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

/* 0, or the errno of the last try. Reasons go to stderr. */
static int disable(const struct args *args, const char *name)
{
	AUTO_FREE char *path = xasprintf("/sys/kernel/elfkit/%s/enabled", name);

	for (unsigned int try = 0; ; try++) {
		struct kmsg kmsg;
		int error;

		kmsg_open(&kmsg);
		error = write_zero(path);
		if (error && !kmsg_read(&kmsg, name, print_reason, (void *)name)) {
			print_blockers(name);
			fprintf(stderr, "unload: %s: %s\n", name, strerror(error));
		}
		kmsg_close(&kmsg);
		if (error != EBUSY || try >= args->retry)
			return error;
		fprintf(stderr, "unload: %s: trying again, %u of %u\n", name, try + 1, args->retry);
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

static struct err *unload(const struct args *args, const struct loaded_list *list, int *status)
{
	const char *name = NULL;
	struct err *err = choose(list, args->name, &name);
	int error;

	if (err)
		return err;
	error = disable(args, name);
	if (error == EACCES || error == EPERM)
		return err_new("%s: %s: it takes root", name, strerror(error));
	if (error) {
		fprintf(stderr, "unload: %s: still enabled, nothing has changed\n", name);
		*status = EXIT_FINDINGS;
		return NULL;
	}
	error = remove_module(name);
	if (error) {
		fprintf(stderr, "unload: %s: disabled, but not removed: %s%s\n", name, strerror(error),
			error == EAGAIN || error == EBUSY ? "; somebody uses it" : "");
		*status = EXIT_FINDINGS;
		return NULL;
	}
	printf("%s: removed\n", name);
	return NULL;
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
