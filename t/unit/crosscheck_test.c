// SPDX-License-Identifier: GPL-2.0
/* Disagreements between references and what the linker and objtool know. */
#include "elfkit/crosscheck.h"
#include "t/unit/scratch.h"

static struct program program;
static struct refs *refs;
static struct findings findings;

#define ENDBR "endbr64; ret"

static const char assembly[] =
	FUNC("called", "ret")
	FUNC("caller", "call called; call far_away; lea leaf(%rip), %rax; mov $leaf, %rdi; cmpq $leaf, here(%rip); ret")
	FUNC("leaf", ENDBR)
	FUNC("hidden", "ret")
	FUNC("without_pad", "ret")
	FUNC("__pfx_leaf", "nop")
	FUNC("sealed", ENDBR)
	FUNC("sealed_and_taken", ENDBR)
	FUNC("not_taken", ENDBR)
	FUNC("direct_only", "ret")
	".globl __static_call_text_start, __static_call_text_end; __static_call_text_start:\n"
	FUNC("trampoline", "jmp called")
	"__static_call_text_end:\n"
	".section .init.text, \"ax\"\n"
	FUNC("far_away", "call called; jmp direct_only")
	".section .exit.text, \"ax\"\n"
	FUNC("at_exit", ENDBR)
	".data; .balign 8; here: .quad without_pad, sealed_and_taken, trampoline, __pfx_leaf\n"
	".byte 0; .quad hidden\n"
	".balign 8; __start_kprobe_blacklist: .quad not_taken; __stop_kprobe_blacklist:\n"
	".section .seal, \"a\"; .globl __ibt_endbr_seal, __ibt_endbr_seal_end; __ibt_endbr_seal:\n"
	".long sealed - ., sealed_and_taken - .; __ibt_endbr_seal_end:\n";

static int setup(void **state UNUSED)
{
	scratch_init(&program.scratch);
	scratch_assemble(&program.scratch, assembly);
	run_command("cd %s && " LINK " --emit-relocs -o vmlinux out.o", program.scratch.dir);
	assert_success(image_open(program.scratch.linked, &program.image));
	program.symbols = symbols_read(program.image);
	program.funcs = funcs_build(program.image, program.symbols, &program.debuginfo);
	assert_success(refs_collect(program.funcs, NULL, &refs));
	assert_success(decoder_open(EM_X86_64, &program.decoder));
	assert_success(crosscheck(program.funcs, NULL, refs, &findings));
	return 0;
}

static int teardown(void **state UNUSED)
{
	findings_release(&findings);
	refs_free(refs);
	program_release(&program);
	return 0;
}

/* The only finding of @kind; its text. */
static const char *only(enum finding_kind kind, const char *func)
{
	const char *text = NULL;

	for (uint32_t i = 0; i < findings.n; i++)
		if (findings.v[i].kind == kind) {
			assert_null(text);
			text = findings.v[i].text;
			assert_string_equal(program.funcs->v[findings.v[i].func].name, func);
		}
	assert_non_null(text);
	return text;
}

TEST(relocation_without_a_reference)
{
	assert_holds(only(FINDING_RELOCATION, "hidden"), "the linker put a reference to hidden at .data+0x");
	assert_true(findings.nr_relocations >= 12);
}

TEST(taken_without_a_landing_pad)
{
	assert_holds(only(FINDING_NO_LANDING_PAD, "without_pad"), "address of without_pad is taken at");
}

TEST(taken_but_sealed)
{
	assert_holds(only(FINDING_SEALED, "sealed_and_taken"), "objtool sealed it");
	assert_int_equal(findings.nr_sealed, 2);
}

TEST(landing_pad_that_nobody_uses)
{
	assert_holds(only(FINDING_NOT_TAKEN, "not_taken"), "nothing was found that takes its address");
}

TEST(findings_are_sorted_and_no_others)
{
	assert_int_equal(findings.n, 4);
	for (uint32_t i = 1; i < findings.n; i++)
		assert_true(findings.v[i - 1].kind <= findings.v[i].kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relocation_without_a_reference),
		cmocka_unit_test(taken_without_a_landing_pad),
		cmocka_unit_test(taken_but_sealed),
		cmocka_unit_test(landing_pad_that_nobody_uses),
		cmocka_unit_test(findings_are_sorted_and_no_others),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
