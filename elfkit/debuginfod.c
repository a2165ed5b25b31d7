// SPDX-License-Identifier: GPL-2.0
/* debuginfod_find_debuginfo(3), through dlopen(). */
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "elfkit/debuginfod.h"
#include "elfkit/terminal.h"

#define NR_SIGNALS 3
static const int signals[NR_SIGNALS] = { SIGINT, SIGTERM, SIGHUP };
static volatile sig_atomic_t interrupted;

/* What is called of the library. */
struct library {
	void *(*begin)(void);
	void (*end)(void *client);
	int (*find)(void *client, const unsigned char *build_id, int len, char **path);
	void (*set_progress)(void *client, int (*progress)(void *client, long a, long b));
};

bool debuginfod_is_build_id(const char *text)
{
	size_t len = strlen(text);

	for (const char *c = text; *c; c++)
		if (!isxdigit((unsigned char)*c))
			return false;
	return len >= 16 && len <= 64 && len % 2 == 0;
}

bool debuginfod_is_set(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	return urls && *urls;
}

static bool library_load(struct library *ret)
{
	void *handle = dlopen("libdebuginfod.so.1", RTLD_LAZY);

	if (!handle)
		return false;
	ret->begin = dlsym(handle, "debuginfod_begin");
	ret->end = dlsym(handle, "debuginfod_end");
	ret->find = dlsym(handle, "debuginfod_find_debuginfo");
	ret->set_progress = dlsym(handle, "debuginfod_set_progressfn");
	return ret->begin && ret->end && ret->find && ret->set_progress;
}

static void interrupt(int signal)
{
	interrupted = signal;
}

/* Called each second or more often; @done and @all in bytes, once a server has begun to send. */
static int on_progress(void *client __attribute__((unused)), long done, long all)
{
	if (all > 0)
		progress("debuginfod: %ld of %ld MB", done / 1000000, all / 1000000);
	else
		progress("debuginfod: waiting for a server");
	return interrupted != 0;
}

/* The library would leave a part of the file behind if a signal ended the program in the midst of it. */
static int find(const struct library *library, void *client, const char *build_id, char **path)
{
	struct sigaction action = { .sa_handler = interrupt }, old[NR_SIGNALS];
	int fd;

	interrupted = 0;
	for (int i = 0; i < NR_SIGNALS; i++)
		if (!sigaction(signals[i], NULL, &old[i]) && old[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	library->set_progress(client, on_progress);
	fd = library->find(client, (const unsigned char *)build_id, 0, path);
	progress(NULL);
	for (int i = 0; i < NR_SIGNALS; i++)
		sigaction(signals[i], &old[i], NULL);
	return fd;
}

static struct err *explain(const char *build_id, int error)
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	if (interrupted)
		return err_new("debuginfod: interrupted: %s", strsignal(interrupted));
	if (error == ENOENT)
		return err_new("debuginfod: %s has nothing with the build-id %s: name the vmlinux file, or another server in DEBUGINFOD_URLS",
			       urls, build_id);
	return err_new("debuginfod: %s: %s: is DEBUGINFOD_URLS right, and does the server run?", urls, strerror(error));
}

struct err *debuginfod_fetch(const char *build_id, char **ret)
{
	struct library library;
	void *client;
	int fd;

	if (!debuginfod_is_set())
		return err_new("%s: no such file; taken for a build-id, but DEBUGINFOD_URLS names no server to ask: set it to your distribution's debuginfod, or name the vmlinux file",
			       build_id);
	if (!library_load(&library))
		return err_new("debuginfod: libdebuginfod.so.1 is not installed (libdebuginfod1 on Debian)");
	client = library.begin();
	if (!client)
		return err_new("debuginfod: %s", strerror(ENOMEM));
	fd = find(&library, client, build_id, ret);
	library.end(client);
	if (fd < 0)
		return explain(build_id, -fd);
	close(fd);
	return NULL;
}
