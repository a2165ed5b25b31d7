// SPDX-License-Identifier: GPL-2.0
/* What `elfkit load` reads of a module before it gives it to the kernel. A name goes to the terminal and into paths. */
#include <ctype.h>

#include "elfkit/modinfo.h"
#include "t/fuzz/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input;
	char *name;

	input_open(&input, data, size);
	if (well(modinfo_module_name(input.path, &name))) {
		promise(*name);
		for (const char *c = name; *c; c++)
			promise(isalnum((unsigned char)*c) || *c == '_' || *c == '-');
		free(name);
	}
	input_close(&input);
	return 0;
}
