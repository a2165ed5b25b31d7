// SPDX-License-Identifier: GPL-2.0
/* What the commands share. */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "elfkit/cmd.h"
#include "elfkit/debuginfod.h"
#include "elfkit/output.h"
#include "elfkit/running.h"

struct err *data_path(const char *name, char **ret)
{
	const char *env = getenv("ELFKIT_DATADIR");
	char exe[PATH_MAX], *slash;
	AUTO_FREE char *beside = NULL, *installed = NULL;
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (env && *env) {
		*ret = xasprintf("%s/%s", env, name);
		return NULL;
	}
	/* TOP/build/.../elfkit runs on the files of TOP */
	exe[len > 0 ? len : 0] = '\0';
	slash = strstr(exe, "/build/");
	if (slash) {
		*slash = '\0';
		beside = xasprintf("%s/%s", exe, name);
		if (!access(beside, R_OK)) {
			*ret = xstrdup(beside);
			return NULL;
		}
	}
	installed = xasprintf("%s/%s", ELFKIT_DATADIR, name);
	if (access(installed, R_OK))
		return err_new("%s: %s: run `make install`, or point ELFKIT_DATADIR at elfkit's source",
			       installed, strerror(errno));
	*ret = xstrdup(installed);
	return NULL;
}

struct err *policy_path(const char *given, char **ret)
{
	if (!given)
		return data_path("boundary.yaml", ret);
	*ret = xstrdup(given);
	return NULL;
}

struct err *vmlinux_path(const char *given, char **ret)
{
	struct utsname uts;

	if (given && access(given, F_OK) && debuginfod_is_build_id(given))
		return debuginfod_fetch(given, ret);
	if (given) {
		*ret = xstrdup(given);
		return NULL;
	}
	uname(&uts);
	return running_vmlinux("", uts.release, ret);
}

struct err *cmd_write(const char *path, struct err *(*write)(void *arg, FILE *file), void *arg)
{
	struct output output;
	struct err *err;

	if (!path)
		return write(arg, stdout);
	err = output_open(path, &output);
	if (err)
		return err;
	err = write(arg, output.file);
	if (err) {
		output_abort(&output);
		return err;
	}
	return output_commit(&output);
}

unsigned int cmd_number(const char *text, struct argp_state *state, const char *option)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value > UINT_MAX)
		argp_error(state, "%s: %s is no number", option, text);
	return value;
}
