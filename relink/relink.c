// SPDX-License-Identifier: GPL-2.0
/* The stages of relink, in their order. Each reads what the ones before have made. */
#include <string.h>

#include "relink/adapter.h"
#include "relink/module.h"
#include "relink/relink.h"
#include "relink/section.h"
#include "relink/state.h"
#include "relink/table.h"

struct state {
	const struct relink_options *options;
	struct kernel kernel;
	struct symvers symvers;
	char *workdir;
	char *kept;			/* why runqueues are not rebuilt, or NULL */
	char *name;			/* of the module */
	char *path;			/* of the object below */
	struct object *object;		/* the rebuilt objects and the loader in one */
	struct debuginfo *info;		/* of the object */
	struct symbol_map map;
	struct object_refs refs;
	struct match match;
	enum verdict *verdict;
	char **difference;
	struct boundary *boundary;	/* of what the object has bodies for */
	struct bindings bindings;
	struct rewrite_result rewritten;
	struct table_counts counts;
	uint32_t nr_symbols;		/* of the object as it was read */
	uint32_t nr_adapters;
};

static void say(const struct state *s, char *line)
{
	if (s->options->progress)
		s->options->progress(line, s->options->arg);
	free(line);
}

/* Cheap questions first: each wrong input is told before the long work starts. */
static struct err *check_inputs(struct state *s)
{
	const struct relink_options *o = s->options;
	struct err *err = module_name(o->output, &s->name);

	if (err)
		return err;
	for (uint32_t i = 0; i < o->nr_objects; i++) {
		struct object *object;

		err = object_read(o->objects[i], &object);
		if (err)
			return err;
		if (!machine_of(object->machine))
			err = err_new("%s: ELF machine %u is not supported: elfkit knows x86-64",
				      o->objects[i], object->machine);
		object_free(object);
		if (err)
			return err;
	}
	return NULL;
}

static struct err *check_headers(struct state *s)
{
	AUTO_FREE char *symvers = xasprintf("%s/Module.symvers", s->options->kernel_dir);
	AUTO_FREE char *release = NULL, *built = kernel_release_name(&s->kernel);
	struct err *err = module_kernel_release(s->options->kernel_dir, &release);

	if (err)
		return err;
	if (!built || strcmp(release, built))
		return err_new("%s is for kernel %s, but %s is %s", s->options->kernel_dir, release,
			       s->options->vmlinux, built ? built : "of an unknown release");
	return symvers_read(symvers, &s->symvers);
}

static bool want_all(const char *unit __attribute__((unused)), void *arg __attribute__((unused)))
{
	return true;
}

static struct err *read_objects(struct state *s)
{
	const struct relink_options *o = s->options;
	AUTO_FREE char *joined = NULL;
	struct err *err = workdir_make(&s->workdir);

	if (err)
		return err;
	joined = xasprintf("%s/joined.o", s->workdir);
	err = module_join(o->objects, o->nr_objects, joined);
	s->kept = state_why_kept(&s->kernel);
	err = err ?: module_compile(joined, s->name, o->loader_dir, o->kernel_dir, s->workdir, !s->kept, &s->path);
	err = err ?: object_read(s->path, &s->object);
	err = err ?: debuginfo_open(s->path, want_all, NULL, &s->info);
	if (err)
		return err;
	symbol_map_init(s->object, &s->map);
	err = object_refs_read(s->object, &s->map, &s->refs);
	return err ?: match_symbols(&s->kernel, s->object, s->info, &s->match);
}

/*
 * The functions with a new body.  One whose code has a constant that only the boot fills in
 * has none: a module's copy would keep the placeholder.
 */
static void find_bodies(struct state *s, bool *has_body)
{
	for (uint32_t i = 1; i < s->object->nr_symbols; i++)
		if (s->match.func[i] != NO_ID && s->object->symbols[i].type == STT_FUNC &&
		    object_symbol_defined(&s->object->symbols[i]))
			has_body[s->match.func[i]] = true;
	for (uint32_t r = 0; r < s->refs.n; r++) {
		const struct object_ref *ref = &s->refs.v[r];

		if (section_classify(&s->object->sections[ref->section]) == SECTION_BOOT_CONSTANT &&
		    ref->symbol != NO_REF && s->match.func[ref->symbol] != NO_ID)
			has_body[s->match.func[ref->symbol]] = false;
	}
}

