// SPDX-License-Identifier: GPL-2.0
/* elfkit refs: every reference to a function, one a line, in the order of addresses. */
#include <argp.h>
#include <string.h>

#include "elfkit/cmd.h"
#include "elfkit/near.h"
#include "elfkit/refs_out.h"

struct args {
	const char *from, *to, *output;
	bool check, json;
	const char *vmlinux;
};

enum { OPT_CHECK = 256, OPT_JSON };

static const struct argp_option options[] = {
	{ "from", 'f', "FUNC", 0, "only references from code of FUNC", 0 },
	{ "to", 't', "FUNC", 0, "only references to FUNC", 0 },
	{ "check", OPT_CHECK, NULL, 0,
	  "list instead where references and the linker's relocations or the marks of "
	  "indirect branch tracking disagree", 0 },
	{ "json", OPT_JSON, NULL, 0, "write JSON", 0 },
	{ "output", 'o', "FILE", 0, "write to FILE instead of stdout", 0 },
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
	case 'o':
		args->output = arg;
		return 0;
	case OPT_CHECK:
		args->check = true;
		return 0;
	case OPT_JSON:
		args->json = true;
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
	       "where that is, the target, and the function there, separated by tabs. VMLINUX is a file or a "
	       "build-id:\n\n"
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

static struct err *no_function(const struct funcs *funcs, const char *name)
{
	struct near near = { .name = name };
	struct err *err;

	for (uint32_t i = 0; i < funcs->n; i++)
		near_offer(&near, funcs->v[i].name);
	err = err_new("%s: no function %s%s", funcs->image->path, name, near_text(&near));
	near_release(&near);
	return err;
}

struct job {
	const struct args *args;
	const struct funcs *funcs;
	const struct refs *refs;
	struct findings findings;
};

static struct err *write_refs(void *arg, FILE *file)
{
	const struct job *job = arg;
	const struct args *args = job->args;
	AUTO_FREE bool *from = args->from ? funcs_called(job->funcs, args->from) : NULL;
	AUTO_FREE bool *to = args->to ? funcs_called(job->funcs, args->to) : NULL;
	AUTO_FREE const struct ref **sorted = xcalloc(job->refs->n, sizeof(*sorted));
	uint32_t n = 0;

	if ((args->from && !from) || (args->to && !to))
		return no_function(job->funcs, args->from && !from ? args->from : args->to);
	for (uint32_t i = 0; i < job->refs->n; i++) {
		const struct ref *ref = &job->refs->v[i];

		if ((!from || (ref->from != NO_ID && from[ref->from])) && (!to || to[ref->to]))
			sorted[n++] = ref;
	}
	qsort(sorted, n, sizeof(*sorted), compare_at);
	return refs_write(job->funcs, sorted, n, args->json, file);
}

static struct err *write_findings(void *arg, FILE *file)
{
	const struct job *job = arg;

	return refs_write_findings(&job->findings, job->args->json, file);
}

/* The findings, and on stderr what there was to check against. */
static struct err *check(struct job *job, int *status)
{
	struct err *err = crosscheck(job->funcs, NULL, job->refs, &job->findings);

	if (err)
		return err;
	err = cmd_write(job->args->output, write_findings, job);
	fprintf(stderr, "refs: %u references in relocations, %u sealed functions, %u findings\n",
		job->findings.nr_relocations, job->findings.nr_sealed, job->findings.n);
	*status = job->findings.n ? EXIT_FINDINGS : EXIT_CLEAN;
	findings_release(&job->findings);
	return err;
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
	struct job job;
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
	job = (struct job){ .args = &args, .funcs = funcs, .refs = refs };
	if (!err && args.check)
		err = check(&job, status);
	else if (!err)
		err = cmd_write(args.output, write_refs, &job);
	refs_free(refs);
	funcs_free(funcs);
	symbols_free(symbols);
	image_free(image);
	return err;
}
