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

/* Where the log cannot be read, sysfs still knows who was in the way. */
static void print_blockers(const char *command, const char *name)
{
	AUTO_FREE char *indent = xasprintf("%s: ", command);
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

int control_switch(struct outcome *outcome, const char *name, bool on, unsigned int retry)
{
	struct outcome_of of = { outcome, name };

	for (unsigned int try = 0; ; try++) {
		struct kmsg kmsg;
		int error;

		kmsg_open(&kmsg);
		error = control_write(name, "enabled", on ? "1\n" : "0\n");
		if (error && !kmsg_read(&kmsg, name, outcome_line, &of)) {
			print_blockers(outcome->command, name);
			outcome_say(outcome, name, "%s", strerror(error));
		}
		kmsg_close(&kmsg);
		if (error != EBUSY || try >= retry)
			return error;
		outcome_say(outcome, name, "trying again, %u of %u", try + 1, retry);
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

bool control_unload(struct outcome *outcome, const char *name, unsigned int retry)
{
	int error = control_switch(outcome, name, false, retry);

	if (error) {
		outcome_say(outcome, name, "still enabled, nothing has changed");
		return false;
	}
	error = control_remove(name);
	if (error)
		outcome_say(outcome, name, "disabled, but not removed: %s%s", strerror(error),
			    error == EAGAIN || error == EBUSY ? "; somebody uses it" : "");
	return !error;
}
