// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler's variables and tables:
 *
 *	objects:
 *	- name: ...		the symbol; .123 of a function static included
 *	  class: ...		shared: used outside, too, or exported; private
 *	  kind: ...		writable, constant, percpu, once, init
 *	  file: ..., line: ...	of the declaration
 *	  function: ...		of a static in a function: which
 *	  size: ..., type: ...	bytes, and as C spells it
 *	  users: [...]		places outside, one a function or object
 *	  because: ...
 */
#include "elfkit/report_objects.h"
#include "elfkit/report_order.h"

#define MAX_USERS 8

static void write_users(struct report_out *r, const struct shared_variable *s)
{
	report_text(r, "users");
	report_open_list(r, YAML_BLOCK_SEQUENCE_STYLE);
	for (uint32_t i = 0; i < s->nr_users && i < MAX_USERS; i++) {
		AUTO_FREE char *place = funcs_place(r->kernel->funcs, s->users[i]);

		report_text(r, place);
	}
	report_close_list(r);
	if (s->nr_users > MAX_USERS)
		report_pair_number(r, "more", s->nr_users - MAX_USERS);
}

static void write_object(struct report_out *r, uint32_t id)
{
	const struct variables *variables = r->kernel->variables;
	const struct debug_var *source = variables_source(variables, id);
	const struct shared_variable *s = &r->survey->sharing.v[id];
	AUTO_FREE char *type = debuginfo_var_type(r->kernel->debuginfo, source);

	report_open_mapping(r, YAML_BLOCK_MAPPING_STYLE);
	report_pair(r, "name", variables->v[id].name);
	report_pair(r, "class", s->shared ? "shared" : "private");
	report_pair(r, "kind", variable_kind_names[variables->v[id].kind]);
	report_pair(r, "file", source->file);
	report_pair_number(r, "line", source->line);
	if (source->func != UINT32_MAX)
		report_pair(r, "function", r->kernel->debuginfo->funcs[source->func].name);
	report_pair_number(r, "size", variables->v[id].high - variables->v[id].low);
	if (type)
		report_pair(r, "type", type);
	if (s->nr_users)
		write_users(r, s);
	report_pair(r, "because", s->because);
	report_close_mapping(r);
}

void report_objects(struct report_out *r)
{
	const struct variables *variables = r->kernel->variables;
	uint32_t *ids = report_order_objects(r->survey);

	report_text(r, "objects");
	report_open_list(r, YAML_BLOCK_SEQUENCE_STYLE);
	for (uint32_t i = 0; i < variables->n; i++)
		write_object(r, ids[i]);
	report_close_list(r);
	free(ids);
}
