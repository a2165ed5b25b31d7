/* SPDX-License-Identifier: GPL-2.0 */
/* Types as DIEs: what they lead to and how they are called. For the readers of DWARF. */
#ifndef ELFKIT_TYPEINFO_DIE_H
#define ELFKIT_TYPEINFO_DIE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

/* To the next sibling, which stands behind: damage cannot make a walk go round. */
bool next_die(Dwarf_Die *die);

uint64_t number(Dwarf_Die *die, unsigned int name, uint64_t otherwise);
bool type_die(Dwarf_Die *die, Dwarf_Die *ret);
bool type_is_transparent(int tag);	/* a typedef or a qualifier */
uint32_t array_count(Dwarf_Die *die);

/*
 * In bytes; false where DWARF does not say.  dwarf_aggregate_size() would do the same, and
 * go round for ever in a typedef of itself.
 */
bool type_size(Dwarf_Die die, uint64_t *ret);

/*
 * Where a bit-field begins, in bits from the start of what its location counts from; UINT64_MAX: it is
 * none.  @size: bytes of its type.  DWARF before 5 may count from the far end of a unit of storage
 * (DW_AT_bit_offset, DWARF 4 section 5.5.6), and gcc does.
 */
uint64_t member_bits(Dwarf_Die *die, uint64_t size);

char *type_name(Dwarf_Die die, int depth);	/* the caller frees it */

#endif
