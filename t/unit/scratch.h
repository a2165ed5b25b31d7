/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inputs that only a toolchain can make: C and assembly from strings in the test,
 * compiled in a directory of their own, and the stages of elfkit run on them.
 */
#ifndef T_SCRATCH_H
#define T_SCRATCH_H

#include <elf.h>
#include <stdlib.h>
#include <unistd.h>

#include "elfkit/funcs.h"
#include "t/unit/unit.h"

#define TEXT 0xffffffff81000000ULL

/* What a kernel is linked like, in small. */
#define LINK "ld -Ttext=0xffffffff81000000 -e 0 --build-id=none -z noexecstack"

struct scratch {
	char dir[32];
	char object[64], linked[64];
};

/* Where the compiler is told that the tree is. */
#define SCRATCH_TREE "/tree"

static UNUSED void run_command(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command))
		fail_msg("command failed: %s", command);
}

/* Puts @text into FILE of the directory; makes folders on the way. */
static UNUSED void scratch_file(const struct scratch *s, const char *name, const char *text)
{
	char path[128], *slash;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	slash = strrchr(path, '/');
	*slash = '\0';
	run_command("mkdir -p %s", path);
	*slash = '/';
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static UNUSED void scratch_init(struct scratch *s)
{
	strcpy(s->dir, "/tmp/elfkit-unit-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->object, sizeof(s->object), "%s/out.o", s->dir);
	snprintf(s->linked, sizeof(s->linked), "%s/vmlinux", s->dir);
}

/* Compiles FILE of the directory with gcc, whose names for clones and parts are tested. */
static UNUSED void scratch_compile(const struct scratch *s, const char *file, const char *object,
				   const char *flags)
{
	run_command("cd %s && gcc -g -O2 -ffreestanding -fno-pic -mcmodel=kernel -fcf-protection=none "
		    "-fno-asynchronous-unwind-tables -ffile-prefix-map=%s=" SCRATCH_TREE " %s -c -o %s %s",
		    s->dir, s->dir, flags, object, file);
}

/* Links the objects to vmlinux in the directory. */
static UNUSED void scratch_link(const struct scratch *s, const char *objects)
{
	run_command("cd %s && " LINK " -o vmlinux %s", s->dir, objects);
}

static UNUSED void scratch_assemble(const struct scratch *s, const char *text)
{
	scratch_file(s, "code.s", text);
	run_command("cd %s && as -o out.o code.s", s->dir);
}

static UNUSED void scratch_release(const struct scratch *s)
{
	run_command("rm -rf %s", s->dir);
}

/* A linked image with its functions, without DWARF. */
struct program {
	struct scratch scratch;
	struct image *image;
	struct symbols *symbols;
	struct debuginfo debuginfo;
	struct funcs *funcs;
	struct decoder *decoder;
};

/* A function in GNU assembly; its symbol has type and size. */
#define FUNC(name, body)                                                                          \
	".globl " name "; .type " name ", @function; " name ":\n" body                            \
	"\n.size " name ", . - " name "\n"

static UNUSED void program_init(struct program *p, const char *assembly)
{
	memset(p, 0, sizeof(*p));
	scratch_init(&p->scratch);
	scratch_assemble(&p->scratch, assembly);
	scratch_link(&p->scratch, "out.o");
	assert_success(image_open(p->scratch.linked, &p->image));
	p->symbols = symbols_read(p->image);
	p->funcs = funcs_build(p->image, p->symbols, &p->debuginfo);
	assert_success(decoder_open(EM_X86_64, &p->decoder));
}

static UNUSED void program_release(struct program *p)
{
	decoder_close(p->decoder);
	funcs_free(p->funcs);
	symbols_free(p->symbols);
	image_free(p->image);
	scratch_release(&p->scratch);
}

static UNUSED uint32_t func_named(const struct funcs *funcs, const char *name)
{
	for (uint32_t i = 0; i < funcs->n; i++)
		if (!strcmp(funcs->v[i].name, name))
			return i;
	fail_msg("no function %s", name);
	return NO_ID;
}

static UNUSED uint64_t address_of(const struct symbols *symbols, const char *name)
{
	uint32_t id = symbols_find(symbols, name);

	if (id == NO_ID)
		fail_msg("no symbol %s", name);
	return symbols->v[id].value;
}

#endif
