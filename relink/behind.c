// SPDX-License-Identifier: GPL-2.0
/* Effects of the code behind a stack switch. */
#include <string.h>

#include "relink/behind.h"

/* What a piece of code does to the world. */
struct effects {
	uint32_t *calls;	/* func ids; NO_ID: something that the kernel does not have */
	uint32_t nr_calls, cap_calls;
	uint32_t nr_writes;	/* to memory that is not the frame */
};

struct walk {
	const struct funcs *funcs;
	const struct object *object;
	const struct object_refs *refs;
	const struct match *match;
	struct decoder *decoder;
	const struct machine *machine;
	uint32_t section;
	uint64_t low, high;	/* the function, in the section */
	bool *seen;		/* [high - low] */
	uint64_t *todo;
	uint32_t nr_todo, cap_todo;
	struct effects *effects;
};

/* What the stack protector calls when it is too late (gcc, clang): a matter of frames, not of what code does. */
#define STACK_PROTECTOR "__stack_chk_fail"

static void add_call(struct effects *e, const struct funcs *funcs, uint32_t func)
{
	if (func != NO_ID && !strcmp(funcs->v[func].name, STACK_PROTECTOR))
		return;
	GROW(e->calls, e->nr_calls, e->cap_calls);
	e->calls[e->nr_calls++] = func;
}

static void add_writes(struct effects *e, const struct machine *machine, const struct insn_detail *d)
{
	for (uint8_t i = 0; i < d->nr_operands; i++) {
		const struct operand *o = &d->operands[i];

		if (o->kind == OPERAND_MEM && o->written &&
		    (o->segment || (o->base != machine->sp && o->base != machine->fp)))
			e->nr_writes++;
	}
}

static void effects_of_kernel(const struct funcs *funcs, struct decoder *decoder,
			      const struct machine *machine, const struct flow *flow, struct effects *e)
{
	for (uint32_t i = 0; i < flow->n; i++) {
		uint64_t left = funcs->v[funcs_at(funcs, flow->v[i])].high - flow->v[i];
		const uint8_t *bytes = image_bytes(funcs->image, flow->v[i], left);
		struct insn_detail d;
		struct insn insn;

		if (!bytes || !decode(decoder, bytes, left, flow->v[i], &insn))
			continue;
		if (insn.kind == INSN_CALL)
			add_call(e, funcs, funcs_at(funcs, insn.target));
		else if (decode_detail(decoder, bytes, insn.size, flow->v[i], &d))
			add_writes(e, machine, &d);
	}
}

/* The reference that the instruction at @insn of the section makes, or NULL. */
static const struct object_ref *ref_of(const struct walk *w, uint64_t insn)
{
	for (uint32_t r = w->refs->first[w->section]; r < w->refs->first[w->section + 1]; r++)
		if (w->refs->v[r].insn == insn && w->refs->v[r].kind == OBJECT_REF_BRANCH)
			return &w->refs->v[r];
	return NULL;
}

static void push(struct walk *w, uint64_t at)
{
	if (at < w->low || at >= w->high || w->seen[at - w->low])
		return;
	w->seen[at - w->low] = true;
	GROW(w->todo, w->nr_todo, w->cap_todo);
	w->todo[w->nr_todo++] = at;
}

static void step(struct walk *w, uint64_t at)
{
	const uint8_t *bytes = w->object->sections[w->section].data + at;
	const struct object_ref *ref;
	struct insn_detail d;
	struct insn insn;
	uint32_t func;

	if (!decode(w->decoder, bytes, w->high - at, at, &insn))
		return;
	ref = ref_of(w, at);
	switch (insn.kind) {
	case INSN_CALL:
		func = ref && ref->symbol != NO_REF && !ref->target ? w->match->func[ref->symbol] : NO_ID;
		add_call(w->effects, w->funcs, func);
		if (func != NO_ID && !flow_returns(w->funcs, w->decoder, func))
			return;
		break;
	case INSN_JUMP:
		if (!ref)
			push(w, insn.target);
		return;
	case INSN_BRANCH:
		if (!ref)
			push(w, insn.target);
		break;
	case INSN_RETURN:
	case INSN_INDIRECT_JUMP:
		return;
	default:
		if (decode_detail(w->decoder, bytes, insn.size, at, &d))
			add_writes(w->effects, w->machine, &d);
		break;
	}
	push(w, at + insn.size);
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static const char *name_of(const struct funcs *funcs, uint32_t func)
{
	return func == NO_ID ? "a new function" : funcs->v[func].name;
}

static struct err *compare(const struct funcs *funcs, struct effects *old, struct effects *new)
{
	uint32_t i = 0;

	if (old->nr_calls)
		qsort(old->calls, old->nr_calls, sizeof(*old->calls), compare_ids);
	if (new->nr_calls)
		qsort(new->calls, new->nr_calls, sizeof(*new->calls), compare_ids);
	while (i < old->nr_calls && i < new->nr_calls && old->calls[i] == new->calls[i])
		i++;
	if (i < new->nr_calls && (i == old->nr_calls || new->calls[i] < old->calls[i] || new->calls[i] == NO_ID))
		return err_new("behind the stack switch it calls %s, which the kernel's does not",
			       name_of(funcs, new->calls[i]));
	if (i < old->nr_calls)
		return err_new("behind the stack switch it does not call %s, which the kernel's does",
			       name_of(funcs, old->calls[i]));
	if (old->nr_writes != new->nr_writes)
		return err_new("behind the stack switch it writes to memory %u times, the kernel's %u times",
			       new->nr_writes, old->nr_writes);
	return NULL;
}

struct err *behind_switch_same(const struct funcs *funcs, const struct object *object,
			       const struct object_refs *refs, const struct match *match,
			       struct decoder *decoder, const struct stack_switch *sw,
			       const struct object_ref *call)
{
	const struct object_symbol *host = &object->symbols[call->host];
	struct effects old = { 0 }, new = { 0 };
	struct walk w = {
		.funcs = funcs, .object = object, .refs = refs, .match = match, .decoder = decoder,
		.machine = machine_of(object->machine), .section = call->section,
		.low = host->value, .high = host->value + host->size,
		.seen = xcalloc(host->size, sizeof(bool)), .effects = &new,
	};
	struct err *err;

	effects_of_kernel(funcs, decoder, w.machine, &sw->after, &old);
	push(&w, call->offset + call->width);
	while (w.nr_todo)
		step(&w, w.todo[--w.nr_todo]);
	err = compare(funcs, &old, &new);
	free(w.seen);
	free(w.todo);
	free(old.calls);
	free(new.calls);
	if (!err)
		return NULL;
	return err_about(err, "that half of it never runs, since tasks go on in the kernel's own");
}
