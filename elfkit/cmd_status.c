// SPDX-License-Identifier: GPL-2.0
/* elfkit status: the elfkit modules of the running kernel. */
#include <argp.h>

#include "elfkit/cmd.h"
#include "elfkit/loaded_write.h"

enum { OPT_JSON = 256 };

static const struct argp_option options[] = {
	{ "json", OPT_JSON, NULL, 0, "write JSON", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg __attribute__((unused)), struct argp_state *state)
{
	bool *json = state->input;

	if (key != OPT_JSON)
		return ARGP_ERR_UNKNOWN;
	*json = true;
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "List the elfkit modules of the running kernel: state, times, and who was in the way last.\v"
	       "To have it in a script:\n\n"
	       "  elfkit status >/dev/null || echo the kernel runs its own scheduler\n\n"
	       "Exit status: 0 one is enabled, 1 none is, 2 error.",
};

struct err *cmd_status(int argc, char **argv, int *status)
{
	struct loaded_list list = { 0 };
	bool json = false;
	struct err *err;

	argp_parse(&argp, argc, argv, 0, NULL, &json);
	err = loaded_read("", &list);
	err = err ?: json ? loaded_write_json(&list, stdout) : loaded_write_text(&list, stdout);
	*status = EXIT_FINDINGS;
	for (uint32_t i = 0; i < list.n; i++)
		if (list.v[i].enabled)
			*status = EXIT_CLEAN;
	loaded_release(&list);
	return err;
}
