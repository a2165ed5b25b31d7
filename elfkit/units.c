// SPDX-License-Identifier: GPL-2.0
/* The ranges of units (DWARF 5, section 3.1.1: DW_AT_ranges or DW_AT_low_pc of the unit). */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <string.h>

#include "elfkit/debuginfo_file.h"
#include "elfkit/units.h"

static int compare(const void *a, const void *b)
{
	const struct unit_range *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

/* A unit whose ranges are damaged has none: its code is shown without a unit. */
static void add_ranges(struct units *units, Dwarf_Die *die, uint32_t unit)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t offset = 0;

	while ((offset = dwarf_ranges(die, offset, &base, &low, &high)) > 0) {
		if (low >= high)
			continue;
		GROW(units->v, units->n, units->cap);
		units->v[units->n++] = (struct unit_range){ low, high, unit };
	}
}

/*
 * Assembly is compiled under its absolute path, everything else relative to the tree.  What a path has in
 * common with the folder of the compilation is not the tree's.
 */
static const char *in_tree(const char *name, const char *comp_dir)
{
	size_t common = 0;

	for (size_t i = 0; *name == '/' && comp_dir && name[i] && name[i] == comp_dir[i]; i++)
		if (name[i + 1] == '/' && (comp_dir[i + 1] == '/' || !comp_dir[i + 1]))
			common = i + 2;
	return name + common;
}

struct err *units_read(const struct debuginfo *info, struct units *ret)
{
	uint32_t nr_units = 0;
	Dwarf_CU *cu = NULL;
	Dwarf_Attribute attr;
	Dwarf_Die die;
	uint8_t type;
	int result;

	memset(ret, 0, sizeof(*ret));
	while (!(result = dwarf_get_units(info->file->dwarf, cu, &cu, NULL, &type, &die, NULL))) {
		const char *name = dwarf_diename(&die), *comp_dir;

		debuginfo_forget(info, nr_units++);
		if (type != DW_UT_compile || !name)
			continue;
		GROW(ret->names, ret->nr_names, ret->cap_names);
		comp_dir = dwarf_formstring(dwarf_attr(&die, DW_AT_comp_dir, &attr));
		ret->names[ret->nr_names] = debuginfo_path(in_tree(name, comp_dir), comp_dir);
		add_ranges(ret, &die, ret->nr_names++);
	}
	if (result < 0)
		return err_new(".debug_info: units: %s", dwarf_errmsg(-1));
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare);
	return NULL;
}

void units_release(struct units *units)
{
	for (uint32_t i = 0; i < units->nr_names; i++)
		free(units->names[i]);
	free(units->names);
	free(units->v);
	memset(units, 0, sizeof(*units));
}

const char *units_at(const struct units *units, uint64_t addr)
{
	uint32_t first = 0, end = units->n;

	while (first < end) {
		uint32_t mid = first + (end - first) / 2;

		if (units->v[mid].low <= addr)
			first = mid + 1;
		else
			end = mid;
	}
	return first && addr < units->v[first - 1].high ? units->names[units->v[first - 1].unit] : NULL;
}
