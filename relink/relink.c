// SPDX-License-Identifier: GPL-2.0
/* The stages of relink, in their order. Each reads what the ones before have made. */
#include <string.h>

#include "elfkit/parallel.h"
#include "relink/adapter.h"
#include "relink/changes.h"
#include "relink/literals.h"
#include "relink/manifest.h"
#include "relink/module.h"
#include "relink/prune.h"
#include "relink/records.h"
#include "relink/relink.h"
#include "relink/section.h"
#include "relink/state.h"
#include "relink/table.h"

struct state {
	const struct relink_options *options;
	struct relink_result *result;
	struct remarks *remarks;
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
	uint64_t *where;		/* of each difference */
	bool *has_body;			/* [kernel functions] */
	struct shapes *old, *now;	/* what both declare */
	struct boundary *boundary;	/* of what the object has bodies for */
	struct bindings bindings;
	struct rewrite_result rewritten;
	struct updates updates;
	struct table_counts counts;
	struct pruned pruned;
	uint32_t nr_symbols;		/* of the object as it was read */
	uint32_t nr_adapters;
};

static void say(const struct state *s, char *line)
{
	if (s->options->progress)
		s->options->progress(line, s->options->arg);
	free(line);
}

static void begin(const struct state *s, const char *what)
{
	if (s->options->step)
		s->options->step(what, s->options->arg);
}

/* Cheap questions first: each wrong input is told before the long work starts. */
static struct err *check_inputs(struct state *s)
{
	const struct relink_options *o = s->options;
	struct err *err = o->output ? module_name(o->output, &s->name) : NULL;

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

static struct err *read_kernel(struct state *s)
{
	return kernel_read(s->options->vmlinux, s->options->policy, &s->kernel);
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

/*
 * Whether the kernel's tables of code come from an objtool that has not been over the object yet:
 * where the kernel runs it on whole modules, code is not comparable before that.
 */
static struct err *needs_objtool(const struct state *s, const char *joined, bool *ret)
{
	struct object *object;
	struct err *err = object_read(joined, &object);

	if (err)
		return err;
	*ret = image_section_named(s->kernel.image, ".orc_unwind") != NULL;
	for (uint32_t i = 1; i < object->nr_sections; i++)
		if (!strcmp(object->sections[i].name, ".orc_unwind"))
			*ret = false;
	object_free(object);
	return NULL;
}

/* One object of all: with the loader, or for a check as little as makes it comparable. */
static struct err *compile(struct state *s)
{
	const struct relink_options *o = s->options;
	AUTO_FREE char *joined = NULL;
	struct err *err = workdir_make(&s->workdir);
	bool objtool = true;

	if (err)
		return err;
	joined = xasprintf("%s/joined.o", s->workdir);
	err = module_join(o->objects, o->nr_objects, joined);
	if (!err && !o->output)
		err = needs_objtool(s, joined, &objtool);
	if (err)
		return err;
	s->kept = state_why_kept(&s->kernel);
	if (objtool)
		return module_compile(joined, s->name ? s->name : "check", o->output ? o->loader_dir : NULL,
				      o->kernel_dir, s->workdir, !s->kept, &s->path);
	s->path = xstrdup(joined);
	return NULL;
}

static struct err *read_objects(struct state *s)
{
	struct err *err = compile(s);

	err = err ?: object_read(s->path, &s->object);
	err = err ?: records_check(s->object);
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

static void read_shapes(void *arg, uint32_t part)
{
	struct state *s = arg;

	if (part)
		s->now = shapes_read(s->info, s->kernel.debuginfo);
	else
		s->old = shapes_read(s->kernel.debuginfo, s->info);
}

static struct check check_of(struct state *s)
{
	return (struct check){
		.kernel = &s->kernel, .boundary = s->boundary, .object = s->object, .info = s->info, .match = &s->match,
		.verdict = s->verdict, .where = s->where, .old = s->old, .now = s->now, .remarks = s->remarks,
	};
}

static struct err *decide(struct state *s)
{
	struct check check;
	struct err *err;

