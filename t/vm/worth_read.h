/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel shows of the tasks and groups of worth.c: read, and compared with what it was. */

#define EXITING		4		/* PF_EXITING */

/*
 * ns that two vruntimes may move against each other: what is divided by weights is rounded, and where a light task is
 * all that is there as a heavy one is queued, 1 ns becomes 30 us.  A tenth of the shortest slice.  Groups, whose
 * weights are worked out anew as well, may move by as much time of the CPU.
 */
#define ROUNDING	100000

/* What the kernel shows of a task; -1: nothing. */
struct worth {
	long long vruntime, deadline, slice, weight, executed, switches, policy, prio;
	long long dl_runtime, dl_deadline;
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

static struct reading before, after;
static char text[4 << 20];

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
