/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who outside the scheduler uses which member of its structs.
 *
 * Reported are the structs that the scheduler's files declare and those that code inside the
 * boundary touches.  Init code does not count: it has run.  What machine code does with memory
 * whose type is not known is counted, not guessed: `private` means that no use was found among
 * the accesses that were typed.
 */
#ifndef ELFKIT_STRUCTS_H
#define ELFKIT_STRUCTS_H

#include "disasm/typeflow.h"
#include "elfkit/boundary.h"

/* The use of a member by a function, both sides of the boundary. */
struct struct_use {
	uint32_t type, member;
	uint32_t func;
	uint8_t how;		/* ACCESS_* */
};

struct struct_member {
	const struct type_member *member;
	struct struct_use *users;	/* those outside, sorted by name */
	uint32_t nr_users;
	uint8_t how;			/* of all of them */
	bool inside;			/* used inside, too */
};

struct struct_entry {
	const struct type *type;
	struct struct_member *members;	/* one a member of the type */
	bool shared;
};

struct access_counts {
	uint64_t seen, typed;
};

struct structs {
	struct struct_entry *v;		/* sorted by name, file and line */
	uint32_t n;
	struct access_counts all, outside;
	uint64_t nr_stops, bytes_left;	/* see typeflow_stops() */
	struct typeinfo *info;
	struct struct_use *uses;
	uint32_t nr_uses;
};

/*
 * Reads the DWARF of all units of the image at @path and runs all of its code, in @nr_threads threads.
 * With a @filter only the units that it wants, and their code.
 */
struct err *structs_collect(const char *path, const struct funcs *funcs, const struct boundary *boundary,
			    const struct policy *policy, uint32_t nr_threads, const struct type_filter *filter,
			    struct structs **ret);
void structs_free(struct structs *structs);

#endif
