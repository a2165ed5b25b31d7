// SPDX-License-Identifier: GPL-2.0
/* Files that appear whole or not at all. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elfkit/memory.h"
#include "elfkit/output.h"

static const char *unfinished;	/* the one that is being written */

static void remove_unfinished(void)
{
	if (unfinished)
		unlink(unfinished);
}

static struct err *fail(struct output *output)
{
	struct err *err = err_new("%s: %s", output->path, strerror(errno));

	output_abort(output);
	return err;
}

struct err *output_open(const char *path, struct output *ret)
{
	static bool registered;
	mode_t mask = umask(0);
	struct stat st;
	int fd;

	umask(mask);
	memset(ret, 0, sizeof(*ret));
	ret->path = xstrdup(path);
	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		ret->file = fopen(path, "we");
		return ret->file ? NULL : fail(ret);
	}
	ret->temporary = xasprintf("%s.XXXXXX", path);
	fd = mkstemp(ret->temporary);
	if (fd < 0) {
		free(ret->temporary);
		ret->temporary = NULL;
		return fail(ret);
	}
	if (!registered)
		memory_at_end(remove_unfinished);
	registered = true;
	unfinished = ret->temporary;
	fchmod(fd, 0666 & ~mask);
	ret->file = fdopen(fd, "w");
	return ret->file ? NULL : fail(ret);
}

void output_abort(struct output *output)
{
	if (output->file)
		fclose(output->file);
	unfinished = NULL;
	if (output->temporary)
		unlink(output->temporary);
	free(output->path);
	free(output->temporary);
	memset(output, 0, sizeof(*output));
}

struct err *output_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	bool whole;

	if (!file)
		return err_new("%s: %s", path, strerror(errno));
	whole = fputs(text, file) >= 0;
	return fclose(file) || !whole ? err_new("%s: %s", path, strerror(errno)) : NULL;
}

struct err *output_commit(struct output *output)
{
	FILE *file = output->file;

	output->file = NULL;
	if (fclose(file) || (output->temporary && rename(output->temporary, output->path)))
		return fail(output);
	free(output->temporary);
	output->temporary = NULL;
	output_abort(output);
	return NULL;
}
