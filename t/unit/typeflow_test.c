// SPDX-License-Identifier: GPL-2.0
/* Types of a compiled program, and the members that its machine code touches. */
#include "disasm/typeflow.h"
#include "t/unit/scratch.h"

static const char source[] =
	"struct list { struct list *next, *prev; };\n"
	"typedef struct { int counter; } count_t;\n"
	"struct inner { long a; struct list node; unsigned one : 1, two : 3; };\n"
	"struct outer {\n"
	"	int first;\n"
	"	union { long number; void *place; };\n"
	"	struct inner inner;\n"
	"	struct outer *other;\n"
	"	struct inner table[4];\n"
	"	count_t count;\n"
	"	char name[8];\n"
	"};\n"
	"struct outer global;\n"
	"extern void use(void *);\n"
	"extern struct outer *find(int);\n"
	"int read_first(struct outer *o) { return o->first; }\n"
	"void write_nested(struct outer *o) { o->inner.node.prev = 0; }\n"
	"long chain(struct outer *o) { return o->other->other->inner.a; }\n"
	"long element(struct outer *o, int i) { return o->table[i].a; }\n"
	"long from_global(void) { return global.inner.a; }\n"
	"int from_call(int i) { return find(i)->count.counter; }\n"
	"int bit(struct outer *o) { return o->inner.two == 5 ? 1 : 2; }\n"
	"void set_bit(struct outer *o) { o->inner.one = 1; }\n"
	"void pass(struct outer *o) { use(&o->inner); }\n"
	"int from_private(struct inner *i) { struct outer *o = *(void **)&i->a; use(o); return o->first; }\n"
	"int across(struct outer *o) { use(0); use(0); return o->first; }\n"
	"int container(struct inner *i) { struct outer *o = (void *)((char *)i - 16); use(o); return o->first; }\n"
	"int join(struct outer *a, struct inner *b, int c) {\n"
	"	return *(int *)(c ? (void *)a : (void *)b); }\n"
	"int untyped(void **p) { return *(int *)*p; }\n";

static const char library[] =
	"void use(void *p) { asm volatile (\"\" : : \"r\" (p) : \"memory\"); }\n"
	"struct outer; extern struct outer global;\n"
	"struct outer *find(int i) { asm volatile (\"\" : \"+r\" (i)); return i ? &global : 0; }\n";

static struct scratch scratch;
static struct image *image;
static struct symbols *symbols;
static struct funcs *funcs;
static struct debuginfo none;
static struct typeinfo *info;
static struct typeflow *flow;

static int setup(void **state UNUSED)
{
	scratch_init(&scratch);
	scratch_file(&scratch, "a.c", source);
	scratch_file(&scratch, "b.c", library);
	scratch_compile(&scratch, "a.c", "a.o", "-fno-inline");
	scratch_compile(&scratch, "b.c", "b.o", "");
	scratch_link(&scratch, "a.o b.o");
	assert_success(image_open(scratch.linked, &image));
	assert_success(typeinfo_read(scratch.linked, 2, NULL, &info));
	symbols = symbols_read(image);
	funcs = funcs_build(image, symbols, &none);
	assert_success(typeflow_open(funcs, info, &flow));
	return 0;
}

static int teardown(void **state UNUSED)
{
	typeflow_close(flow);
	funcs_free(funcs);
	symbols_free(symbols);
	typeinfo_free(info);
	image_free(image);
	scratch_release(&scratch);
	return 0;
}

/* What a function touches as text: "outer.first r, inner.a w, ", and "? r, " for what is not known. */
struct text {
	char v[512];
	const struct access *access;
};

static void add(struct text *t, const char *type, const char *member)
{
	uint8_t how = t->access->how;
	char one[128];

	snprintf(one, sizeof(one), "%s%s%s %s%s%s, ", type, member ? "." : "", member ?: "",
		 how & ACCESS_READ ? "r" : "", how & ACCESS_WRITE ? "w" : "", how & ACCESS_ADDRESS ? "a" : "");
	if (!strstr(t->v, one))
		strncat(t->v, one, sizeof(t->v) - strlen(t->v) - 1);
}

static void add_step(const struct type_step *step, void *arg)
{
	const struct type *t = &info->types->v[step->type];

	add(arg, t->name, t->members[step->member].name);
}

static void add_access(const struct access *access, void *arg)
{
	struct text *t = arg;

	t->access = access;
	if (!access->type)
		add(t, "?", NULL);
	else
		types_walk(info->types, access->type, access->offset, access->size, access->bits, add_step, t);
}

static void check(const char *function, const char *expected)
{
	struct text t = { .v = "" };

	typeflow_run(flow, func_named(funcs, function), add_access, &t);
	assert_string_equal(t.v, expected);
}

