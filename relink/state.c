// SPDX-License-Identifier: GPL-2.0
/* The lists in loader/abi.h held against a kernel's symbols and DWARF. */
#include <string.h>

#include "elfkit/members.h"
#include "relink/state.h"

struct member {
	const char *type, *path;
	uint64_t size;
	size_t field;
};

#define MEMBER(field, type, path, size) { type, path, size, offsetof(struct elfkit_table, field) },
static const struct member members[] = { ELFKIT_REBUILD_MEMBERS(MEMBER) };
#undef MEMBER

#define NAME(name) #name,
static const char *const functions[] = { ELFKIT_REBUILD_FUNCTIONS(NAME) };
#undef NAME

#define MEMBER(type, path) { type, path, 0, 0 },
static const struct member without[] = { ELFKIT_REBUILD_WITHOUT(MEMBER) };
#undef MEMBER

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

char *state_why_kept(const struct kernel *kernel)
{
	uint64_t offset, size;

	if (kernel->policy->state_keep)
		return xasprintf("%s says so", kernel->policy->path);
	for (size_t i = 0; i < COUNT(functions); i++)
		if (symbols_find_global(kernel->symbols, functions[i]) == NO_ID)
			return xasprintf("this kernel has no function %s", functions[i]);
	if (symbols_find_global(kernel->symbols, "runqueues") == NO_ID)
		return xstrdup("this kernel has no variable runqueues");
	for (size_t i = 0; i < COUNT(members); i++) {
		const struct member *m = &members[i];

		if (!member_find(kernel->debuginfo, m->type, m->path, &offset, &size))
			return xasprintf("this kernel has no %s in struct %s", m->path, m->type);
		if (size != m->size)
			return xasprintf("%s in struct %s has %lu bytes, not %lu", m->path, m->type,
					 (unsigned long)size, (unsigned long)m->size);
	}
	for (size_t i = 0; i < COUNT(without); i++)
		if (member_find(kernel->debuginfo, without[i].type, without[i].path, &offset, &size))
			return xasprintf("this kernel has %s in struct %s, which the loader cannot move",
					 without[i].path, without[i].type);
	return NULL;
}

bool state_calls(const char *name)
{
	for (size_t i = 0; i < COUNT(functions); i++)
		if (!strcmp(functions[i], name))
			return true;
	return false;
}

void state_offsets(const struct kernel *kernel, struct elfkit_table *table)
{
	uint64_t offset = 0, size = 0;

	for (size_t i = 0; i < COUNT(members); i++) {
		member_find(kernel->debuginfo, members[i].type, members[i].path, &offset, &size);
		*(uint32_t *)((char *)table + members[i].field) = offset;
	}
	member_find(kernel->debuginfo, "rq", "", &offset, &size);
	table->rq_size = size;
}
