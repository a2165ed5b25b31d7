// SPDX-License-Identifier: GPL-2.0
/*
 * What tasks are worth, before and after a switch, on a CPU that is held so
 * that none of them runs in between:
 *
 *	worth CPU up	brings a CPU up that was left out at boot
 *	worth CPU	makes the tasks; prints "ready"; ends when stdin does
 *
 * 100 fair tasks with all nice values compute in nested groups and in
 * autogroups; some nap, some fork children that die at once.  Beside them wait
 * FIFO, RR and deadline tasks.  All are bound to CPU.
 *
 * For the line "hold" a deadline task with all of CPU's time begins to compute,
 * the FIFO, RR and deadline tasks are woken behind it, and everything that the
 * kernel shows of them and of their groups is read.  For the line "compare" it
 * is read again and compared; then CPU is let go, and each task has to take its
 * turn.  Each line is answered by one that begins "held" or "same", or says
 * what is wrong.
 *
 * What must be the same is in worth_read.h and turns().
 */
#include "worth.h"
#include "worth_read.h"

static void put(const char *value, const char *format, ...)
{
	char path[256];
	va_list args;
	int fd;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		err(2, "%s: %s", path, value);
	close(fd);
}

/* ---- the tasks ---- */

/* Before it joins a group: what a group has run elsewhere takes from its weight here, and that fades away. */
static void stay_here(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(2, "sched_setaffinity");
}

static void become(const struct attr *want)
{
	struct attr attr = *want;

	attr.size = sizeof(attr);
	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		err(2, "sched_setattr, policy %d", attr.policy);
}

static void compute(unsigned long us)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000000 + (now.tv_nsec - begin.tv_nsec) / 1000 < (long)us);
}

/* Computes from its release on until it runs for the first time after the lap has ended. */
static void lap(unsigned int i)
{
	for (;;) {
		while (sem_wait(&shared->again[i]))
			;
		while (shared->done[i] == shared->lap)
			compute(200);
		shared->done[i] = shared->lap;
	}
}

/* Computes for more than its slice, then sleeps: so that it owes time. */
static void nap(unsigned int i)
{
	for (;;) {
		while (sem_wait(&shared->nap[i]))
			;
		compute(3000);
		__atomic_add_fetch(&shared->naps, 1, __ATOMIC_SEQ_CST);
	}
}

/*
 * A few children at a time, with pages to be given back, which takes more than a slice with what came before; nobody
 * waits for them.
 */
static void breed(unsigned int i)
{
	size_t size = 2 << 20, at;
	unsigned int born = 0;
	char *pages;

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		while (!shared->breeding)
			usleep(2000);
		if (!fork()) {
			pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			madvise(pages, size, MADV_NOHUGEPAGE);
			for (at = 0; at < size; at += 4096)
				pages[at] = 1;
			__atomic_add_fetch(&shared->gone[i], 1, __ATOMIC_SEQ_CST);
			_exit(0);
		}
		born++;
		while (born - shared->gone[i] >= 4)
			usleep(500);
	}
}

/* Waits for a turn, and says when it has come. */
static void wait_turn(unsigned int i)
{
	for (;;) {
		while (sem_wait(&shared->turn[i]))
			;
		shared->turns[__atomic_fetch_add(&shared->nr_turns, 1, __ATOMIC_SEQ_CST)] = i;
	}
}

static void hold(unsigned int i)
{
	(void)i;
	for (;;) {
		while (sem_wait(&shared->hold))
			;
		while (shared->holding)
			shared->held = 1;
		shared->held = 0;
	}
}

/* ---- making them ---- */

static pid_t start(void (*run)(unsigned int), unsigned int i, const struct attr *attr)
{
	pid_t pid = fork();

	if (pid < 0)
		err(2, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	stay_here();
	become(attr);
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_SEQ_CST);
	run(i);
	_exit(0);
}

