/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a module says of itself: modinfo for people (`modinfo NAME.ko`), and a manifest as
 * JSON, which is in the module (section .elfkit.manifest, not loaded) and beside it.
 */
#ifndef ELFKIT_RELINK_MANIFEST_H
#define ELFKIT_RELINK_MANIFEST_H

#include "relink/bind.h"

/* Adds both to @object, and writes the manifest to @path. @remarks have been sorted. */
struct err *manifest_add(const struct kernel *kernel, const struct boundary *boundary, struct object *object,
			 const struct match *match, const enum verdict *verdict, const struct bindings *bindings,
			 const struct remarks *remarks, uint32_t nr_jumps, const char *path);

#endif
