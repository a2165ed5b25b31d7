/* SPDX-License-Identifier: GPL-2.0 */
/* The whole way from rebuilt objects to a module. */
#ifndef ELFKIT_RELINK_RELINK_H
#define ELFKIT_RELINK_RELINK_H

#include <stdint.h>

#include "relink/remarks.h"

struct relink_options {
	const char *policy;
	const char *vmlinux;
	const char *kernel_dir;
	const char *loader_dir;
	const char *output;	/* NULL: find out all about the change, make nothing */
	char *const *objects;
	uint32_t nr_objects;
	bool strict;		/* lost edits are refused */
	bool keep_build;	/* the work directory stays */
	bool verbose;		/* what the tools say goes to stderr, too */
	const char *sign_key, *sign_cert;	/* or NULL */
	void (*progress)(const char *line, void *arg);	/* may be NULL */
	void (*step)(const char *what, void *arg);	/* a long step begins; NULL: the last one is over; may be NULL */
	void *arg;
};

struct relink_result {
	struct remarks remarks;
	char *release;		/* of the kernel, or NULL */
	bool made;		/* the module is there: nothing was refused */
};

/* An error is what kept relink from remark out; what is refused is a remark. @ret is released in any case. */
struct err *relink(const struct relink_options *options, struct relink_result *ret);
void relink_result_release(struct relink_result *result);

#endif