static struct err *decide(struct state *s)
{
	bool *has_body = xcalloc(s->kernel.funcs->n, sizeof(*has_body));
	struct err *err;

	s->nr_symbols = s->object->nr_symbols;
	compare_symbols(&s->kernel, s->object, &s->refs, &s->map, &s->match, &s->verdict, &s->difference);
	find_bodies(s, has_body);
	err = boundary_compute(s->kernel.funcs, s->kernel.refs, s->kernel.policy, has_body, &s->boundary);
	free(has_body);
	return err ?: bind_symbols(&s->kernel, s->boundary, s->object, &s->match, s->verdict, s->difference,
				   &s->symvers, &s->bindings);
}

/* From here on the object is edited: what describes it as it was must not be made anew. */
static struct err *edit(struct state *s)
{
	struct err *err = anchor_init(&s->kernel, &s->symvers, s->object, &s->rewritten.anchor);

	err = err ?: rewrite_object(s->object, &s->refs, &s->match, &s->bindings, &s->map, &s->rewritten);
	err = err ?: adapters_add(&s->kernel, s->boundary, s->object, &s->refs, &s->match, s->info,
				  &s->rewritten.anchor, &s->nr_adapters);
	return err ?: table_add(&s->kernel, s->boundary, s->object, &s->match, &s->bindings, &s->rewritten,
				&s->symvers, &s->map, !s->kept, &s->counts);
}

/* Padding in front of functions has names of its own (objtool --prefix), a .cold part its function's. */
static bool is_new_function(const struct state *s, uint32_t i)
{
	const struct object_symbol *sym = &s->object->symbols[i];

	return sym->type == STT_FUNC && object_symbol_defined(sym) && !s->match.foreign[i] &&
	       s->bindings.v[i].call == PLACE_MODULE && !strstr(sym->name, ".cold") &&
	       strncmp(sym->name, "__pfx_", 6);
}

static void summarise(struct state *s)
{
	uint32_t replaced = 0, same = 0, added = 0;

	for (uint32_t i = 1; i < s->bindings.n; i++) {
		const struct object_symbol *sym = &s->object->symbols[i];

		if (s->bindings.v[i].replaced) {
			replaced++;
			same += s->verdict[i] == VERDICT_SAME;
			if (s->verdict[i] == VERDICT_CHANGED)
				say(s, xasprintf("changed: %s (%s)", sym->name, s->difference[i]));
		} else if (is_new_function(s, i)) {
			added++;
		}
	}
	say(s, xasprintf("relink: %u functions replaced (%u same, %u changed), %u new, %u jumps, %u kernel objects shared, %u stack-switch adapter%s",
			 replaced, same, replaced - same, added, s->counts.sites, s->rewritten.nr_shared,
			 s->nr_adapters, s->nr_adapters == 1 ? "" : "s"));
	if (s->kept)
		say(s, xasprintf("note: runqueues stay as they are at the switch: %s", s->kept));
	if (s->rewritten.nr_pinned)
		say(s, xasprintf("warning: the address of the new function %s is taken: with it loaded there is no going back",
				 s->rewritten.pinned));
}

static void release(struct state *s)
{
	rewrite_result_release(&s->rewritten);
	bindings_release(&s->bindings);
	boundary_free(s->boundary);
	for (uint32_t i = 0; s->difference && i < s->nr_symbols; i++)
		free(s->difference[i]);
	free(s->difference);
	free(s->verdict);
	match_release(&s->match);
	object_refs_release(&s->refs);
	symbol_map_release(&s->map);
	debuginfo_free(s->info);
	object_free(s->object);
	free(s->path);
	free(s->kept);
	free(s->name);
	workdir_remove(s->workdir);
	symvers_release(&s->symvers);
	kernel_release(&s->kernel);
}

struct err *relink(const struct relink_options *options)
{
	struct state s = { .options = options };
	struct err *err;

	err = check_inputs(&s);
	err = err ?: kernel_read(options->vmlinux, options->policy, &s.kernel);
	err = err ?: check_headers(&s);
	err = err ?: read_objects(&s);
	err = err ?: decide(&s);
	err = err ?: edit(&s);
	if (!err)
		summarise(&s);
	err = err ?: module_build(s.object, s.name, options->kernel_dir, s.workdir, options->output);
	release(&s);
	return err;
}
