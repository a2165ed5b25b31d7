// SPDX-License-Identifier: GPL-2.0
/* Parts and edges of a function in an object. */
#include <string.h>

#include "disasm/flow.h"
#include "relink/ahead.h"

#define MAX_PARTS 8

struct builder {
	const struct object *object;
	const struct object_refs *refs;
	uint32_t symbols[MAX_PARTS];	/* of the parts */
	struct body_part parts[MAX_PARTS];
	uint32_t nr_parts;
	struct body_edge *edges;
	uint32_t nr_edges, cap_edges;
};

/* Sections begin at 0 each: this keeps them apart. */
static uint64_t place(uint32_t section, uint64_t offset)
{
	return (uint64_t)section << 40 | offset;
}

static bool is_part(const struct builder *b, uint32_t symbol)
{
	for (uint32_t i = 0; i < b->nr_parts; i++)
		if (b->symbols[i] == symbol)
			return true;
	return false;
}

static struct err *add_part(struct builder *b, uint32_t symbol)
{
	const struct object_symbol *s = &b->object->symbols[symbol];

	if (b->nr_parts == MAX_PARTS)
		return err_new("it is in more than %u parts", MAX_PARTS);
	b->symbols[b->nr_parts] = symbol;
	b->parts[b->nr_parts++] = (struct body_part){
		.name = s->name,
		.code = {
			.data = b->object->sections[s->section].data + s->value,
			.addr = place(s->section, s->value),
			.size = s->size,
		},
	};
	return NULL;
}

/* What jumps into the middle of a part is a part as well (gcc's FUNC.cold). */
static struct err *find_parts(struct builder *b, uint32_t host)
{
	struct err *err = add_part(b, host);
	uint32_t before = 0;

	while (!err && before != b->nr_parts) {
		before = b->nr_parts;
		for (uint32_t r = 0; r < b->refs->n && !err; r++) {
			const struct object_ref *ref = &b->refs->v[r];

			if (ref->kind == OBJECT_REF_BRANCH && ref->host != NO_REF && ref->symbol != NO_REF &&
			    ref->target && is_part(b, ref->symbol) && !is_part(b, ref->host))
				err = add_part(b, ref->host);
		}
	}
	return err;
}

static void add_edge(struct builder *b, uint64_t from, uint64_t to, enum body_edge_kind kind)
{
	GROW(b->edges, b->nr_edges, b->cap_edges);
	b->edges[b->nr_edges++] = (struct body_edge){ from, to, kind };
}

static uint64_t target_of(const struct builder *b, const struct object_ref *ref)
{
	return place(ref->target_section, ref->target + (ref->symbol == NO_REF ? 0 : b->object->symbols[ref->symbol].value));
}

/* Branches with a relocation, and those that leave a part. */
static void add_branch(struct builder *b, const struct funcs *funcs, const struct match *match, struct decoder *decoder,
		       const struct object_ref *ref)
{
	const struct object_section *s = &b->object->sections[ref->section];
	uint64_t from = place(ref->section, ref->insn);
	struct insn insn;
	uint32_t func;

	if (!decode(decoder, s->data + ref->insn, s->size - ref->insn, ref->insn, &insn))
		return;
	if (insn.kind != INSN_CALL) {
		bool stays = ref->symbol != NO_REF && is_part(b, ref->symbol);

		add_edge(b, from, stays ? target_of(b, ref) : 0, stays ? EDGE_BRANCH : EDGE_LEAVES);
		return;
	}
	func = ref->symbol == NO_REF || ref->target ? NO_ID : match->func[ref->symbol];
	if (func != NO_ID && !flow_returns(funcs, decoder, func))
		add_edge(b, from, 0, EDGE_ENDS);
}

/*
 * Tables of pairs, the place of an instruction and another where it may go on: struct jump_entry
 * (include/linux/jump_label.h) and struct exception_table_entry (arch/x86/include/asm/extable.h).
 */
static uint32_t entry_size(const char *section)
{
	return !strcmp(section, "__jump_table") ? 16 : !strcmp(section, "__ex_table") ? 12 : 0;
}

static void add_pair(struct builder *b, const struct object_ref *from, const struct object_ref *to)
{
	if (from->symbol == NO_REF || !is_part(b, from->symbol))
		return;
	add_edge(b, target_of(b, from), target_of(b, to), EDGE_MAYBE);
}

static void find_edges(struct builder *b, const struct funcs *funcs, const struct match *match,
		       struct decoder *decoder)
{
	for (uint32_t r = 0; r < b->refs->n; r++) {
		const struct object_ref *ref = &b->refs->v[r];
		uint32_t size = entry_size(b->object->sections[ref->section].name);

		if (ref->kind == OBJECT_REF_BRANCH && ref->host != NO_REF && is_part(b, ref->host))
			add_branch(b, funcs, match, decoder, ref);
		else if (size && ref->offset % size == 0 && r + 1 < b->refs->n &&
			 ref[1].section == ref->section && ref[1].offset == ref->offset + 4)
			add_pair(b, ref, ref + 1);
	}
}

struct err *ahead_keeps_frame(const struct funcs *funcs, const struct object *object, const struct object_refs *refs,
			      const struct match *match, struct decoder *decoder, const struct object_ref *call,
			      const struct frame *frame)
{
	struct builder b = { .object = object, .refs = refs };
	struct err *err = find_parts(&b, call->host);
	struct body body;

	if (err)
		return err;
	find_edges(&b, funcs, match, decoder);
	body = (struct body){ b.parts, b.nr_parts, b.edges, b.nr_edges };
	err = body_keeps_frame(decoder, machine_of(object->machine), &body, place(call->section, call->insn), frame);
	free(b.edges);
	return err;
}
