// SPDX-License-Identifier: GPL-2.0
/* What the commands share. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elfkit/cmd.h"

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

struct err *output_open(const char *path, struct output *ret)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	ret->path = xstrdup(path);
	ret->temporary = xasprintf("%s.XXXXXX", path);
	fd = mkstemp(ret->temporary);
	if (fd < 0) {
		struct err *err = err_new("%s: %s", path, strerror(errno));

		free(ret->path);
		free(ret->temporary);
		return err;
	}
	fchmod(fd, 0666 & ~mask);
	ret->file = fdopen(fd, "w");
	return NULL;
}

void output_abort(struct output *output)
{
	if (output->file)
		fclose(output->file);
	unlink(output->temporary);
	free(output->path);
	free(output->temporary);
	memset(output, 0, sizeof(*output));
}

struct err *output_commit(struct output *output)
{
	FILE *file = output->file;
	struct err *err = NULL;

	output->file = NULL;
	if (fclose(file) || rename(output->temporary, output->path))
		err = err_new("%s: %s", output->path, strerror(errno));
	output_abort(output);
	return err;
}
