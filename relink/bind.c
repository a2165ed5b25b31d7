// SPDX-License-Identifier: GPL-2.0
/* A place for each symbol: the module's or the kernel's. */
#include <string.h>

#include "loader/abi.h"
#include "relink/bind.h"
#include "relink/holders.h"
#include "relink/section.h"

struct binder {
	const struct kernel *kernel;
	const struct boundary *boundary;
	const struct object *object;
	const struct match *match;
	const enum verdict *verdict;
	char *const *difference;
	const struct symvers *symvers;
	struct bindings *bindings;
	struct remarks *remarks;
};

static const struct symbol *counterpart(const struct binder *b, uint32_t i)
{
	uint32_t id = b->match->symbol[i];

	return id == NO_ID ? NULL : &b->kernel->symbols->v[id];
}

bool bind_is_cold_part(const struct object_symbol *s)
{
	const char *dot = strrchr(s->name, '.');

	return dot && s->bind == STB_LOCAL && (!strcmp(dot, ".cold") || !strncmp(dot, ".cold.", 6));
}

/* What tells the address sanitizer of a file's variables, at the boot (gcc; clang): it follows from the rest. */
static bool is_sanitizers(const char *name)
{
	return !strncmp(name, "_sub_I_", 7) || !strncmp(name, "_sub_D_", 7) || !strncmp(name, "asan.module_", 12);
}

static void bind_function(struct binder *b, uint32_t i, struct binding *to)
{
	const struct object_symbol *s = &b->object->symbols[i];
	const struct symbol *theirs = counterpart(b, i);
	uint32_t func = b->match->func[i];

	if (!theirs || bind_is_cold_part(s)) {
		to->call = to->address = PLACE_MODULE;
		return;
	}
	to->kernel = theirs->value;
	to->call = to->address = PLACE_KERNEL;
	if (func == NO_ID)
		return;
	if (boundary_is_inside(b->boundary, func)) {
		to->call = PLACE_MODULE;
		to->replaced = true;
	} else if (b->verdict[i] == VERDICT_CHANGED && s->bind != STB_WEAK && !is_sanitizers(s->name)) {
		const struct debug_func *source = funcs_source(b->kernel->funcs, func);
		const char *because = b->boundary->v[func].because;
		bool init = boundary_is_init(b->kernel->funcs, func);

		remarks_add(b->remarks, init ? REMARK_INIT : REMARK_OUTSIDE, xstrdup(s->name),
			    source ? xstrdup(source->file) : NULL, source ? source->line : 0,
			    xasprintf("it is changed (%s) but is left to the kernel: %s", b->difference[i],
				      because ? because : "its file is none of the scheduler's"))->symbol = i;
	}
}

/* A table of constants that only replaced functions know may differ: the new code then has its own. */
static bool may_have_own(const struct binder *b, const struct object_section *section, uint64_t addr)
{
	return !(section->flags & SHF_WRITE) && !strncmp(section->name, ".rodata", 7) &&
	       !holders_of(b->kernel, b->boundary, addr, NULL, NULL);
}

static void note_policy(struct binder *b, const struct object_symbol *s, const char *what)
{
	remarks_add(b->remarks, REMARK_POLICY, xstrdup(s->name), NULL, 0, xasprintf("%s, says boundary.yaml", what));
}

/* The kernel's instance gets the new contents while the module is in. */
static void bind_updated(struct binder *b, uint32_t i, enum section_class class, uint64_t size, struct binding *to)
{
	const struct object_symbol *s = &b->object->symbols[i];

	if (s->size != size)
		remarks_add(b->remarks, REMARK_OBJECT, xstrdup(s->name), NULL, 0,
			    xasprintf("it has %lu instead of %lu bytes, and new contents go where the old are (policy update)",
				      (unsigned long)s->size, (unsigned long)size))->symbol = i;
	else if (class == SECTION_PERCPU)
		remarks_add(b->remarks, REMARK_OBJECT, xstrdup(s->name), NULL, 0,
			    xstrdup("it is per CPU: each CPU has contents of its own (policy update)"))->symbol = i;
	else
		to->updated = true;
	if (to->updated)
		note_policy(b, s, "the kernel's instance gets the new contents while the module is in");
}

