// SPDX-License-Identifier: GPL-2.0
/* Writing remarks as text, and as JSON through jansson. */
#include <jansson.h>
#include <string.h>

#include "elfkit/terminal.h"
#include "relink/remarks_write.h"

#define CHECK_SCHEMA 1

static void write_place(const char *path, uint32_t line, FILE *file)
{
	if (path && *path && line)
		fprintf(file, " (%s:%u)", path, line);
	else if (path && *path)
		fprintf(file, " (%s)", path);
}

static struct err *finish(FILE *file)
{
	return fflush(file) || ferror(file) ? err_new("cannot write what was found") : NULL;
}

static void write_counts(const uint32_t *counts, const char *what, FILE *file)
{
	fprintf(file, "%s: %u same, %u changed, %u new, %u gone\n", what, counts[CHANGE_SAME],
		counts[CHANGE_CHANGED], counts[CHANGE_NEW], counts[CHANGE_GONE]);
}

static bool no_change(const struct remarks *f)
{
	for (int i = 0; i < 2; i++)
		if (f->counts[i][CHANGE_CHANGED] || f->counts[i][CHANGE_NEW] || f->counts[i][CHANGE_GONE])
			return false;
	return true;
}

struct err *remarks_write_changes(const struct remarks *remarks, bool all, FILE *file)
{
	for (uint32_t i = 0; i < remarks->nr_changes; i++) {
		const struct change_entry *c = &remarks->changes[i];

		if (!all && c->change == CHANGE_SAME)
			continue;
		fprintf(file, "%s %s: %s", change_names[c->change], c->object ? "object" : "function", c->name);
		write_place(c->file, c->line, file);
		fprintf(file, "%s%s%s%s\n", c->side ? ", " : "", c->side ? c->side : "", c->how ? ": " : "",
			c->how ? c->how : "");
	}
	write_counts(remarks->counts[0], "functions", file);
	write_counts(remarks->counts[1], "objects", file);
	if (no_change(remarks))
		fputs("no change\n", file);
	return finish(file);
}

static void write_remark(const struct remark *f, FILE *file)
{
	uint32_t shown = f->nr_users < REMARK_MAX_USERS ? f->nr_users : REMARK_MAX_USERS;

	static const enum paint colours[NR_REMARK_WEIGHTS] = {
		[REMARK_REFUSED] = PAINT_BAD, [REMARK_WARNING] = PAINT_WARN, [REMARK_NOTE] = PAINT_NOTE,
	};

	fprintf(file, "%s%s:%s %s: %s", paint(file, colours[f->weight]), remark_weights[f->weight], paint(file, PAINT_END),
		remark_kinds[f->kind].name, f->name);
	write_place(f->file, f->line, file);
	fprintf(file, ": %s\n", f->what);
	for (uint32_t i = 0; i < shown; i++)
		fprintf(file, "    outside: %s\n", f->users[i]);
	if (f->nr_users > shown)
		fprintf(file, "    and %s%u more\n", f->more_users ? "at least " : "", f->nr_users - shown);
	if (remark_kinds[f->kind].way_out)
		fprintf(file, "    way out: %s\n", remark_kinds[f->kind].way_out);
}

/* A struct that grew changes a hundred functions: of each kind and weight, so many are enough for a reader. */
#define MAX_SHOWN 20

struct err *remarks_write_text(const struct remarks *remarks, FILE *file)
{
	uint32_t refused = remarks_count(remarks, REMARK_REFUSED), same = 0;

	for (uint32_t i = 0; i < remarks->n; i++) {
		const struct remark *r = &remarks->v[i];
		bool last = i + 1 == remarks->n || r[1].kind != r->kind || r[1].weight != r->weight;

		if (same++ < MAX_SHOWN)
			write_remark(r, file);
		else if (last)
			fprintf(file, "%s: %s: %u more, which --json lists\n", remark_weights[r->weight],
				remark_kinds[r->kind].name, same - MAX_SHOWN);
		if (last)
			same = 0;
	}
	if (refused)
		fprintf(file, "the change cannot be loaded (%u reason%s)\n", refused, refused == 1 ? "" : "s");
	return finish(file);
}

static json_t *json_remark(const struct remark *f)
{
	json_t *users = json_array(), *root;

	for (uint32_t i = 0; i < f->nr_users && i < REMARK_MAX_USERS; i++)
		json_array_append_new(users, json_string(f->users[i]));
	root = json_pack("{s:s, s:s, s:s, s:s*, s:s, s:o, s:i, s:s*}", "verdict", remark_weights[f->weight], "kind",
			 remark_kinds[f->kind].name, "name", f->name, "file", f->file, "what", f->what,
			 "users", users, "nr_users", (int)f->nr_users, "way_out", remark_kinds[f->kind].way_out);
	if (root && f->line)
		json_object_set_new(root, "line", json_integer(f->line));
	if (root && f->more_users)
		json_object_set_new(root, "more_users", json_true());
	return root;
}

static json_t *json_change(const struct change_entry *c)
{
	json_t *root = json_pack("{s:s, s:s, s:s*, s:s*, s:s*}", "name", c->name, "change",
				 change_names[c->change], "file", c->file, "side", c->side, "how", c->how);

	if (root && c->line)
		json_object_set_new(root, "line", json_integer(c->line));
	return root;
}

static json_t *json_changes(const struct remarks *remarks, bool objects)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < remarks->nr_changes; i++)
		if (remarks->changes[i].object == objects)
			json_array_append_new(list, json_change(&remarks->changes[i]));
	return list;
}

static json_t *json_counts(const uint32_t *counts)
{
	json_t *root = json_object();

	for (int i = 0; i < NR_CHANGES; i++)
		json_object_set_new(root, change_names[i], json_integer(counts[i]));
	return root;
}

struct err *remarks_write_json(const struct remarks *remarks, const char *release, const char *module, FILE *file)
{
	json_t *list = json_array(), *root;
	bool failed;

	for (uint32_t i = 0; i < remarks->n; i++)
		json_array_append_new(list, json_remark(&remarks->v[i]));
	root = json_pack("{s:i, s:s*, s:s*, s:{s:o, s:o}, s:o, s:o, s:o}", "elfkit_check", CHECK_SCHEMA, "kernel", release,
			 "module", module,
			 "counts", "functions", json_counts(remarks->counts[0]), "objects",
			 json_counts(remarks->counts[1]), "findings", list, "functions",
			 json_changes(remarks, false), "objects", json_changes(remarks, true));
	failed = !root || json_dumpf(root, file, JSON_INDENT(2)) || fputc('\n', file) == EOF;
	json_decref(root);
	return failed ? err_new("cannot write what was found") : finish(file);
}
