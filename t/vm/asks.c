// SPDX-License-Identifier: GPL-2.0
/* What the scheduler answers to a program: intervals, policies, deadline parameters. One line each. */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* struct sched_attr of the kernel's user interface (include/uapi/linux/sched/types.h) */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static const char *outcome(long ret)
{
	return ret ? strerror(errno) : "yes";
}

static long set_policy(uint32_t policy, uint32_t priority, uint64_t runtime)
{
	struct attr attr = {
		.size = sizeof(attr), .policy = policy, .priority = priority, .runtime = runtime,
		.deadline = runtime ? 10000000 : 0, .period = runtime ? 10000000 : 0,
	};

	return syscall(SYS_sched_setattr, 0, &attr, 0);
}

/*
 * Whether a deadline task may have this run time, asked without becoming one: parameters are looked at
 * before the affinity, and a task that may not run everywhere is refused for that. For where a processor
 * goes after a deadline task, stock 6.1 loses count of bandwidth: no processor can go from then on, or
 * inactive_task_timer() panics.
 */
static const char *deadline(uint64_t runtime)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return "no affinity";
	return set_policy(6, 0, runtime) && errno == EPERM ? "yes" : strerror(errno);
}

static long interval(void)
{
	struct timespec t = { 0 };

	return sched_rr_get_interval(0, &t) ? -1 : t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(void)
{
	long first;

	set_policy(SCHED_RR, 1, 0);
	first = interval();
	printf("round robin: the next interval is %s\n", interval() > first ? "longer" : "the same");
	printf("round robin slice: %ld ms\n", first);
	set_policy(SCHED_OTHER, 0, 0);
	printf("fair interval: %s\n", interval() > 1000 ? "longer than a second" : "short");
	printf("policy 4: %s\n", outcome(set_policy(4, 0, 0)));
	set_policy(SCHED_OTHER, 0, 0);
	/* more than the least run time of a deadline task, which is 1 << 10 ns, and less than 16 times that */
	printf("short deadline: %s\n", deadline(4096));
	return 0;
}
