// SPDX-License-Identifier: GPL-2.0
/* Modinfo and the manifest. */
#include <jansson.h>
#include <string.h>

#include "elfkit/output.h"
#include "relink/manifest.h"

#define MANIFEST_SCHEMA 1

struct counts {
	uint32_t replaced, changed;
};

/* FNV-1a over the decision for each function inside, in the order of addresses: to tell boundaries apart. */
static uint64_t boundary_digest(const struct kernel *kernel, const struct boundary *boundary)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (uint32_t i = 0; i < boundary->n; i++) {
		AUTO_FREE char *line = NULL;

		if (!boundary_is_inside(boundary, i))
			continue;
		line = xasprintf("%s %s\n", kernel->funcs->v[i].name, side_names[boundary->v[i].side]);
		for (const char *s = line; *s; s++)
			h = (h ^ (uint8_t)*s) * 0x100000001b3ULL;
	}
	return h;
}

static char *build_id(const struct image *image)
{
	char *text = xcalloc(2, sizeof(image->build_id) + 1);

	for (size_t i = 0; i < image->build_id_len && i < sizeof(image->build_id); i++)
		sprintf(text + 2 * i, "%02x", image->build_id[i]);
	return text;
}

static struct counts count(const struct bindings *bindings, const enum verdict *verdict)
{
	struct counts n = { 0 };

	for (uint32_t i = 1; i < bindings->n; i++)
		if (bindings->v[i].replaced) {
			n.replaced++;
			n.changed += verdict[i] == VERDICT_CHANGED;
		}
	return n;
}

/* Behind what the loader's source says there: modpost reads one section of the name. */
static void add_modinfo(struct object *object, const char *const *entries, size_t n)
{
	uint32_t i = 1;
	struct object_section *s;

	while (i < object->nr_sections && (object->sections[i].removed || strcmp(object->sections[i].name, ".modinfo")))
		i++;
	if (i == object->nr_sections)
		object_add_section(object, ".modinfo", SHF_ALLOC, 1, NULL, 0);
	s = &object->sections[i];
	for (size_t k = 0; k < n; k++) {
		size_t len = strlen(entries[k]) + 1;

		s->data = xreallocarray(s->data, s->size + len, 1);
		memcpy(s->data + s->size, entries[k], len);
		s->size += len;
	}
}

/* As struct klp_func has it: 0 is the only one of that name. */
static uint32_t sympos(const struct symbols *symbols, uint32_t id)
{
	uint32_t total, rank = symbols_rank(symbols, id, &total);

	return total == 1 ? 0 : rank;
}

static json_t *json_functions(const struct kernel *kernel, const struct boundary *boundary, const struct object *object,
			      const struct match *match, const enum verdict *verdict, const struct bindings *bindings)
{
	uint32_t *body = xcalloc(boundary->n, sizeof(*body));
	json_t *list = json_array();

	for (uint32_t i = 1; i < bindings->n; i++)
		if (bindings->v[i].replaced && object_symbol_defined(&object->symbols[i]))
			body[match->func[i]] = i;
	for (uint32_t f = 0; f < boundary->n; f++) {
		const struct debug_func *source = funcs_source(kernel->funcs, f);

		if (body[f])
			json_array_append_new(list, json_pack("{s:s, s:i, s:s, s:s*, s:b}", "name", kernel->funcs->v[f].name,
				"sympos", (int)sympos(kernel->symbols, kernel->funcs->v[f].symbol), "side",
				side_names[boundary->v[f].side], "file", source ? source->file : NULL, "changed",
				verdict[body[f]] == VERDICT_CHANGED));
	}
	free(body);
	return list;
}

static const char *data_policy_name(enum data_policy policy)
{
	return policy == DATA_PRIVATE ? "private" : policy == DATA_SHARE ? "share" :
	       policy == DATA_UPDATE ? "update" : NULL;
}

static json_t *json_objects(const struct kernel *kernel, const struct remarks *remarks)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < remarks->nr_changes; i++) {
		const struct change_entry *c = &remarks->changes[i];

		if (c->object && c->change != CHANGE_SAME)
			json_array_append_new(list, json_pack("{s:s, s:s, s:s*}", "name", c->name, "change",
				change_names[c->change], "policy",
				data_policy_name(policy_of_object(kernel->policy, c->name))));
	}
	return list;
}

