/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ELFKIT_REPORT_OBJECTS_H
#define ELFKIT_REPORT_OBJECTS_H

#include "elfkit/report_out.h"

void report_objects(struct report_out *r);

#endif
