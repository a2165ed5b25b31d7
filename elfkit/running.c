// SPDX-License-Identifier: GPL-2.0
/*
 * Candidates by name, each held against the build-id in /sys/kernel/notes (gABI, "Note
 * Section"; kernel/ksysfs.c).
 */
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "elfkit/debuginfod.h"
#include "elfkit/image.h"
#include "elfkit/running.h"

/* %s is the release. */
static const char *const places[] = {
	"/usr/lib/debug/boot/vmlinux-%s",		/* Debian */
	"/usr/lib/debug/lib/modules/%s/vmlinux",	/* Fedora and its like */
	"/usr/lib/debug/usr/lib/modules/%s/vmlinux",
	"/usr/lib/debug/boot/vmlinux-%s.debug",		/* openSUSE */
	"/lib/modules/%s/vmlinux",
	"/lib/modules/%s/build/vmlinux",		/* built on this machine */
	"/boot/vmlinux-%s",
};

struct build_id {
	uint8_t bytes[32];
	size_t len;		/* 0: not known */
};

/* The build-id among @len bytes of notes (gABI, "Note Section"). */
static void find_build_id(const uint8_t *notes, size_t len, struct build_id *ret)
{
	size_t at = 0;

	ret->len = 0;
	while (len - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		size_t name, desc;

		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		name = ((size_t)note.n_namesz + 3) & ~3UL;
		desc = ((size_t)note.n_descsz + 3) & ~3UL;
		if (name > len - at || desc > len - at - name)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && !memcmp(notes + at, "GNU", 4) &&
		    note.n_descsz <= sizeof(ret->bytes)) {
			memcpy(ret->bytes, notes + at + name, note.n_descsz);
			ret->len = note.n_descsz;
			return;
		}
		at += name + desc;
	}
}

static void read_notes(const char *path, struct build_id *ret)
{
	FILE *file = fopen(path, "re");
	uint8_t notes[4096];

	ret->len = 0;
	if (!file)
		return;
	find_build_id(notes, fread(notes, 1, sizeof(notes), file), ret);
	fclose(file);
}

static void read_build_id(const char *root, struct build_id *ret)
{
	AUTO_FREE char *path = xasprintf("%s/sys/kernel/notes", root);

	read_notes(path, ret);
}

static char *in_hex(const struct build_id *id)
{
	char *text = id->len ? xcalloc(2, id->len + 1) : NULL;

	for (size_t i = 0; i < id->len; i++)
		sprintf(text + 2 * i, "%02x", id->bytes[i]);
	return text;
}

char *running_note_build_id(const uint8_t *notes, size_t len)
{
	struct build_id id;

	find_build_id(notes, len, &id);
	return in_hex(&id);
}

char *running_notes_file(const char *path)
{
	struct build_id id;

	read_notes(path, &id);
	return in_hex(&id);
}

char *running_build_id(const char *root)
{
	struct build_id id;

	read_build_id(root, &id);
	return in_hex(&id);
}

static bool is_it(const char *path, const struct build_id *id)
{
	struct image *image;
	struct err *err;
	bool same;

	if (access(path, R_OK))
		return false;
	if (!id->len)
		return true;
	err = image_open(path, &image);
	if (err) {
		err_free(err);
		return false;
	}
	same = image->build_id_len == id->len && !memcmp(image->build_id, id->bytes, id->len) &&
	       image_section_named(image, ".debug_info");
	image_free(image);
	return same;
}

static struct err *ask_server(const struct build_id *id, char **ret)
{
	char hex[2 * sizeof(id->bytes) + 1] = "";

	for (size_t i = 0; i < id->len; i++)
		sprintf(hex + 2 * i, "%02x", id->bytes[i]);
	return debuginfod_fetch(hex, ret);
}

struct err *running_vmlinux(const char *root, const char *release, char **ret)
{
	AUTO_FREE char *other = NULL;
	struct build_id id;
	struct err *err;

	read_build_id(root, &id);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *hole = strstr(places[i], "%s");
		AUTO_FREE char *path = xasprintf("%s%.*s%s%s", root, (int)(hole - places[i]), places[i], release,
						 hole + 2);

		if (is_it(path, &id)) {
			*ret = xstrdup(path);
			return NULL;
		}
		if (!other && !access(path, R_OK))
			other = xstrdup(path);
	}
	if (id.len && debuginfod_is_set()) {
		err = ask_server(&id, ret);
		return err ? err_about(err, "no vmlinux of the running kernel %s is installed", release) : NULL;
	}
	if (other)
		return err_new("%s is not of the running kernel, or has no debug information: install the debug package of the very build that runs, or name its vmlinux on the command line",
			       other);
	return err_new("no vmlinux with debug information for the running kernel %s: install its debug package (linux-image-%s-dbg on Debian), set DEBUGINFOD_URLS, or name the file",
		       release, release);
}
