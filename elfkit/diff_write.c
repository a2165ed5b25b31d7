// SPDX-License-Identifier: GPL-2.0
/* Writing a diff as text, and as JSON through jansson. */
#include <jansson.h>
#include <string.h>

#include "elfkit/diff_write.h"
#include "elfkit/terminal.h"

#define DIFF_SCHEMA 1

static const char *const parts[NR_DIFF_IMPORTANCES] = {
	[DIFF_BREAKS] = "BREAKS A MODULE",
	[DIFF_LOOK] = "NEEDS A LOOK",
	[DIFF_INFO] = "FOR INFORMATION",
};

static bool is_written(const struct diff_finding *f, bool all)
{
	return all || diff_kinds[f->kind].importance < DIFF_INFO;
}

uint32_t diff_nr_written(const struct diff *diff, bool all)
{
	return diff->counts[DIFF_BREAKS] + diff->counts[DIFF_LOOK] + (all ? diff->counts[DIFF_INFO] : 0);
}

static void write_title(const struct diff *diff, uint32_t first, FILE *file)
{
	static const enum paint colours[NR_DIFF_IMPORTANCES] = {
		[DIFF_BREAKS] = PAINT_BAD, [DIFF_LOOK] = PAINT_WARN, [DIFF_INFO] = PAINT_NOTE,
	};
	const struct diff_kind_info *kind = &diff_kinds[diff->findings[first].kind];
	uint32_t n = 0;

	while (first + n < diff->n && diff->findings[first + n].kind == diff->findings[first].kind)
		n++;
	if (!first || diff_kinds[diff->findings[first - 1].kind].importance != kind->importance)
		fprintf(file, "\n%s%s%s\n", paint(file, colours[kind->importance]), parts[kind->importance],
			paint(file, PAINT_END));
	fprintf(file, "\n%s (%u)%s%s\n", kind->title, n, kind->advice ? ": " : "", kind->advice ?: "");
}

#define ALIKE_SHOWN 3	/* of findings one behind the other that differ in nothing but the name */

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* How many findings from @first on say the same. */
static uint32_t count_alike(const struct diff *diff, uint32_t first)
{
	const struct diff_finding *f = &diff->findings[first];
	uint32_t n = 1;

	while (first + n < diff->n && f[n].kind == f->kind && same_text(f[n].file, f->file) &&
	       same_text(f[n].before, f->before) && same_text(f[n].after, f->after) &&
	       same_text(f[n].hint, f->hint))
		n++;
	return f->before && f->after && n > ALIKE_SHOWN ? n : 1;
}

/* @n: so many say the same, this one is the first. */
static void write_finding(const struct diff_finding *f, uint32_t n, FILE *file)
{
	fprintf(file, "  %s", f->name);
	if (n > 1)
		fprintf(file, ", %s and %u more", f[1].name, n - 2);
	if (f->file && *f->file)
		fprintf(file, " (%s)", f->file);
	if (f->before && f->after)
		fprintf(file, ": %s -> %s", f->before, f->after);
	else if (f->before)
		fprintf(file, ": was %s", f->before);
	else if (f->after)
		fprintf(file, ": now %s", f->after);
	fprintf(file, "%s%s\n", f->hint ? "; " : "", f->hint ?: "");
}

struct err *diff_write_text(const struct diff *diff, bool all, FILE *file)
{
	if (diff_nr_written(diff, all))
		fprintf(file, "%s -> %s: %u break a module, %u need a look, %u for information%s\n",
			diff->before->release, diff->after->release, diff->counts[DIFF_BREAKS],
			diff->counts[DIFF_LOOK], diff->counts[DIFF_INFO],
			all || !diff->counts[DIFF_INFO] ? "" : " (--all)");
	for (uint32_t i = 0, alike; i < diff->n; i += alike) {
		alike = 1;
		if (!is_written(&diff->findings[i], all))
			continue;
		if (!i || diff->findings[i - 1].kind != diff->findings[i].kind)
			write_title(diff, i, file);
		alike = all ? 1 : count_alike(diff, i);
		write_finding(&diff->findings[i], alike, file);
	}
	return fflush(file) || ferror(file) ? err_new("cannot write the diff") : NULL;
}

static json_t *json_kernel(const struct report_data *r)
{
	return json_pack("{s:s, s:s, s:s}", "release", r->release, "build_id", r->build_id, "machine", r->machine);
}

static json_t *json_finding(const struct diff_finding *f)
{
	return json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s*}", "importance",
			 diff_importances[diff_kinds[f->kind].importance], "kind", diff_kinds[f->kind].name, "name",
			 f->name, "file", f->file, "old", f->before, "new", f->after, "hint", f->hint);
}

static json_t *json_counts(const struct diff *diff)
{
	json_t *counts = json_object();

	for (int i = 0; i < NR_DIFF_IMPORTANCES; i++)
		json_object_set_new(counts, diff_importances[i], json_integer(diff->counts[i]));
	return counts;
}

struct err *diff_write_json(const struct diff *diff, bool all, FILE *file)
{
	json_t *findings = json_array(), *root;
	bool failed = false;

	for (uint32_t i = 0; i < diff->n; i++)
		if (is_written(&diff->findings[i], all))
			failed |= json_array_append_new(findings, json_finding(&diff->findings[i])) != 0;
	root = json_pack("{s:i, s:o, s:o, s:o, s:o}", "elfkit_diff", DIFF_SCHEMA, "old", json_kernel(diff->before), "new",
			 json_kernel(diff->after), "counts", json_counts(diff), "findings", findings);
	failed = failed || !root || json_dumpf(root, file, JSON_INDENT(2)) || fputc('\n', file) == EOF;
	json_decref(root);
	return failed || fflush(file) || ferror(file) ? err_new("cannot write the diff") : NULL;
}
