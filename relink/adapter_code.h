/* SPDX-License-Identifier: GPL-2.0 */
/* The bytes of an adapter: from a new frame's call frame information and an old prologue. */
#ifndef ELFKIT_RELINK_ADAPTER_CODE_H
#define ELFKIT_RELINK_ADAPTER_CODE_H

#include "disasm/frame.h"
#include "elfkit/image.h"

#define ADAPTER_MAX 1024
#define ADAPTER_MAX_FIXUPS 8

/* A 4-byte pc-relative field: the linker puts @value - its own address there. */
struct code_fixup {
	uint32_t offset;
	uint64_t value;		/* a link-time address of vmlinux, plus an addend (S + A of the psABI) */
};

struct adapter_code {
	uint8_t bytes[ADAPTER_MAX];
	uint32_t size;
	struct code_fixup fixups[ADAPTER_MAX_FIXUPS];
	uint32_t nr_fixups;
};

/*
 * From the state at a call in the new function, of which @new is the frame and @row the call frame information, to
 * the one at the old function's call at @call, of which @old is the frame.  The code of the old prologue
 * is read from @image.  Fails where the way cannot be written down.  Promises no more: adapter_prove()
 * says whether it is right.
 */
struct err *adapter_generate(const struct image *image, struct decoder *decoder,
			     const struct machine *machine, const struct frame *new,
			     const struct cfi_row *row, const struct frame *old, uint64_t call, struct adapter_code *ret);

#endif