/* Of two names for one function the first counts. */
static bool is_alias(const struct object *object, const struct match *match, uint32_t symbol)
{
	const struct object_symbol *s = &object->symbols[symbol];

	for (uint32_t i = 1; i < symbol; i++)
		if (match->foreign[i] && object->symbols[i].section == s->section && object->symbols[i].value == s->value &&
		    object->symbols[i].type == STT_FUNC && !object->symbols[i].removed)
			return true;
	return false;
}

/* Bytes of code: all of the module's, the loader's part of that, and those of the bodies that are replaced. */
static json_t *json_text(const struct kernel *kernel, const struct object *object, const struct match *match,
			 const struct bindings *bindings)
{
	bool *replaced = xcalloc(kernel->funcs->n, sizeof(*replaced));
	uint64_t module = 0, loader = 0, old = 0;

	for (uint32_t i = 1; i < object->nr_sections; i++)
		if (!object->sections[i].removed && object->sections[i].flags & SHF_EXECINSTR)
			module += object->sections[i].size;
	for (uint32_t i = 1; i < bindings->n; i++) {
		const struct object_symbol *s = &object->symbols[i];

		if (match->foreign[i] && s->type == STT_FUNC && object_symbol_defined(s) && !s->removed &&
		    !is_alias(object, match, i))
			loader += s->size;
		if (bindings->v[i].replaced)
			replaced[match->func[i]] = true;
	}
	for (uint32_t f = 0; f < kernel->funcs->n; f++) {
		const struct func *func = &kernel->funcs->v[f];

		if (replaced[func->parent == NO_ID ? f : func->parent])
			old += func->high - func->low;
	}
	free(replaced);
	return json_pack("{s:I, s:I, s:I}", "module", (json_int_t)module, "loader", (json_int_t)loader, "replaced",
			 (json_int_t)old);
}

struct err *manifest_add(const struct kernel *kernel, const struct boundary *boundary, struct object *object,
			 const struct match *match, const enum verdict *verdict, const struct bindings *bindings,
			 const struct remarks *remarks, uint32_t nr_jumps, const char *path)
{
	struct counts n = count(bindings, verdict);
	AUTO_FREE char *id = build_id(kernel->image), *release = kernel_release_name(kernel);
	AUTO_FREE char *digest = xasprintf("%016lx", (unsigned long)boundary_digest(kernel, boundary));
	AUTO_FREE char *kernel_line = xasprintf("elfkit_kernel=%s", release ? release : "?");
	AUTO_FREE char *id_line = xasprintf("elfkit_build_id=%s", id);
	AUTO_FREE char *digest_line = xasprintf("elfkit_boundary=%s", digest);
	AUTO_FREE char *functions = xasprintf("elfkit_functions=%u replaced, %u changed, %u jumps", n.replaced,
					      n.changed, nr_jumps);
	const char *const entries[] = {
		"elfkit_version=" ELFKIT_VERSION, kernel_line, id_line, digest_line, functions,
	};
	AUTO_FREE char *text = NULL;
	json_t *root;
	char *line;

	root = json_pack("{s:i, s:s, s:s, s:s, s:s, s:i, s:o, s:o, s:o}", "elfkit_manifest", MANIFEST_SCHEMA, "version",
			 ELFKIT_VERSION, "kernel", release ? release : "?", "build_id", id, "boundary", digest, "jumps",
			 (int)nr_jumps, "text", json_text(kernel, object, match, bindings),
			 "functions", json_functions(kernel, boundary, object, match, verdict, bindings),
			 "objects", json_objects(kernel, remarks));
	line = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
	json_decref(root);
	if (!line)
		return err_new("cannot write the manifest");
	text = xasprintf("%s\n", line);
	free(line);
	add_modinfo(object, entries, sizeof(entries) / sizeof(entries[0]));
	object_add_section(object, ".elfkit.manifest", 0, 1, (uint8_t *)xstrdup(text), strlen(text));
	return output_text(path, text);
}