static const struct attr plain = { .policy = SCHED_OTHER };
static const struct attr heavy = { .policy = SCHED_OTHER, .nice = -15 };

/* The tasks of a place, made by a process of its own, which may be the leader of a session. */
static void settle(unsigned int p)
{
	const struct place *place = &places[p];
	char worth[16];
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	stay_here();
	snprintf(worth, sizeof(worth), "%d", place->worth);
	if (place->cgroup) {
		put(worth, CGROUP "%s/%s", place->cgroup, place->file);
		put("0", CGROUP "%s/cgroup.procs", place->cgroup);
	} else {
		if (setsid() < 0)
			err(2, "setsid");
		put(worth, "/proc/self/autogroup");
	}
	for (i = p; i < NR_FAIR; i += NR_PLACES)
		shared->fair[i].pid = start(lap, i, &shared->fair[i].attr);
	for (i = p; i < NR_NAPS; i += NR_PLACES)
		start(nap, i, &heavy);
	for (;;)
		pause();
}

static void choose(struct task *task, unsigned int i)
{
	task->place = i % NR_PLACES;
	task->attr.policy = i % 9 == 4 ? SCHED_BATCH : i % 10 == 7 ? SCHED_IDLE : SCHED_OTHER;
	task->attr.nice = (int)(i * 7 % 40) - 20;
	if (i % 3 == 1)
		task->attr.runtime = (1 + i % 4) * 1000000;
}

static void make(void)
{
	unsigned int i;

	for (i = 0; i < NR_FAIR; i++) {
		choose(&shared->fair[i], i);
		sem_init(&shared->again[i], 1, 0);
	}
	for (i = 0; i < NR_NAPS; i++)
		sem_init(&shared->nap[i], 1, 0);
	for (i = 0; i < NR_PLACES; i++)
		if (!fork())
			settle(i);
	for (i = 0; i < NR_WAITING; i++) {
		sem_init(&shared->turn[i], 1, 0);
		shared->waiting[i].attr = waiting[i];
		shared->waiting[i].pid = start(wait_turn, i, &waiting[i]);
	}
	sem_init(&shared->hold, 1, 0);
	start(hold, 0, &holder);
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		stay_here();
		put("0", CGROUP "worth/dying/cgroup.procs");
		for (i = 0; i < NR_FORKS; i++)
			start(breed, i, &plain);
		for (;;)
			pause();
	}
	while (shared->ready < NR_FAIR + NR_NAPS + NR_WAITING + 1 + NR_FORKS)
		usleep(10000);
}

/*
 * Where QEMU counts instructions, a CPU that comes up gets none for as long as the others neither halt nor pause; and
 * the kernel does neither while it waits for it.
 */
static void bring_up(void)
{
	pid_t pid = fork();

	if (!pid)
		for (;;)
			__builtin_ia32_pause();
	put("1", "/sys/devices/system/cpu/cpu%d/online", cpu);
	kill(pid, SIGKILL);
}

static void prefer_kernel_threads(void)
{
	struct attr attr = kernel_thread;
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	cpu_set_t set, only;
	char path[300];
	int parent;
	pid_t pid;

	CPU_ZERO(&only);
	CPU_SET(cpu, &only);
	attr.size = sizeof(attr);
	while ((entry = readdir(proc))) {
		pid = atoi(entry->d_name);
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		if (!pid || !get(path) || sscanf(strrchr(text, ')'), ") %*c %d", &parent) != 1 || parent != 2)
			continue;
		/* The one that stops the machine has no policy that could be changed: it comes first anyway. */
		if (!sched_getaffinity(pid, sizeof(set), &set) && CPU_EQUAL(&set, &only))
			syscall(SYS_sched_setattr, pid, &attr, 0);
	}
	closedir(proc);
}

/* ---- holding ---- */

/* Each fair task takes its turn; those that have had it sleep. */
static void end_lap(void)
{
	unsigned int i, now = ++shared->lap;

	for (i = 0; i < NR_FAIR; i++)
		while (shared->done[i] != now)
			usleep(1000);
}