static const struct type *find_type(const char *name)
{
	for (uint32_t i = 1; i < info->types->n; i++)
		if (info->types->v[i].name && !strcmp(info->types->v[i].name, name) && info->types->v[i].size)
			return &info->types->v[i];
	fail_msg("no type %s", name);
	return NULL;
}

static const struct type_member *find_member(const char *type, const char *name)
{
	const struct type *t = find_type(type);

	for (uint32_t i = 0; i < t->nr_members; i++)
		if (!strcmp(t->members[i].name, name))
			return &t->members[i];
	fail_msg("no member %s.%s", type, name);
	return NULL;
}

TEST(members_have_offset_size_and_type)
{
	const struct type_member *m = find_member("outer", "table");

	assert_int_equal(find_type("outer")->size, 200);
	assert_string_equal(find_type("outer")->file, "a.c");
	assert_int_equal(m->offset, 56);
	assert_int_equal(m->size, 128);
	assert_string_equal(m->type_name, "struct inner[4]");
	assert_string_equal(find_member("outer", "other")->type_name, "struct outer *");
	assert_string_equal(find_member("outer", "count")->type_name, "count_t");
}

TEST(members_of_an_anonymous_union_are_those_of_the_struct)
{
	assert_int_equal(find_member("outer", "number")->offset, 8);
	assert_int_equal(find_member("outer", "place")->offset, 8);
}

TEST(bit_fields_have_their_place)
{
	const struct type_member *m = find_member("inner", "two");

	assert_int_equal(m->offset, 24);
	assert_int_equal(m->bit_offset, 1);
	assert_int_equal(m->bit_size, 3);
}

TEST(anonymous_struct_has_the_name_of_its_typedef)
{
	assert_int_equal(find_type("count_t")->size, 4);
}

TEST(read_through_a_parameter)
{
	check("read_first", "outer.first r, ");
}

TEST(write_to_a_nested_member_counts_at_every_depth)
{
	check("write_nested", "outer.inner w, inner.node w, list.prev w, ");
}

TEST(loaded_pointers_have_the_type_of_their_member)
{
	check("chain", "outer.other r, outer.inner r, inner.a r, ");
}

TEST(element_of_an_array)
{
	check("element", "outer.table r, inner.a r, ");
}

TEST(global_variable)
{
	check("from_global", "outer.inner r, inner.a r, ");
}

TEST(result_of_a_call_whose_unit_has_not_the_whole_type)
{
	check("from_call", "outer.count r, count_t.counter r, ");
}

TEST(neighbours_of_a_bit_field_are_left_out)
{
	check("set_bit", "outer.inner rw, inner.one rw, ");
}

TEST(address_of_a_member)
{
	check("pass", "outer.inner a, ");
}

TEST(pointer_of_another_type_by_its_variable)
{
	check("from_private", "inner.a r, outer.first r, ");
}

TEST(saved_register_survives_calls)
{
	check("across", "outer.first r, ");
}

TEST(container_by_its_variable)
{
	check("container", "outer.first r, ");
}

TEST(disagreement_is_not_guessed)
{
	check("join", "? r, ");
}

TEST(untyped_accesses_are_told)
{
	check("untyped", "? r, ");
}

TEST(files_without_dwarf_are_an_error)
{
	struct typeinfo *other;

	assert_error(typeinfo_read("/nonexistent/x", 1, NULL, &other), "/nonexistent/x: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_have_offset_size_and_type),
		cmocka_unit_test(members_of_an_anonymous_union_are_those_of_the_struct),
		cmocka_unit_test(bit_fields_have_their_place),
		cmocka_unit_test(anonymous_struct_has_the_name_of_its_typedef),
		cmocka_unit_test(read_through_a_parameter),
		cmocka_unit_test(write_to_a_nested_member_counts_at_every_depth),
		cmocka_unit_test(loaded_pointers_have_the_type_of_their_member),
		cmocka_unit_test(element_of_an_array),
		cmocka_unit_test(global_variable),
		cmocka_unit_test(result_of_a_call_whose_unit_has_not_the_whole_type),
		cmocka_unit_test(neighbours_of_a_bit_field_are_left_out),
		cmocka_unit_test(address_of_a_member),
		cmocka_unit_test(pointer_of_another_type_by_its_variable),
		cmocka_unit_test(saved_register_survives_calls),
		cmocka_unit_test(container_by_its_variable),
		cmocka_unit_test(disagreement_is_not_guessed),
		cmocka_unit_test(untyped_accesses_are_told),
		cmocka_unit_test(files_without_dwarf_are_an_error),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