static void bind_data(struct binder *b, uint32_t i, enum section_class class, struct binding *to)
{
	const struct object_symbol *s = &b->object->symbols[i];
	const struct object_section *section = &b->object->sections[s->section];
	const struct symbol *theirs = class == SECTION_FRESH ? NULL : counterpart(b, i);

	if (!theirs) {
		to->call = to->address = class == SECTION_REMOVED ? PLACE_UNBOUND : PLACE_MODULE;
		if (class == SECTION_REMOVED)
			b->bindings->problem[i] = xasprintf("it is new, and section %s does not travel",
							    section->name);
		return;
	}
	to->kernel = theirs->value;
	to->call = to->address = PLACE_KERNEL;
	if (b->verdict[i] != VERDICT_CHANGED || class == SECTION_REMOVED || !strncmp(section->name, ".init", 5))
		return;
	switch (policy_of_object(b->kernel->policy, theirs->name)) {
	case DATA_PRIVATE:
		note_policy(b, s, "the module has an instance of its own");
		to->call = to->address = PLACE_MODULE;
		return;
	case DATA_SHARE:
		note_policy(b, s, "the kernel's instance stays as it is");
		return;
	case DATA_UPDATE:
		bind_updated(b, i, class, theirs->size, to);
		return;
	case DATA_NONE:
		if (!may_have_own(b, section, theirs->value))
			break;
		to->call = to->address = PLACE_MODULE;
		return;
	}
	remarks_add(b->remarks, REMARK_OBJECT, xstrdup(theirs->name), NULL, 0,
		    xasprintf("it is changed (%s) in %s: the kernel's instance, which is in use, would stay as it is",
			      b->difference[i], section->name))->symbol = i;
}

/* Defined by the loader, with which a check does not link. */
static bool is_service(const char *name)
{
#define SERVICE(service) #service,
	static const char *const services[] = { ELFKIT_SERVICES(SERVICE) };
#undef SERVICE

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (!strcmp(name, services[i]))
			return true;
	return false;
}

static void bind_undefined(struct binder *b, uint32_t i, struct binding *to)
{
	const struct object_symbol *s = &b->object->symbols[i];
	const struct symbol *theirs = counterpart(b, i);

	if (!strcmp(s->name, ELFKIT_TABLE_SYMBOL) || is_service(s->name)) {
		to->call = to->address = PLACE_MODULE;	/* the table: defined by table_add() */
	} else if (!strcmp(s->name, "__this_module")) {
		to->call = to->address = PLACE_NAME;	/* defined by modpost, in NAME.mod.c */
	} else if (theirs && symvers_has(b->symvers, s->name)) {
		to->call = to->address = PLACE_NAME;
		to->kernel = theirs->value;
	} else if (theirs) {
		to->call = to->address = PLACE_KERNEL;
		to->kernel = theirs->value;
	} else if (s->bind == STB_WEAK) {
		to->call = to->address = PLACE_NAME;	/* stays undefined: address 0 */
	} else {
		b->bindings->problem[i] = xasprintf("vmlinux has no such symbol");
	}
}

static void bind_symbol(struct binder *b, uint32_t i)
{
	const struct object_symbol *s = &b->object->symbols[i];
	struct binding *to = &b->bindings->v[i];
	enum section_class class;

	if (s->type == STT_FILE)
		return;
	if (!object_symbol_defined(s)) {
		if (s->shndx == SHN_ABS)
			to->call = to->address = PLACE_MODULE;
		else
			bind_undefined(b, i, to);
		return;
	}
	class = section_classify(&b->object->sections[s->section]);
	if (s->type == STT_SECTION || class == SECTION_TABLE)
		to->call = to->address = PLACE_MODULE;
	else if (class == SECTION_CODE && (s->type == STT_FUNC || s->type == STT_NOTYPE))
		bind_function(b, i, to);
	else
		bind_data(b, i, class, to);
}

/* Memory that the kernel has freed when it was booted. */
static void note_freed(struct binder *b, uint32_t i)
{
	const struct symbol *theirs = counterpart(b, i);

	if (b->bindings->v[i].call == PLACE_KERNEL && theirs && theirs->shndx &&
	    theirs->shndx < b->kernel->image->nr_sections &&
	    !strncmp(b->kernel->image->sections[theirs->shndx].name, ".init", 5))
		b->bindings->problem[i] = xstrdup("it is of the boot, and its memory is freed; what it did, a hook can do (elfkit.h)");
}

void bind_symbols(const struct kernel *kernel, const struct boundary *boundary, const struct object *object,
		  const struct match *match, const enum verdict *verdict, char *const *difference,
		  const struct symvers *symvers, struct remarks *remarks, struct bindings *ret)
{
	struct binder b = {
		.kernel = kernel, .boundary = boundary, .object = object, .match = match, .verdict = verdict,
		.difference = difference, .symvers = symvers, .bindings = ret, .remarks = remarks,
	};

	ret->n = object->nr_symbols;
	ret->v = xcalloc(ret->n, sizeof(*ret->v));
	ret->problem = xcalloc(ret->n, sizeof(*ret->problem));
	ret->strings = NULL;
	for (uint32_t i = 1; i < ret->n; i++) {
		bind_symbol(&b, i);
		note_freed(&b, i);
	}
}

void bindings_release(struct bindings *bindings)
{
	for (uint32_t i = 0; i < bindings->n; i++)
		free(bindings->problem[i]);
	free(bindings->problem);
	free(bindings->strings);
	free(bindings->v);
	memset(bindings, 0, sizeof(*bindings));
}
