/* SPDX-License-Identifier: GPL-2.0 */
/* Writing the state of elfkit modules as text, and as JSON through jansson. */
#ifndef ELFKIT_LOADED_WRITE_H
#define ELFKIT_LOADED_WRITE_H

#include <jansson.h>
#include <stdio.h>

#include "elfkit/loaded.h"

struct err *loaded_write_text(const struct loaded_list *list, FILE *file);

/* { "elfkit_status": 1, "modules": [ ... ] }: docs/loader.md has all keys. */
struct err *loaded_write_json(const struct loaded_list *list, FILE *file);

/* One of its modules. */
json_t *loaded_json(const struct loaded *module);

/* "pid 105 (parked) is in get_user_cpu_mask", one line each. */
void loaded_write_blockers(const struct loaded *module, const char *indent, FILE *file);

#endif
