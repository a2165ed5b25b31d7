// SPDX-License-Identifier: GPL-2.0
/* ORC entries, copied. */
#include <string.h>

#include "relink/orc.h"

/* So many entries must have the same bytes before they are taken for what their kind looks like. */
#define SAMPLES 3

struct orc {
	struct object *object;
	const struct debuginfo *info;
	const struct machine *machine;
	uint32_t entries, ips;	/* sections */
	uint32_t n;		/* entries when this began */
	uint32_t size;		/* bytes an entry */
};

static uint32_t section_named(const struct object *object, const char *name)
{
	for (uint32_t i = 1; i < object->nr_sections; i++)
		if (!object->sections[i].removed && !strcmp(object->sections[i].name, name))
			return i;
	return 0;
}

static bool orc_open(struct object *object, struct orc *ret)
{
	ret->object = object;
	ret->entries = section_named(object, ".orc_unwind");
	ret->ips = section_named(object, ".orc_unwind_ip");
	if (!ret->entries || !ret->ips)
		return false;
	ret->n = object->sections[ret->ips].size / 4;
	ret->size = ret->n ? object->sections[ret->entries].size / ret->n : 0;
	return ret->size && (uint64_t)ret->size * ret->n == object->sections[ret->entries].size &&
	       object->sections[ret->entries].data && object->sections[ret->ips].data;
}

static const uint8_t *entry(const struct orc *o, uint32_t i)
{
	return o->object->sections[o->entries].data + (uint64_t)i * o->size;
}

/* The place in the object that entry number @offset / 4 begins at. */
static bool place_of(const struct orc *o, const struct object_reloc *r, uint32_t *section, uint64_t *at)
{
	const struct object_symbol *s = &o->object->symbols[r->symbol];

	if (r->removed || r->type != R_X86_64_PC32 || r->offset / 4 >= o->n || !object_symbol_defined(s))
		return false;
	*section = s->section;
	*at = s->value + r->addend;
	return true;
}

/* What holds at a place is the entry that begins there, or the nearest before. */
static struct err *entry_at(const struct orc *o, uint32_t section, uint64_t at, const uint8_t **ret)
{
	const struct object_section *ips = &o->object->sections[o->ips];
	uint64_t best = 0;
	bool found = false;

	for (uint32_t i = 0; i < ips->nr_relocs; i++) {
		uint32_t there;
		uint64_t begin;

		if (!place_of(o, &ips->relocs[i], &there, &begin) || there != section || begin > at ||
		    (found && begin < best))
			continue;
		best = begin;
		found = true;
		*ret = entry(o, ips->relocs[i].offset / 4);
	}
	return found ? NULL : err_new("no unwind data at its call");
}

static bool says(const struct orc *o, const struct cfi_row *cfi, const struct unwind_row *row)
{
	uint8_t fp = o->machine->fp;

	if (!cfi->cfa_known || cfi->cfa_in_memory || cfi->cfa_reg != row->cfa_reg ||
	    cfi->cfa_offset != row->cfa_offset)
		return false;
	return row->fp_saved ? cfi->rule[fp] == CFI_SAVED && cfi->offset[fp] == row->fp_offset :
			       cfi->rule[fp] == CFI_SAME;
}

/* The bytes of entries at whose places call frame information says what @row does. */
static struct err *entry_for(const struct orc *o, const struct unwind_row *row, const uint8_t **ret)
{
	const struct object_section *ips = &o->object->sections[o->ips];
	uint32_t samples = 0;

	for (uint32_t i = 0; i < ips->nr_relocs && samples < SAMPLES; i++) {
		struct cfi_row cfi;
		uint32_t section;
		uint64_t at;
		struct err *err;

		if (!place_of(o, &ips->relocs[i], &section, &at))
			continue;
		err = debuginfo_cfi(o->info, section, at, &cfi);
		if (err) {
			err_free(err);		/* assembly, or where a function ends */
			continue;
		}
		if (!says(o, &cfi, row))
			continue;
		if (samples && memcmp(*ret, entry(o, ips->relocs[i].offset / 4), o->size))
			return err_new("the unwind data has two ways to say where the frame is");
		*ret = entry(o, ips->relocs[i].offset / 4);
		samples++;
	}
	return samples == SAMPLES ? NULL :
		err_new("the unwind data has no example of a frame at %%%s + %ld",
			frame_reg_names[row->cfa_reg], (long)row->cfa_offset);
}

static void append(struct object_section *s, const uint8_t *bytes, uint32_t size)
{
	uint8_t *data = xcalloc(s->size + size, 1);

	memcpy(data, s->data, s->size);
	if (bytes)
		memcpy(data + s->size, bytes, size);
	free(s->data);
	s->data = data;
	s->size += size;
}

struct err *orc_add(struct object *object, const struct debuginfo *info, const struct machine *machine,
		    const struct orc_code *code, const struct unwind_rows *rows)
{
	struct orc o = { .info = info, .machine = machine };

	if (!orc_open(object, &o))
		return NULL;
	for (uint32_t i = 0; i < rows->n; i++) {
		AUTO_FREE uint8_t *copy = NULL;
		const uint8_t *bytes = NULL;
		struct err *err = rows->v[i].as_call ? entry_at(&o, code->call_section, code->call, &bytes) :
						       entry_for(&o, &rows->v[i], &bytes);

		if (err)
			return err;
		copy = xcalloc(o.size, 1);
		memcpy(copy, bytes, o.size);
		append(&object->sections[o.entries], copy, o.size);
		object_add_reloc(object, o.ips, object->sections[o.ips].size, R_X86_64_PC32,
				 object_section_symbol(object, code->section), code->start + rows->v[i].offset);
		append(&object->sections[o.ips], NULL, 4);
	}
	return NULL;
}
