// SPDX-License-Identifier: GPL-2.0
/* A rebuilt object: read, its references, its DWARF; and written, after which it is an object again. */
#include "elfkit/debuginfo.h"
#include "relink/object_refs.h"
#include "relink/records.h"
#include "relink/shape.h"
#include "t/fuzz/object.h"

static bool want_all(const char *unit __attribute__((unused)), void *arg __attribute__((unused)))
{
	return true;
}

/* What all later stages rely on, and none checks again: what the writes of relocations change lies in their section. */
static void check_relocs(const struct object *object)
{
	for (uint32_t i = 0; i < object->nr_sections; i++)
		for (uint32_t k = 0; k < object->sections[i].nr_relocs; k++) {
			const struct object_reloc *r = &object->sections[i].relocs[k];
			uint64_t width = object_reloc_width(r->type);

			promise(width && r->offset <= object->sections[i].size &&
				width <= object->sections[i].size - r->offset && r->symbol < object->nr_symbols);
		}
}

static void read_refs(const struct object *object)
{
	struct object_refs refs = { 0 };
	struct symbol_map map;

	symbol_map_init(object, &map);
	if (well(object_refs_read(object, &map, &refs)))
		for (uint32_t i = 0; i < refs.n; i++)
			promise(refs.v[i].section < object->nr_sections &&
				(refs.v[i].symbol == NO_REF || refs.v[i].symbol < object->nr_symbols));
	object_refs_release(&refs);
	symbol_map_release(&map);
}

static void read_debug(const char *path)
{
	struct debuginfo *info;

	if (!well(debuginfo_open(path, want_all, NULL, &info)))
		return;
	shapes_free(shapes_read(info, info));
	debuginfo_free(info);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object *object;
	struct input input;

	input_open(&input, data, size);
	if (well(object_read(input.path, &object))) {
		check_relocs(object);
		well(records_check(object));
		read_refs(object);
		read_debug(input.path);
		write_again(object);
		object_free(object);
	}
	input_close(&input);
	return 0;
}
