// SPDX-License-Identifier: GPL-2.0
/* Questions to a type's DIE (DWARF 5, chapter 5). */
#include <dwarf.h>
#include <string.h>

#include "elfkit/debuginfo_file.h"
#include "elfkit/typeinfo_die.h"

bool next_die(Dwarf_Die *die)
{
	Dwarf_Off before = dwarf_dieoffset(die);

	return !dwarf_siblingof(die, die) && dwarf_dieoffset(die) > before;
}

uint64_t number(Dwarf_Die *die, unsigned int name, uint64_t otherwise)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	if (!dwarf_attr(die, name, &attr) || dwarf_formudata(&attr, &value))
		return otherwise;
	return value;
}

bool type_die(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;

	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, ret);
}

bool type_is_transparent(int tag)
{
	switch (tag) {
	case DW_TAG_typedef: case DW_TAG_const_type: case DW_TAG_volatile_type:
	case DW_TAG_restrict_type: case DW_TAG_atomic_type:
		return true;
	}
	return false;
}

uint32_t array_count(Dwarf_Die *die)
{
	uint64_t count = 1;
	Dwarf_Die child;

	if (dwarf_child(die, &child))
		return 0;
	do {
		uint64_t n = number(&child, DW_AT_count, 0);

		if (dwarf_tag(&child) != DW_TAG_subrange_type)
			continue;
		if (!n)
			n = number(&child, DW_AT_upper_bound, UINT64_MAX) + 1;
		count *= n;
	} while (!dwarf_siblingof(&child, &child));
	return count > UINT32_MAX ? 0 : count;
}

bool type_size(Dwarf_Die die, uint64_t *ret)
{
	uint64_t count = 1;

	for (int hops = 0; hops < DIE_CHAIN_MAX; hops++) {
		uint64_t size = number(&die, DW_AT_byte_size, UINT64_MAX);

		if (size == UINT64_MAX && dwarf_tag(&die) == DW_TAG_pointer_type)
			size = 8;
		if (size != UINT64_MAX) {
			*ret = count * size;
			return size <= UINT32_MAX && *ret <= UINT32_MAX;
		}
		if (dwarf_tag(&die) == DW_TAG_array_type)
			count *= array_count(&die);
		else if (!type_is_transparent(dwarf_tag(&die)) && dwarf_tag(&die) != DW_TAG_enumeration_type)
			return false;
		if (count > UINT32_MAX || !type_die(&die, &die))
			return false;
	}
	return false;
}

uint64_t member_bits(Dwarf_Die *die, uint64_t size)
{
	uint64_t bits = number(die, DW_AT_data_bit_offset, UINT64_MAX);
	uint64_t from_end = number(die, DW_AT_bit_offset, UINT64_MAX);

	if (bits != UINT64_MAX || from_end == UINT64_MAX)
		return bits;
	return 8 * number(die, DW_AT_data_member_location, 0) + 8 * number(die, DW_AT_byte_size, size) - from_end -
	       number(die, DW_AT_bit_size, 0);
}

/* A type as C spells it, roughly: what stands after the name of an array goes before it. */
char *type_name(Dwarf_Die die, int depth)
{
	AUTO_FREE char *inner = NULL;
	Dwarf_Die target;
	const char *name = dwarf_diename(&die);
	int tag = dwarf_tag(&die);

	if (depth > 8)
		return xstrdup("...");
	switch (tag) {
	case DW_TAG_structure_type: case DW_TAG_union_type: case DW_TAG_enumeration_type:
		return xasprintf("%s%s%s", tag == DW_TAG_union_type ? "union" :
				 tag == DW_TAG_structure_type ? "struct" : "enum", name ? " " : "", name ?: "");
	case DW_TAG_typedef: case DW_TAG_base_type:
		return xstrdup(name ?: "?");
	}
	inner = type_die(&die, &target) ? type_name(target, depth + 1) : xstrdup("void");
	switch (tag) {
	case DW_TAG_pointer_type:
		return xasprintf("%s%s*", inner, inner[strlen(inner) - 1] == '*' ? "" : " ");
	case DW_TAG_const_type:
		return xasprintf("const %s", inner);
	case DW_TAG_volatile_type:
		return xasprintf("volatile %s", inner);
	case DW_TAG_array_type:
		return array_count(&die) ? xasprintf("%s[%u]", inner, array_count(&die)) : xasprintf("%s[]", inner);
	case DW_TAG_subroutine_type:
		return xasprintf("%s (...)", inner);
	}
	return xstrdup(inner);
}
