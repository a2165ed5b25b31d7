/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which memory accesses of a function touch an object of which type.
 *
 * Registers and stack slots get types from DWARF's variable locations, and the types follow
 * the instructions: moves, loads of pointers out of members, arithmetic with constants, results of
 * calls.  Where paths join and disagree, nothing is known.  A value that DWARF does not name
 * and that cannot be followed leaves its accesses untyped: those are told, too.
 */
#ifndef ELFKIT_DISASM_TYPEFLOW_H
#define ELFKIT_DISASM_TYPEFLOW_H

#include "elfkit/funcs.h"
#include "elfkit/typeinfo.h"

enum { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_ADDRESS = 4 };

struct access {
	uint64_t at;		/* the instruction */
	uint8_t how;		/* ACCESS_ADDRESS alone: the address of a member is computed */
	uint32_t type;		/* the object's type; 0: not known */
	int64_t offset;		/* into the object */
	uint32_t size;		/* bytes */
	uint64_t bits;		/* those that matter, where the instruction says so; 0: all */
};

typedef void access_fn(const struct access *access, void *arg);

struct typeflow;

/* One a thread. Borrows both until typeflow_close(). */
struct err *typeflow_open(const struct funcs *funcs, const struct typeinfo *info, struct typeflow **ret);
void typeflow_close(struct typeflow *flow);

/*
 * Calls @fn for each memory access of function @func and its cold parts.  Accesses to its own
 * stack frame are left out unless they are to a variable that DWARF knows there.
 */
void typeflow_run(struct typeflow *flow, uint32_t func, access_fn *fn, void *arg);

/* How often so far the rest of a function was left out for bytes that are no instruction, and how many bytes that was. */
void typeflow_stops(const struct typeflow *flow, uint64_t *ret_stops, uint64_t *ret_bytes);

#endif
