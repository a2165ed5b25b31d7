// SPDX-License-Identifier: GPL-2.0
/* Writes to /sys/kernel/elfkit, and delete_module. */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "elfkit/control.h"
#include "elfkit/kmsg.h"
#include "elfkit/loaded_write.h"

#define REMOVE_TRIES	50
#define REMOVE_PAUSE_US	100000

bool control_matches(const char *patterns, const char *name)
{
	AUTO_FREE char *copy = xstrdup(patterns);
	char *rest = NULL;

	for (char *p = strtok_r(copy, ",", &rest); p; p = strtok_r(NULL, ",", &rest))
		if (!fnmatch(p, name, 0))
			return true;
	return false;
}

const struct loaded *control_conflict(const struct loaded_list *list, const char *name, const char *patterns)
{
	for (uint32_t i = 0; i < list->n; i++) {
		const struct loaded *m = &list->v[i];

		if (m->enabled && strcmp(m->name, name) && !control_matches(patterns, m->name))
			return m;
	}
	return NULL;
}

int control_write(const char *name, const char *file, const char *text)
{
	AUTO_FREE char *path = xasprintf("/sys/kernel/elfkit/%s/%s", name, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC), error;

	if (fd < 0)
		return errno;
	error = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return error;
}

struct reason {
	const char *who, *name;
};

static void print_reason(const char *text, void *arg)
{
	const struct reason *reason = arg;

	fprintf(stderr, "%s: %s: %s\n", reason->who, reason->name, text);
}

/* Where the log cannot be read, sysfs still knows who was in the way. */
static void print_blockers(const char *who, const char *name)
{
	AUTO_FREE char *indent = xasprintf("%s: ", who);
	struct loaded_list list;
	const struct loaded *m;
	struct err *err = loaded_read("", &list);

	if (err) {
		err_free(err);
		return;
	}
	m = loaded_find(&list, name);
	if (m)
		loaded_write_blockers(m, indent, stderr);
	loaded_release(&list);
}

int control_switch(const char *who, const char *name, bool on, unsigned int retry)
{
	struct reason reason = { who, name };

	for (unsigned int try = 0; ; try++) {
		struct kmsg kmsg;
		int error;

		kmsg_open(&kmsg);
		error = control_write(name, "enabled", on ? "1\n" : "0\n");
		if (error && !kmsg_read(&kmsg, name, print_reason, &reason)) {
			print_blockers(who, name);
			fprintf(stderr, "%s: %s: %s\n", who, name, strerror(error));
		}
		kmsg_close(&kmsg);
		if (error != EBUSY || try >= retry)
			return error;
		fprintf(stderr, "%s: %s: trying again, %u of %u\n", who, name, try + 1, retry);
		sleep(1);
	}
}

/* Who reads one of its files, or traces its functions, holds it a little longer. */
int control_remove(const char *name)
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

bool control_unload(const char *who, const char *name, unsigned int retry)
{
	int error = control_switch(who, name, false, retry);

	if (error) {
		fprintf(stderr, "%s: %s: still enabled, nothing has changed\n", who, name);
		return false;
	}
	error = control_remove(name);
	if (error)
		fprintf(stderr, "%s: %s: disabled, but not removed: %s%s\n", who, name, strerror(error),
			error == EAGAIN || error == EBUSY ? "; somebody uses it" : "");
	return !error;
}
