// SPDX-License-Identifier: GPL-2.0
/*
 * elfkit refs: every reference to a function, one a line, in the order of addresses.
 *
 *	KIND	AT	FROM	TARGET	TO
 *	call	ffffffff81000123	foo+0x13	ffffffff81000400	bar
 *
 * KIND is call, jump, address (taken by an instruction) or data (a pointer).
 */
#include <argp.h>
#include <string.h>

#include "disasm/refs.h"
#include "elfkit/cmd.h"
#include "elfkit/crosscheck.h"

struct args {
	const char *from, *to;
	bool check;
	const char *vmlinux;
};

static const struct argp_option options[] = {
	{ "from", 'f', "FUNC", 0, "only references from code of FUNC", 0 },
	{ "to", 't', "FUNC", 0, "only references to FUNC", 0 },
	{ "check", 'c', NULL, 0,
	  "list instead where references and the linker's relocations or the marks of "
	  "indirect branch tracking disagree", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'f':
		args->from = arg;
		return 0;
	case 't':
		args->to = arg;
		return 0;
	case 'c':
		args->check = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->vmlinux)
			argp_error(state, "only one VMLINUX can be given");
		args->vmlinux = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[VMLINUX]",
	.doc = "List what refers to the functions of a kernel, from code and from data.\v"
	       "A line holds the kind (call, jump, address, data), the address of the instruction or pointer, "
	       "where that is, the target, and the function there, separated by tabs:\n\n"
	       "  elfkit refs --to __schedule /usr/lib/debug/boot/vmlinux-$(uname -r)\n\n"
	       "Exit status: 0 done, 1 --check has found a disagreement, 2 error.",
};

/* A name stands for every function that has it, under any of its names. */
static bool *funcs_called(const struct funcs *funcs, const char *name)
{
	const struct symbols *symbols = funcs->symbols;
	bool *set = xcalloc(funcs->n, sizeof(*set));
	bool found = false;

	for (uint32_t i = 0; i < symbols->n; i++) {
		uint32_t func = strcmp(symbols->v[i].name, name) ? NO_ID :
			funcs_starting_at(funcs, symbols->v[i].value);

		if (func != NO_ID)
			set[func] = found = true;
	}
	if (found)
		return set;
	free(set);
	return NULL;
}

static int compare_at(const void *a, const void *b)
{
	const struct ref *x = *(const struct ref *const *)a, *y = *(const struct ref *const *)b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

static void print_ref(const struct funcs *funcs, const struct ref *ref)
{
	const struct func *to = &funcs->v[ref->to];
	AUTO_FREE char *place = funcs_place(funcs, ref->at);

	printf("%s\t%lx\t%s\t%lx\t%s", ref_kind_names[ref->kind], (unsigned long)ref->at, place,
	       (unsigned long)(to->low + ref->offset), to->name);
	if (ref->offset)
		printf("+0x%x", ref->offset);
	putchar('\n');
}

static struct err *print_refs(const struct funcs *funcs, const struct refs *refs, const struct args *args)
{
	AUTO_FREE bool *from = args->from ? funcs_called(funcs, args->from) : NULL;
	AUTO_FREE bool *to = args->to ? funcs_called(funcs, args->to) : NULL;
	AUTO_FREE const struct ref **sorted = xcalloc(refs->n, sizeof(*sorted));
	uint32_t n = 0;

	if ((args->from && !from) || (args->to && !to))
		return err_new("%s: no function %s", funcs->image->path, args->from && !from ? args->from : args->to);
	for (uint32_t i = 0; i < refs->n; i++) {
		const struct ref *ref = &refs->v[i];

		if ((!from || (ref->from != NO_ID && from[ref->from])) && (!to || to[ref->to]))
			sorted[n++] = ref;
	}
	qsort(sorted, n, sizeof(*sorted), compare_at);
	for (uint32_t i = 0; i < n; i++)
		print_ref(funcs, sorted[i]);
	return fflush(stdout) || ferror(stdout) ? err_new("cannot write the references") : NULL;
}

/* KIND and text, and on stderr what there was to check against. */
static struct err *print_findings(const struct funcs *funcs, const struct refs *refs, int *status)
{
	struct findings findings;
	struct err *err = crosscheck(funcs, NULL, refs, &findings);
	bool failed;

	if (err)
		return err;
	for (uint32_t i = 0; i < findings.n; i++)
		printf("%s\t%s\n", finding_names[findings.v[i].kind], findings.v[i].text);
	failed = fflush(stdout) || ferror(stdout);
	fprintf(stderr, "refs: %u references in relocations, %u sealed functions, %u findings\n",
		findings.nr_relocations, findings.nr_sealed, findings.n);
	*status = findings.n ? EXIT_FINDINGS : EXIT_CLEAN;
	findings_release(&findings);
	return failed ? err_new("cannot write the findings") : NULL;
}

struct err *cmd_refs(int argc, char **argv, int *status)
{
	const struct debuginfo none = { 0 };
	AUTO_FREE char *vmlinux = NULL;
	struct args args = { 0 };
	struct image *image;
	struct symbols *symbols;
	struct funcs *funcs;
	struct refs *refs = NULL;
	struct err *err;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	err = vmlinux_path(args.vmlinux, &vmlinux);
	err = err ?: image_open(vmlinux, &image);
	if (err)
		return err;
	symbols = symbols_read(image);
	funcs = funcs_build(image, symbols, &none);
	err = refs_collect(funcs, NULL, &refs);
	*status = EXIT_CLEAN;
	if (!err && args.check)
		err = print_findings(funcs, refs, status);
	else if (!err)
		err = print_refs(funcs, refs, &args);
	refs_free(refs);
	funcs_free(funcs);
	symbols_free(symbols);
	image_free(image);
	return err;
}
