// SPDX-License-Identifier: GPL-2.0
/*
 * Who outside uses which member:
 *
 *	structs:
 *	- name: ...
 *	  file: ...		where it is declared
 *	  size: ...
 *	  class: ...		private: no use of any member was found outside; or shared
 *	  members:
 *	  - {name: ..., offset: ..., size: ..., type: ..., class: ...}
 *		bit, bits	of a bit-field: where it starts, counted from offset, and its width
 *		inside: true	only where code inside the boundary uses it
 *		outside		what is done to it outside: some of read, write, address
 *		users, more	functions outside that use it: the first by name, and how many more
 *	accesses:
 *	  all: {seen: n, typed: n, untyped: n}	accesses to memory in all functions ...
 *	  outside: {...}			... and in those outside the boundary
 *	  undecoded: {stops: n, bytes: n}	how often code was left out behind bytes that are no instruction
 *
 * An untyped access may be to any of the structs.
 */
#include "elfkit/report_structs.h"

#define MAX_USERS 8

static void write_users(struct report_out *r, const struct struct_member *m)
{
	uint32_t n = m->nr_users < MAX_USERS ? m->nr_users : MAX_USERS;
	static const struct {
		uint8_t how;
		const char *name;
	} kinds[] = { { ACCESS_READ, "read" }, { ACCESS_WRITE, "write" }, { ACCESS_ADDRESS, "address" } };

	report_text(r, "outside");
	report_open_list(r, YAML_FLOW_SEQUENCE_STYLE);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (m->how & kinds[i].how)
			report_text(r, kinds[i].name);
	report_close_list(r);
	report_text(r, "users");
	report_open_list(r, YAML_FLOW_SEQUENCE_STYLE);
	for (uint32_t i = 0; i < n; i++)
		report_text(r, r->kernel->funcs->v[m->users[i].func].name);
	report_close_list(r);
	if (m->nr_users > n)
		report_pair_number(r, "more", m->nr_users - n);
}

static void write_member(struct report_out *r, const struct struct_member *m)
{
	report_open_mapping(r, YAML_FLOW_MAPPING_STYLE);
	report_pair(r, "name", m->member->name);
	report_pair_number(r, "offset", m->member->offset);
	report_pair_number(r, "size", m->member->size);
	if (m->member->bit_size) {
		report_pair_number(r, "bit", m->member->bit_offset);
		report_pair_number(r, "bits", m->member->bit_size);
	}
	report_pair(r, "type", m->member->type_name);
	report_pair(r, "class", m->nr_users ? "shared" : "private");
	if (m->inside)
		report_pair_flag(r, "inside", true);
	if (m->nr_users)
		write_users(r, m);
	report_close_mapping(r);
}

static void write_counts(struct report_out *r, const char *name, const struct access_counts *counts)
{
	report_text(r, name);
	report_open_mapping(r, YAML_FLOW_MAPPING_STYLE);
	report_pair_number(r, "seen", counts->seen);
	report_pair_number(r, "typed", counts->typed);
	report_pair_number(r, "untyped", counts->seen - counts->typed);
	report_close_mapping(r);
}

void report_structs(struct report_out *r, const struct structs *structs)
{
	report_text(r, "structs");
	report_open_list(r, YAML_BLOCK_SEQUENCE_STYLE);
	for (uint32_t i = 0; i < structs->n; i++) {
		const struct struct_entry *e = &structs->v[i];

		report_open_mapping(r, YAML_BLOCK_MAPPING_STYLE);
		report_pair(r, "name", e->type->name);
		report_pair(r, "file", e->type->file ?: "");
		report_pair_number(r, "size", e->type->size);
		report_pair(r, "class", e->shared ? "shared" : "private");
		report_text(r, "members");
		report_open_list(r, YAML_BLOCK_SEQUENCE_STYLE);
		for (uint32_t m = 0; m < e->type->nr_members; m++)
			write_member(r, &e->members[m]);
		report_close_list(r);
		report_close_mapping(r);
	}
	report_close_list(r);
	report_text(r, "accesses");
	report_open_mapping(r, YAML_BLOCK_MAPPING_STYLE);
	write_counts(r, "all", &structs->all);
	write_counts(r, "outside", &structs->outside);
	report_text(r, "undecoded");
	report_open_mapping(r, YAML_FLOW_MAPPING_STYLE);
	report_pair_number(r, "stops", structs->nr_stops);
	report_pair_number(r, "bytes", structs->bytes_left);
	report_close_mapping(r);
	report_close_mapping(r);
}