	s->nr_symbols = s->object->nr_symbols;
	s->has_body = xcalloc(s->kernel.funcs->n, sizeof(*s->has_body));
	compare_symbols(&s->kernel, s->object, &s->refs, &s->map, &s->match, &s->verdict, &s->difference, &s->where);
	find_bodies(s, s->has_body);
	err = boundary_compute(s->kernel.funcs, s->kernel.refs, s->kernel.policy, s->has_body, &s->boundary);
	if (err)
		return err;
	parallel_run(2, read_shapes, s);
	bind_symbols(&s->kernel, s->boundary, s->object, &s->match, s->verdict, s->difference, &s->symvers,
		     s->remarks, &s->bindings);
	literals_bind(&s->kernel, s->object, &s->refs, &s->map, &s->match, s->verdict, s->where, &s->bindings);
	check = check_of(s);
	changes_list(&check, s->difference);
	return check_change(&check);
}

/* What an edit can bring about is a remark, whatever stage meets it. */
static void refuse(struct state *s, enum remark_kind kind, const char *name, struct err *err)
{
	if (err)
		remarks_add(s->remarks, kind, xstrdup(name), NULL, 0, xstrdup(err_message(err)));
	err_free(err);
}

/* New functions whose address the kernel may hold: each must have been taken back when the module goes. */
static void note_handed_out(struct state *s)
{
	for (uint32_t i = 1; i < s->nr_symbols; i++) {
		const char *name = s->object->symbols[i].name;
		const struct policy_item *item;
		AUTO_FREE char *why = NULL;

		if (!s->rewritten.handed_out[i])
			continue;
		item = policy_match(&s->kernel.policy->released, name);
		if (!item) {
			remarks_add(s->remarks, REMARK_PINNED, xstrdup(name), NULL, 0,
				    xstrdup("it is new, and its address is taken: with it loaded there is no going back"));
			continue;
		}
		why = policy_reason(s->kernel.policy, item);
		remarks_add(s->remarks, REMARK_RELEASED, xstrdup(name), NULL, 0,
			    xasprintf("it is new, and its address is taken; the kernel gives it back: %s", why));
	}
}

/* From here on the object is edited: what describes it as it was must not be made anew. */
static struct err *edit(struct state *s)
{
	struct err *err = anchor_init(&s->kernel, &s->symvers, s->object, &s->rewritten.anchor);
	struct check check = check_of(s);

