// SPDX-License-Identifier: GPL-2.0
/* Names and texts of packages, what a module says of itself, and who may be taken over from. */
#include "elfkit/control.h"
#include "elfkit/pack.h"
#include "elfkit/pack_text.h"
#include "t/unit/scratch.h"

/* A module as a file, with what relink writes into .modinfo, and a build-id of 2 bytes. */
static void make_module(struct scratch *s, const char *name, const char *release)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 ".text\ncode: nop\n.section .modinfo,\"a\"\n.asciz \"name=%s\"\n.asciz \"elfkit_kernel=%s\"\n"
		 ".asciz \"elfkit_build_id=00ff\"\n.asciz \"elfkit_functions=2 replaced\"\n.asciz \"elfkit_version=0.1\"\n"
		 ".section .note.gnu.build-id,\"a\",@note\n.long 4,2,3\n.asciz \"GNU\"\n.byte 0xab,0xcd,0,0\n",
		 name, release);
	scratch_init(s);
	scratch_assemble(s, text);
}

static struct err *prepare(const char *name, const char *release, struct pack_options *o, struct pack *pack)
{
	struct scratch s;
	struct err *err;

	make_module(&s, name, release);
	o->module = s.object;
	setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
	err = pack_prepare(o, pack);
	scratch_release(&s);
	return err;
}

static void names(const char *name, const char *release, const char *package, const char *version, const char *unit)
{
	struct pack_options o = { 0 };
	struct pack pack;

	assert_success(prepare(name, release, &o, &pack));
	assert_string_equal(pack.package, package);
	assert_string_equal(pack.version, version);
	assert_string_equal(pack.unit, unit);
	pack_release(&pack);
}

TEST(names_have_the_characters_that_each_format_allows)
{
	names("one_2", "6.1.0-56-cloud-amd64", "elfkit-sched-one-6.1.0-56-cloud-amd64", "2",
	      "elfkit-sched-one-6.1.0-56-cloud-amd64.service");
	names("My_one_2_0rc1", "6.12+deb~1", "elfkit-sched-my-one-6.12+deb-1", "2.0rc1",
	      "elfkit-sched-My_one-6.12_deb_1.service");
	names("v8", "6.1.0_X+", "elfkit-sched-v8-6.1.0-x", "20231114.221320", "elfkit-sched-v8-6.1.0_X_.service");
	names("fair_play", "6.1", "elfkit-sched-fair-play-6.1", "20231114.221320", "elfkit-sched-fair_play-6.1.service");
}

TEST(options_are_held_against_what_control_files_can_have)
{
	struct pack pack;

	assert_error(prepare("a", "6.1", &(struct pack_options){ .version = "1-1" }, &pack), "a version begins with");
	assert_error(prepare("a", "6.1", &(struct pack_options){ .version = "v1" }, &pack), "a version begins with");
	assert_error(prepare("a", "6.1", &(struct pack_options){ .description = "a\nb" }, &pack), "a line break");
	assert_error(prepare("a", "6.1", &(struct pack_options){ .probation = 5 }, &pack), "nobody would confirm");
	assert_error(prepare("a", "6.1/..", &(struct pack_options){ 0 }, &pack), "which is no release");
	assert_error(prepare("a-b", "6.1", &(struct pack_options){ 0 }, &pack), "is no name of a scheduler");
}

TEST(keys_are_replaced_and_text_is_quoted)
{
	const struct pack_key keys[] = { { "UNIT", "x.service" } };
	AUTO_FREE char *preset = pack_text(PACK_PRESET, keys, 1), *unit = pack_quote_unit("a \"b\" 5% \\");
	AUTO_FREE char *spec = pack_quote_spec("100%{x}");

	assert_holds(preset, "\nenable x.service\n");
	assert_string_equal(unit, "a \\\"b\\\" 5%% \\\\");
	assert_string_equal(spec, "100%%{x}");
}

TEST(a_module_says_what_it_is_for)
{
	AUTO_FREE char *why = NULL, *id = NULL;
	struct modfile file;
	struct scratch s;

	make_module(&s, "one", "6.1");
	assert_success(modfile_read(s.object, &file));
	assert_string_equal(file.name, "one");
	assert_string_equal(file.release, "6.1");
	assert_string_equal(file.kernel_id, "00ff");
	assert_string_equal(file.own_id, "abcd");
	assert_false(modfile_fits(&file, s.dir, "6.2", &why));
	assert_string_equal(why, "made for kernel 6.1; running is 6.2");
	/* no build-id to be seen: the release decides, and then the module itself */
	assert_true(modfile_fits(&file, s.dir, "6.1", &id));
	assert_null(id);
	run_command("mkdir -p %s/sys/kernel %s/sys/module/one/notes && cd %s && "
		    "printf '\\4\\0\\0\\0\\2\\0\\0\\0\\3\\0\\0\\0GNU\\0\\253\\315\\0\\0' | tee sys/kernel/notes > sys/module/one/notes/.note.gnu.build-id",
		    s.dir, s.dir, s.dir);
	assert_false(modfile_fits(&file, s.dir, "6.1", &id));
	assert_string_equal(id, "made for build-id 00ff of kernel 6.1; running is build-id abcd");
	assert_true(modfile_is_loaded(&file, s.dir));
	run_command("rm %s/sys/module/one/notes/.note.gnu.build-id", s.dir);
	assert_false(modfile_is_loaded(&file, s.dir));
	modfile_release(&file);
	scratch_assemble(&s, "code: nop\n");
	assert_error(modfile_read(s.object, &file), "not a module that elfkit relink has made");
	scratch_release(&s);
}

TEST(only_those_that_are_named_are_taken_over_from)
{
	struct loaded v[] = {
		{ .name = "away", .enabled = false }, { .name = "one_1", .enabled = true },
		{ .name = "other", .enabled = true },
	};
	struct loaded_list list = { .v = v, .n = 3 };

	assert_true(control_matches("one,one_[0-9]*", "one_2"));
	assert_false(control_matches("one,one_[0-9]*", "one_b"));
	assert_false(control_matches("", "one"));
	assert_ptr_equal(control_conflict(&list, "one_2", "one,one_[0-9]*"), &v[2]);
	assert_ptr_equal(control_conflict(&list, "other", "nobody"), &v[1]);
	assert_null(control_conflict(&list, "other", "one_1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_the_characters_that_each_format_allows),
		cmocka_unit_test(options_are_held_against_what_control_files_can_have),
		cmocka_unit_test(keys_are_replaced_and_text_is_quoted),
		cmocka_unit_test(a_module_says_what_it_is_for),
		cmocka_unit_test(only_those_that_are_named_are_taken_over_from),
	};

	return RUN(tests);
}
