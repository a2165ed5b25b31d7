/* SPDX-License-Identifier: GPL-2.0 */
/* The sections `structs` and `accesses` of a report. */
#ifndef ELFKIT_REPORT_STRUCTS_H
#define ELFKIT_REPORT_STRUCTS_H

#include "elfkit/report_out.h"

void report_structs(struct report_out *r, const struct structs *structs);

#endif
