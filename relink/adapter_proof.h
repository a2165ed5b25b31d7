/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The proof that an adapter is right.
 *
 * It knows nothing of how adapters are generated.  It decodes the bytes as they will be in the
 * module and follows them in symbols, from the frame that the new *prologue* makes to what
 * the *call frame information* of the kernel's call and the code behind it ask for.  The generator
 * goes by the other two, the new call frame information and the old prologue: an error on either side
 * shows as a disagreement.
 */
#ifndef ELFKIT_RELINK_ADAPTER_PROOF_H
#define ELFKIT_RELINK_ADAPTER_PROOF_H

#include "disasm/resume.h"
#include "relink/adapter_code.h"

struct adapter_claim {
	const uint8_t *bytes;
	uint32_t size;
	const struct code_fixup *fixups;
	uint32_t nr_fixups;
	const struct frame *from;	/* at the new call, as the new prologue makes it */
	const struct frame *to;		/* at the old call ... */
	const struct cfi_row *to_row;	/* ... and its call frame information */
	const struct needs *needs;	/* of the code behind the old call */
	uint64_t call;			/* the old call */
};

/* How to unwind from an instruction on, up to the next row. */
struct unwind_row {
	uint32_t offset;	/* in the adapter */
	bool as_call;		/* as at the new call; then the rest means nothing */
	uint8_t cfa_reg;
	int64_t cfa_offset;	/* CFA = cfa_reg + cfa_offset */
	bool fp_saved;		/* the caller's frame pointer is in memory ... */
	int64_t fp_offset;	/* ... at CFA + fp_offset */
};

#define ADAPTER_MAX_ROWS 64

struct unwind_rows {
	struct unwind_row v[ADAPTER_MAX_ROWS];
	uint32_t n;
};

/* Fails with the first thing that is not right. @rows says how to unwind through the adapter. */
struct err *adapter_prove(struct decoder *decoder, const struct machine *machine,
			  const struct adapter_claim *claim, struct unwind_rows *rows);

#endif
