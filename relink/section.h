/* SPDX-License-Identifier: GPL-2.0 */
/* What a section of a built-in object is to a module. */
#ifndef ELFKIT_RELINK_SECTION_H
#define ELFKIT_RELINK_SECTION_H

#include "relink/object.h"

enum section_class {
	SECTION_REMOVED,	/* must not be in a module, or means nothing there */
	SECTION_CODE,
	SECTION_DATA,		/* objects: shared with the kernel or taken along */
	SECTION_FRESH,		/* state of code, new with it (.data.once) */
	SECTION_PERCPU,
	SECTION_TABLE,		/* places in code that the module loader works on */
	SECTION_BOOT_CONSTANT,	/* places in code that only the kernel's own boot works on */
};

enum section_class section_classify(const struct object_section *section);

#endif
