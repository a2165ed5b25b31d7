/* SPDX-License-Identifier: GPL-2.0 */
/* Findings for people and, as JSON, for machines: sorted, without addresses, times or paths of the machine. */
#ifndef ELFKIT_RELINK_REMARKS_WRITE_H
#define ELFKIT_RELINK_REMARKS_WRITE_H

#include "relink/remarks.h"

/* What changed, one a line, and the counts. @all: what is the same, too. */
struct err *remarks_write_changes(const struct remarks *remarks, bool all, FILE *file);

/* Refusals, warnings and notes, each with who is concerned and the way out. */
struct err *remarks_write_text(const struct remarks *remarks, FILE *file);

/* @module: the file that was made, or NULL. */
struct err *remarks_write_json(const struct remarks *remarks, const char *release, const char *module, FILE *file);

#endif
