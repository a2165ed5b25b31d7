// SPDX-License-Identifier: GPL-2.0
/*
 * A rebuilt object through the stages of relink, from matching to the table, against a kernel that is read once
 * (FUZZ_VMLINUX, FUZZ_SYMVERS); ld and Kbuild are left out. What comes out must be an object.
 */
#include "relink/adapter.h"
#include "relink/changes.h"
#include "relink/prune.h"
#include "relink/section.h"
#include "relink/table.h"
#include "t/fuzz/object.h"

struct stages {
	struct object *object;
	struct debuginfo *info;
	struct symbol_map map;
	struct object_refs refs;
	struct match match;
	enum verdict *verdict;
	char **difference;
	uint64_t *where;
	bool *has_body;
	struct shapes *old, *now;
	struct boundary *boundary;
	struct remarks remarks;
	struct bindings bindings;
	struct rewrite_result rewritten;
	struct updates updates;
	struct pruned pruned;
	uint32_t nr_symbols;
};

static struct kernel kernel;
static struct symvers symvers;

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc __attribute__((unused)), char ***argv __attribute__((unused)))
{
	promise(getenv("FUZZ_VMLINUX") && getenv("FUZZ_SYMVERS"));
	promise(well(kernel_read(getenv("FUZZ_VMLINUX"), "t/damage/boundary.yaml", &kernel)));
	promise(well(symvers_read(getenv("FUZZ_SYMVERS"), &symvers)));
	return 0;
}

static bool want_all(const char *unit __attribute__((unused)), void *arg __attribute__((unused)))
{
	return true;
}

static struct err *read_object(struct stages *s, const char *path)
{
	struct err *err = object_read(path, &s->object);

	if (!err && s->object->machine != EM_X86_64)
		err = err_new("another machine");	/* relink looks before it joins */
	err = err ?: debuginfo_open(path, want_all, NULL, &s->info);
	if (err)
		return err;
	symbol_map_init(s->object, &s->map);
	err = object_refs_read(s->object, &s->map, &s->refs);
	return err ?: match_symbols(&kernel, s->object, s->info, &s->match);
}

static struct check check_of(struct stages *s)
{
	return (struct check){
		.kernel = &kernel, .boundary = s->boundary, .object = s->object, .info = s->info, .match = &s->match,
		.verdict = s->verdict, .where = s->where, .old = s->old, .now = s->now, .remarks = &s->remarks,
	};
}

static struct err *decide(struct stages *s)
{
	struct check check;
	struct err *err;

	s->nr_symbols = s->object->nr_symbols;
	s->has_body = xcalloc(kernel.funcs->n, sizeof(*s->has_body));
	compare_symbols(&kernel, s->object, &s->refs, &s->map, &s->match, &s->verdict, &s->difference, &s->where);
	for (uint32_t i = 1; i < s->nr_symbols; i++)
		if (s->match.func[i] != NO_ID && s->object->symbols[i].type == STT_FUNC &&
		    object_symbol_defined(&s->object->symbols[i]))
			s->has_body[s->match.func[i]] = true;
	err = boundary_compute(kernel.funcs, kernel.refs, kernel.policy, s->has_body, &s->boundary);
	if (err)
		return err;
	s->old = shapes_read(kernel.debuginfo, s->info);
	s->now = shapes_read(s->info, kernel.debuginfo);
	bind_symbols(&kernel, s->boundary, s->object, &s->match, s->verdict, s->difference, &symvers, &s->remarks,
		     &s->bindings);
	check = check_of(s);
	changes_list(&check, s->difference);
	return check_change(&check);
}

/* Refused or not: what is refused is followed as far as it goes. */
static void edit(struct stages *s)
{
	struct table_counts counts = { 0 };
	struct check check = check_of(s);
	uint32_t adapters;

	if (!well(anchor_init(&kernel, &symvers, s->object, &s->rewritten.anchor)))
		return;
	rewrite_object(s->object, &s->refs, &s->match, &s->bindings, &s->map, kernel.policy, &s->remarks, &s->rewritten);
	updates_add(&kernel, s->object, &s->refs, &s->bindings, &s->rewritten, &s->remarks, &s->updates);
	changes_place_references(&check);
	changes_check_sealed(&check, s->rewritten.entry_taken);
	well(adapters_add(&kernel, s->boundary, s->object, &s->refs, &s->match, s->info, &s->rewritten.anchor, &adapters));
	if (remarks_count(&s->remarks, REMARK_REFUSED) ||
	    !well(prune_object(s->object, &s->match, s->verdict, &s->bindings, &s->map, &s->pruned)))
		return;
	well(table_add(&kernel, s->boundary, s->object, &s->match, &s->bindings, &s->rewritten, &s->updates, &symvers,
		       &s->map, false, &counts));
	write_again(s->object);
}

static void release(struct stages *s)
{
	remarks_sort(&s->remarks);
	remarks_release(&s->remarks);
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
	pruned_release(&s->pruned);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stages s = { 0 };
	struct input input;

	input_open(&input, data, size);
	if (well(read_object(&s, input.path)) && well(decide(&s)))
		edit(&s);
	release(&s);
	input_close(&input);
	return 0;
}
