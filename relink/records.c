// SPDX-License-Identifier: GPL-2.0
/* Records begin with what they were compiled as; only the loader looks at the rest. */
#include <string.h>

#include "loader/abi.h"
#include "relink/records.h"

uint32_t records_section(const struct object *object, const char *name)
{
	for (uint32_t i = 1; i < object->nr_sections; i++)
		if (!object->sections[i].removed && object->sections[i].size && !strcmp(object->sections[i].name, name))
			return i;
	return 0;
}

static struct err *check(const struct object *object, const char *name, uint32_t size)
{
	const struct object_section *s = &object->sections[records_section(object, name)];

	for (uint64_t at = 0; at < s->size; at += size) {
		uint32_t head[2] = { 0 };	/* struct elfkit_record */

		if (s->data && s->size - at >= size)
			memcpy(head, s->data + at, sizeof(head));
		if (head[0] != ELFKIT_RECORD_HEADER || head[1] != size)
			return err_new("section %s+0x%lx: not compiled with this elfkit's elfkit.h: version %u, %u bytes, instead of %u, %u",
				       name, (unsigned long)at, head[0], head[1], ELFKIT_RECORD_HEADER, size);
	}
	return NULL;
}

struct err *records_check(const struct object *object)
{
	struct err *err = check(object, ELFKIT_HOOKS_SECTION, ELFKIT_HOOKS_SIZE);

	return err ?: check(object, ELFKIT_POOLS_SECTION, ELFKIT_POOLS_SIZE);
}
