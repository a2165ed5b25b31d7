// SPDX-License-Identifier: GPL-2.0
/* The time limit of a health command is timeout(1)'s affair, which ends all that the command has started. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "elfkit/control.h"
#include "elfkit/trial.h"

#define TIMED_OUT	124	/* coreutils' timeout(1); BusyBox's dies of the signal as the command does */
#define KILLED		137

struct err *trial_replaced(const struct loaded_list *before, const char *name, const struct loaded **ret)
{
	struct loaded_list now;
	struct err *err = loaded_read("", &now);

	*ret = NULL;
	for (uint32_t i = 0; !err && i < before->n; i++) {
		const struct loaded *m = &before->v[i], *same = loaded_find(&now, m->name);

		if (m->enabled && same && !same->enabled && strcmp(m->name, name))
			*ret = m;
	}
	loaded_release(&now);
	return err;
}

/* Of a clock that nobody sets. */
static time_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* What is wrong with it, or NULL. Caller frees. */
static struct err *run_command(const char *command, unsigned int seconds, char **wrong)
{
	AUTO_FREE char *limit = xasprintf("%u", seconds);
	const char *const argv[] = { "timeout", "-k", "5", limit, "sh", "-c", command, NULL };
	const time_t start = seconds_now();
	int status, error;
	pid_t pid;
	bool late;

	*wrong = NULL;
	error = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ);
	if (error)
		return err_new("%s: %s: the health command cannot be run", argv[0], strerror(error));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_new("%s: %s: the health command cannot be run", argv[0], strerror(errno));
	late = seconds_now() - start >= (time_t)seconds &&
	       (WIFSIGNALED(status) || WEXITSTATUS(status) == TIMED_OUT || WEXITSTATUS(status) == KILLED);
	if (late)
		*wrong = xasprintf("not done within %u s", seconds);
	else if (WIFSIGNALED(status))
		*wrong = xasprintf("ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		*wrong = xasprintf("exit status %d", WEXITSTATUS(status));
	return NULL;
}

/* Back to @old in one stop, if that can be; else to the kernel's own. */
static void put_back(struct outcome *outcome, const struct loaded *old, unsigned int retry)
{
	if (old && control_switch(outcome, old->name, true, retry))
		old = NULL;
	/* it begins its probation anew, which it has passed */
	if (old && old->confirmed)
		control_write(old->name, "confirm", "1\n");
	if (!control_unload(outcome, outcome->name, retry))
		outcome_say(outcome, outcome->name, "was not confirmed, and goes back by itself when its probation is over");
	else if (old)
		outcome_say(outcome, old->name, "is in again, as before");
	else
		outcome_say(outcome, outcome->name, "the kernel's own scheduler is in");
}

struct err *trial_run(struct outcome *outcome, const struct loaded *old, const char *command,
		      unsigned int seconds, unsigned int retry, bool *ret)
{
	AUTO_FREE char *wrong = NULL;
	struct err *err;
	int error;

	fflush(stdout);
	outcome_say(outcome, outcome->name, "health command: %s", command);
	err = run_command(command, seconds, &wrong);
	if (!err && !wrong) {
		error = control_write(outcome->name, "confirm", "1\n");
		if (!error) {
			*ret = true;
			return NULL;
		}
		wrong = xasprintf("it came too late, confirm says %s", strerror(error));
	}
	*ret = false;
	if (wrong)
		outcome_say(outcome, outcome->name, "the health command failed: %s; going back", wrong);
	put_back(outcome, old, retry);
	return err;
}
