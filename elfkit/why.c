// SPDX-License-Identifier: GPL-2.0
/*
 * A name may be that of several things, and each has an answer: a line, and details below it.
 * JSON: { "elfkit_why": 1, "answers": [ { kind, name, file, line, answer, details }, ... ] }.
 */
#include <jansson.h>
#include <stdarg.h>
#include <string.h>

#include "elfkit/near.h"
#include "elfkit/why.h"

#define WHY_SCHEMA 1
#define MAX_REFS_SHOWN 8

struct out {
	FILE *file;
	json_t *answers;	/* NULL: text */
	json_t *details;	/* of the last answer */
};

struct subject {
	const char *kind;	/* function, edit, object, member, struct */
	const char *name;
	const char *file;	/* where it is declared, or NULL */
	uint32_t line;
	const char *rest;	/* of the title, or "" */
};

static void answer(struct out *out, const struct subject *s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void detail(struct out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static char *format(const char *fmt, va_list ap)
{
	char *text = NULL;

	return vasprintf(&text, fmt, ap) < 0 ? xstrdup("") : text;
}

static void answer(struct out *out, const struct subject *s, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	if (out->answers) {
		json_t *one = json_pack("{s:s, s:s, s:s*, s:s}", "kind", s->kind, "name", s->name, "file", s->file,
					"answer", text);

		if (s->file)
			json_object_set_new(one, "line", json_integer(s->line));
		out->details = json_array();
		json_object_set_new(one, "details", out->details);
		json_array_append_new(out->answers, one);
		return;
	}
	fprintf(out->file, "%s%s", strcmp(s->kind, "struct") ? "" : "struct ", s->name);
	if (s->file)
		fprintf(out->file, " (%s:%u)", s->file, s->line);
	fprintf(out->file, "%s: %s\n", s->rest, text);
}

static void detail(struct out *out, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	if (out->answers)
		json_array_append_new(out->details, json_string(text));
	else
		fprintf(out->file, "  %s\n", text);
}

static void why_func(const struct survey *s, uint32_t func, struct out *out)
{
	const struct kernel *k = &s->kernel;
	const struct decision *d = &k->boundary->v[func];
	const struct debug_func *source = funcs_source(k->funcs, func);
	AUTO_FREE char *path = boundary_is_inside(k->boundary, func) ? sleep_path(&s->sleep, k->funcs, func) : NULL;
	uint32_t first = k->refs->to[func], end = k->refs->to[func + 1];

	if (d->side == SIDE_NONE) {
		const struct policy_item *item = source ? policy_left_out(k->policy, source->file) : NULL;
		AUTO_FREE char *reason = item ? policy_reason(k->policy, item) : NULL;

		answer(out, &(struct subject){ "function", k->funcs->v[func].name, NULL, 0, "" },
		       "not a function of the scheduler's files%s%s%s%s", source ? ": declared in " : "",
		       source ? source->file : "", item ? ", left out: " : "", reason ?: "");
	}
	if (d->side != SIDE_NONE)
		answer(out, &(struct subject){ "function", k->funcs->v[func].name, source->file, source->line, "" },
		       "%s: %s", side_names[d->side], d->because);
	if (path)
		detail(out, "a task can sleep in it: %s > %s", k->funcs->v[func].name, path);
	for (uint32_t r = first; r < end && r < first + MAX_REFS_SHOWN; r++) {
		static const char *const kinds[] = {
			[REF_CALL] = "called at", [REF_JUMP] = "jumped to at",
			[REF_ADDRESS] = "address taken at", [REF_DATA] = "address in",
		};
		AUTO_FREE char *place = funcs_place(k->funcs, k->refs->v[r].at);

		detail(out, "%s %s", kinds[k->refs->v[r].kind], place);
	}
	if (end - first > MAX_REFS_SHOWN)
		detail(out, "and %u references more", end - first - MAX_REFS_SHOWN);
}

/* foo answers for foo.isra.0 as well. */
static bool is_named(const char *symbol, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(symbol, name, len) && (!symbol[len] || symbol[len] == '.');
}

static bool why_functions(const struct survey *s, const char *name, struct out *out)
{
	const struct kernel *k = &s->kernel;
	bool found = false;

	for (uint32_t i = 0; i < k->funcs->n; i++)
		if (k->funcs->v[i].parent == NO_ID && is_named(k->funcs->v[i].name, name)) {
			why_func(s, i, out);
			found = true;
		}
	for (uint32_t i = 0; i < s->declarations.n; i++) {
		const struct declaration *d = &s->declarations.v[i];
		const struct debug_func *source = &k->debuginfo->funcs[d->source];

		if (strcmp(source->name, name))
			continue;
		answer(out, &(struct subject){ "edit", name, source->file, source->line, "" }, "%s: %s",
		       d->modifiable ? "an edit takes effect everywhere" : "an edit would not take effect everywhere",
		       d->because);
		found = true;
	}
	return found;
}

static bool why_objects(const struct survey *s, const char *name, struct out *out)
{
	const struct kernel *k = &s->kernel;
	bool found = false;

	for (uint32_t i = 0; i < k->variables->n; i++) {
		const struct shared_variable *v = &s->sharing.v[i];
		const struct debug_var *source = variables_source(k->variables, i);

		if (!is_named(k->variables->v[i].name, name))
			continue;
		found = true;
		answer(out, &(struct subject){ "object", k->variables->v[i].name, source->file, source->line, "" },
		       "%s, %s: %s", variable_kind_names[k->variables->v[i].kind], v->shared ? "shared" : "private",
		       v->because);
		for (uint32_t u = 0; u < v->nr_users && u < MAX_REFS_SHOWN; u++) {
			AUTO_FREE char *place = funcs_place(k->funcs, v->users[u]);

			detail(out, "used outside at %s", place);
		}
		if (v->nr_users > MAX_REFS_SHOWN)
			detail(out, "and %u users more", v->nr_users - MAX_REFS_SHOWN);
	}
	return found;
}

static void why_member(const struct survey *s, const struct type *type, const struct struct_member *m, struct out *out)
{
	AUTO_FREE char *name = xasprintf("%s.%s", type->name, m->member->name);
	AUTO_FREE char *rest = xasprintf(" (%s, offset %u)", m->member->type_name, m->member->offset);

	answer(out, &(struct subject){ "member", name, NULL, 0, rest }, "%s%s",
	       m->nr_users ? "shared" : "private: no use outside was found", m->inside ? "; used inside" : "");
	for (uint32_t u = 0; u < m->nr_users && u < MAX_REFS_SHOWN; u++)
		detail(out, "%s%s%s by %s", m->users[u].how & ACCESS_READ ? "read" : "",
			m->users[u].how & ACCESS_WRITE ? m->users[u].how & ACCESS_READ ? ", written" : "written" : "",
			m->users[u].how & (ACCESS_READ | ACCESS_WRITE) ? "" : "address taken",
			s->kernel.funcs->v[m->users[u].func].name);
	if (m->nr_users > MAX_REFS_SHOWN)
		detail(out, "and %u functions more", m->nr_users - MAX_REFS_SHOWN);
}

/* STRUCT or STRUCT.MEMBER */
static bool why_structs(const struct survey *s, const char *name, struct out *out)
{
	const struct structs *structs = s->kernel.structs;
	size_t len = strcspn(name, ".");
	bool found = false;

	for (uint32_t i = 0; structs && i < structs->n; i++) {
		const struct struct_entry *e = &structs->v[i];
		AUTO_FREE char *rest = NULL;
		uint32_t shared = 0;

		if (strncmp(e->type->name, name, len) || e->type->name[len])
			continue;
		for (uint32_t m = 0; m < e->type->nr_members; m++) {
			shared += e->members[m].nr_users > 0;
			if (name[len] && !strcmp(e->members[m].member->name, name + len + 1)) {
				why_member(s, e->type, &e->members[m], out);
				found = true;
			}
		}
		if (name[len])
			continue;
		rest = xasprintf(", %u bytes", e->type->size);
		answer(out, &(struct subject){ "struct", name, e->type->file ?: "?", e->type->line, rest },
		       "%s: %u of %u members are used outside", e->shared ? "shared" : "private", shared,
		       e->type->nr_members);
		found = true;
	}
	return found;
}

static struct err *unknown(const struct survey *s, const char *name)
{
	const struct kernel *k = &s->kernel;
	struct near near = { .name = name };
	struct err *err;

	for (uint32_t i = 0; i < s->declarations.n; i++)
		near_offer(&near, k->debuginfo->funcs[s->declarations.v[i].source].name);
	for (uint32_t i = 0; i < k->variables->n; i++)
		near_offer(&near, k->variables->v[i].name);
	err = err_new("%s has no function, object of the scheduler, struct or STRUCT.MEMBER that it uses, by the name %s%s",
		      k->image->path, name, near_text(&near));
	near_release(&near);
	return err;
}

static struct err *find(struct survey *s, const char *name, struct out *out)
{
	bool found = why_functions(s, name, out);
	struct err *err;

	found |= why_objects(s, name, out);
	if (found)
		return NULL;
	/* what is neither may be a struct: that takes longer to find out */
	err = s->kernel.structs ? NULL : kernel_read_structs(&s->kernel);
	if (err || why_structs(s, name, out))
		return err;
	return unknown(s, name);
}

struct err *why_write(struct survey *s, const char *name, bool json, FILE *file)
{
	struct out out = { .file = file, .answers = json ? json_array() : NULL };
	struct err *err = find(s, name, &out);
	json_t *root = json ? json_pack("{s:i, s:o}", "elfkit_why", WHY_SCHEMA, "answers", out.answers) : NULL;

	if (!err && root && (json_dumpf(root, file, JSON_INDENT(1)) || fputc('\n', file) == EOF))
		err = err_new("cannot write the answer");
	json_decref(root);
	return err;
}
