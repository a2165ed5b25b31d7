/* SPDX-License-Identifier: GPL-2.0 */
/* What a kernel module says of itself: "KEY=VALUE" strings in .modinfo (include/linux/moduleparam.h). */
#ifndef ELFKIT_MODINFO_H
#define ELFKIT_MODINFO_H

#include "relink/object.h"

/* The first value of @key, which is the object's; NULL where there is none. */
const char *modinfo_value(const struct object *object, const char *key);

/* The name of the module in the file @path, if relink has made it. Caller frees. */
struct err *modinfo_module_name(const char *path, char **ret);

#endif
