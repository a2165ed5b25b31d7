/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Debug information of an object that is cut, for the file beside the module.
 *
 * Addresses follow the code by their relocations; those of what went become DEBUG_GONE. By distance from
 * the beginning of their unit's code are told, in what compilers make for a kernel: line tables, .debug_aranges and
 * the range lists of units; these are rewritten. Distances inside a function do not change.
 */
#ifndef ELFKIT_RELINK_DEBUG_CUT_H
#define ELFKIT_RELINK_DEBUG_CUT_H

#include "relink/cut.h"

/* No code of a kernel or module lies there, nor wraps to where some does (Documentation/x86/x86_64/mm.rst). */
#define DEBUG_GONE 0xffffffff00000000ULL

/*
 * Brings the debug sections of @object back, fit for what cut_object() left; @before has the symbols as they
 * were. An error is why there are none: then they stay removed.
 */
struct err *debug_cut(struct object *object, const struct object *before, const struct holes *holes);

bool section_is_debug(const struct object_section *section);

#endif
