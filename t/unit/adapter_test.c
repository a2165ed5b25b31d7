// SPDX-License-Identifier: GPL-2.0
/* Adapters between frames of many kinds: generated, proven, and every byte of them broken. */
#include "relink/adapter_proof.h"
#include "t/unit/scratch.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Prologues up to the stack switch. */
static const char *const new_tops[] = {
	/* 256 bytes of locals */
	"push %rbp; mov %rsp, %rbp; push %r15; push %r14; push %r13; push %r12; push %rbx; sub $0x128, %rsp",
	/* with a stack protector */
	"push %rbp; mov %rsp, %rbp; push %r15; push %r14; push %r13; push %r12; push %rbx; sub $0x28, %rsp\n"
	"mov %gs:0x28, %rax; mov %rax, -0x30(%rbp)",
	/* realigned */
	"push %rbp; mov %rsp, %rbp; push %r15; push %r14; push %r13; push %r12; push %rbx; and $-64, %rsp\n"
	"sub $0xc0, %rsp; mov %gs:0x28, %rax; mov %rax, 0xb8(%rsp)",
	/* realigned, with the CFA in the frame */
	"lea 8(%rsp), %r10; and $-64, %rsp; push -8(%r10); push %rbp; mov %rsp, %rbp; push %r15; push %r14\n"
	"push %r13; push %r12; push %r10; push %rbx; sub $0xc0, %rsp",
	/* no frame pointer, another order of pushes */
	"push %r15; push %r14; push %r13; push %r12; push %rbp; push %rbx; sub $0x18, %rsp",
	/* fewer pushes */
	"push %rbp; mov %rsp, %rbp; push %r12; push %rbx; sub $0x10, %rsp",
	/* the frame pointer is the caller's */
	"push %rbx; push %r14; sub $0x10, %rsp",
	/* stored with mov */
	"sub $0x38, %rsp; mov %rbx, 8(%rsp); mov %rbp, 0x10(%rsp); mov %r12, 0x18(%rsp); mov %r15, 0x30(%rsp)",
};

/* Prologues and epilogues of the kernel's function. */
static const struct {
	const char *top, *bottom;
} olds[] = {
	{ "push %rbp; mov %rsp, %rbp; push %r15; push %r14; push %r13; push %r12; push %rbx; sub $0x20, %rsp\n"
	  "mov %gs:0x28, %rax; mov %rax, -0x30(%rbp)",
	  "mov -0x30(%rbp), %rax; sub %gs:0x28, %rax; jne 1f; add $0x20, %rsp; pop %rbx; pop %r12; pop %r13\n"
	  "pop %r14; pop %r15; pop %rbp; ret; 1: call panic" },
	{ "push %r12; push %rbx; sub $0x18, %rsp", "add $0x18, %rsp; pop %rbx; pop %r12; ret" },
	{ "push %r15; push %rbp; push %rbx; sub $0x18, %rsp; mov %gs:guard(%rip), %rax; mov %rax, 0x10(%rsp)",
	  "mov 0x10(%rsp), %rax; sub %gs:guard(%rip), %rax; jne 1f; add $0x18, %rsp; pop %rbx; pop %rbp; pop %r15\n"
	  "ret; 1: call panic" },
};

static const struct machine *machine;

/* One adapter with all that it is made of. */
struct bridge {
	struct program program;
	struct frame from, to;
	struct cfi_row from_row, to_row;
	struct needs needs;
	uint64_t call;
	struct adapter_code code;
};

/* What a compiler says of such a frame. */
static struct cfi_row row_of(const struct frame *f)
{
	struct cfi_row row = { .cfa_known = true };

	if (f->has_cfa_slot) {
		row.cfa_in_memory = true;
		row.cfa_reg = machine->fp;
		row.cfa_offset = f->cfa_slot.offset - f->fp.offset;
	} else {
		row.cfa_reg = f->has_fp ? machine->fp : machine->sp;
		row.cfa_offset = f->has_fp ? -f->fp.offset : -f->sp.offset;
	}
	for (uint8_t reg = 0; reg < FRAME_REGS; reg++) {
		if (!f->is_saved[reg])
			continue;
		row.rule[reg] = f->saved[reg].base == BASE_CFA ? CFI_SAVED : CFI_SAVED_BY_REGISTER;
		row.base[reg] = machine->fp;
		row.offset[reg] = f->saved[reg].offset - (row.rule[reg] == CFI_SAVED ? 0 : f->fp.offset);
	}
	return row;
}

