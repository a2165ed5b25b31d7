// SPDX-License-Identifier: GPL-2.0
/* ld with stubs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "disasm/flow.h"
#include "elfkit/output.h"
#include "relink/module.h"
#include "relink/standalone.h"

/* Where kernels are linked to, since code for them has 32-bit addresses (the x86-64 psABI's kernel code model). */
#define TEXT "-Ttext=0xffffffff81000000"

/* What stands in the assembler's input as it is. */
static bool is_plain(const char *name)
{
	return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$")];
}

static bool returns(const struct funcs *kernel, struct decoder *decoder, const char *name)
{
	uint32_t symbol = symbols_find(kernel->symbols, name);
	uint32_t func = symbol == NO_ID ? NO_ID :
		funcs_starting_at(kernel, kernel->symbols->v[symbol].value);

	return func == NO_ID || flow_returns(kernel, decoder, func);
}

static struct err *write_stubs(const struct object *object, const struct funcs *kernel, const char *path)
{
	FILE *file = fopen(path, "we");
	struct decoder *decoder;
	struct err *err;

	if (!file)
		return err_new("%s: %s", path, strerror(errno));
	err = decoder_open(object->machine, &decoder);
	for (uint32_t i = 1; i < object->nr_symbols && !err; i++) {
		const struct object_symbol *s = &object->symbols[i];

		if (s->shndx == SHN_UNDEF && is_plain(s->name))
			fprintf(file, "\t.weak \"%s\"\n\t.type \"%s\", @function\n\"%s\":\n\t%s\n"
				"\t.size \"%s\", . - \"%s\"\n", s->name, s->name, s->name,
				returns(kernel, decoder, s->name) ? "ret" : "jmp .", s->name, s->name);
	}
	if (!err)
		decoder_close(decoder);
	if (fclose(file) && !err)
		err = err_new("%s: %s", path, strerror(errno));
	return err;
}

/* To ld's own script. What it leaves out is notes of the kernel's build, some with 32 bits for an address. */
static struct err *write_script(const char *path)
{
	return output_text(path, "SECTIONS { /DISCARD/ : { *(.discard*) } } INSERT AFTER .text;\n");
}

struct err *standalone_link(const char *path, const struct funcs *kernel, const char *workdir, char **image)
{
	AUTO_FREE char *source = xasprintf("%s/stubs.s", workdir), *stubs = xasprintf("%s/stubs.o", workdir);
	AUTO_FREE char *log = xasprintf("%s/log", workdir), *output = xasprintf("%s/image", workdir);
	const char *const assemble[] = { module_tool("AS", "as"), "-o", stubs, source, NULL };
	AUTO_FREE char *script = xasprintf("%s/script", workdir);
	const char *const link[] = {
		module_tool("LD", "ld"), TEXT, "-e", "0", "-z", "noexecstack", "-z", "muldefs", "-T", script, "-o", output,
		path, stubs, NULL,
	};
	struct object *object;
	struct err *err = object_read(path, &object);

	if (err)
		return err;
	if (object->machine != kernel->image->machine)
		err = err_new("%s: not for the kernel's processor", path);
	err = err ?: write_stubs(object, kernel, source);
	err = err ?: write_script(script);
	err = err ?: module_run(assemble, log);
	err = err ?: err_in(module_run(link, log), path);
	object_free(object);
	if (!err) {
		*image = output;
		output = NULL;
	}
	return err;
}
