// SPDX-License-Identifier: GPL-2.0
/* elfkit unload: goes back and removes the module. */
#include <argp.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "elfkit/cmd.h"
#include "elfkit/control.h"

enum { OPT_RETRY = 256, OPT_IF_LOADED, OPT_JSON };

static const struct argp_option options[] = {
	{ "retry", OPT_RETRY, "N", 0,
	  "while a task is in the way, try again up to N times, a second apart (default 0)", 0 },
	{ "json", OPT_JSON, NULL, 0, "write JSON", 0 },
	{ "if-loaded", OPT_IF_LOADED, NULL, 0, "it is no error that no such module is loaded", 0 },
	{ 0 },
};

struct args {
	const char *names;	/* patterns; NULL: the only one */
	unsigned int retry;
	bool if_loaded, json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case OPT_RETRY:
		args->retry = cmd_number(arg, state, "--retry");
		return 0;
	case OPT_IF_LOADED:
		args->if_loaded = true;
		return 0;
	case OPT_JSON:
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->names)
			argp_error(state, "more than one argument: put commas between names");
		args->names = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[NAME[,NAME...]]",
	.doc = "Go back to the kernel's own functions and remove the module.\v"
	       "NAME may be left out where only one elfkit module is loaded, and may be a shell pattern. `echo 0 > "
	       "/sys/kernel/elfkit/NAME/enabled` and rmmod do the same.\n\n"
	       "  elfkit unload --retry=10 mysched\n\n"
	       "Exit status: 0 removed, 1 it is still in use and says why, 2 error.",
};

/* Which it is where no name is given. */
static struct err *only_one(const struct args *args, const struct loaded_list *list)
{
	if (!list->n && !args->if_loaded)
		return err_new("no elfkit module is loaded");
	if (list->n > 1)
		return err_new("%u elfkit modules are loaded, %s and %s among them: name one", list->n, list->v[0].name,
			       list->v[1].name);
	return NULL;
}

static struct err *unload_one(const struct args *args, const char *name, int *status)
{
	AUTO_FREE char *path = xasprintf("/sys/kernel/elfkit/%s/enabled", name);
	struct outcome outcome = { .command = "unload", .name = name };
	struct err *err = NULL;
	bool done;

	if (access(path, W_OK))
		return err_new("%s: %s: it takes root", name, strerror(errno));
	done = control_unload(&outcome, name, args->retry);
	if (!done)
		*status = EXIT_FINDINGS;
	if (args->json)
		err = outcome_write_json(&outcome, done, NULL, stdout);
	else if (done)
		printf("%s: removed\n", name);
	outcome_release(&outcome);
	return err;
}

static struct err *unload(const struct args *args, const struct loaded_list *list, int *status)
{
	struct err *err = args->names ? NULL : only_one(args, list);
	bool any = false;

	for (uint32_t i = 0; !err && i < list->n; i++) {
		const char *name = list->v[i].name;

		if (args->names && !control_matches(args->names, name))
			continue;
		any = true;
		err = unload_one(args, name, status);
	}
	if (!err && args->names && !any && !args->if_loaded)
		err = err_new("%s: no elfkit module of this name is loaded", args->names);
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