static uint32_t read_function(struct program *p, const char *name, struct frame *frame)
{
	uint32_t func = func_named(p->funcs, name);
	struct code_bytes code = {
		.addr = p->funcs->v[func].low, .size = p->funcs->v[func].high - p->funcs->v[func].low,
	};

	code.data = image_bytes(p->image, code.addr, code.size);
	assert_success(frame_read(p->decoder, machine, &code, frame));
	return func;
}

static struct err *generate(struct bridge *b)
{
	return adapter_generate(b->program.image, b->program.decoder, machine, &b->from, &b->from_row, &b->to, b->call,
				&b->code);
}

static void bridge_init(struct bridge *b, const char *new_top, const char *top, const char *bottom)
{
	AUTO_FREE char *text = xasprintf(
		".data; guard: .quad 0; .text\n"
		FUNC("switch_to", "ret") FUNC("panic", "1: pause; jmp 1b")
		FUNC("new", "%s\ncall switch_to; ret")
		FUNC("old", "%s\nat_call: call switch_to; resume: mov %%rax, %%rdi; %s\n"), new_top, top, bottom);
	struct flow flow;
	uint64_t resume;
	uint32_t func;

	memset(b, 0, sizeof(*b));
	machine = machine_of(EM_X86_64);
	program_init(&b->program, text);
	read_function(&b->program, "new", &b->from);
	func = read_function(&b->program, "old", &b->to);
	b->from_row = row_of(&b->from);
	b->to_row = row_of(&b->to);
	assert_success(frame_agrees(machine, &b->from, &b->from_row));
	b->call = address_of(b->program.symbols, "at_call");
	resume = address_of(b->program.symbols, "resume");
	flow_from(b->program.funcs, b->program.decoder, func, resume, &flow);
	assert_success(resume_read(b->program.funcs, b->program.decoder, machine, func, &flow, resume, &b->to,
				   &b->needs));
	assert_success(resume_prove(b->program.funcs, &b->to, &b->needs));
	flow_release(&flow);
}

static void bridge_release(struct bridge *b)
{
	needs_release(&b->needs);
	program_release(&b->program);
}

static struct err *prove(const struct bridge *b, struct unwind_rows *rows)
{
	const struct adapter_claim claim = {
		.bytes = b->code.bytes, .size = b->code.size,
		.fixups = b->code.fixups, .nr_fixups = b->code.nr_fixups,
		.from = &b->from, .to = &b->to, .to_row = &b->to_row, .needs = &b->needs, .call = b->call,
	};
	struct unwind_rows own;

	return adapter_prove(b->program.decoder, machine, &claim, rows ? rows : &own);
}

static void for_each_bridge(void (*test)(struct bridge *b))
{
	for (size_t n = 0; n < ARRAY_SIZE(new_tops); n++)
		for (size_t o = 0; o < ARRAY_SIZE(olds); o++) {
			struct bridge b;

			bridge_init(&b, new_tops[n], olds[o].top, olds[o].bottom);
			assert_success(generate(&b));
			test(&b);
			bridge_release(&b);
		}
}

static void is_proven(struct bridge *b)
{
	assert_success(prove(b, NULL));
}

TEST(adapter_between_any_two_frames_is_proven)
{
	for_each_bridge(is_proven);
}

/* A machine with numbers in it, for the few instructions of adapters: what the symbols are tried against. */
#define STACK_SIZE 2048
#define STACK_BASE 0x7f0000000000ULL
#define GUARD 0x5ca1ab1e0000ULL		/* plus the address: what per-CPU memory holds */

struct concrete {
	uint64_t reg[FRAME_REGS];
	uint8_t stack[STACK_SIZE];
	uint64_t cfa;
};

static uint8_t *word_at(struct concrete *c, uint64_t addr)
{
	return addr >= STACK_BASE && addr <= STACK_BASE + STACK_SIZE - 8 ? c->stack + (addr - STACK_BASE) : NULL;
}

