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
 * What must be the same is in compare_task(), compare_group() and turns().
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE	6	/* SCHED_DEADLINE */
#define SECOND		1000000000ull
#define EXITING		4		/* PF_EXITING */
#define CGROUP		"/sys/fs/cgroup/"

/*
 * ns that two vruntimes may move against each other: what is divided by weights is rounded, and where a light task is
 * all that is there as a heavy one is queued, 1 ns becomes 30 us.  A tenth of the shortest slice.  Groups, whose
 * weights are worked out anew as well, may move by as much time of the CPU.
 */
#define ROUNDING	100000

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/* Where fair tasks are: a cgroup with its weight, or a session with its autogroup's nice value. */
static struct place {
	const char *cgroup;
	const char *file;	/* which says what it is worth */
	int worth;
	char path[64];		/* as debugfs names it */
} places[] = {
	{ .cgroup = "worth/even", .path = "/worth/even", .file = "cpu.weight", .worth = 100 },
	{ .cgroup = "worth/light", .path = "/worth/light", .file = "cpu.weight", .worth = 15 },
	{ .cgroup = "worth/deep/one/two", .path = "/worth/deep/one/two", .file = "cpu.weight", .worth = 400 },
	{ .cgroup = "worth/deep/three", .path = "/worth/deep/three", .file = "cpu.weight", .worth = 70 },
	{ .cgroup = "worth/idle", .path = "/worth/idle", .file = "cpu.idle", .worth = 1 },
	{ .worth = 0 },
	{ .worth = -10 },
	{ .worth = 10 },
};

/* Groups of groups, and that of tasks which die */
static const char *const others[] = { "/worth", "/worth/deep", "/worth/deep/one", "/worth/dying" };

#define NR_PLACES	(sizeof(places) / sizeof(places[0]))
#define NR_FAIR		100
#define NR_NAPS		16
#define NR_FORKS	8
#define NR_OTHERS	(sizeof(others) / sizeof(others[0]))
#define NR_GROUPS	(NR_PLACES + NR_OTHERS)

/* Those that wait behind the one that holds the CPU, in the order in which they are woken */
static const struct attr waiting[] = {
	{ .policy = SCHED_FIFO, .priority = 10 },
	{ .policy = SCHED_RR, .priority = 10 },
	{ .policy = DEADLINE, .runtime = SECOND, .deadline = 220 * SECOND, .period = 220 * SECOND },
	{ .policy = SCHED_FIFO, .priority = 20 },
	{ .policy = SCHED_FIFO, .priority = 10 },
	{ .policy = SCHED_RR, .priority = 20 },
	{ .policy = DEADLINE, .runtime = 2 * SECOND, .deadline = 200 * SECOND, .period = 201 * SECOND },
	{ .policy = SCHED_FIFO, .priority = 10 },
	{ .policy = SCHED_FIFO, .priority = 20 },
	{ .policy = SCHED_RR, .priority = 10 },
	{ .policy = DEADLINE, .runtime = SECOND, .deadline = 210 * SECOND, .period = 210 * SECOND },
	{ .policy = SCHED_RR, .priority = 10 },
};

/* The order in which they have to take their turns */
static const unsigned int order[] = { 6, 10, 2, 3, 5, 8, 0, 1, 4, 7, 9, 11 };

#define NR_WAITING	(sizeof(waiting) / sizeof(waiting[0]))

static const struct attr holder = {
	.policy = DEADLINE, .runtime = 100 * SECOND, .deadline = 100 * SECOND, .period = 100 * SECOND,
};

/* The kernel's threads that belong to the CPU: else those that wait for RCU or a workqueue would wait for the holder. */
static const struct attr kernel_thread = {
	.policy = DEADLINE, .runtime = SECOND / 10, .deadline = SECOND, .period = SECOND,
};

/* What the kernel shows of a task; -1: nothing. */
struct worth {
	long long vruntime, deadline, slice, weight, executed, switches, policy, prio;
	long long dl_runtime, dl_deadline;
};

struct task {
	volatile pid_t pid;
	unsigned int place;
	struct attr attr;
};

struct group {
	const char *path;
	long long vruntime, weight, load, running, queued, delayed, idle, throttled;
};

struct reading {
	struct worth fair[NR_FAIR], waiting[NR_WAITING];
	struct group groups[NR_GROUPS];
	long long dl_bw;
	char autogroups[NR_PLACES][32];
	unsigned int dying;
};

