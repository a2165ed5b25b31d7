/* SPDX-License-Identifier: GPL-2.0 */
/* Types as DIEs: what they lead to and how they are called. For the readers of DWARF. */
#ifndef ELFKIT_TYPEINFO_DIE_H
#define ELFKIT_TYPEINFO_DIE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

uint64_t number(Dwarf_Die *die, unsigned int name, uint64_t otherwise);
bool type_die(Dwarf_Die *die, Dwarf_Die *ret);
bool type_is_transparent(int tag);	/* a typedef or a qualifier */
uint32_t array_count(Dwarf_Die *die);

/*
 * In bytes; false where DWARF does not say.  dwarf_aggregate_size() would do the same, and
 * go round for ever in a typedef of itself.
 */
bool type_size(Dwarf_Die die, uint64_t *ret);

char *type_name(Dwarf_Die die, int depth);	/* the caller frees it */

#endif