static bool get(struct concrete *c, const struct operand *o, uint64_t target, uint64_t *ret)
{
	uint64_t addr = o->value + (o->base < FRAME_REGS ? c->reg[o->base] : 0);

	if (o->kind == OPERAND_IMM)
		*ret = o->value;
	else if (o->kind == OPERAND_REG && o->size == 8)
		*ret = c->reg[o->reg];
	else if (o->segment == SEGMENT_GS)
		*ret = GUARD + (o->pc_relative ? target : (uint64_t)o->value);
	else if (!o->segment && o->size == 8 && o->index == INSN_REG_NONE && word_at(c, addr))
		memcpy(ret, word_at(c, addr), 8);
	else
		return false;
	return true;
}

static bool put(struct concrete *c, const struct operand *o, uint64_t value)
{
	uint64_t addr = o->value + (o->base < FRAME_REGS ? c->reg[o->base] : 0);

	if (o->size != 8 || o->segment)
		return false;
	if (o->kind == OPERAND_REG)
		c->reg[o->reg] = value;
	else if (o->kind == OPERAND_MEM && o->index == INSN_REG_NONE && word_at(c, addr))
		memcpy(word_at(c, addr), &value, 8);
	else
		return false;
	return true;
}

static bool execute(struct concrete *c, const struct insn_detail *d, uint64_t target)
{
	const struct operand *dst = &d->operands[0], *src = &d->operands[1];
	struct operand top = { .kind = OPERAND_MEM, .base = machine->sp, .index = INSN_REG_NONE, .size = 8 };
	const struct operand fp = { .kind = OPERAND_REG, .reg = machine->fp, .size = 8 };
	uint64_t *sp = &c->reg[machine->sp], a, b;

	switch (d->op) {
	case OP_PUSH:
		return get(c, dst, target, &a) && (*sp -= 8, put(c, &top, a));
	case OP_LEAVE:
		*sp = c->reg[machine->fp];
		return get(c, &top, 0, &a) && (*sp += 8, put(c, &fp, a));
	case OP_POP:
		return get(c, &top, 0, &a) && (*sp += 8, put(c, dst, a));
	case OP_MOV:
		return get(c, src, target, &a) && put(c, dst, a);
	case OP_LEA:
		return src->base < FRAME_REGS && put(c, dst, c->reg[src->base] + src->value);
	case OP_ADD:
	case OP_SUB:
		return get(c, dst, target, &a) && get(c, src, target, &b) &&
		       put(c, dst, d->op == OP_ADD ? a + b : a - b);
	default:
		return d->op == OP_NOP;
	}
}

static uint64_t target_of(const struct bridge *b, uint32_t at, const struct insn *insn, const struct insn_detail *d)
{
	for (uint32_t i = 0; i < b->code.nr_fixups; i++)
		for (uint8_t k = 0; k < d->nr_fields; k++)
			if (b->code.fixups[i].offset == at + d->fields[k].offset)
				return b->code.fixups[i].value + insn->size - d->fields[k].offset;
	return 0;
}

static uint64_t address(const struct bridge *b, const struct concrete *c, struct stack_place place)
{
	return (place.base == BASE_CFA ? c->cfa : (c->cfa + b->from.aligned_at) & -64) + place.offset;
}

#define CALLERS(reg) (0xca11e40000000000ULL + (reg))

/* At the new call: registers and slots as the prologue leaves them, anything else noise. */
static void concrete_init(const struct bridge *b, struct concrete *c)
{
	const struct frame *f = &b->from;
	uint64_t value;

	for (uint32_t i = 0; i < STACK_SIZE; i++)
		c->stack[i] = i * 37 + i / 256;
	c->cfa = STACK_BASE + STACK_SIZE - 88;
	for (uint8_t reg = 0; reg < FRAME_REGS; reg++) {
		c->reg[reg] = f->is_saved[reg] ? 0x0ddba11000000000ULL + reg : CALLERS(reg);
		value = CALLERS(reg);
		if (f->is_saved[reg])
			memcpy(word_at(c, address(b, c, f->saved[reg])), &value, 8);
	}
	c->reg[machine->sp] = address(b, c, f->sp);
	if (f->has_fp)
		c->reg[machine->fp] = address(b, c, f->fp);
	if (f->has_cfa_slot)
		memcpy(word_at(c, address(b, c, f->cfa_slot)), &c->cfa, 8);
}

