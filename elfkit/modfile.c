// SPDX-License-Identifier: GPL-2.0
/* .modinfo (relink/manifest.c writes ours) and GNU build-id notes. A file may come from anywhere: its name is used only if it is one. */
#include <ctype.h>
#include <string.h>

#include "elfkit/modfile.h"
#include "elfkit/running.h"
#include "relink/object.h"

/* A copy of the first value of @key, or NULL. */
static char *modinfo(const struct object *object, const char *key)
{
	size_t len = strlen(key);

	for (uint32_t i = 1; i < object->nr_sections; i++) {
		const struct object_section *s = &object->sections[i];
		const char *text = (const char *)s->data, *end;

		/* one of SHT_NOBITS has a size and no bytes */
		if (strcmp(s->name, ".modinfo") || !text || !s->size || text[s->size - 1])
			continue;
		for (end = text + s->size; text < end; text += strlen(text) + 1)
			if (!strncmp(text, key, len) && text[len] == '=')
				return xstrdup(text + len + 1);
	}
	return NULL;
}

/* It is printed, and a part of paths in sysfs. */
static bool is_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
			return false;
	return *name;
}

static char *own_id(const struct object *object)
{
	char *id = NULL;

	for (uint32_t i = 1; !id && i < object->nr_sections; i++)
		if (object->sections[i].type == SHT_NOTE && object->sections[i].data)
			id = running_note_build_id(object->sections[i].data, object->sections[i].size);
	return id;
}

struct err *modfile_read(const char *path, struct modfile *ret)
{
	struct object *object = NULL;
	struct err *err = object_read(path, &object);

	memset(ret, 0, sizeof(*ret));
	if (!err) {
		ret->name = modinfo(object, "name");
		ret->release = modinfo(object, "elfkit_kernel");
		ret->kernel_id = modinfo(object, "elfkit_build_id");
		ret->functions = modinfo(object, "elfkit_functions");
		ret->elfkit = modinfo(object, "elfkit_version");
		ret->own_id = own_id(object);
		ret->machine = object->machine;
	}
	object_free(object);
	err_free(err);
	if (ret->name && is_name(ret->name) && ret->release && ret->kernel_id && ret->functions && ret->elfkit)
		return NULL;
	modfile_release(ret);
	return err_new("%s: not a module that elfkit relink has made", path);
}

void modfile_release(struct modfile *file)
{
	free(file->name);
	free(file->release);
	free(file->kernel_id);
	free(file->functions);
	free(file->elfkit);
	free(file->own_id);
	memset(file, 0, sizeof(*file));
}

bool modfile_fits(const struct modfile *file, const char *root, const char *release, char **why)
{
	AUTO_FREE char *id = NULL;

	if (strcmp(file->release, release)) {
		*why = xasprintf("made for kernel %s; running is %s", file->release, release);
		return false;
	}
	id = running_build_id(root);
	if (!id || !strcmp(id, file->kernel_id))
		return true;
	*why = xasprintf("made for build-id %s of kernel %s; running is build-id %s", file->kernel_id, release, id);
	return false;
}

bool modfile_is_loaded(const struct modfile *file, const char *root)
{
	AUTO_FREE char *path = xasprintf("%s/sys/module/%s/notes/.note.gnu.build-id", root, file->name);
	AUTO_FREE char *id = running_notes_file(path);

	return id && file->own_id && !strcmp(id, file->own_id);
}
