// SPDX-License-Identifier: GPL-2.0
/*
 * Records of /dev/kmsg: "PRIORITY,NUMBER,TIME,FLAGS;TEXT", then a line break, and lines that begin with a
 * blank and are no text.  The lower three bits of the priority are the severity.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elfkit/err.h"
#include "elfkit/kmsg.h"

#define SEVERITY_NOTICE	5
#define RECORD_MAX	8192	/* CONSOLE_EXT_LOG_MAX */

void kmsg_open(struct kmsg *ret)
{
	ret->fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (ret->fd >= 0)
		lseek(ret->fd, 0, SEEK_END);
}

void kmsg_close(struct kmsg *kmsg)
{
	if (kmsg->fd >= 0)
		close(kmsg->fd);
	kmsg->fd = -1;
}

static const char *behind(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) ? NULL : text + strlen(prefix);
}

const char *kmsg_parse(char *record, const char *name)
{
	AUTO_FREE char *loader = xasprintf("elfkit: %s: ", name), *kernel = xasprintf("%s: ", name);
	AUTO_FREE char *module = xasprintf("module %s: ", name);
	char *text = strchr(record, ';'), *end;
	const char *found;

	if (!text || (strtoul(record, NULL, 10) & 7) > SEVERITY_NOTICE)
		return NULL;
	text++;
	end = strchr(text, '\n');
	if (end)
		*end = '\0';
	found = behind(text, loader);
	if (found)
		return found;
	found = behind(text, kernel) ?: behind(text, module);
	/* that it is no part of the kernel's release is no news */
	return found && !strstr(found, "taint") ? found : NULL;
}

bool kmsg_read(struct kmsg *kmsg, const char *name, void (*line)(const char *text, void *arg), void *arg)
{
	char record[RECORD_MAX];
	bool any = false;
	ssize_t len;

	while (kmsg->fd >= 0) {
		const char *text;

		len = read(kmsg->fd, record, sizeof(record) - 1);
		if (len < 0 && (errno == EPIPE || errno == EINTR))
			continue;	/* EPIPE: some were overwritten before they were read */
		if (len <= 0)
			break;
		record[len] = '\0';
		text = kmsg_parse(record, name);
		if (text) {
			line(text, arg);
			any = true;
		}
	}
	return any;
}
