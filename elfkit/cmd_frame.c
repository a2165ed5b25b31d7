// SPDX-License-Identifier: GPL-2.0
/* elfkit frame: how a function's stack frame is laid out, and what the code behind a call reads of it. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "elfkit/cmd.h"
#include "elfkit/frame_out.h"
#include "elfkit/near.h"
#include "elfkit/policy.h"
#include "relink/module.h"
#include "relink/standalone.h"

struct args {
	const char *policy, *at, *object, *output;
	bool json;
	const char *func, *vmlinux;
};

enum { OPT_AT = 256, OPT_OBJECT, OPT_JSON };

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0, "what switches stacks (default: boundary.yaml of the installation)", 0 },
	{ "at", OPT_AT, "CALL", 0,
	  "look behind this call instead of each stack switch: an offset in FUNC, or the name of what is called", 0 },
	{ "object", OPT_OBJECT, "FILE", 0, "FUNC of a rebuilt object instead of VMLINUX", 0 },
	{ "json", OPT_JSON, NULL, 0, "write JSON", 0 },
	{ "output", 'o', "FILE", 0, "write to FILE instead of stdout", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'c':
		args->policy = arg;
		return 0;
	case 'o':
		args->output = arg;
		return 0;
	case OPT_AT:
		args->at = arg;
		return 0;
	case OPT_OBJECT:
		args->object = arg;
		return 0;
	case OPT_JSON:
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!args->func)
			args->func = arg;
		else if (!args->vmlinux)
			args->vmlinux = arg;
		else
			argp_error(state, "only one VMLINUX can be given");
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "FUNC is missing");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "FUNC [VMLINUX]",
	.doc = "Print the stack frame of a function: where the CFA is, saved registers, the stack protector's value, "
	       "the bytes of locals; and what the code behind a call reads before it writes it.\v"
	       "Places count from the CFA, the caller's stack pointer before the call, or from where the function has "
	       "realigned the stack. VMLINUX is a file or a build-id:\n\n"
	       "  elfkit frame __schedule --object kernel/sched/core.o\n\n"
	       "Exit status: 0 done, 1 prologue and call frame information disagree, or the code cannot be followed, "
	       "2 error.",
};

/* An image with what is asked of it. */
struct subject {
	struct image *image;
	struct symbols *symbols;
	struct debuginfo *info;
	struct funcs *funcs;
};

static bool want_none(const char *unit __attribute__((unused)), void *arg __attribute__((unused)))
{
	return false;
}

static struct err *subject_open(const char *path, bool frames, struct subject *ret)
{
	static const struct debuginfo none;
	struct err *err = image_open(path, &ret->image);

	if (!err && frames)
		err = debuginfo_open(path, want_none, NULL, &ret->info);
	if (err)
		return err;
	ret->symbols = symbols_read(ret->image);
	ret->funcs = funcs_build(ret->image, ret->symbols, ret->info ? ret->info : &none);
	return NULL;
}

static void subject_release(struct subject *s)
{
	funcs_free(s->funcs);
	symbols_free(s->symbols);
	debuginfo_free(s->info);
	image_free(s->image);
}

static struct err *find_func(const struct subject *s, const char *name, uint32_t *ret)
{
	struct near near = { .name = name };
	struct err *err;
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->funcs->n; i++)
		if (!strcmp(s->funcs->v[i].name, name)) {
			*ret = i;
			n++;
		}
	if (n > 1)
		return err_new("%u functions are called %s", n, name);
	if (n)
		return NULL;
	for (uint32_t i = 0; i < s->funcs->n; i++)
		near_offer(&near, s->funcs->v[i].name);
	err = err_new("no function %s%s", name, near_text(&near));
	near_release(&near);
	return err;
}

/* Which calls the user wants to look behind. */
struct choice {
	const struct policy *policy;
	const char *name;	/* or NULL */
	bool by_offset;
	uint64_t offset;
};

static bool is_chosen(const struct choice *c, uint64_t offset, const char *callee)
{
	if (c->by_offset)
		return offset == c->offset;
	if (c->name)
		return !strcmp(callee, c->name);
	for (uint32_t i = 0; i < c->policy->switches.n; i++)
		if (!strcmp(callee, c->policy->switches.v[i].name))
			return true;
	return false;
}

static char *reason(struct err *err)
{
	char *text = err ? xstrdup(err_message(err)) : NULL;

	err_free(err);
	return text;
}

static struct err *add_call(const struct subject *s, struct decoder *decoder, const struct insn *insn,
			    const char *callee, struct frame_report *r)
{
	struct frame_call *call;
	struct err *err;

	GROW(r->calls, r->nr_calls, r->cap_calls);
	call = &r->calls[r->nr_calls++];
	*call = (struct frame_call){ .addr = insn->addr, .callee = callee };
	err = debuginfo_cfi(s->info, 0, insn->addr, &call->row);
	if (err)
		return err;
	call->disagrees = reason(frame_agrees(r->machine, &r->frame, &call->row));
	flow_from(s->funcs, decoder, r->func, insn->addr + insn->size, &call->after);
	call->unknown = reason(resume_read(s->funcs, decoder, r->machine, r->func, &call->after,
					   insn->addr + insn->size, &r->frame, &call->needs));
	return NULL;
}

