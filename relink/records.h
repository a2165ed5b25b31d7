/* SPDX-License-Identifier: GPL-2.0 */
/* What the edited source says to the loader, in sections of its own: hooks and pools (loader/elfkit.h). */
#ifndef ELFKIT_RELINK_RECORDS_H
#define ELFKIT_RELINK_RECORDS_H

#include "relink/object.h"

/* The section @name with something in it, or 0. Objects are joined, so there is one. */
uint32_t records_section(const struct object *object, const char *name);

/* Whether all records were compiled with the elfkit.h of this elfkit. */
struct err *records_check(const struct object *object);

#endif
