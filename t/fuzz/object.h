/* SPDX-License-Identifier: GPL-2.0 */
/* What is written is an object that can be read. */
#ifndef T_FUZZ_OBJECT_H
#define T_FUZZ_OBJECT_H

#include "relink/object.h"
#include "t/fuzz/elf.h"

static void write_again(const struct object *object)
{
	static char path[64];
	struct object *again;

	if (!*path)
		snprintf(path, sizeof(path), "/dev/shm/elfkit-fuzz.%d.o", getpid());
	if (well(object_write(object, path))) {
		promise(well(object_read(path, &again)));
		object_free(again);
	}
	unlink(path);
}

#endif