/* Runs the adapter in numbers and looks at what the kernel's code would find. */
static bool arrives(const struct bridge *b)
{
	struct concrete c, before;
	uint64_t value;
	uint32_t at = 0;

	concrete_init(b, &c);
	before = c;
	for (;;) {
		struct insn_detail d;
		struct insn insn;

		if (!decode(b->program.decoder, b->code.bytes + at, b->code.size - at, at, &insn) ||
		    !decode_detail(b->program.decoder, b->code.bytes + at, insn.size, at, &d))
			return false;
		if (insn.kind == INSN_JUMP)
			break;
		if (!execute(&c, &d, target_of(b, at, &insn, &d)))
			return false;
		at += insn.size;
	}
	for (uint8_t reg = 0; reg < FRAME_REGS; reg++) {
		value = c.reg[reg];
		if (b->to_row.rule[reg] == CFI_SAVED)
			memcpy(&value, word_at(&c, c.cfa + b->to_row.offset[reg]), 8);
		if (((machine->callee_saved | machine->args) & (1U << reg)) && value != CALLERS(reg))
			return false;
	}
	for (uint32_t i = 0; i < b->needs.n; i++) {
		memcpy(&value, word_at(&c, address(b, &c, b->needs.v[i].place)), 8);
		if (value != GUARD + b->to.canary_source)
			return false;
	}
	return c.reg[machine->sp] == c.cfa + b->to.sp.offset &&
	       c.reg[b->to_row.cfa_reg] + b->to_row.cfa_offset == c.cfa &&
	       !memcmp(word_at(&c, c.cfa - 8), word_at(&before, c.cfa - 8), 64);
}

static void really_arrives(struct bridge *b)
{
	assert_true(arrives(b));
}

TEST(adapter_run_in_numbers_makes_the_old_frame)
{
	for_each_bridge(really_arrives);
}

/* What is accepted with another byte in it means the same: another encoding, or a register with the same value. */
static void no_broken_byte_is_proven(struct bridge *b)
{
	uint32_t refused = 0, accepted = 0;

	for (uint32_t i = 0; i < b->code.size; i++) {
		uint8_t was = b->code.bytes[i];

		for (int value = 0; value < 256; value++) {
			struct err *err;

			if (value == was)
				continue;
			b->code.bytes[i] = value;
			err = prove(b, NULL);
			refused += err != NULL;
			accepted += !err;
			if (!err && !arrives(b))
				fail_msg("byte %u changed to %02x is proven, and wrong", i, value);
			err_free(err);
		}
		b->code.bytes[i] = was;
	}
	assert_true(refused > 200 * accepted);
}

TEST(adapter_with_any_byte_changed_is_refused)
{
	for_each_bridge(no_broken_byte_is_proven);
}

static void no_broken_slot_is_proven(struct bridge *b)
{
	struct cfi_row right = b->from_row;

	for (uint8_t reg = 0; reg < FRAME_REGS; reg++)
		for (int by = -8; by <= 8 && b->from.is_saved[reg]; by += 16) {
			b->from_row = right;
			b->from_row.offset[reg] += by;
			assert_success(generate(b));
			assert_error(prove(b, NULL), "not proven");
		}
	for (int by = -8; by <= 8; by += 16) {
		b->from_row = right;
		b->from_row.cfa_offset += by;
		assert_success(generate(b));
		assert_error(prove(b, NULL), "not proven");
	}
	b->from_row = right;
}

TEST(adapter_generated_one_slot_off_is_refused)
{
	for_each_bridge(no_broken_slot_is_proven);
}

static void no_broken_setup_is_proven(struct bridge *b)
{
	struct frame right = b->to;

	for (uint32_t i = 0; i < right.nr_setup; i++) {
		b->to = right;
		b->to.nr_setup--;
		memmove(&b->to.setup[i], &b->to.setup[i + 1], (right.nr_setup - i - 1) * sizeof(*right.setup));
		assert_success(generate(b));
		assert_error(prove(b, NULL), "not proven");
	}
	b->to = right;
}

TEST(adapter_without_an_instruction_of_the_prologue_is_refused)
{
	for_each_bridge(no_broken_setup_is_proven);
}

