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

/* What an item must hold besides its name. */
enum { HAS_TO = 1, HAS_FILE = 2, HAS_POLICY = 4 };

#define SIZE_LIMIT (1U << 20)	/* bytes; the one that is shipped has some 5,000 */
#define DEPTH_MAX 8

static const struct key {
	const char *name;
	size_t list;		/* offset of the list in struct policy */
	const char *item;	/* what an item's name is called */
	int flags;
} keys[] = {
	{ "files", offsetof(struct policy, files), "file", 0 },
	{ "left_out", offsetof(struct policy, left_out), "file", 0 },
	{ "keep_out", offsetof(struct policy, keep_out), "function", 0 },
	{ "keep_in", offsetof(struct policy, keep_in), "function", HAS_FILE },
	{ "sidecar", offsetof(struct policy, sidecar), "function", HAS_FILE },
	{ "data", offsetof(struct policy, data), "object", HAS_POLICY },
	{ "released", offsetof(struct policy, released), "function", 0 },
	{ "switches", offsetof(struct policy, switches), "function", 0 },
	{ "cuts", offsetof(struct policy, cuts), "function", 0 },
	{ "unpatchable", offsetof(struct policy, unpatchable), "from", HAS_TO },
	{ "entry_tables", offsetof(struct policy, entry_tables), "object", 0 },
};

enum { NR_KEYS = sizeof(keys) / sizeof(keys[0]) };

static const char *const data_policies[] = {
	[DATA_PRIVATE] = "private", [DATA_SHARE] = "share", [DATA_UPDATE] = "update",
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

/* Where the value of the item's key @name goes, or NULL. */
static char **item_field(const struct key *key, struct policy_item *item, const char *name)
{
	if (!strcmp(name, key->item))
		return &item->name;
	if (!strcmp(name, "why"))
		return &item->why;
	if ((key->flags & HAS_TO) && !strcmp(name, "to"))
		return &item->to;
	if ((key->flags & HAS_FILE) && !strcmp(name, "file"))
		return &item->file;
	if ((key->flags & HAS_POLICY) && !strcmp(name, "policy"))
		return &item->policy;
	return NULL;
}

static struct err *read_field(struct policy *policy, const struct key *key, struct policy_item *item,
			      yaml_node_t *k, yaml_node_t *v)
{
	char **field;

	if (!scalar(k))
		return err_at(policy, k->start_mark, "a key must be a plain word", NULL);
	field = item_field(key, item, scalar(k));
	if (!field)
		return err_at(policy, k->start_mark, "unknown key", scalar(k));
	if (!scalar(v) || !*scalar(v))
		return err_at(policy, v->start_mark, "expected text for", scalar(k));
	if (*field)
		return err_at(policy, k->start_mark, "key given twice:", scalar(k));
	*field = xstrdup(scalar(v));
	if (field != &item->policy)
		return NULL;
	for (item->data = DATA_PRIVATE; item->data <= DATA_UPDATE; item->data++)
		if (!strcmp(item->policy, data_policies[item->data]))
			return NULL;
	return err_at(policy, v->start_mark, "expected private, share or update, not", scalar(v));
}

/* { function: NAME, why: TEXT } or, where nothing else must be said, just NAME. */
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
		struct err *err = read_field(policy, key, item, yaml_document_get_node(doc, p->key),
					     yaml_document_get_node(doc, p->value));

		if (err)
			return err;
	}
	if (!item->name)
		return err_at(policy, node->start_mark, "missing key", key->item);
	if ((key->flags & HAS_TO) && !item->to)
		return err_at(policy, node->start_mark, "missing key", "to");
	if ((key->flags & HAS_FILE) && !item->file)
		return err_at(policy, node->start_mark, "missing key", "file");
	if ((key->flags & HAS_POLICY) && !item->policy)
		return err_at(policy, node->start_mark, "missing key", "policy");
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

static struct err *read_state(struct policy *policy, yaml_node_t *node)
{
	const char *text = scalar(node);

	if (!text || (strcmp(text, "rebuild") && strcmp(text, "keep")))
		return err_at(policy, node->start_mark, "expected rebuild or keep for", "state");
	policy->state_keep = !strcmp(text, "keep");
	return NULL;
}

static struct err *read_key(struct policy *policy, yaml_document_t *doc, yaml_node_t *k, yaml_node_t *v,
			    unsigned int *seen)
{
	const char *name = scalar(k);
	size_t i;

	for (i = 0; name && i < NR_KEYS; i++)
		if (!strcmp(name, keys[i].name))
			break;
	if (!name || (i == NR_KEYS && strcmp(name, "state")))
		return err_at(policy, k->start_mark, "unknown key", name);
	if (*seen & (1U << i))
		return err_at(policy, k->start_mark, "key given twice:", name);
	*seen |= 1U << i;
	return i == NR_KEYS ? read_state(policy, v) : read_list(policy, doc, &keys[i], v);
}

static struct err *read_document(struct policy *policy, yaml_document_t *doc)
{
	yaml_node_t *root = yaml_document_get_root_node(doc);
	unsigned int seen = 0;

	if (!root || root->type != YAML_MAPPING_NODE)
		return err_new("%s: expected a mapping at the top", policy->path);
	for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++) {
		struct err *err = read_key(policy, doc, yaml_document_get_node(doc, p->key),
					   yaml_document_get_node(doc, p->value), &seen);

		if (err)
			return err;
	}
	if (!policy->files.n)
		return err_new("%s: no files: name the source files that are the scheduler", policy->path);
	return NULL;
}

