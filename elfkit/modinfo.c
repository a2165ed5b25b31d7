// SPDX-License-Identifier: GPL-2.0
/* .modinfo of a finished module. A file may come from anywhere: its name is used only if it is one. */
#include <ctype.h>
#include <string.h>

#include "elfkit/modinfo.h"

const char *modinfo_value(const struct object *object, const char *key)
{
	size_t len = strlen(key);

	for (uint32_t i = 1; i < object->nr_sections; i++) {
		const struct object_section *s = &object->sections[i];
		const char *text = (const char *)s->data, *end;

		/* one of SHT_NOBITS has a size and no bytes */
		if (strcmp(s->name, ".modinfo") || !text || text[s->size - 1])
			continue;
		for (end = text + s->size; text < end; text += strlen(text) + 1)
			if (!strncmp(text, key, len) && text[len] == '=')
				return text + len + 1;
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

struct err *modinfo_module_name(const char *path, char **ret)
{
	struct object *object = NULL;
	const char *name = NULL;
	struct err *err = object_read(path, &object);

	if (!err && modinfo_value(object, "elfkit_build_id"))
		name = modinfo_value(object, "name");
	if (name && is_name(name))
		*ret = xstrdup(name);
	else
		name = NULL;
	object_free(object);
	err_free(err);
	return name ? NULL : err_new("%s: not a module that elfkit relink has made", path);
}
