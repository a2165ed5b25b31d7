// SPDX-License-Identifier: GPL-2.0
/* Looking up what typeinfo has read, by address. */
#include "elfkit/typeinfo.h"

uint32_t typeinfo_parts(const struct typeinfo *info, uint64_t entry)
{
	uint32_t lo = 0, hi = info->nr_parts;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (info->parts[mid].entry < entry)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct type_var *typeinfo_var(const struct typeinfo *info, uint64_t addr)
{
	uint32_t lo = 0, hi = info->nr_vars;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (info->vars[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (uint32_t i = lo; i > 0 && lo - i < 4; i--)
		if (addr - info->vars[i - 1].addr < info->vars[i - 1].size)
			return &info->vars[i - 1];
	return NULL;
}
