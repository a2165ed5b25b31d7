/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A report of `elfkit boundary`, read back.
 *
 * docs/report.md is the format.  Lists that the report does not have are marked as
 * absent, which is not the same as empty.  Keys that are not known are passed over:
 * later versions add some without a new schema number.  Everything else that is not
 * as it should be is an error with file, line and column.
 */
#ifndef ELFKIT_REPORT_READ_H
#define ELFKIT_REPORT_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "elfkit/err.h"

#define REPORT_SCHEMA 1
#define NO_NUMBER UINT64_MAX	/* the key is not there */

enum report_list {
	LIST_SWITCHES, LIST_CLOSURE, LIST_FINDINGS, LIST_FUNCTIONS, LIST_OBJECTS, LIST_STRUCTS,
	NR_REPORT_LISTS
};
extern const char *const report_list_names[NR_REPORT_LISTS];

/* Text is NULL where the key is not there, except where noted. It lives as long as the report. */

enum report_flag { FLAG_ABSENT, FLAG_FALSE, FLAG_TRUE };

struct report_users {
	const char *first;
	uint32_t n;
};

struct report_switch {
	const char *function, *calls;	/* never NULL */
	const char *at;
};

struct report_finding {
	const char *kind, *what;	/* never NULL */
};

struct report_function {
	const char *name, *class;	/* never NULL */
	const char *file, *entry, *signature, *because, *copies, *sleeps;
	uint64_t line, size;
	enum report_flag exported, modifiable;
};

struct report_object {
	const char *name, *class;	/* never NULL */
	const char *kind, *file, *function, *type, *because;
	uint64_t line, size;
	struct report_users users;
};

struct report_member {
	const char *name;		/* NULL: anonymous */
	const char *type, *class;
	uint64_t offset, size, bit, bits;
	enum report_flag inside;
	struct report_users users;
};

struct report_struct {
	const char *name, *class;	/* never NULL */
	const char *file;
	uint64_t size;
	uint32_t members, nr_members;	/* in report_data's array */
};

struct report_data {
	char *path;
	const char *release, *build_id, *machine;
	bool has[NR_REPORT_LISTS];

	struct report_switch *switches;
	const char **closure;
	struct report_finding *findings;
	struct report_function *functions;
	struct report_object *objects;
	struct report_struct *structs;
	struct report_member *members;
	uint32_t nr_switches, nr_closure, nr_findings, nr_functions, nr_objects, nr_structs, nr_members;

	uint32_t cap_switches, cap_closure, cap_findings, cap_functions, cap_objects, cap_structs, cap_members;
	struct text_chunk *text;
};

/* @path may be a pipe; it is read once. */
struct err *report_read(const char *path, struct report_data **ret);
struct err *report_parse(const char *text, size_t len, const char *path, struct report_data **ret);
void report_free(struct report_data *report);

#endif
