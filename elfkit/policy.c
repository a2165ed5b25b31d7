// SPDX-License-Identifier: GPL-2.0
/*
 * Reading boundary.yaml.
 *
 * A table says which keys exist and what an item of each may hold; whatever the
 * table does not know is an error with line and column, so a typo never goes by
 * as "nothing to keep out".
 */
#include <errno.h>
#include <fnmatch.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "elfkit/policy.h"

enum { HAS_TO = 1, NEEDS_WHY = 2 };

static const struct key {
	const char *name;
	size_t list;		/* offset of the list in struct policy */
	const char *item;	/* what an item's name is called */
	int flags;
} keys[] = {
	{ "files", offsetof(struct policy, files), "file", 0 },
	{ "left_out", offsetof(struct policy, left_out), "file", NEEDS_WHY },
	{ "keep_out", offsetof(struct policy, keep_out), "function", NEEDS_WHY },
	{ "switches", offsetof(struct policy, switches), "function", NEEDS_WHY },
	{ "cuts", offsetof(struct policy, cuts), "function", NEEDS_WHY },
	{ "unpatchable", offsetof(struct policy, unpatchable), "from", NEEDS_WHY | HAS_TO },
	{ "entry_tables", offsetof(struct policy, entry_tables), "object", NEEDS_WHY },
};

static struct err *err_at(const struct policy *policy, yaml_mark_t mark, const char *what,
			  const char *value)
{
	return err_new("%s:%zu:%zu: %s%s%s%s", policy->path, mark.line + 1, mark.column + 1, what,
		       value ? " \"" : "", value ? value : "", value ? "\"" : "");
}

static const char *scalar(const yaml_node_t *node)
{
	return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static struct policy_item *add_item(struct policy_list *list, uint32_t line)
{
	GROW(list->v, list->n, list->cap);
	list->v[list->n] = (struct policy_item){ .line = line };
	return &list->v[list->n++];
}

/* { function: NAME, why: TEXT } or, where no reason is needed, just NAME. */
static struct err *read_item(struct policy *policy, yaml_document_t *doc, const struct key *key,
			     yaml_node_t *node)
{
	struct policy_list *list = (void *)((char *)policy + key->list);
	struct policy_item *item;

	item = add_item(list, node->start_mark.line + 1);
	if (node->type == YAML_SCALAR_NODE && !key->flags) {
		if (!*scalar(node))
			return err_at(policy, node->start_mark, "empty name of a", key->item);
		item->name = xstrdup(scalar(node));
		return NULL;
	}
	if (node->type != YAML_MAPPING_NODE)
		return err_at(policy, node->start_mark, "expected a mapping with the key", key->item);

	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
		yaml_node_t *k = yaml_document_get_node(doc, p->key);
		yaml_node_t *v = yaml_document_get_node(doc, p->value);
		char **field;

		if (!scalar(k))
			return err_at(policy, node->start_mark, "a key must be a plain word", NULL);
		if (!strcmp(scalar(k), key->item))
			field = &item->name;
		else if (!strcmp(scalar(k), "why"))
			field = &item->why;
		else if ((key->flags & HAS_TO) && !strcmp(scalar(k), "to"))
			field = &item->to;
		else
			return err_at(policy, k->start_mark, "unknown key", scalar(k));
		if (!scalar(v) || !*scalar(v))
			return err_at(policy, v->start_mark, "expected text for", scalar(k));
		if (*field)
			return err_at(policy, k->start_mark, "key given twice:", scalar(k));
		*field = xstrdup(scalar(v));
	}
	if (!item->name)
		return err_at(policy, node->start_mark, "missing key", key->item);
	if ((key->flags & HAS_TO) && !item->to)
		return err_at(policy, node->start_mark, "missing key", "to");
	if ((key->flags & NEEDS_WHY) && !item->why)
		return err_at(policy, node->start_mark, "every item here needs a reason: missing key", "why");
	return NULL;
}

static struct err *read_list(struct policy *policy, yaml_document_t *doc, const struct key *key,
			     yaml_node_t *node)
{
	if (node->type == YAML_SCALAR_NODE && !*scalar(node))
		return NULL;
	if (node->type != YAML_SEQUENCE_NODE)
		return err_at(policy, node->start_mark, "expected a list for", key->name);
	for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++) {
		struct err *err = read_item(policy, doc, key, yaml_document_get_node(doc, *i));

		if (err)
			return err;
	}
	return NULL;
}

static struct err *read_document(struct policy *policy, yaml_document_t *doc)
{
	yaml_node_t *root = yaml_document_get_root_node(doc);
	unsigned int seen = 0;

