// SPDX-License-Identifier: GPL-2.0
/* What `elfkit load` reads of a module before it gives it to the kernel. A name goes to the terminal and into paths. */
#include <ctype.h>

#include "elfkit/modfile.h"
#include "t/fuzz/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input;
	struct modfile file;

	input_open(&input, data, size);
	if (well(modfile_read(input.path, &file))) {
		promise(*file.name);
		for (const char *c = file.name; *c; c++)
			promise(isalnum((unsigned char)*c) || *c == '_' || *c == '-');
		modfile_release(&file);
	}
	input_close(&input);
	return 0;
}