static struct err *add_calls(const struct subject *s, struct decoder *decoder, const struct code_bytes *code,
			     const struct choice *choice, struct frame_report *r)
{
	struct err *err = NULL;
	struct insn insn;

	for (uint64_t at = 0; at < code->size && !err; at += insn.size) {
		const char *callee = "";
		uint32_t id;

		if (!decode(decoder, code->data + at, code->size - at, code->addr + at, &insn))
			return err_new("not decodable at +0x%lx", (unsigned long)at);
		if (insn.kind != INSN_CALL && insn.kind != INSN_INDIRECT_CALL)
			continue;
		id = insn.kind == INSN_CALL ? funcs_at(s->funcs, insn.target) : NO_ID;
		if (id != NO_ID)
			callee = s->funcs->v[id].name;
		if (is_chosen(choice, at, callee))
			err = add_call(s, decoder, &insn, callee, r);
	}
	if (!err && !r->nr_calls && (choice->by_offset || choice->name))
		err = err_new("no such call in it");
	return err;
}

static struct err *examine(const struct subject *s, struct decoder *decoder, const char *name,
			   const struct choice *choice, struct frame_report *r)
{
	struct code_bytes code;
	struct err *err = find_func(s, name, &r->func);

	if (err)
		return err;
	r->funcs = s->funcs;
	r->machine = machine_of(s->image->machine);
	code.addr = s->funcs->v[r->func].low;
	code.size = s->funcs->v[r->func].high - code.addr;
	code.data = image_bytes(s->image, code.addr, code.size);
	if (!code.data)
		return err_about(err_new("no code"), "%s", name);
	err = frame_read(decoder, r->machine, &code, &r->frame);
	err = err ?: add_calls(s, decoder, &code, choice, r);
	return err ? err_about(err, "%s", name) : NULL;
}

struct job {
	const struct frame_report *report;
	bool json;
};

static struct err *write_frame(void *arg, FILE *file)
{
	const struct job *job = arg;
	struct err *err = NULL;

	if (job->json)
		err = frame_write_json(job->report, file);
	else
		frame_write_text(job->report, file);
	if (!err && (fflush(file) || ferror(file)))
		err = err_new("cannot write the frame");
	return err;
}

static struct err *print(const struct frame_report *r, const struct args *args, int *status)
{
	struct job job = { .report = r, .json = args->json };

	for (uint32_t i = 0; i < r->nr_calls; i++)
		if (r->calls[i].disagrees || r->calls[i].unknown)
			*status = EXIT_FINDINGS;
	return cmd_write(args->output, write_frame, &job);
}

/* The image that FUNC is in: the kernel's, or one made of the object. */
static struct err *open_subject(const struct args *args, const char *vmlinux, struct subject *ret)
{
	AUTO_FREE char *linked = NULL;
	struct subject kernel = { 0 };
	char *workdir = NULL;
	struct err *err;

	if (!args->object)
		return subject_open(vmlinux, true, ret);
	err = subject_open(vmlinux, false, &kernel);
	err = err ?: workdir_make(&workdir);
	err = err ?: standalone_link(args->object, kernel.funcs, workdir, &linked);
	err = err ?: err_in(subject_open(linked, true, ret), args->object);
	workdir_remove(workdir);
	subject_release(&kernel);
	return err;
}

struct err *cmd_frame(int argc, char **argv, int *status)
{
	AUTO_FREE char *policy_name = NULL, *vmlinux = NULL;
	struct frame_report report = { 0 };
	struct decoder *decoder = NULL;
	struct subject subject = { 0 };
	struct policy *policy = NULL;
	struct choice choice = { 0 };
	struct args args = { 0 };
	struct err *err;
	const char *file;
	char *end = NULL;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (args.at) {
		choice.offset = strtoull(args.at + (*args.at == '+'), &end, 0);
		choice.by_offset = end && end != args.at && !*end;
		choice.name = choice.by_offset ? NULL : args.at;
	}
	err = policy_path(args.policy, &policy_name);
	err = err ?: vmlinux_path(args.vmlinux, &vmlinux);
	err = err ?: policy_read(policy_name, &policy);
	choice.policy = policy;
	err = err ?: open_subject(&args, vmlinux, &subject);
	file = args.object ? args.object : vmlinux;
	err = err ?: err_in(decoder_open(subject.image->machine, &decoder), file);
	err = err ?: err_in(examine(&subject, decoder, args.func, &choice, &report), file);
	*status = EXIT_CLEAN;
	err = err ?: print(&report, &args, status);
	frame_report_release(&report);
	decoder_close(decoder);
	subject_release(&subject);
	policy_free(policy);
	return err;
}