	if (!root || root->type != YAML_MAPPING_NODE)
		return err_new("%s: expected a mapping at the top", policy->path);
	for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++) {
		yaml_node_t *k = yaml_document_get_node(doc, p->key);
		const struct key *key;
		struct err *err;
		size_t i;

		for (i = 0; scalar(k) && i < sizeof(keys) / sizeof(keys[0]); i++)
			if (!strcmp(scalar(k), keys[i].name))
				break;
		if (!scalar(k) || i == sizeof(keys) / sizeof(keys[0]))
			return err_at(policy, k->start_mark, "unknown key", scalar(k));
		if (seen & (1U << i))
			return err_at(policy, k->start_mark, "key given twice:", scalar(k));
		seen |= 1U << i;
		key = &keys[i];
		err = read_list(policy, doc, key, yaml_document_get_node(doc, p->value));
		if (err)
			return err;
	}
	if (!policy->files.n)
		return err_new("%s: no files: name the source files that are the scheduler", policy->path);
	return NULL;
}

static struct err *parse(struct policy *policy, yaml_parser_t *parser)
{
	yaml_document_t doc;
	struct err *err;

	if (!yaml_parser_load(parser, &doc)) {
		yaml_mark_t mark = parser->problem_mark;

		return err_at(policy, mark, parser->problem ? parser->problem : "not YAML", NULL);
	}
	err = read_document(policy, &doc);
	yaml_document_delete(&doc);
	return err;
}

static struct err *finish(struct err *err, struct policy *policy, struct policy **ret)
{
	if (err)
		policy_free(policy);
	else
		*ret = policy;
	return err;
}

struct err *policy_parse(const char *text, size_t len, const char *path, struct policy **ret)
{
	struct policy *policy = xcalloc(1, sizeof(*policy));
	yaml_parser_t parser;
	struct err *err;

	policy->path = xstrdup(path);
	yaml_parser_initialize(&parser);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	err = parse(policy, &parser);
	yaml_parser_delete(&parser);
	return finish(err, policy, ret);
}

struct err *policy_read(const char *path, struct policy **ret)
{
	FILE *file = fopen(path, "re");
	struct policy *policy;
	yaml_parser_t parser;
	struct err *err;

	if (!file)
		return err_new("%s: %s", path, strerror(errno));
	policy = xcalloc(1, sizeof(*policy));
	policy->path = xstrdup(path);
	yaml_parser_initialize(&parser);
	yaml_parser_set_input_file(&parser, file);
	err = parse(policy, &parser);
	yaml_parser_delete(&parser);
	fclose(file);
	return finish(err, policy, ret);
}

static void list_free(struct policy_list *list)
{
	for (uint32_t i = 0; i < list->n; i++) {
		free(list->v[i].name);
		free(list->v[i].to);
		free(list->v[i].why);
	}
	free(list->v);
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		list_free((void *)((char *)policy + keys[i].list));
	free(policy->path);
	free(policy);
}

/* @path ends with the whole components of @file. */
static bool path_ends_with(const char *path, const char *file)
{
	size_t n = strlen(path), m = strlen(file);

	return n >= m && !strcmp(path + n - m, file) && (n == m || path[n - m - 1] == '/');
}

bool policy_has_file(const struct policy *policy, const char *path)
{
	for (uint32_t i = 0; i < policy->files.n; i++)
		if (path_ends_with(path, policy->files.v[i].name))
			return true;
	return false;
}

const struct policy_item *policy_left_out(const struct policy *policy, const char *path)
{
	for (uint32_t i = 0; i < policy->left_out.n; i++)
		if (path_ends_with(path, policy->left_out.v[i].name))
			return &policy->left_out.v[i];
	return NULL;
}

const struct policy_item *policy_match(const struct policy_list *list, const char *name)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (!fnmatch(list->v[i].name, name, 0))
			return &list->v[i];
	return NULL;
}

const struct policy_item *policy_kept_out(const struct policy *policy, const char *name)
{
	return policy_match(&policy->keep_out, name);
}

bool policy_wants_unit(const char *unit, void *arg)
{
	const struct policy *policy = arg;
	const char *slash = strrchr(unit, '/');
	AUTO_FREE char *dir = slash ? strndup(unit, slash - unit) : xstrdup(".");

	for (uint32_t i = 0; i < policy->files.n; i++) {
		const char *file = policy->files.v[i].name, *end = strrchr(file, '/');
		AUTO_FREE char *file_dir = end ? strndup(file, end - file) : xstrdup(".");

		if (path_ends_with(dir, file_dir))
			return true;
	}
	return false;
}
