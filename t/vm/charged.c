// SPDX-License-Identifier: GPL-2.0
/*
 * What a command is charged with:
 *
 *	charged COMMAND...	prints the time of the processor that it and its children had, in us, and how
 *				often they were switched out; what they print goes to stderr
 *
 * Time in which the processor is idle is in neither, as it is in what a clock says.
 */
#include <err.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	pid_t pid;

	if (argc < 2)
		errx(2, "usage: charged COMMAND...");
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (!pid) {
		dup2(2, 1);
		execvp(argv[1], argv + 1);
		err(127, "%s", argv[1]);
	}
	if (wait4(pid, &status, 0, &usage) != pid)
		err(2, "wait4");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		errx(2, "%s has failed", argv[1]);
	printf("%ld %ld\n",
	       (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec,
	       usage.ru_nvcsw + usage.ru_nivcsw);
	return 0;
}
