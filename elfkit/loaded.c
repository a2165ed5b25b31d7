// SPDX-License-Identifier: GPL-2.0
/*
 * Reads /sys/kernel/elfkit.  A module may go while its files are read: one whose files are
 * not all there is left out.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "elfkit/loaded.h"

#define NO_STACK " (no reliable stack)"	/* loader/sysfs.c */

/* A task may call itself anything, also what a terminal would act on. */
static char *printable(char *text)
{
	for (char *c = text; c && *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return text;
}

/* All of a file, without the last line break; NULL where it cannot be read. Caller frees. */
static char *read_all(const char *dir, const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t len, size = 0;
	FILE *out;

	if (!file)
		return NULL;
	out = xmemstream(&text, &size);
	for (char part[4096]; (len = fread(part, 1, sizeof(part), file)) > 0;)
		fwrite(part, 1, len, out);
	fclose(file);
	fclose(out);
	if (size && text[size - 1] == '\n')
		text[size - 1] = '\0';
	return text;
}

static uint32_t count_entries(const char *dir, const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	DIR *d = opendir(path);
	uint32_t n = 0;

	for (struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static void parse_times(char *text, struct loaded *m)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *value = strchr(line, ' ');

		if (!value)
			continue;
		*value++ = '\0';
		GROW(m->times, m->nr_times, m->cap_times);
		m->times[m->nr_times++] = (struct loaded_time){ xstrdup(line), strtoull(value, NULL, 10) };
	}
}

/* "PID COMM FUNCTION": a name may have blanks, a function has none. */
static void parse_blocker(char *line, struct loaded *m)
{
	char *comm = strchr(line, ' ');
	size_t len = strlen(line);
	struct loaded_blocker b = { 0 };

	if (!comm)
		return;
	comm++;
	b.pid = strtol(line, NULL, 10);
	if (len >= strlen(NO_STACK) && !strcmp(line + len - strlen(NO_STACK), NO_STACK)) {
		line[len - strlen(NO_STACK)] = '\0';
	} else {
		char *function = strrchr(comm, ' ');

		if (!function)
			return;
		*function++ = '\0';
		b.function = xstrdup(printable(function));
	}
	b.comm = xstrdup(printable(comm));
	GROW(m->blockers, m->nr_blockers, m->cap_blockers);
	m->blockers[m->nr_blockers++] = b;
}

static void parse_blockers(char *text, struct loaded *m)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		parse_blocker(line, m);
}

static void release_one(struct loaded *m)
{
	for (uint32_t i = 0; i < m->nr_times; i++)
		free(m->times[i].name);
	for (uint32_t i = 0; i < m->nr_blockers; i++) {
		free(m->blockers[i].comm);
		free(m->blockers[i].function);
	}
	free(m->times);
	free(m->blockers);
	free(m->name);
	free(m->build_id);
}

static void read_one(const char *dir, const char *name, struct loaded_list *list)
{
	AUTO_FREE char *own = xasprintf("%s/%s", dir, name);
	AUTO_FREE char *enabled = read_all(own, "enabled"), *timing = read_all(own, "timing");
	AUTO_FREE char *blockers = read_all(own, "blockers"), *confirm = read_all(own, "confirm");
	struct loaded m = { .build_id = printable(read_all(own, "build_id")) };

	if (!enabled || !timing || !blockers || !confirm || !m.build_id) {
		release_one(&m);
		return;
	}
	m.name = xstrdup(name);
	m.enabled = !strcmp(enabled, "1");
	m.confirmed = !strcmp(confirm, "1");
	m.nr_functions = count_entries(own, "functions");
	parse_times(timing, &m);
	parse_blockers(blockers, &m);
	GROW(list->v, list->n, list->cap);
	list->v[list->n++] = m;
}

struct err *loaded_read(const char *root, struct loaded_list *ret)
{
	AUTO_FREE char *dir = xasprintf("%s/sys/kernel/elfkit", root);
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, alphasort);

	memset(ret, 0, sizeof(*ret));
	if (n < 0)
		return errno == ENOENT ? NULL : err_new("%s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.')
			read_one(dir, entries[i]->d_name, ret);
		free(entries[i]);
	}
	free(entries);
	return NULL;
}

void loaded_release(struct loaded_list *list)
{
	for (uint32_t i = 0; i < list->n; i++)
		release_one(&list->v[i]);
	free(list->v);
	memset(list, 0, sizeof(*list));
}

const struct loaded *loaded_find(const struct loaded_list *list, const char *name)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (!strcmp(list->v[i].name, name))
			return &list->v[i];
	return NULL;
}

uint64_t loaded_time(const struct loaded *module, const char *name)
{
	for (uint32_t i = 0; i < module->nr_times; i++)
		if (!strcmp(module->times[i].name, name))
			return module->times[i].value;
	return 0;
}
