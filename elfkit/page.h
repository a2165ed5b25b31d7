/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A page for a browser: one file with everything in it, which asks no network for anything.
 *
 * Its frame, style and script are sources of their own, in elfkit/page/, and part of the
 * program.  What differs between two pages is data: JSON documents, each with a name.
 */
#ifndef ELFKIT_PAGE_H
#define ELFKIT_PAGE_H

#include <stdio.h>

#include "elfkit/err.h"

struct page {
	FILE *file;
	const char *rest;	/* of the frame: what is still to be written */
};

void page_begin(struct page *page, FILE *file);
/* @json is valid JSON of any spelling. */
void page_data(struct page *page, const char *name, const char *json);
struct err *page_end(struct page *page);

#endif
