/* SPDX-License-Identifier: GPL-2.0 */
/* A diff of two reports as a page: all findings, and both sides of what they are about. */
#ifndef ELFKIT_PAGE_DIFF_H
#define ELFKIT_PAGE_DIFF_H

#include <stdio.h>

#include "elfkit/diff.h"

struct err *page_diff_write(const struct diff *diff, FILE *file);

#endif
