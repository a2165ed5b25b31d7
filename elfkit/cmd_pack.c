// SPDX-License-Identifier: GPL-2.0
/* elfkit pack: a module as packages for distributions. */
#include <argp.h>

#include "elfkit/cmd.h"
#include "elfkit/pack.h"
#include "relink/module.h"

enum { OPT_DEB = 256, OPT_RPM, OPT_PKGVERSION, OPT_PROBATION, OPT_HEALTH, OPT_MAINTAINER, OPT_DESCRIPTION };

static const struct argp_option options[] = {
	{ "deb", OPT_DEB, NULL, 0, "make a package for Debian (default: both)", 0 },
	{ "rpm", OPT_RPM, NULL, 0, "make a package for RPM (default: both)", 0 },
	{ "output", 'o', "DIR", 0, "where to put them (default: the current folder)", 0 },
	{ "pkgversion", OPT_PKGVERSION, "V", 0,
	  "the version (default: what follows NAME_ in the module's name; else date and time of the file)", 0 },
	{ "health", OPT_HEALTH, "COMMAND", 0,
	  "run by sh after each load: its success confirms, its failure puts back what was in before", 0 },
	{ "probation", OPT_PROBATION, "SECONDS", 0, "the time that the health command has (default 60)", 0 },
	{ "maintainer", OPT_MAINTAINER, "WHO", 0, "as \"NAME <ADDRESS>\" (default: $DEBFULLNAME <$DEBEMAIL>, else the user)", 0 },
	{ "description", OPT_DESCRIPTION, "TEXT", 0, "one line (default: says scheduler and kernel)", 0 },
	{ "verbose", 'v', NULL, 0, "show what dpkg-deb and rpmbuild say", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct pack_options *o = state->input;

	switch (key) {
	case OPT_DEB:
		o->deb = true;
		return 0;
	case OPT_RPM:
		o->rpm = true;
		return 0;
	case 'o':
		o->output = arg;
		return 0;
	case OPT_PKGVERSION:
		o->version = arg;
		return 0;
	case OPT_PROBATION:
		o->probation = cmd_number(arg, state, "--probation");
		return 0;
	case OPT_HEALTH:
		o->health = arg;
		return 0;
	case OPT_MAINTAINER:
		o->maintainer = arg;
		return 0;
	case OPT_DESCRIPTION:
		o->description = arg;
		return 0;
	case 'v':
		module_set_verbose(true);
		return 0;
	case ARGP_KEY_ARG:
		if (o->module)
			argp_error(state, "only one module can be given");
		o->module = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no module is given");
		return 0;
	case ARGP_KEY_SUCCESS:
		if (!o->deb && !o->rpm)
			o->deb = o->rpm = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "FILE.ko",
	.doc = "Make packages of a module, a .deb and a .rpm, which load it on its kernel: when they are installed, and "
	       "at each boot.\v"
	       "A module NAME_VERSION is scheduler NAME: what is installed of another version it takes over from in one "
	       "stop.\n\n"
	       "  elfkit pack --health=/usr/local/bin/check-latency mysched_2.ko\n\n"
	       "Exit status: 0 done, 2 error.",
};

static void print_made(const char *path)
{
	printf("%s\n", path);
}

struct err *cmd_pack(int argc, char **argv, int *status __attribute__((unused)))
{
	struct pack_options o = { .output = "." };
	struct pack pack;
	struct err *err;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	module_catch_signals();
	err = pack_prepare(&o, &pack);
	if (err)
		return err;
	err = pack_make(&o, &pack, print_made);
	pack_release(&pack);
	return err;
}
