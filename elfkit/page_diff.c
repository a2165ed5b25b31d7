// SPDX-License-Identifier: GPL-2.0
/*
 * The documents of the page, as its script reads them:
 *
 *	diff		that of elfkit diff --json --all
 *	kinds		of findings: {kind: {importance, title, advice}}, in the order of the diff
 *	old, new	the reports, as far as elfkit read them: functions, objects, structs; a list
 *			that a report does not have is not there
 *	pairs		functions, objects, structs: for each of the old report the place in the new
 *			one of what it is there, or -1
 */
#include <jansson.h>
#include <string.h>

#include "elfkit/diff_write.h"
#include "elfkit/page.h"
#include "elfkit/page_diff.h"
#include "elfkit/pair.h"

static void put_number(json_t *object, const char *key, uint64_t value)
{
	if (value != NO_NUMBER)
		json_object_set_new(object, key, json_integer(value));
}

static void put_flag(json_t *object, const char *key, enum report_flag flag)
{
	if (flag != FLAG_ABSENT)
		json_object_set_new(object, key, json_boolean(flag == FLAG_TRUE));
}

static json_t *json_function(const struct report_function *f)
{
	json_t *o = json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}", "name", f->name, "class", f->class, "file",
			      f->file, "entry", f->entry, "signature", f->signature, "because", f->because, "copies",
			      f->copies, "sleeps", f->sleeps);

	put_number(o, "line", f->line);
	put_number(o, "size", f->size);
	put_flag(o, "exported", f->exported);
	put_flag(o, "modifiable", f->modifiable);
	return o;
}

static json_t *json_object_item(const struct report_object *v)
{
	json_t *o = json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*}", "name", v->name, "class", v->class, "kind",
			      v->kind, "file", v->file, "function", v->function, "type", v->type, "because", v->because);

	put_number(o, "line", v->line);
	put_number(o, "size", v->size);
	return o;
}

static json_t *json_member(const struct report_member *m)
{
	json_t *o = json_pack("{s:s, s:s*, s:s*}", "name", m->name ?: "", "type", m->type, "class", m->class);

	put_number(o, "offset", m->offset);
	put_number(o, "size", m->size);
	put_number(o, "bit", m->bit);
	put_number(o, "bits", m->bits);
	put_flag(o, "inside", m->inside);
	return o;
}

static json_t *json_struct(const struct report_data *r, const struct report_struct *s)
{
	json_t *members = json_array();
	json_t *o = json_pack("{s:s, s:s, s:s*}", "name", s->name, "class", s->class, "file", s->file);

	put_number(o, "size", s->size);
	for (uint32_t i = 0; i < s->nr_members; i++)
		json_array_append_new(members, json_member(&r->members[s->members + i]));
	json_object_set_new(o, "members", members);
	return o;
}

/* A list of @r with one JSON object an item, if the report has it. */
#define PUT_LIST(root, r, list, id, make)                                    \
	do {                                                                 \
		json_t *list_ = json_array();                                \
		for (uint32_t i_ = 0; i_ < (r)->nr_##list; i_++)             \
			json_array_append_new(list_, make(&(r)->list[i_]));  \
		if ((r)->has[id])                                            \
			json_object_set((root), #list, list_);               \
		json_decref(list_);                                          \
	} while (0)

static json_t *json_report(const struct report_data *r)
{
	json_t *root = json_object();

#define MAKE_STRUCT(s) json_struct(r, s)
	PUT_LIST(root, r, functions, LIST_FUNCTIONS, json_function);
	PUT_LIST(root, r, objects, LIST_OBJECTS, json_object_item);
	PUT_LIST(root, r, structs, LIST_STRUCTS, MAKE_STRUCT);
#undef MAKE_STRUCT
	return root;
}

static json_t *json_kinds(void)
{
	json_t *root = json_object();

	for (int i = 0; i < NR_DIFF_KINDS; i++)
		json_object_set_new(root, diff_kinds[i].name,
				    json_pack("{s:s, s:s, s:s*}", "importance", diff_importances[diff_kinds[i].importance],
					      "title", diff_kinds[i].title, "advice", diff_kinds[i].advice));
	return root;
}

static json_t *json_mates(const uint32_t *mate, uint32_t n)
{
	json_t *list = json_array();

	for (uint32_t i = 0; mate && i < n; i++)
		json_array_append_new(list, json_integer(pair_found(mate[i]) ? (json_int_t)mate[i] : -1));
	return list;
}

static json_t *json_pairs(const struct diff *diff)
{
	const struct report_data *old = diff->before;

	return json_pack("{s:o, s:o, s:o}", "functions", json_mates(diff->function_mate, old->nr_functions), "objects",
			 json_mates(diff->object_mate, old->nr_objects), "structs",
			 json_mates(diff->struct_mate, old->nr_structs));
}

/* Consumes @root. */
static struct err *write_json(struct page *page, const char *name, json_t *root)
{
	AUTO_FREE char *text = json_dumps(root, JSON_COMPACT);

	json_decref(root);
	if (!text)
		return err_new("cannot write the page");
	page_data(page, name, text);
	return NULL;
}

static struct err *write_findings(struct page *page, const struct diff *diff)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	struct err *err = file ? diff_write_json(diff, true, file) : err_new("cannot write the page");

	if (file)
		fclose(file);
	if (!err)
		page_data(page, "diff", text);
	return err;
}

struct err *page_diff_write(const struct diff *diff, FILE *file)
{
	struct page page;
	struct err *err;

	page_begin(&page, file);
	err = write_findings(&page, diff);
	err = err ?: write_json(&page, "kinds", json_kinds());
	err = err ?: write_json(&page, "old", json_report(diff->before));
	err = err ?: write_json(&page, "new", json_report(diff->after));
	err = err ?: write_json(&page, "pairs", json_pairs(diff));
	return err ?: page_end(&page);
}