/* Shared by all. */
static struct shared {
	struct task fair[NR_FAIR], waiting[NR_WAITING];
	volatile unsigned int ready;	/* tasks that are where and what they have to be */
	volatile unsigned int lap;
	volatile unsigned int done[NR_FAIR];	/* the lap that each fair task has begun */
	sem_t again[NR_FAIR];
	sem_t nap[NR_NAPS];
	volatile unsigned int naps;
	volatile unsigned int holding, held, breeding;
	volatile unsigned int gone[NR_FORKS];	/* children that are about to die */
	sem_t hold;
	sem_t turn[NR_WAITING];
	volatile unsigned int nr_turns, turns[NR_WAITING];
} *shared;

static struct reading before, after;
static char text[4 << 20];
static int cpu;

/* ---- files ---- */

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

/* Into text; whether it is there. */
static int get(const char *path)
{
	size_t size = 0;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY);

	if (fd >= 0)
		while ((n = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
			size += n;
	close(fd);
	text[size] = 0;
	return fd >= 0 && n >= 0 && size;
}

/* A number, in ns if it has a fraction. */
static long long number(const char *s)
{
	char *end;
	long long value = strtoll(s, &end, 10);

	if (*end != '.')
		return value;
	return value * 1000000 + (*s == '-' ? -1 : 1) * strtoll(end + 1, NULL, 10);
}

/* What follows "KEY   :" from @from on, before @to if that is not NULL; -1: nothing. */
static long long value(const char *from, const char *to, const char *key)
{
	size_t len = strlen(key);
	const char *at = from;

	while ((at = strstr(at, key)) && (!to || at < to)) {
		const char *colon = at + len + strspn(at + len, " ");

		if (*colon == ':' && (at == from || strchr(" .\n", at[-1])))
			return number(colon + 1 + strspn(colon + 1, " \t"));
		at += len;
	}
	return -1;
}

/* ---- the tasks ---- */

static void become(const struct attr *want)
{
	struct attr attr = *want;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	attr.size = sizeof(attr);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(2, "sched_setaffinity");
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

/* ---- reading ---- */

static void read_task(pid_t pid, struct worth *worth)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/sched", pid);
	if (!get(path))
		errx(2, "%s", path);
	worth->vruntime = value(text, NULL, "se.vruntime");
	worth->slice = value(text, NULL, "se.slice");
	worth->weight = value(text, NULL, "se.load.weight");
	worth->executed = value(text, NULL, "se.sum_exec_runtime");
	worth->switches = value(text, NULL, "nr_switches");
	worth->policy = value(text, NULL, "policy");
	worth->prio = value(text, NULL, "prio");
	worth->dl_runtime = value(text, NULL, "dl.runtime");
	worth->dl_deadline = value(text, NULL, "dl.deadline");
	worth->deadline = -1;
}

static void read_group(const char *path, struct group *group)
{
	char title[128];
	const char *from, *to;

	snprintf(title, sizeof(title), "\ncfs_rq[%d]:%s\n", cpu, path);
	from = strstr(text, title);
	if (!from)
		errx(2, "debugfs has no%s", title);
	to = strstr(from + 1, "\n\n");
	group->path = path;
	group->vruntime = value(from, to, "se->vruntime");
	group->weight = value(from, to, "se->load.weight");
	group->load = value(from, to, ".load");
	group->running = value(from, to, "nr_running");
	group->queued = value(from, to, "h_nr_running");
	if (group->queued < 0)
		group->queued = value(from, to, "h_nr_queued");
	group->delayed = value(from, to, "h_nr_delayed");
	group->idle = value(from, to, "idle_h_nr_running");
	group->throttled = value(from, to, "throttle_count");
}

/* The virtual deadline of each fair task, where the kernel has some. */
static void read_deadlines(struct worth *worths)
{
	const char *line = text;
	char deadline[32], eligible;
	unsigned int i;
	int pid;

	for (; line; line = strchr(line + 1, '\n')) {
		if (sscanf(line, "\n %*s worth %d %*s %c %31s", &pid, &eligible, deadline) != 3 ||
		    (eligible != 'E' && eligible != 'N'))
			continue;
		for (i = 0; i < NR_FAIR; i++)
			if (shared->fair[i].pid == pid)
				worths[i].deadline = number(deadline);
	}
}

/* Children on their way out */
static unsigned int count_dying(void)
{
	unsigned int dying = 0, flags;
	struct dirent *entry;
	char path[300], *at;
	DIR *proc = opendir("/proc");

	while ((entry = readdir(proc))) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		if (get(path) && (at = strstr(text, "(worth) ")) &&
		    sscanf(at + 8, "%*c %*d %*d %*d %*d %*d %u", &flags) == 1)
			dying += !!(flags & EXITING);
	}
	closedir(proc);
	return dying;
}

