/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ELFKIT_EMBED_H
#define ELFKIT_EMBED_H

/*
 * A file of the source as a string of the program, PREFIX##NAME. The assembler of either compiler puts it in; the Makefile
 * knows which objects have some.
 */
#define EMBED(prefix, name, path)                                                                         \
	__asm__(".pushsection .rodata\n" #prefix #name ":\n.incbin \"" path "\"\n.byte 0\n.popsection\n"); \
	extern const char prefix##name[] __attribute__((visibility("hidden")))

#endif
