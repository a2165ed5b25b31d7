// SPDX-License-Identifier: GPL-2.0
/* What /sys/kernel/elfkit says, for people and for programs. */
#include <inttypes.h>
#include <jansson.h>

#include "elfkit/loaded_write.h"
#include "elfkit/terminal.h"

#define STATUS_SCHEMA 1

static struct err *finish(FILE *file)
{
	return fflush(file) || ferror(file) ? err_new("cannot write the status") : NULL;
}

void loaded_write_blockers(const struct loaded *module, const char *indent, FILE *file)
{
	for (uint32_t i = 0; i < module->nr_blockers; i++) {
		const struct loaded_blocker *b = &module->blockers[i];

		if (b->function)
			fprintf(file, "%spid %d (%s) is in %s\n", indent, b->pid, b->comm, b->function);
		else
			fprintf(file, "%spid %d (%s) has a stack that cannot be unwound reliably\n", indent, b->pid,
				b->comm);
	}
}

/* @what: "load" or "unload", as the times are named. */
static void write_times(const struct loaded *m, const char *what, FILE *file)
{
	AUTO_FREE char *stopped = xasprintf("%s_stopped_ns", what), *total = xasprintf("%s_total_ns", what);
	AUTO_FREE char *tries = xasprintf("%s_tries", what), *cpus = xasprintf("%s_cpus", what);
	uint64_t n = loaded_time(m, tries);

	if (!n)
		return;
	fprintf(file, "  %-10s stopped %" PRIu64 " us, total %" PRIu64 " us, %" PRIu64 " %s, %" PRIu64 " CPUs\n",
		what, loaded_time(m, stopped) / 1000, loaded_time(m, total) / 1000, n, n == 1 ? "try" : "tries",
		loaded_time(m, cpus));
}

struct err *loaded_write_text(const struct loaded_list *list, FILE *file)
{
	for (uint32_t i = 0; i < list->n; i++) {
		const struct loaded *m = &list->v[i];

		fprintf(file, "%s: %s%s%s%s\n", m->name, paint(file, m->enabled ? PAINT_GOOD : PAINT_WARN),
			m->enabled ? "enabled" : "disabled", paint(file, PAINT_END),
			m->confirmed ? "" : ", on probation: write 1 to confirm");
		fprintf(file, "  %-10s %u\n  %-10s %s\n", "functions", m->nr_functions, "build-id", m->build_id);
		write_times(m, "load", file);
		write_times(m, "unload", file);
		if (m->nr_blockers)
			fprintf(file, "  the last switch failed:\n");
		loaded_write_blockers(m, "    ", file);
	}
	if (!list->n)
		fputs("no elfkit module is loaded\n", file);
	return finish(file);
}

/* A task may call itself anything, and so may who writes such files: what is no text is left out. */
static json_t *json_text(const char *s)
{
	return json_string(s) ?: json_null();
}

json_t *loaded_json(const struct loaded *m)
{
	json_t *times = json_object(), *blockers = json_array();

	for (uint32_t i = 0; i < m->nr_times; i++)
		json_object_set_new(times, m->times[i].name, json_integer((json_int_t)m->times[i].value));
	for (uint32_t i = 0; i < m->nr_blockers; i++) {
		const struct loaded_blocker *b = &m->blockers[i];

		json_array_append_new(blockers, json_pack("{s:i, s:o, s:o}", "pid", b->pid, "comm", json_text(b->comm),
							  "function", json_text(b->function)));
	}
	return json_pack("{s:o, s:b, s:b, s:o, s:i, s:o, s:o}", "name", json_text(m->name), "enabled", m->enabled, "confirmed",
			 m->confirmed, "build_id", json_text(m->build_id), "functions", (int)m->nr_functions, "timing", times,
			 "blockers", blockers);
}

struct err *loaded_write_json(const struct loaded_list *list, FILE *file)
{
	json_t *modules = json_array(), *root;
	char *text;

	for (uint32_t i = 0; i < list->n; i++)
		json_array_append_new(modules, loaded_json(&list->v[i]));
	root = json_pack("{s:i, s:o}", "elfkit_status", STATUS_SCHEMA, "modules", modules);
	text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
	json_decref(root);
	if (!text)
		return err_new("cannot write the status");
	fprintf(file, "%s\n", text);
	free(text);
	return finish(file);
}
