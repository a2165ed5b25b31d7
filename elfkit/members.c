// SPDX-License-Identifier: GPL-2.0
/* Members of structs by name (DWARF 5, sections 5.7.1 and 5.7.6). */
#include <dwarf.h>
#include <string.h>

#include "elfkit/debuginfo_file.h"
#include "elfkit/members.h"
#include "elfkit/typeinfo_die.h"

/* The struct or union behind qualifiers and typedefs. */
static bool aggregate_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Die type;

	if (!type_die(die, &type) || dwarf_peel_type(&type, ret))
		return false;
	return dwarf_tag(ret) == DW_TAG_structure_type || dwarf_tag(ret) == DW_TAG_union_type;
}

/* Member @name of @type; members of what has no name are its own. */
static bool find_named(Dwarf_Die *type, const char *name, size_t len, Dwarf_Die *ret, uint64_t *offset)
{
	Dwarf_Die die, inner;

	if (dwarf_child(type, &die))
		return false;
	do {
		uint64_t at = number(&die, DW_AT_data_member_location, 0);
		const char *its = dwarf_diename(&die);

		if (dwarf_tag(&die) != DW_TAG_member)
			continue;
		if (its && strlen(its) == len && !memcmp(its, name, len)) {
			*offset += at;
			*ret = die;
			return true;
		}
		if (!its && aggregate_of(&die, &inner) && find_named(&inner, name, len, ret, offset)) {
			*offset += at;
			return true;
		}
	} while (next_die(&die));
	return false;
}

/* One step of a path: the first of the alternatives that @type has. */
static bool find_step(Dwarf_Die *type, const char *step, size_t len, Dwarf_Die *ret, uint64_t *offset)
{
	const char *end = step + len;

	while (step < end) {
		const char *bar = memchr(step, '|', end - step);
		size_t n = (bar ? bar : end) - step;

		if (find_named(type, step, n, ret, offset))
			return true;
		step += n + 1;
	}
	return false;
}

static bool find_path(Dwarf_Die type, const char *path, uint64_t *ret_offset, uint64_t *ret_size)
{
	uint64_t offset = 0;
	Dwarf_Word size;
	Dwarf_Die member, target;

	if (!*path) {
		*ret_offset = 0;
		return !dwarf_aggregate_size(&type, ret_size);
	}
	for (;;) {
		size_t len = strcspn(path, ".");

		if (!find_step(&type, path, len, &member, &offset))
			return false;
		if (!path[len])
			break;
		if (!aggregate_of(&member, &type))
			return false;
		path += len + 1;
	}
	if (!type_die(&member, &target) || dwarf_aggregate_size(&target, &size))
		return false;
	*ret_offset = offset;
	*ret_size = size;
	return true;
}

/* The complete definition of struct @name in the unit that holds the DIE at @offset. */
static bool find_struct(Dwarf *dwarf, uint64_t offset, const char *name, Dwarf_Die *ret)
{
	Dwarf_Die die, unit;

	if (!dwarf_offdie(dwarf, offset, &die) || !dwarf_diecu(&die, &unit, NULL, NULL) ||
	    dwarf_child(&unit, ret))
		return false;
	do {
		const char *its = dwarf_tag(ret) == DW_TAG_structure_type ? dwarf_diename(ret) : NULL;

		if (its && !strcmp(its, name) && !dwarf_hasattr(ret, DW_AT_declaration))
			return true;
	} while (next_die(ret));
	return false;
}

bool member_find(const struct debuginfo *info, const char *type, const char *path, uint64_t *ret_offset,
		 uint64_t *ret_size)
{
	uint32_t last = UINT32_MAX;

	for (uint32_t i = 0; i < info->nr_funcs; i++) {
		Dwarf_Die die;

		if (info->funcs[i].unit == last)
			continue;
		last = info->funcs[i].unit;
		if (find_struct(info->file->dwarf, info->funcs[i].die, type, &die))
			return find_path(die, path, ret_offset, ret_size);
	}
	return false;
}
