/* SPDX-License-Identifier: GPL-2.0 */
/* The boundary as YAML: sorted, without addresses, times or paths, so that it diffs. */
#ifndef ELFKIT_REPORT_H
#define ELFKIT_REPORT_H

#include <stdio.h>

#include "elfkit/survey.h"

struct err *report_write(const struct survey *survey, FILE *file);

#endif
