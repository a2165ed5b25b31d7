/* SPDX-License-Identifier: GPL-2.0 */
/* The files of elfkit/pack/, which are part of the program, with @KEY@ replaced. */
#ifndef ELFKIT_PACK_TEXT_H
#define ELFKIT_PACK_TEXT_H

#include <stddef.h>

struct pack_key {
	const char *name, *value;
};

enum pack_text {
	PACK_UNIT, PACK_CONTROL, PACK_CHANGELOG, PACK_COPYRIGHT, PACK_POSTINST, PACK_PRERM, PACK_POSTRM, PACK_PRESET,
	PACK_SPEC,
};

/* A key that is not among @keys is a bug. Caller frees. */
char *pack_text(enum pack_text which, const struct pack_key *keys, size_t n);

/* @text as it stands in double quotes of a systemd unit (systemd.syntax(7)), and in a spec file. Caller frees. */
char *pack_quote_unit(const char *text);
char *pack_quote_spec(const char *text);

/* @text with a capital, as summaries of RPM begin; those of Debian do not. */
char *pack_capital(char *text);

#endif
