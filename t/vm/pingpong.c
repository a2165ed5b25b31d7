// SPDX-License-Identifier: GPL-2.0
/*
 * pingpong ROUNDS: two processes pass a byte to and fro through pipes, so that each round is
 * two context switches on one CPU.  Prints the time of a context switch in ns: the fastest of
 * ten tenths, and all of them on average.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

/* False: the other side is gone. */
static int take(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 1;
}

static void give(int fd)
{
	if (write(fd, "", 1) != 1)
		err(2, "write");
}

int main(int argc, char **argv)
{
	int there[2], back[2], part, round, rounds;
	double best = 0, total = 0;

	if (argc != 2 || (rounds = atoi(argv[1]) / 10) <= 0)
		errx(2, "usage: pingpong ROUNDS");
	if (pipe(there) || pipe(back))
		err(2, "pipe");
	if (!fork()) {
		close(there[1]);
		close(back[0]);
		while (take(there[0]))
			give(back[1]);
		return 0;
	}
	close(there[0]);
	close(back[1]);
	for (part = -1; part < 10; part++) {	/* one to warm up */
		double start = now(), time;

		for (round = 0; round < rounds; round++) {
			give(there[1]);
			if (!take(back[0]))
				errx(2, "the other process is gone");
		}
		time = (now() - start) / rounds / 2;
		if (part < 0)
			continue;
		total += time / 10;
		if (!part || time < best)
			best = time;
	}
	printf("%.1f %.1f\n", best, total);
	return 0;
}
