/* SPDX-License-Identifier: GPL-2.0 */
/* The boundary as a page: the report as it is, and who refers to whom. */
#ifndef ELFKIT_PAGE_BOUNDARY_H
#define ELFKIT_PAGE_BOUNDARY_H

#include <stdio.h>

#include "elfkit/graph.h"

struct err *page_boundary_write(const struct survey *survey, const struct graph *graph, FILE *file);

#endif
