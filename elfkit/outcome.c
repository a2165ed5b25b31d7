// SPDX-License-Identifier: GPL-2.0
/* Lines for people, and the same lines for programs. */
#include <jansson.h>
#include <stdarg.h>
#include <string.h>

#include "elfkit/loaded_write.h"
#include "elfkit/outcome.h"

#define OUTCOME_SCHEMA 1

void outcome_say(struct outcome *outcome, const char *name, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = xstrdup("");
	va_end(ap);
	fprintf(stderr, "%s: %s: %s\n", outcome->command, name, text);
	GROW(outcome->lines, outcome->n, outcome->cap);
	outcome->lines[outcome->n++] = strcmp(name, outcome->name) ? xasprintf("%s: %s", name, text) : xstrdup(text);
	free(text);
}

void outcome_line(const char *text, void *arg)
{
	const struct outcome_of *of = arg;

	outcome_say(of->outcome, of->name, "%s", text);
}

struct err *outcome_write_json(const struct outcome *outcome, bool done, const struct loaded *module, FILE *file)
{
	AUTO_FREE char *key = xasprintf("elfkit_%s", outcome->command);
	json_t *log = json_array(), *root;
	bool failed;

	/* the log quotes names of tasks, which may be any bytes */
	for (uint32_t i = 0; i < outcome->n; i++)
		json_array_append_new(log, json_string(outcome->lines[i]) ?: json_null());
	root = json_pack("{s:i, s:s, s:b, s:o}", key, OUTCOME_SCHEMA, "name", outcome->name, "done", done, "log", log);
	if (root && module)
		json_object_set_new(root, "module", loaded_json(module));
	failed = !root || json_dumpf(root, file, JSON_INDENT(1)) || fputc('\n', file) == EOF || fflush(file);
	json_decref(root);
	return failed ? err_new("cannot write the outcome") : NULL;
}

void outcome_release(struct outcome *outcome)
{
	for (uint32_t i = 0; i < outcome->n; i++)
		free(outcome->lines[i]);
	free(outcome->lines);
}
