/* SPDX-License-Identifier: GPL-2.0 */
/* What `elfkit refs` lists, as lines with tabs and as JSON. */
#ifndef ELFKIT_REFS_OUT_H
#define ELFKIT_REFS_OUT_H

#include <stdio.h>

#include "disasm/refs.h"
#include "elfkit/crosscheck.h"

/* @refs are written in the order that they have. */
struct err *refs_write(const struct funcs *funcs, const struct ref *const *refs, uint32_t n, bool json, FILE *file);
struct err *refs_write_findings(const struct findings *findings, bool json, FILE *file);

#endif