	if (err)
		return err;
	rewrite_object(s->object, &s->refs, &s->match, &s->bindings, &s->map, s->kernel.policy, s->remarks,
		       &s->rewritten);
	updates_add(&s->kernel, s->object, &s->refs, &s->bindings, &s->rewritten, s->remarks, &s->updates);
	changes_place_references(&check);
	changes_check_sealed(&check, s->rewritten.entry_taken);
	refuse(s, REMARK_SWITCH, "stack switch",
	       adapters_add(&s->kernel, s->boundary, s->object, &s->refs, &s->match, s->info,
			    &s->rewritten.anchor, &s->nr_adapters));
	note_handed_out(s);
	if (!s->options->output || remarks_count(s->remarks, REMARK_REFUSED))
		return NULL;
	err = prune_object(s->object, &s->match, s->verdict, &s->bindings, &s->map, &s->pruned);
	if (!err)
		refuse(s, REMARK_REFERENCE, "table",
		       table_add(&s->kernel, s->boundary, s->object, &s->match, &s->bindings, &s->rewritten,
				 &s->updates, &s->symvers, &s->map, !s->kept, &s->counts));
	return err;
}

static bool is_new_function(const struct state *s, uint32_t i)
{
	return changes_is_function(&s->object->symbols[i]) && !s->match.foreign[i] &&
	       s->bindings.v[i].call == PLACE_MODULE;
}

static void summarise(struct state *s)
{
	uint32_t replaced = 0, same = 0, added = 0;

	for (uint32_t i = 1; i < s->bindings.n; i++) {
		if (s->bindings.v[i].replaced) {
			replaced++;
			same += s->verdict[i] == VERDICT_SAME;
			if (s->verdict[i] == VERDICT_CHANGED)
				say(s, xasprintf("changed: %s (%s)", s->object->symbols[i].name, s->difference[i]));
		} else if (is_new_function(s, i)) {
			added++;
		}
	}
	say(s, xasprintf("relink: %u functions replaced (%u same, %u changed), %u new, %u jumps, %u kernel objects shared, %u stack-switch adapter%s",
			 replaced, same, replaced - same, added, s->counts.sites, s->rewritten.nr_shared,
			 s->nr_adapters, s->nr_adapters == 1 ? "" : "s"));
	if (s->counts.hooks || s->counts.pools)
		say(s, xasprintf("relink: %u record%s of hooks, %u pool%s", s->counts.hooks, s->counts.hooks == 1 ? "" : "s",
				 s->counts.pools, s->counts.pools == 1 ? "" : "s"));
	if (s->kept)
		say(s, xasprintf("note: runqueues stay as they are at the switch: %s", s->kept));
	if (s->pruned.whole)
		say(s, xasprintf("note: the module carries code that nothing uses: %s", s->pruned.whole));
	if (s->pruned.no_debug)
		say(s, xasprintf("note: no debug information beside the module: %s", s->pruned.no_debug));
}

static void release(struct state *s)
{
	updates_release(&s->updates);
	rewrite_result_release(&s->rewritten);
	bindings_release(&s->bindings);
	boundary_free(s->boundary);
	for (uint32_t i = 0; s->difference && i < s->nr_symbols; i++)
		free(s->difference[i]);
	free(s->difference);
	free(s->where);
	free(s->verdict);
	free(s->has_body);
	shapes_free(s->old);
	shapes_free(s->now);
	match_release(&s->match);
	object_refs_release(&s->refs);
	symbol_map_release(&s->map);
	debuginfo_free(s->info);
	object_free(s->object);
	free(s->path);
	free(s->kept);
	pruned_release(&s->pruned);
	free(s->name);
	if (s->options->keep_build && s->workdir) {
		say(s, xasprintf("relink: the build is in %s", s->workdir));
		free(s->workdir);
	} else {
		workdir_remove(s->workdir);
	}
	symvers_release(&s->symvers);
	kernel_release(&s->kernel);
}

static struct err *make(struct state *s)
{
	const struct relink_options *o = s->options;
	AUTO_FREE char *built = NULL, *debug = NULL, *manifest = xasprintf("%s.json", o->output);
	AUTO_FREE char *debug_name = xasprintf("%s.ko.debug", s->name), *debug_output = xasprintf("%s.debug", o->output);
	AUTO_FREE char *manifest_built = xasprintf("%s/manifest.json", s->workdir);
	struct err *err = manifest_add(&s->kernel, s->boundary, s->object, &s->match, s->verdict, &s->bindings,
				       s->remarks, s->counts.sites, manifest_built);

	err = err ?: module_build(s->object, s->name, o->kernel_dir, s->workdir, &built);
	if (!err && !s->pruned.no_debug)
		err = module_split_debug(built, debug_name, s->workdir, &debug);
	if (!err && o->sign_key)
		err = module_sign(built, o->sign_key, o->sign_cert, o->kernel_dir, s->workdir);
	err = err ?: module_interrupted();
	if (!err && debug)
		err = module_install(debug, debug_output);
	err = err ?: module_install(manifest_built, manifest);
	return err ?: module_install(built, o->output);
}

struct err *relink(const struct relink_options *options, struct relink_result *ret)
{
	static const struct {
		struct err *(*run)(struct state *s);
		const char *what;
	} stages[] = {
		{ check_inputs, "reading the objects" },
		{ read_kernel, "reading the kernel" },
		{ check_headers, "reading its headers" },
		{ read_objects, "joining the objects and compiling what goes with them" },
		{ decide, "comparing" },
		{ edit, "relinking" },
	};
	struct state s = { .options = options, .result = ret, .remarks = &ret->remarks };
	struct err *err = NULL;

	memset(ret, 0, sizeof(*ret));
	ret->remarks.strict = options->strict;
	module_set_verbose(options->verbose);
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]) && !err; i++) {
		begin(&s, stages[i].what);
		err = stages[i].run(&s);
		err = err ?: module_interrupted();
	}
	if (!err) {
		ret->release = kernel_release_name(&s.kernel);
		remarks_sort(&ret->remarks);
	}
	if (!err && options->output && !remarks_count(&ret->remarks, REMARK_REFUSED)) {
		begin(&s, NULL);
		summarise(&s);
		begin(&s, "building the module");
		err = make(&s);
		ret->made = !err;
	}
	begin(&s, NULL);
	release(&s);
	return err;
}

void relink_result_release(struct relink_result *result)
{
	remarks_release(&result->remarks);
	free(result->release);
	memset(result, 0, sizeof(*result));
}
