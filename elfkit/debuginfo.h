/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What DWARF says about chosen units of a vmlinux or of a rebuilt object.
 *
 * A *source function* (debug_func) may have several pieces of code (debug_code):
 * the function itself and clones such as foo.isra.0; one code may have several
 * ranges: its entry and a .cold part.  A function without code exists only as
 * inlined copies.  Only this file and cfi.c know libdw.
 *
 * Addresses are link-time addresses for a linked image.  In an object (ET_REL)
 * they are offsets into the section that stands beside them.
 */
#ifndef ELFKIT_DEBUGINFO_H
#define ELFKIT_DEBUGINFO_H

#include <stdbool.h>
#include <stdint.h>

#include "elfkit/err.h"

struct debug_range {
	uint32_t section;	/* ELF section index in an object, 0 in an image */
	uint64_t low, high;
};

struct debug_func {
	const char *name;	/* DW_AT_name */
	char *file;		/* where it is declared, relative to the tree where known */
	uint32_t line;
	uint32_t unit;
	bool external;		/* visible outside of its unit */
	bool has_code;		/* that DWARF describes */
	uint64_t die;		/* offset of its DIE */
};

struct debug_code {
	uint32_t func;		/* index into funcs */
	struct debug_range *ranges;	/* [0] holds the entry */
	uint32_t nr_ranges;
};

/* A copy of @callee inlined into @host (DW_TAG_inlined_subroutine). Pairs are unique. */
struct debug_inline {
	uint32_t callee;	/* index into funcs */
	uint32_t host;		/* index into codes */
};

/* A variable at a fixed address. */
struct debug_var {
	const char *name;
	char *file;		/* where it is declared, as in debug_func */
	uint32_t func;		/* the function it is static in, or UINT32_MAX */
	uint32_t line;
	uint32_t unit;
	uint32_t section;	/* as in debug_range */
	uint64_t addr;
	uint64_t die;		/* offset of its DIE */
};

/* A direct call or tail call as the compiler wrote it down (DW_TAG_call_site). */
struct debug_call {
	const char *callee;	/* DW_AT_name of the function called */
	uint64_t end;		/* address behind the call or jump */
};

struct debuginfo {
	char **units;		/* DW_AT_name of each unit read, normalised */
	uint32_t nr_units;
	struct debug_func *funcs;
	uint32_t nr_funcs;
	struct debug_code *codes;
	uint32_t nr_codes;
	struct debug_inline *inlines;
	uint32_t nr_inlines;
	struct debug_var *vars;
	uint32_t nr_vars;
	struct debug_call *calls;	/* of an image; as DWARF has them */
	uint32_t nr_calls;
	struct debug_file *file;
};

/*
 * Reads the units for which @want(unit name, @arg) holds.  An image without
 * DWARF is an error; one without any wanted unit is not.
 */
struct err *debuginfo_open(const char *path, bool (*want)(const char *unit, void *arg), void *arg,
			   struct debuginfo **ret);
void debuginfo_free(struct debuginfo *info);

/*
 * For walks over all units: gives memory back that reading took, every so many units (@nr
 * counts them).  What is read again comes back.
 */
void debuginfo_forget(const struct debuginfo *info, uint32_t nr);

/* Types as C spells them: of a function's result and parameters, of a variable. Caller frees. */
char *debuginfo_signature(const struct debuginfo *info, const struct debug_func *func);
char *debuginfo_var_type(const struct debuginfo *info, const struct debug_var *var);

/*
 * How a frame looks at an address, from .debug_frame (DWARF 5, section 6.4).
 * Registers have DWARF numbers (psABI); offsets count from the CFA.
 */
#define CFI_REGS 17

enum cfi_rule {
	CFI_SAME,		/* the caller's value is still in the register */
	CFI_SAVED,		/* the caller's value is in memory at CFA + offset */
	CFI_SAVED_BY_REGISTER,	/* ... or at the register base + offset */
	CFI_UNDEFINED,		/* the caller's value is lost */
	CFI_OTHER,		/* an expression: not understood */
};

struct cfi_row {
	bool cfa_known;		/* CFA = cfa_reg + cfa_offset, ... */
	bool cfa_in_memory;	/* ... or the word there (realigned stacks) */
	uint32_t cfa_reg;
	int64_t cfa_offset;
	enum cfi_rule rule[CFI_REGS];
	uint32_t base[CFI_REGS];	/* of CFI_SAVED_BY_REGISTER */
	int64_t offset[CFI_REGS];
};

/* The row in force when the instruction at @addr is about to run. */
struct err *debuginfo_cfi(const struct debuginfo *info, uint32_t section, uint64_t addr,
			  struct cfi_row *ret);

#endif
