/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A module as packages of a distribution: names, the files in it, and dpkg-deb and rpmbuild, which make them.
 *
 * Everything follows from the module and the options: two runs give the same bytes.  Times are $SOURCE_DATE_EPOCH,
 * or that of the module's file.
 */
#ifndef ELFKIT_PACK_H
#define ELFKIT_PACK_H

#include <stdbool.h>
#include <time.h>

#include "elfkit/modfile.h"

struct pack_options {
	const char *module;		/* the file */
	const char *output;		/* folder */
	bool deb, rpm;
	bool verbose;
	const char *version;		/* each of these may be NULL */
	const char *maintainer, *description, *health;
	unsigned int probation;		/* seconds */
};

struct pack {
	struct modfile module;
	char *scheduler;	/* the module's name without "_VERSION" */
	char *version, *maintainer, *description, *health;
	char *package;		/* its name, in both formats */
	char *unit;		/* the service */
	char *file;		/* where the module is installed */
	char *modules;		/* patterns of what it may take over from */
	char *image;		/* the kernel's package */
	unsigned int probation;
	time_t time;
};

/* Reads the module and makes up the names. */
struct err *pack_prepare(const struct pack_options *options, struct pack *ret);
void pack_release(struct pack *pack);

/* Makes what @options ask for of @pack; says the name of each file that it has written through @progress. */
struct err *pack_make(const struct pack_options *options, const struct pack *pack,
		      void (*progress)(const char *path));

#endif