static void read_all(struct reading *reading)
{
	unsigned int i, n = 0;
	char path[64], *newline;

	reading->dying = count_dying();
	for (i = 0; i < NR_FAIR; i++)
		read_task(shared->fair[i].pid, &reading->fair[i]);
	for (i = 0; i < NR_WAITING; i++)
		read_task(shared->waiting[i].pid, &reading->waiting[i]);
	for (i = 0; i < NR_PLACES; i++) {
		snprintf(path, sizeof(path), "/proc/%d/autogroup", shared->fair[i].pid);
		if (places[i].cgroup)
			continue;
		get(path);
		snprintf(reading->autogroups[i], sizeof(reading->autogroups[i]), "%.31s", text);
		newline = strchr(text, ' ');
		if (!newline)
			errx(2, "%s: %s", path, text);
		snprintf(places[i].path, sizeof(places[i].path), "%.*s", (int)(newline - text), text);
	}
	if (!get("/sys/kernel/debug/sched/debug"))
		err(2, "debugfs");
	read_deadlines(reading->fair);
	for (i = 0; i < NR_PLACES; i++)
		read_group(places[i].path, &reading->groups[n++]);
	for (i = 0; i < NR_OTHERS; i++)
		read_group(others[i], &reading->groups[n++]);
	reading->dl_bw = value(text, NULL, "dl_bw->total_bw");
}

/* ---- comparing ---- */

static char wrong[512];

static void differs(const char *whose, const char *what, long long a, long long b)
{
	if (!*wrong)
		snprintf(wrong, sizeof(wrong), "%s: %s %lld before, %lld after", whose, what, a, b);
}

static long long distance(long long a, long long b)
{
	return a < b ? b - a : a - b;
}

#define SAME(whose, a, b, what) do {				\
	if ((a)->what != (b)->what)				\
		differs(whose, #what, (a)->what, (b)->what);	\
} while (0)

/* The weight that a nice value has: 1.25 for each step, rounded in the kernel's table. */
static void check_weight(const char *whose, const struct attr *attr, long long weight)
{
	double want = 1024 * 1024;
	int nice = attr->nice;

	for (; nice > 0; nice--)
		want /= 1.25;
	for (; nice < 0; nice++)
		want *= 1.25;
	if (attr->policy == SCHED_IDLE)
		want = 3 * 1024;
	if (weight < want * 0.95 || weight > want * 1.05)
		differs(whose, "weight", want, weight);
}

static void compare_fair(const struct task *task, const struct worth *a, const struct worth *b)
{
	char whose[64];

	snprintf(whose, sizeof(whose), "fair task, policy %u, nice %d", task->attr.policy, task->attr.nice);
	SAME(whose, a, b, executed);	/* else it ran meanwhile, and nothing can be said */
	SAME(whose, a, b, switches);
	SAME(whose, a, b, policy);
	SAME(whose, a, b, prio);
	SAME(whose, a, b, weight);
	SAME(whose, a, b, slice);
	check_weight(whose, &task->attr, b->weight);
	if (distance(a->deadline - a->vruntime, b->deadline - b->vruntime) > ROUNDING)
		differs(whose, "distance of the deadline", a->deadline - a->vruntime, b->deadline - b->vruntime);
}

static void compare_waiting(const struct task *task, const struct worth *a, const struct worth *b)
{
	char whose[64];

	snprintf(whose, sizeof(whose), "policy %u, priority %u", task->attr.policy, task->attr.priority);
	SAME(whose, a, b, executed);
	SAME(whose, a, b, switches);
	SAME(whose, a, b, policy);
	SAME(whose, a, b, prio);
	SAME(whose, a, b, dl_runtime);
	SAME(whose, a, b, dl_deadline);
}

static void compare_group(const struct group *a, const struct group *b)
{
	/* its share of the group's weight follows from decaying averages, and is worked out anew when it is queued */
	if (distance(a->weight, b->weight) > a->weight / 4)
		differs(a->path, "weight", a->weight, b->weight);
	if (distance(a->load, b->load) > a->load / 4)
		differs(a->path, "load", a->load, b->load);
	SAME(a->path, a, b, running);
	SAME(a->path, a, b, queued);
	SAME(a->path, a, b, delayed);
	SAME(a->path, a, b, idle);
	SAME(a->path, a, b, throttled);
	if (distance(a->vruntime, b->vruntime) > ROUNDING &&
	    distance(a->vruntime, b->vruntime) * a->weight >> 20 > ROUNDING)
		differs(a->path, "vruntime", a->vruntime, b->vruntime);
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
