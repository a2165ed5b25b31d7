/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is different between two reports, as findings: data, sorted by how much each
 * matters to someone who maintains a scheduler module for both kernels.
 *
 * Findings point into the two reports, which must outlive them.
 */
#ifndef ELFKIT_DIFF_H
#define ELFKIT_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "elfkit/err.h"
#include "elfkit/report_read.h"

enum diff_importance {
	DIFF_BREAKS,	/* a module that replaces or uses it does not work as it is */
	DIFF_LOOK,	/* look before you trust it */
	DIFF_INFO,	/* nothing to do */
	NR_DIFF_IMPORTANCES
};

/* In the order of importance, then of the output. */
enum diff_kind {
	DIFF_MACHINE, DIFF_CLOSURE, DIFF_SWITCH, DIFF_BECAME_OUTSIDER, DIFF_PARTIAL, DIFF_INTERFACE_REMOVED, DIFF_SIGNATURE,
	DIFF_SHARED_MEMBER, DIFF_STRUCT_LAYOUT, DIFF_STRUCT_MOVED, DIFF_SHARED_OBJECT,

	DIFF_NOT_COMPARED, DIFF_FINDING, DIFF_INLINED_AWAY, DIFF_OUT_OF_REACH, DIFF_NOW_INIT, DIFF_REACHED, DIFF_CLASS,
	DIFF_CALLBACK_REMOVED, DIFF_UNREACHED, DIFF_REPLACEABLE, DIFF_WHOLE, DIFF_SLEEPS,
	DIFF_EXPORTED, DIFF_STRUCT_SHARING, DIFF_MEMBER_SHARING, DIFF_OBJECT_SHARING, DIFF_STRUCT_REMOVED, DIFF_OBJECT_REMOVED,

	DIFF_KERNEL, DIFF_ADDED, DIFF_REMOVED, DIFF_INLINING, DIFF_REASON, DIFF_SLEEPS_TOO, DIFF_SLEEPLESS, DIFF_PRIVATE_SIGNATURE, DIFF_CLONE,
	DIFF_MOVED, DIFF_LINE, DIFF_ENTRY, DIFF_RESIZED, DIFF_SWITCH_PLACE, DIFF_PRIVATE_LAYOUT, DIFF_MEMBER,
	DIFF_PRIVATE_OBJECT, DIFF_GONE_FINDING,
	NR_DIFF_KINDS
};

struct diff_kind_info {
	const char *name;	/* in JSON */
	enum diff_importance importance;
	const char *title;	/* over its findings in text */
	const char *advice;	/* what to do, or NULL */
};
extern const struct diff_kind_info diff_kinds[NR_DIFF_KINDS];
extern const char *const diff_importances[NR_DIFF_IMPORTANCES];

struct diff_finding {
	enum diff_kind kind;
	char *name;		/* of the function, object, struct or STRUCT.MEMBER; text for the rest */
	const char *file;	/* or NULL */
	char *before, *after;	/* what each side says; NULL: it has nothing to say */
	char *hint;		/* a guess, or NULL */
};

struct diff {
	const struct report_data *before, *after;
	struct diff_finding *findings;
	uint32_t n, cap;
	uint32_t counts[NR_DIFF_IMPORTANCES];
	/* which item of the new report each of the old one is (pair.h); NULL where a list is missing */
	uint32_t *function_mate, *object_mate, *struct_mate;
};

struct diff *diff_reports(const struct report_data *before, const struct report_data *after);
void diff_free(struct diff *diff);

/* For the parts of diff: texts are made here and may be NULL. */
void diff_add(struct diff *diff, enum diff_kind kind, char *name, const char *file, char *before, char *after);

/* @text without offsets, which change with every build: "foo+0x12" is "foo". Caller frees. */
char *diff_without_offsets(const char *text);

/* The parts; each compares lists that both reports have. */
void diff_functions(struct diff *diff);
void diff_objects(struct diff *diff);
void diff_structs(struct diff *diff);

#endif
