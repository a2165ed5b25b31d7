// SPDX-License-Identifier: GPL-2.0
/*
 * One reference a line:
 *
 *	KIND	AT	FROM	TARGET	TO
 *	call	ffffffff81000123	foo+0x13	ffffffff81000400	bar
 *
 * A kernel has some 400,000: as JSON they are written one by one, not as one tree.
 */
#include <inttypes.h>
#include <jansson.h>

#include "elfkit/refs_out.h"

#define REFS_SCHEMA 1

static struct err *finish(bool failed, FILE *file)
{
	return failed || fflush(file) || ferror(file) ? err_new("cannot write the references") : NULL;
}

/* Consumes @value. @first: of its list. */
static bool write_element(json_t *value, bool first, FILE *file)
{
	bool failed;

	fputs(first ? "\n  " : ",\n  ", file);
	failed = !value || json_dumpf(value, file, 0);
	json_decref(value);
	return failed;
}

/* Addresses as text: a JSON reader may have no integers of 64 bits. */
static json_t *json_ref(const struct funcs *funcs, const struct ref *ref, const char *place)
{
	const struct func *to = &funcs->v[ref->to];
	char at[20], target[20];

	snprintf(at, sizeof(at), "%016" PRIx64, ref->at);
	snprintf(target, sizeof(target), "%016" PRIx64, to->low + ref->offset);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "kind", ref_kind_names[ref->kind], "at", at, "from", place,
			 "target", target, "to", to->name, "offset", (json_int_t)ref->offset);
}

static void write_line(const struct funcs *funcs, const struct ref *ref, const char *place, FILE *file)
{
	const struct func *to = &funcs->v[ref->to];

	fprintf(file, "%s\t%lx\t%s\t%lx\t%s", ref_kind_names[ref->kind], (unsigned long)ref->at, place,
		(unsigned long)(to->low + ref->offset), to->name);
	if (ref->offset)
		fprintf(file, "+0x%x", ref->offset);
	fputc('\n', file);
}

struct err *refs_write(const struct funcs *funcs, const struct ref *const *refs, uint32_t n, bool json, FILE *file)
{
	bool failed = false;

	if (json)
		fprintf(file, "{\n \"elfkit_refs\": %d,\n \"references\": [", REFS_SCHEMA);
	for (uint32_t i = 0; i < n; i++) {
		AUTO_FREE char *place = funcs_place(funcs, refs[i]->at);

		if (json)
			failed |= write_element(json_ref(funcs, refs[i], place), !i, file);
		else
			write_line(funcs, refs[i], place, file);
	}
	if (json)
		fputs(n ? "\n ]\n}\n" : "]\n}\n", file);
	return finish(failed, file);
}

struct err *refs_write_findings(const struct findings *findings, bool json, FILE *file)
{
	bool failed = false;

	if (json)
		fprintf(file, "{\n \"elfkit_refs\": %d,\n \"relocations\": %u,\n \"sealed\": %u,\n \"findings\": [",
			REFS_SCHEMA, findings->nr_relocations, findings->nr_sealed);
	for (uint32_t i = 0; i < findings->n; i++) {
		const char *kind = finding_names[findings->v[i].kind], *text = findings->v[i].text;

		if (json)
			failed |= write_element(json_pack("{s:s, s:s}", "kind", kind, "what", text), !i, file);
		else
			fprintf(file, "%s\t%s\n", kind, text);
	}
	if (json)
		fputs(findings->n ? "\n ]\n}\n" : "]\n}\n", file);
	return finish(failed, file);
}
