// SPDX-License-Identifier: GPL-2.0
/* elfkit: the table of commands. */
#include <argp.h>
#include <string.h>

#include "elfkit/cmd.h"
#include "elfkit/memory.h"
#include "elfkit/near.h"
#include "elfkit/terminal.h"

static const struct command {
	const char *name;
	struct err *(*run)(int argc, char **argv, int *status);
	const char *what;
} commands[] = {
	{ "boundary", cmd_boundary, "compute where the scheduler of a kernel begins and ends" },
	{ "diff", cmd_diff, "say what is different between the boundaries of two kernels" },
	{ "frame", cmd_frame, "print a function's stack frame, and what the code behind a call reads of it" },
	{ "load", cmd_load, "load a module that relink has made; says why not" },
	{ "pack", cmd_pack, "make packages of a module, for Debian and RPM" },
	{ "refs", cmd_refs, "list what refers to the functions of a kernel" },
	{ "relink", cmd_relink, "make rebuilt scheduler objects into a module for a running kernel" },
	{ "status", cmd_status, "list the elfkit modules of the running kernel" },
	{ "unload", cmd_unload, "go back to the kernel's own functions, and remove the module" },
};

static void usage(FILE *to)
{
	fputs("Usage: elfkit COMMAND [OPTION...] ...\n\n", to);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].what);
	fputs("\n`elfkit COMMAND --help` says more. Exit status: 0 clean, 1 findings, 2 error.\n", to);
}

static int run(const struct command *command, int argc, char **argv)
{
	AUTO_FREE char *name = xasprintf("elfkit %s", command->name);
	int status = EXIT_CLEAN;
	struct err *err;

	argp_err_exit_status = EXIT_ERROR;
	argp_program_version = "elfkit " ELFKIT_VERSION;
	argv[0] = name;
	memory_bound();
	err = command->run(argc, argv, &status);
	if (err) {
		progress(NULL);
		fprintf(stderr, "%selfkit:%s %s\n", paint(stderr, PAINT_BAD), paint(stderr, PAINT_END), err_message(err));
		err_free(err);
		return EXIT_ERROR;
	}
	return status;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

static int unknown(const char *name)
{
	struct near near = { .name = name };

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		near_offer(&near, commands[i].name);
	fprintf(stderr, "%selfkit:%s unknown command \"%s\"%s; `elfkit --help` lists them\n", paint(stderr, PAINT_BAD),
		paint(stderr, PAINT_END), name, near_text(&near));
	near_release(&near);
	return EXIT_ERROR;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	bool help = !strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-?") || !strcmp(word, "-h");

	if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
		puts("elfkit " ELFKIT_VERSION);
		return EXIT_CLEAN;
	}
	if (argc == 1 || (help && argc == 2)) {
		usage(help ? stdout : stderr);
		return help ? EXIT_CLEAN : EXIT_ERROR;
	}
	if (help) {
		char *ask[] = { argv[0], "--help", NULL };

		return find(argv[2]) ? run(find(argv[2]), 2, ask) : unknown(argv[2]);
	}
	return find(word) ? run(find(word), argc - 1, argv + 1) : unknown(word);
}
