// SPDX-License-Identifier: GPL-2.0
/* Module.symvers: any text. */
#include "relink/symvers.h"
#include "t/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symvers symvers = { 0 };
	struct input input;

	input_open(&input, data, size);
	if (well(symvers_read(input.path, &symvers)))
		for (uint32_t i = 0; i < symvers.n; i++)
			promise(symvers_has(&symvers, symvers.v[i]) && (!i || strcmp(symvers.v[i - 1], symvers.v[i]) <= 0));
	symvers_release(&symvers);
	input_close(&input);
	return 0;
}
