// SPDX-License-Identifier: GPL-2.0
/* The references to a variable (struct var_ref), without those of code that is replaced. */
#include "relink/holders.h"

uint32_t holders_of(const struct kernel *kernel, const struct boundary *boundary, uint64_t addr,
		    void (*fn)(uint32_t func, uint64_t at, void *arg), void *arg)
{
	uint32_t var = variables_at(kernel->variables, addr), n = 0;
	const struct refs *refs = kernel->refs;

	if (var == NO_ID)
		return 0;
	for (uint32_t r = refs->to_var[var]; r < refs->to_var[var + 1]; r++) {
		uint32_t func = refs->vars[r].from;

		if (func != NO_ID)
			func = boundary_owner(kernel->funcs, func);
		if (func != NO_ID && boundary_is_inside(boundary, func))
			continue;
		n++;
		if (fn)
			fn(func, refs->vars[r].at, arg);
	}
	return n;
}
