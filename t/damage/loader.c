// SPDX-License-Identifier: GPL-2.0
/* All that relink must find of the loader. */
extern const char elfkit_table[];
const char *loader_table(void);

const char *loader_table(void)
{
	return elfkit_table;
}