static void no_broken_fixup_is_proven(struct bridge *b)
{
	for (uint32_t i = 0; i < b->code.nr_fixups; i++) {
		b->code.fixups[i].value += 8;
		assert_error(prove(b, NULL), "not proven");
		b->code.fixups[i].value -= 8;
		b->code.fixups[i].offset ^= 1;
		assert_error(prove(b, NULL), "not proven");
		b->code.fixups[i].offset ^= 1;
	}
	assert_success(prove(b, NULL));
}

TEST(adapter_with_a_wrong_relocation_is_refused)
{
	for_each_bridge(no_broken_fixup_is_proven);
}

/* An exception may come between any two instructions and overwrite all below the stack pointer. */
TEST(adapter_that_reads_below_the_stack_pointer_is_refused)
{
	const uint32_t first_load = 7, move_sp = 0x2a, size = 7;
	uint8_t insn[7];
	struct bridge b;

	bridge_init(&b, new_tops[0], olds[0].top, olds[0].bottom);
	assert_success(generate(&b));
	memcpy(insn, b.code.bytes + move_sp, size);
	memmove(b.code.bytes + first_load + size, b.code.bytes + first_load, move_sp - first_load);
	memcpy(b.code.bytes + first_load, insn, size);
	assert_true(arrives(&b));
	assert_error(prove(&b, NULL), "not proven");
	bridge_release(&b);
}

TEST(old_frame_that_is_realigned_is_refused)
{
	struct bridge b;

	bridge_init(&b, new_tops[0], "push %rbp; mov %rsp, %rbp; push %r12; and $-64, %rsp; sub $0x40, %rsp",
		    "lea -8(%rbp), %rsp; pop %r12; pop %rbp; ret");
	assert_true(b.to.realigned);
	assert_error(generate(&b), "its frame is realigned");
	bridge_release(&b);
}

TEST(prologue_that_overwrites_an_argument_is_refused)
{
	struct bridge b;

	bridge_init(&b, new_tops[0], "sub $0x18, %rsp; mov %gs:0x28, %rdx; mov %rdx, 8(%rsp)", "add $0x18, %rsp; ret");
	assert_error(generate(&b), "`mov rdx, qword ptr gs:[0x28]` of the old prologue overwrites an argument");
	bridge_release(&b);
}

/* Rows tell the CFA and the caller's frame pointer at each step. */
TEST(adapter_can_be_unwound_from_everywhere)
{
	struct unwind_rows rows;
	struct bridge b;

	bridge_init(&b, new_tops[3], olds[0].top, olds[0].bottom);
	assert_success(generate(&b));
	assert_success(prove(&b, &rows));
	assert_true(rows.n == 5);
	assert_true(rows.v[0].as_call && !rows.v[0].offset);
	assert_true(rows.v[1].cfa_reg == machine->sp && rows.v[1].cfa_offset == 16);
	assert_true(rows.v[1].fp_saved && rows.v[1].fp_offset == -16);
	assert_true(rows.v[2].cfa_reg == machine->sp && rows.v[2].cfa_offset == 8 && !rows.v[2].fp_saved);
	assert_true(rows.v[3].cfa_reg == machine->sp && rows.v[3].cfa_offset == 16 && !rows.v[3].fp_saved);
	assert_true(rows.v[4].cfa_reg == machine->fp && rows.v[4].cfa_offset == 16);
	assert_true(rows.v[4].fp_saved && rows.v[4].fp_offset == -16);
	bridge_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adapter_between_any_two_frames_is_proven),
		cmocka_unit_test(adapter_run_in_numbers_makes_the_old_frame),
		cmocka_unit_test(adapter_with_any_byte_changed_is_refused),
		cmocka_unit_test(adapter_generated_one_slot_off_is_refused),
		cmocka_unit_test(adapter_without_an_instruction_of_the_prologue_is_refused),
		cmocka_unit_test(adapter_with_a_wrong_relocation_is_refused),
		cmocka_unit_test(adapter_that_reads_below_the_stack_pointer_is_refused),
		cmocka_unit_test(old_frame_that_is_realigned_is_refused),
		cmocka_unit_test(prologue_that_overwrites_an_argument_is_refused),
		cmocka_unit_test(adapter_can_be_unwound_from_everywhere),
	};

	return RUN(tests);
}