/* Until children are born and die at any time. */
static void breed_some(void)
{
	unsigned int i, gone[NR_FORKS];

	memcpy(gone, (void *)shared->gone, sizeof(gone));
	shared->breeding = 1;
	for (i = 0; i < NR_FORKS; i++)
		while (shared->gone[i] - gone[i] < 5)
			usleep(1000);
}

static void begin_hold(void)
{
	unsigned int i;

	for (i = 0; i < NR_FAIR; i++)
		sem_post(&shared->again[i]);
	breed_some();
	shared->naps = 0;
	for (i = 0; i < NR_NAPS; i++)
		sem_post(&shared->nap[i]);
	while (shared->naps < NR_NAPS / 4)
		usleep(1000);
	shared->nr_turns = 0;
	shared->holding = 1;
	sem_post(&shared->hold);
	while (!shared->held)
		usleep(1000);
	for (i = 0; i < NR_WAITING; i++) {
		sem_post(&shared->turn[i]);
		usleep(1000);
	}
	usleep(100000);
	read_all(&before);
	printf("held: %u dying\n", before.dying);
}

static void turns(void)
{
	unsigned int i;

	shared->holding = shared->breeding = 0;
	while (shared->nr_turns < NR_WAITING)
		usleep(1000);
	for (i = 0; i < NR_WAITING; i++)
		if (shared->turns[i] != order[i])
			differs("those that wait", "turns", order[i], shared->turns[i]);
}

static void compare(void)
{
	long long most = 0;
	unsigned int i, j, equal = 0, pairs = 0, delayed = 0;

	read_all(&after);
	for (i = 0; i < NR_FAIR; i++)
		compare_fair(&shared->fair[i], &before.fair[i], &after.fair[i]);
	for (i = 0; i < NR_WAITING; i++)
		compare_waiting(&shared->waiting[i], &before.waiting[i], &after.waiting[i]);
	for (i = 0; i < NR_GROUPS; i++)
		compare_group(&before.groups[i], &after.groups[i]), delayed += before.groups[i].delayed > 0;
	for (i = 0; i < NR_PLACES; i++)
		if (strcmp(before.autogroups[i], after.autogroups[i]))
			differs(before.autogroups[i], "autogroup", 0, 0);
	SAME("root domain", &before, &after, dl_bw);
	for (i = 0; i < NR_FAIR; i++)
		for (j = i + NR_PLACES; j < NR_FAIR; j += NR_PLACES, pairs++) {
			const struct worth *a = before.fair, *b = after.fair;
			long long was = a[i].vruntime - a[j].vruntime, is = b[i].vruntime - b[j].vruntime;

			if (distance(was, is) > most)
				most = distance(was, is);
			equal += was == is;
			if (distance(was, is) > ROUNDING)
				differs(places[i % NR_PLACES].path, "distance of two tasks", was, is);
		}
	turns();
	end_lap();
	printf("%u pairs of tasks: %u as far apart as before, the others %lld ns off at most; %u groups with sleepers that are queued\n",
		pairs, equal, most, delayed);
	printf("%s%s\n", *wrong ? "wrong: " : "same", wrong);
	*wrong = 0;
}

int main(int argc, char **argv)
{
	static const struct sched_param param = { .sched_priority = 50 };
	char line[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 2 && (argc != 3 || strcmp(argv[2], "up")))
		errx(2, "usage: worth CPU [up]");
	cpu = atoi(argv[1]);
	if (argc == 3) {
		bring_up();
		return 0;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(2, "mmap");
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param))
		err(2, "sched_setscheduler");
	prefer_kernel_threads();
	make();
	puts("ready");
	while (fgets(line, sizeof(line), stdin))
		if (!strcmp(line, "hold\n"))
			begin_hold();
		else
			compare();
	return 0;
}