static struct err *err_yaml(const struct policy *policy, const yaml_parser_t *parser)
{
	return err_at(policy, parser->error == YAML_READER_ERROR ? parser->mark : parser->problem_mark,
		      parser->problem ?: "not YAML", NULL);
}

static int deeper(yaml_event_type_t type)
{
	return type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT ? 1 :
	       type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT ? -1 : 0;
}

/*
 * One document, and flat: libyaml takes any depth, in time that grows with its square.  Aliases
 * need no care, since nothing here looks deeper than into an item of a list.
 */
static struct err *check_shape(struct policy *policy, yaml_parser_t *parser)
{
	yaml_event_type_t type = YAML_NO_EVENT;
	int depth = 0, documents = 0;
	struct err *err = NULL;

	while (!err && type != YAML_STREAM_END_EVENT) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return err_yaml(policy, parser);
		type = event.type;
		depth += deeper(type);
		documents += type == YAML_DOCUMENT_START_EVENT;
		if (depth > DEPTH_MAX)
			err = err_at(policy, event.start_mark, "nested too deeply", NULL);
		else if (documents > 1)
			err = err_at(policy, event.start_mark, "more than one document", NULL);
		yaml_event_delete(&event);
	}
	return err;
}

static struct err *load(struct policy *policy, yaml_parser_t *parser)
{
	yaml_document_t doc;
	struct err *err;

	if (!yaml_parser_load(parser, &doc))
		return err_yaml(policy, parser);
	err = read_document(policy, &doc);
	yaml_document_delete(&doc);
	return err;
}

static struct err *with_parser(struct policy *policy, const char *text, size_t len,
			       struct err *(*work)(struct policy *policy, yaml_parser_t *parser))
{
	yaml_parser_t parser;
	struct err *err;

	yaml_parser_initialize(&parser);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	err = work(policy, &parser);
	yaml_parser_delete(&parser);
	return err;
}

struct err *policy_parse(const char *text, size_t len, const char *path, struct policy **ret)
{
	struct policy *policy = xcalloc(1, sizeof(*policy));
	struct err *err;

	policy->path = xstrdup(path);
	err = with_parser(policy, text, len, check_shape) ?: with_parser(policy, text, len, load);
	if (err)
		policy_free(policy);
	else
		*ret = policy;
	return err;
}

struct err *policy_read(const char *path, struct policy **ret)
{
	AUTO_FREE char *text = NULL;
	FILE *file = fopen(path, "re");
	bool failed;
	size_t len;

	if (!file)
		return err_new("%s: %s", path, strerror(errno));
	text = xcalloc(SIZE_LIMIT + 1, 1);
	len = fread(text, 1, SIZE_LIMIT + 1, file);
	failed = ferror(file);
	fclose(file);
	if (failed)
		return err_new("%s: cannot be read", path);
	if (len > SIZE_LIMIT)
		return err_new("%s: larger than %u KiB: not a policy", path, SIZE_LIMIT >> 10);
	return policy_parse(text, len, path, ret);
}

static void list_free(struct policy_list *list)
{
	for (uint32_t i = 0; i < list->n; i++) {
		free(list->v[i].name);
		free(list->v[i].to);
		free(list->v[i].file);
		free(list->v[i].policy);
		free(list->v[i].why);
	}
	free(list->v);
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < NR_KEYS; i++)
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

const struct policy_item *policy_func_item(const struct policy_list *list, const char *path, const char *name)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (!fnmatch(list->v[i].name, name, 0) && path_ends_with(path, list->v[i].file))
			return &list->v[i];
	return NULL;
}

bool policy_has_func(const struct policy *policy, const char *path, const char *name)
{
	return policy_has_file(policy, path) || policy_func_item(&policy->keep_in, path, name) ||
	       policy_func_item(&policy->sidecar, path, name);
}

const struct policy_item *policy_kept_out(const struct policy *policy, const char *path, const char *name)
{
	return policy_func_item(&policy->keep_in, path, name) ? NULL : policy_match(&policy->keep_out, name);
}

enum data_policy policy_of_object(const struct policy *policy, const char *name)
{
	const struct policy_item *item = policy_match(&policy->data, name);

	return item ? item->data : DATA_NONE;
}

char *policy_reason(const struct policy *policy, const struct policy_item *item)
{
	const char *slash = strrchr(policy->path, '/');

	if (item->why)
		return xstrdup(item->why);
	return xasprintf("%s:%u", slash ? slash + 1 : policy->path, item->line);
}

static bool has_file_of_list(const struct policy_list *list, const char *unit)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (path_ends_with(unit, list->v[i].file))
			return true;
	return false;
}

bool policy_wants_unit(const char *unit, void *arg)
{
	const struct policy *policy = arg;
	const char *slash = strrchr(unit, '/');
	AUTO_FREE char *dir = slash ? xstrndup(unit, slash - unit) : xstrdup(".");

	for (uint32_t i = 0; i < policy->files.n; i++) {
		const char *file = policy->files.v[i].name, *end = strrchr(file, '/');
		AUTO_FREE char *file_dir = end ? xstrndup(file, end - file) : xstrdup(".");

		if (path_ends_with(dir, file_dir))
			return true;
	}
	return has_file_of_list(&policy->keep_in, unit) || has_file_of_list(&policy->sidecar, unit);
}
