// SPDX-License-Identifier: GPL-2.0
/*
 * accesses VMLINUX UNIT...: what elfkit finds that each function of the units touches, one
 * line a member: UNIT FUNCTION STRUCT MEMBER HOW (of r, w and a) ADDRESS NUMBER DEPTH LOW HIGH.  The members of one
 * access have its number; one of depth 1 is inside of the last before it of depth 0; it has the
 * bytes from LOW to HIGH.  For t/structs.t.
 */
#include <stdio.h>
#include <string.h>

#include "disasm/typeflow.h"

/* As in t/fields.cc: what is larger is cleared or copied as a whole. */
#define MAX_INLINE 64

struct context {
	const struct typeinfo *info;
	const char *unit, *function;
	const struct access *access;
	unsigned long seen, typed, number;
};

static void print_step(const struct type_step *step, void *arg)
{
	struct context *c = arg;
	const struct type *t = &c->info->types->v[step->type];
	const struct type_member *m = &t->members[step->member];
	uint32_t low = step->offset + m->offset, high = low + m->size;
	uint8_t how = c->access->how;

	if (m->bit_size) {
		high = low + (m->bit_offset + m->bit_size + 7) / 8;
		low += m->bit_offset / 8;
	}
	printf("%s %s %s %s %s%s%s %lx %lu %u %u %u\n", c->unit, c->function, t->name ?: "-", m->name,
	       how & ACCESS_READ ? "r" : "", how & ACCESS_WRITE ? "w" : "", how & ACCESS_ADDRESS ? "a" : "",
	       (unsigned long)c->access->at, c->number, step->depth, low, high);
}

static void print_access(const struct access *access, void *arg)
{
	struct context *c = arg;

	c->seen += access->how != ACCESS_ADDRESS;
	c->access = access;
	c->number++;
	if (!access->type) {
		printf("%s %s ? ? ? %lx\n", c->unit, c->function, (unsigned long)access->at);
		return;
	}
	c->typed += access->how != ACCESS_ADDRESS;
	if (access->size > MAX_INLINE)
		return;
	types_walk(c->info->types, access->type, access->offset, access->size, access->bits, print_step, c);
}

static bool wanted(const char *unit, int n, char **units)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(unit, units[i]))
			return true;
	return n == 0;
}

static struct err *run(int argc, char **argv)
{
	struct debuginfo none = { 0 };
	struct context c = { 0 };
	struct typeflow *flow;
	struct typeinfo *info;
	struct image *image;
	struct symbols *symbols;
	struct funcs *funcs;
	struct err *err;

	err = image_open(argv[1], &image);
	err = err ?: typeinfo_read(argv[1], 2, NULL, &info);
	if (err)
		return err;
	symbols = symbols_read(image);
	funcs = funcs_build(image, symbols, &none);
	err = typeflow_open(funcs, info, &flow);
	if (err)
		return err;
	c.info = info;
	for (uint32_t i = 0; i < funcs->n; i++) {
		const struct type_func *known = typeinfo_func(info, funcs->v[i].low);

		if (!known || !wanted(known->unit, argc - 2, argv + 2))
			continue;
		c.unit = known->unit;
		c.function = funcs->v[i].name;
		typeflow_run(flow, i, print_access, &c);
	}
	fprintf(stderr, "seen %lu typed %lu\n", c.seen, c.typed);
	typeflow_close(flow);
	funcs_free(funcs);
	symbols_free(symbols);
	typeinfo_free(info);
	image_free(image);
	return NULL;
}

int main(int argc, char **argv)
{
	struct err *err = argc < 2 ? err_new("usage: accesses VMLINUX [UNIT...]") : run(argc, argv);

	if (!err)
		return 0;
	fprintf(stderr, "accesses: %s\n", err_message(err));
	err_free(err);
	return 2;
}
