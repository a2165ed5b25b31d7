// SPDX-License-Identifier: GPL-2.0
/* Running ld and Kbuild. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elfkit/memory.h"
#include "elfkit/output.h"
#include "relink/module.h"

static volatile sig_atomic_t interrupted, tool_group;
static bool verbose;
static const char *workdir;	/* the one that is in use */

static void interrupt(int signal)
{
	interrupted = signal;
	if (tool_group)
		kill(-tool_group, SIGTERM);
}

void module_catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = interrupt }, old;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
}

struct err *module_interrupted(void)
{
	return interrupted ? err_new("interrupted: %s", strsignal(interrupted)) : NULL;
}

void module_set_verbose(bool on)
{
	verbose = on;
}

static int remove_entry(const char *path, const struct stat *st __attribute__((unused)),
			int type __attribute__((unused)), struct FTW *ftw __attribute__((unused)))
{
	return remove(path);
}

static void remove_workdir(void)
{
	if (workdir)
		nftw(workdir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

struct err *workdir_make(char **ret)
{
	const char *tmp = getenv("TMPDIR");
	char *path = xasprintf("%s/elfkit.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	static bool registered;

	if (!mkdtemp(path)) {
		struct err *err = err_new("%s: %s", path, strerror(errno));

		free(path);
		return err;
	}
	if (!registered)
		memory_at_end(remove_workdir);
	registered = true;
	workdir = *ret = path;
	return NULL;
}

void workdir_remove(char *path)
{
	workdir = NULL;
	if (path)
		nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}

/* What @log says about the failure: its first line with "error" or make's three stars, or its last line. */
static char *explain(const char *log)
{
	AUTO_FREE char *line = NULL;
	char *best = NULL;
	size_t size = 0;
	FILE *file = fopen(log, "re");
	bool is_error = false;

	while (file && getline(&line, &size, file) > 0) {
		bool has_error = strcasestr(line, "error") || strstr(line, " *** ");

		line[strcspn(line, "\n")] = '\0';
		if (!*line || is_error)
			continue;
		is_error = has_error;
		free(best);
		best = xstrdup(line);
	}
	if (file)
		fclose(file);
	return best ? best : xstrdup("it says nothing");
}

static void show(const char *log)
{
	FILE *file = fopen(log, "re");
	char buffer[4096];
	size_t n;

	while (file && (n = fread(buffer, 1, sizeof(buffer), file)) > 0)
		fwrite(buffer, 1, n, stderr);
	if (file)
		fclose(file);
}

/*
 * Runs a program with its output in @log; a failure is explained by what it printed.  It has a
 * process group of its own, so that a signal to us ends all that it has started.
 */
struct err *module_run(const char *const argv[], const char *log)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int status, error;
	pid_t pid;

	if (interrupted)
		return module_interrupted();
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	memory_lift();
	error = posix_spawnp(&pid, argv[0], &actions, &attr, (char *const *)argv, environ);
	memory_set_again();
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (error)
		return err_new("%s: %s", argv[0], strerror(error));
	tool_group = pid;
	if (interrupted)
		kill(-pid, SIGTERM);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_new("%s: %s", argv[0], strerror(errno));
	tool_group = 0;
	if (verbose)
		show(log);
	if (interrupted)
		return module_interrupted();
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		AUTO_FREE char *why = explain(log);

		return err_new("%s failed: %s", argv[0], why);
	}
	return NULL;
}

const char *module_tool(const char *variable, const char *fallback)
{
	const char *name = getenv(variable);

	return name && *name ? name : fallback;
}

struct err *module_join(char *const *paths, uint32_t n, const char *output)
{
	const char **argv = xcalloc(n + 7, sizeof(*argv));
	AUTO_FREE char *log = xasprintf("%s.log", output);
	AUTO_FREE char *script = xasprintf("%s.lds", output);
	uint32_t argc = 0;
	/* the linker, not objcopy -R: debug information refers to these sections, and may when they are gone */
	struct err *err = output_text(script, "SECTIONS { /DISCARD/ : { *(.modinfo) *(__param) } }\n");

	argv[argc++] = module_tool("LD", "ld");
	argv[argc++] = "-r";
	argv[argc++] = "-T";
	argv[argc++] = script;
	argv[argc++] = "-o";
	argv[argc++] = output;
	for (uint32_t i = 0; i < n; i++)
		argv[argc++] = paths[i];
	err = err ?: module_run(argv, log);
	free(argv);
	return err;
}

struct err *module_kernel_release(const char *kernel_dir, char **ret)
{
	static const char define[] = "#define UTS_RELEASE \"";
	AUTO_FREE char *path = xasprintf("%s/include/generated/utsrelease.h", kernel_dir);
	FILE *file = fopen(path, "re");
	char line[256];
	struct err *err;

	if (!file)
		return err_new("%s: %s: not a prepared kernel build directory; install the kernel's headers, or name them with --kernel-dir",
			       path, strerror(errno));
	err = err_new("%s: no UTS_RELEASE in it", path);
	while (err && fgets(line, sizeof(line), file))
		if (!strncmp(line, define, strlen(define))) {
			line[strcspn(line + strlen(define), "\"") + strlen(define)] = '\0';
			*ret = xstrdup(line + strlen(define));
			err_free(err);
			err = NULL;
		}
	fclose(file);
	return err;
}

static struct err *copy_to(const char *from, FILE *to, const char *to_name)
{
	FILE *in = fopen(from, "re");
	struct err *err = NULL;
	char buffer[65536];
	size_t n;

	if (!in)
		return err_new("%s: %s", from, strerror(errno));
	while (!err && (n = fread(buffer, 1, sizeof(buffer), in)) > 0)
		if (fwrite(buffer, 1, n, to) != n)
			err = err_new("%s: %s", to_name, strerror(errno));
	if (!err && ferror(in))
		err = err_new("%s: %s", from, strerror(errno));
	fclose(in);
	return err;
}

static struct err *copy_file(const char *from, const char *to)
{
	FILE *out = fopen(to, "we");
	struct err *err;

	if (!out)
		return err_new("%s: %s", to, strerror(errno));
	err = copy_to(from, out, to);
	if (fclose(out) && !err)
		err = err_new("%s: %s", to, strerror(errno));
	return err;
}

/*
 * Copies the loader's sources, and one that includes them all in the order of their names, as kernel/sched/build_*.c do:
 * a compiler reads the kernel's headers once then, which is most of its work. Under names of their own, lest the module
 * be called like one of them.
 */
static struct err *copy_loader(const char *loader_dir, const char *dir)
{
	AUTO_FREE char *all = xstrdup(""), *path = xasprintf("%s/elfkit_loader.c", dir);
	struct dirent **entries;
	struct err *err = NULL;
	int n = scandir(loader_dir, &entries, NULL, alphasort);

	if (n < 0)
		return err_new("%s: %s", loader_dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name, *dot = strrchr(name, '.');
		AUTO_FREE char *from = xasprintf("%s/%s", loader_dir, name);
		bool source = dot && !strcmp(dot, ".c");
		AUTO_FREE char *to = xasprintf("%s/%s%s", dir, source ? "elfkit_" : "", name);

		if (!err && (source || (dot && !strcmp(dot, ".h")))) {
			err = copy_file(from, to);
			if (source) {
				char *more = xasprintf("%s#include \"elfkit_%s\"\n", all, name);

				free(all);
				all = more;
			}
		}
		free(entries[i]);
	}
	free(entries);
	return err ?: output_text(path, all);
}

struct err *module_name(const char *output, char **ret)
{
	const char *slash = strrchr(output, '/'), *base = slash ? slash + 1 : output;
	size_t len = strlen(base);

	if (len < 4 || strcmp(base + len - 3, ".ko"))
		return err_new("%s: the output must be named NAME.ko", output);
	for (size_t i = 0; i < len - 3; i++)
		if (!isalnum((unsigned char)base[i]) && base[i] != '_' && base[i] != '-')
			return err_new("%s: a module's name has only letters, digits, _ and -", output);
	*ret = xstrndup(base, len - 3);
	return NULL;
}

static struct err *install(const char *from, const char *path)
{
	struct output output;
	struct err *err = output_open(path, &output);

	if (err)
		return err;
	err = copy_to(from, output.file, path);
	if (!err)
		return output_commit(&output);
	output_abort(&output);
	return err;
}

/* One target of Kbuild in @workdir; a failure is told in make's words. */
static struct err *run_kbuild(const char *kernel_dir, const char *workdir, const char *target)
{
	AUTO_FREE char *log = xasprintf("%s/make.log", workdir);
	AUTO_FREE char *m = xasprintf("M=%s", workdir);
	/* the name of the work directory must not get into the module */
	AUTO_FREE char *flags = xasprintf("KCFLAGS=-ffile-prefix-map=%s=elfkit", workdir);
	AUTO_FREE char *jobs = xasprintf("-j%ld", sysconf(_SC_NPROCESSORS_ONLN));
	const char *const argv[] = {
		/* BTF of a module needs the vmlinux it was made with, and nothing here reads it */
		"make", jobs, "-C", kernel_dir, m, flags, "CONFIG_DEBUG_INFO_BTF_MODULES=", target, NULL,
	};

	return err_in(module_run(argv, log), kernel_dir);
}

/* What Kbuild takes as a ready object: NAME.o, which it has no source of, with an empty record of how it was made. */
static struct err *ready_object(const char *dir, const char *name, char **path)
{
	AUTO_FREE char *cmd = xasprintf("%s/.%s.o.cmd", dir, name);

	*path = xasprintf("%s/%s.o", dir, name);
	return output_text(cmd, "");
}

static struct err *write_kbuild(const char *workdir, char *text)
{
	AUTO_FREE char *path = xasprintf("%s/Kbuild", workdir);
	struct err *err = output_text(path, text);

	free(text);
	return err;
}

struct err *module_compile(const char *joined, const char *name, const char *loader_dir,
			   const char *kernel_dir, const char *workdir, bool rebuild, char **object)
{
	AUTO_FREE char *dir = xasprintf("%s/loader", workdir);
	/* as a path: alone, names such as check.o and help.o are patterns of other goals in Kbuild, without the config */
	AUTO_FREE char *target = xasprintf("loader/%s.o", name);
	AUTO_FREE char *ready = NULL;
	struct err *err = mkdir(dir, 0777) ? err_new("%s: %s", dir, strerror(errno)) : NULL;

	if (!err && loader_dir)
		err = copy_loader(loader_dir, dir);
	err = err ?: ready_object(dir, "elfkit_joined", &ready);
	if (!err && rename(joined, ready))
		err = err_new("%s: %s", ready, strerror(errno));
	if (err)
		return err;
	err = write_kbuild(workdir, xstrdup("obj-m := loader/\n"));
	err = err ?: write_kbuild(dir, xasprintf("obj-m := %s.o\n%s-y := elfkit_joined.o%s\n%s", name, name,
						 loader_dir ? " elfkit_loader.o" : "",
						 rebuild ? "ccflags-y := -DELFKIT_REBUILD\n" : ""));
	err = err ?: run_kbuild(kernel_dir, workdir, target);
	if (!err)
		*object = xasprintf("%s/%s", workdir, target);
	return err;
}

struct err *module_build(const struct object *object, const char *name, const char *kernel_dir,
			 const char *workdir, char **built)
{
	AUTO_FREE char *dir = xasprintf("%s/module", workdir);
	AUTO_FREE char *ready = NULL;
	struct err *err;

	if (mkdir(dir, 0777))
		return err_new("%s: %s", dir, strerror(errno));
	err = ready_object(dir, name, &ready);
	err = err ?: object_write(object, ready);
	err = err ?: write_kbuild(dir, xasprintf("obj-m := %s.o\n", name));
	err = err ?: run_kbuild(kernel_dir, dir, "modules");
	if (!err)
		*built = xasprintf("%s/%s.ko", dir, name);
	return err;
}

struct err *module_split_debug(const char *module, const char *debug_name, const char *workdir, char **debug)
{
	const char *objcopy = module_tool("OBJCOPY", "objcopy");
	AUTO_FREE char *path = xasprintf("%s/%s", workdir, debug_name);
	AUTO_FREE char *log = xasprintf("%s/objcopy.log", workdir);
	AUTO_FREE char *link = xasprintf("--add-gnu-debuglink=%s", path);
	const char *const keep[] = { objcopy, "--only-keep-debug", module, path, NULL };
	const char *const strip[] = { objcopy, "--strip-debug", link, module, NULL };
	struct err *err = module_run(keep, log);

	err = err ?: module_run(strip, log);
	if (!err) {
		*debug = path;
		path = NULL;
	}
	return err;
}

/* CONFIG_NAME="value" of the kernel's auto.conf; NULL: not there. Caller frees. */
static char *config_value(const char *kernel_dir, const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/include/config/auto.conf", kernel_dir);
	AUTO_FREE char *line = NULL;
	FILE *file = fopen(path, "re");
	char *value = NULL;
	size_t size = 0, len = strlen(name);

	while (file && !value && getline(&line, &size, file) > 0)
		if (!strncmp(line, name, len) && line[len] == '=' && line[len + 1] == '"')
			value = xstrndup(line + len + 2, strcspn(line + len + 2, "\"\n"));
	if (file)
		fclose(file);
	return value;
}

struct err *module_sign(const char *module, const char *key, const char *cert, const char *kernel_dir,
			const char *workdir)
{
	AUTO_FREE char *tool = xasprintf("%s/scripts/sign-file", kernel_dir);
	AUTO_FREE char *hash = config_value(kernel_dir, "CONFIG_MODULE_SIG_HASH");
	AUTO_FREE char *log = xasprintf("%s/sign.log", workdir);
	const char *const argv[] = { tool, hash ? hash : "sha256", key, cert, module, NULL };

	if (access(tool, X_OK))
		return err_new("%s: %s: the kernel's headers bring it", tool, strerror(errno));
	return module_run(argv, log);
}

struct err *module_install(const char *from, const char *path)
{
	return install(from, path);
}
