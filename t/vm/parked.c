// SPDX-License-Identifier: GPL-2.0
/*
 * Parks a thread inside the scheduler: in sched_setaffinity(), where the kernel
 * copies the CPU mask from a page that userfaultfd does not deliver.
 *
 *	parked [SECONDS]
 *
 * Prints "parked TID" once the thread sleeps there.  Releases it after SECONDS,
 * or without SECONDS when stdin closes, or on SIGTERM or SIGINT; then the call
 * gets the thread's present mask and succeeds, "released" is printed and the
 * exit status is 0.  Needs root: unprivileged users may not stop kernel faults.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *page;
static size_t page_size;
static atomic_int tid;

static void *park(void *unused)
{
	(void)unused;
	atomic_store(&tid, (int)syscall(SYS_gettid));
	if (syscall(SYS_sched_setaffinity, 0, sizeof(cpu_set_t), page) < 0)
		return (void *)(intptr_t)errno;
	return NULL;
}

/* A userfaultfd that holds back our page. */
static int hold_page(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		err(2, "userfaultfd");
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	page = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		err(2, "mmap");
	range.range.start = (uintptr_t)page;
	range.range.len = page_size;
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range))
		err(2, "userfaultfd: register");
	return fd;
}

/* Deliver the page, with the mask that the thread has anyway. */
static void release_page(int fd)
{
	struct uffdio_copy copy = { .dst = (uintptr_t)page, .len = page_size };
	void *data = aligned_alloc(page_size, page_size);

	if (!data)
		err(2, "%zu bytes", page_size);
	memset(data, 0, page_size);
	if (sched_getaffinity(0, sizeof(cpu_set_t), data))
		err(2, "sched_getaffinity");
	copy.src = (uintptr_t)data;
	if (ioctl(fd, UFFDIO_COPY, &copy))
		err(2, "userfaultfd: copy");
	free(data);
}

static int is_asleep(void)
{
	char path[64], line[512] = "", *state;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", atomic_load(&tid));
	file = fopen(path, "r");
	if (!file || !fgets(line, sizeof(line), file))
		err(2, "%s", path);
	fclose(file);
	state = strrchr(line, ')');	/* "TID (comm) S ..." */
	return state && (state[2] == 'S' || state[2] == 'D');
}

static void wait_until_parked(int fd)
{
	struct uffd_msg message;

	if (read(fd, &message, sizeof(message)) != sizeof(message) ||
	    message.event != UFFD_EVENT_PAGEFAULT)
		errx(2, "userfaultfd: no page fault came");
	while (!is_asleep())
		usleep(1000);
	printf("parked %d\n", atomic_load(&tid));
	fflush(stdout);
}

/* Until a signal, the end of stdin (if no time is given), or the time. */
static void wait_for_release(int signals, int seconds)
{
	struct pollfd fds[2] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = seconds < 0 ? STDIN_FILENO : -1, .events = POLLIN },
	};
	char drop[256];

	for (;;) {
		int ready = poll(fds, 2, seconds < 0 ? -1 : seconds * 1000);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0 || fds[0].revents)
			return;
		if (fds[1].revents && read(STDIN_FILENO, drop, sizeof(drop)) <= 0)
			return;
	}
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : -1;
	int fd, signals, error;
	pthread_t thread;
	sigset_t set;
	void *result;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		err(2, "signalfd");

	fd = hold_page();
	error = pthread_create(&thread, NULL, park, NULL);
	if (error)
		errx(2, "pthread_create: %s", strerror(error));
	wait_until_parked(fd);
	wait_for_release(signals, seconds);
	release_page(fd);
	pthread_join(thread, &result);
	if (result)
		errx(1, "sched_setaffinity: %s", strerror((int)(intptr_t)result));
	printf("released\n");
	return 0;
}
