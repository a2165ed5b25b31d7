/* SPDX-License-Identifier: GPL-2.0 */
/* The boundary as YAML or JSON: sorted, without addresses, times or paths, so that it diffs. */
#ifndef ELFKIT_REPORT_H
#define ELFKIT_REPORT_H

#include "elfkit/report_out.h"

struct err *report_write(const struct survey *survey, enum report_format format, FILE *file);

/* A report without any of its lists: which kernel, and the counts. */
struct err *report_write_counts(const struct survey *survey, enum report_format format, FILE *file);

#endif
