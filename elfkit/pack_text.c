// SPDX-License-Identifier: GPL-2.0
/* Templates come in by the assembler's .incbin, so that they can be read, and checked, as the files that they are. */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "elfkit/embed.h"
#include "elfkit/err.h"
#include "elfkit/pack_text.h"

EMBED(pack_, unit, "elfkit/pack/unit.service");
EMBED(pack_, control, "elfkit/pack/control");
EMBED(pack_, changelog, "elfkit/pack/changelog");
EMBED(pack_, copyright, "elfkit/pack/copyright");
EMBED(pack_, postinst, "elfkit/pack/postinst");
EMBED(pack_, prerm, "elfkit/pack/prerm");
EMBED(pack_, postrm, "elfkit/pack/postrm");
EMBED(pack_, preset, "elfkit/pack/preset");
EMBED(pack_, spec, "elfkit/pack/spec");

static const char *const templates[] = {
	[PACK_UNIT] = pack_unit,
	[PACK_CONTROL] = pack_control,
	[PACK_CHANGELOG] = pack_changelog,
	[PACK_COPYRIGHT] = pack_copyright,
	[PACK_POSTINST] = pack_postinst,
	[PACK_PRERM] = pack_prerm,
	[PACK_POSTRM] = pack_postrm,
	[PACK_PRESET] = pack_preset,
	[PACK_SPEC] = pack_spec,
};

/* The key that @text begins with, as "@NAME@", or NULL. */
static const struct pack_key *key_at(const char *text, const struct pack_key *keys, size_t n)
{
	for (size_t i = 0; *text == '@' && i < n; i++) {
		size_t len = strlen(keys[i].name);

		if (!strncmp(text + 1, keys[i].name, len) && text[len + 1] == '@')
			return &keys[i];
	}
	return NULL;
}

char *pack_text(enum pack_text which, const struct pack_key *keys, size_t n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert(out);
	for (const char *s = templates[which]; *s; s++) {
		const struct pack_key *key = key_at(s, keys, n);

		assert(key || *s != '@' || !(s[1] >= 'A' && s[1] <= 'Z'));
		if (key) {
			fputs(key->value, out);
			s += strlen(key->name) + 1;
		} else {
			fputc(*s, out);
		}
	}
	fclose(out);
	return text;
}

/* Puts the character of @before in front of each of @special. */
static char *quote(const char *text, const char *special, const char *before)
{
	char *quoted = xcalloc(2, strlen(text) + 1), *q = quoted;

	for (; *text; text++) {
		const char *s = strchr(special, *text);

		if (s)
			*q++ = before[s - special];
		*q++ = *text;
	}
	return quoted;
}

char *pack_quote_unit(const char *text)
{
	return quote(text, "\\\"%", "\\\\%");
}

char *pack_quote_spec(const char *text)
{
	return quote(text, "%", "%");
}

char *pack_capital(char *text)
{
	*text = toupper((unsigned char)*text);
	return text;
}
