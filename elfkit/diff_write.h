/* SPDX-License-Identifier: GPL-2.0 */
/* A diff for people and for programs; both in the order of the findings. */
#ifndef ELFKIT_DIFF_WRITE_H
#define ELFKIT_DIFF_WRITE_H

#include <stdio.h>

#include "elfkit/diff.h"

/* What has nothing to do with anything is left out, unless @all. Nothing to say prints nothing. */
struct err *diff_write_text(const struct diff *diff, bool all, FILE *file);

/* One JSON document, also where there is no finding; docs/report.md has its keys. */
struct err *diff_write_json(const struct diff *diff, bool all, FILE *file);

/* How many findings are written. */
uint32_t diff_nr_written(const struct diff *diff, bool all);

#endif
