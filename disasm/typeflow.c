// SPDX-License-Identifier: GPL-2.0
/*
 * The abstract interpretation: blocks of one function are run until nothing changes, then once
 * more to report what they touch.
 */
#include <string.h>

#include "disasm/typeflow.h"
#include "disasm/typeflow_code.h"
#include "disasm/typeflow_learnt.h"
#include "disasm/typeflow_value.h"

struct typeflow {
	const struct funcs *funcs;
	const struct typeinfo *info;
	const struct machine *machine;
	struct code code;
	uint64_t cpu_offsets;	/* address of __per_cpu_offset, 0: none */
	uint64_t this_cpu_off;	/* per-CPU address of this_cpu_off, or UINT64_MAX */

	/* the function under way */
	const struct type_func *known;	/* what DWARF says of it, or NULL */
	struct learnt learnt;
	uint64_t before;	/* the instruction before the one under way, in its block */
	access_fn *fn;		/* NULL until the last pass */
	void *arg;
};

static const struct value unknown;

struct err *typeflow_open(const struct funcs *funcs, const struct typeinfo *info, struct typeflow **ret)
{
	struct typeflow *f = xcalloc(1, sizeof(*f));
	struct err *err = code_open(funcs, &f->code);
	uint32_t id;

	if (err) {
		free(f);
		return err;
	}
	f->funcs = funcs;
	f->info = info;
	f->machine = machine_of(funcs->image->machine);
	id = symbols_find_global(funcs->symbols, "__per_cpu_offset");
	f->cpu_offsets = id == NO_ID ? 0 : funcs->symbols->v[id].value;
	id = symbols_find_global(funcs->symbols, "this_cpu_off");
	f->this_cpu_off = id == NO_ID ? UINT64_MAX : funcs->symbols->v[id].value;
	*ret = f;
	return NULL;
}

void typeflow_close(struct typeflow *f)
{
	if (!f)
		return;
	code_release(&f->code);
	free(f->learnt.v);
	free(f);
}

void typeflow_stops(const struct typeflow *f, uint64_t *ret_stops, uint64_t *ret_bytes)
{
	*ret_stops = f->code.nr_stops;
	*ret_bytes = f->code.bytes_left;
}

/* A variable of which @addr is inside, as a pointer. */
static struct value pointer_to_var(const struct typeflow *f, uint64_t addr)
{
	const struct type_var *var = typeinfo_var(f->info, addr);

	if (!var)
		return unknown;
	return (struct value){ V_POINTER, var->type, (int64_t)(addr - var->addr) };
}

static struct value reg_value(const struct state *s, uint8_t reg)
{
	return reg < NR_REGS ? s->regs[reg] : unknown;
}

/* a + b; in a per-CPU variable, whichever of the two is its place */
static struct value add_values(const struct typeflow *f, struct value a, struct value b)
{
	struct value other = a.kind == V_PERCPU ? b : a;

	if (a.kind != V_PERCPU && b.kind != V_PERCPU)
		return value_add(f->info, a, b);
	if (other.kind == V_CONST || other.kind == V_PERCPU)
		return pointer_to_var(f, (uint64_t)a.n + b.n);
	return other.kind == V_POINTER ? other : unknown;
}

/* The address that a memory operand stands for. */
static struct value address_of(const struct typeflow *f, const struct state *s, const struct step *step,
			       const struct operand *o)
{
	struct value base = reg_value(s, o->base), index = reg_value(s, o->index);
	uint64_t addr = o->value + (o->pc_relative ? step->insn.addr + step->insn.size : 0);

	if (o->base == INSN_REG_NONE && o->index == INSN_REG_NONE)
		return o->segment ? pointer_to_var(f, addr) : (struct value){ V_CONST, 0, addr };
	if (o->base == INSN_REG_NONE)
		base = (struct value){ .kind = V_CONST };
	if (o->index == INSN_REG_NONE)
		index = (struct value){ .kind = V_CONST };
	else if (o->scale > 1)
		index = value_scale(index, o->scale);
	if (o->segment && base.kind == V_CONST)
		return pointer_to_var(f, (uint64_t)base.n + o->value);
	/* last what may be the address of a table: the displacement */
	base = add_values(f, base, index);
	return add_values(f, base, (struct value){ V_CONST, 0, o->value });
}

/*
 * The stack variable at CFA + @n, as a pointer.  In a function that aligns its stack, DWARF counts
 * from the frame pointer.
 */
static struct value stack_variable(const struct typeflow *f, const struct state *s, uint64_t pc, int64_t n)
{
	struct value fp = s->regs[f->machine->fp];

	for (uint32_t i = 0; f->known && i < f->known->nr_hints; i++) {
		const struct type_hint *h = &f->info->hints[f->known->hints + i];
		int64_t start = h->offset;
		uint32_t type;

		if (pc < h->low || pc - h->low >= h->len)
			continue;
		if (h->reg == f->machine->fp && fp.kind == V_STACK)
			start = fp.n - h->offset;
		else if (h->reg != HINT_STACK)
			continue;
		type = types_complete(f->info->types, h->type);
		if (n >= start && n - start < f->info->types->v[type].size)
			return (struct value){ V_POINTER, type, n - start };
	}
	return unknown;
}

static struct value object_at(const struct typeflow *f, const struct state *s, const struct step *step, struct value address)
{
	if (address.kind == V_STACK)
		return stack_variable(f, s, step->insn.addr, address.n);
	return value_resolve(f->info, address);
}

static void report(const struct typeflow *f, const struct state *s, const struct step *step,
		   struct value address, uint8_t how, uint32_t size)
{
	struct value object = object_at(f, s, step, address);
	struct access access = { .at = step->insn.addr, .how = how, .size = size, .bits = step_bits(step) };

	if (!f->fn || (address.kind == V_STACK && object.kind != V_POINTER))
		return;
	if (object.kind == V_POINTER) {
		access.type = object.type;
		access.offset = object.n;
	}
	f->fn(&access, f->arg);
}

/* The address of a member is made from the address of its struct. */
static void report_address(const struct typeflow *f, const struct state *s, const struct step *step,
			   struct value address)
{
	struct value object = object_at(f, s, step, address);

	if (object.kind == V_POINTER && object.n > 0)
		report(f, s, step, address, ACCESS_ADDRESS, 0);
}

static bool is_cpu_distance(const struct typeflow *f, const struct step *step, const struct operand *o)
{
	uint64_t addr = o->value + (o->pc_relative ? step->insn.addr + step->insn.size : 0);

	if (o->base != INSN_REG_NONE && o->index != INSN_REG_NONE)
		return false;
	return o->segment ? addr == f->this_cpu_off : f->cpu_offsets && addr == f->cpu_offsets;
}

/* A value of which only is known where it was made, and what was learnt of it. */
static struct value made_at(const struct typeflow *f, int64_t place)
{
	struct value v = recall(&f->learnt, 0, place);

	return v.kind == V_POINTER ? v : (struct value){ V_UNKNOWN, 0, place };
}

static struct value load(const struct typeflow *f, const struct state *s, const struct step *step,
			 const struct operand *o)
{
	struct value address = address_of(f, s, step, o), object;
	uint32_t target;

	if (o->size != 8)
		return unknown;
	if (is_cpu_distance(f, step, o))
		return (struct value){ .kind = V_PERCPU };
	if (address.kind == V_STACK && o->index == INSN_REG_NONE) {
		struct value v = state_load(s, address.n);

		if (v.kind != V_UNKNOWN || v.n)
			return v;
	}
	object = object_at(f, s, step, address);
	target = object.kind == V_POINTER ? types_pointee(f->info->types, object.type, object.n) : 0;
	if (target)
		return (struct value){ V_POINTER, target, 0 };
	if (object.kind == V_POINTER && recall(&f->learnt, object.type, object.n).kind == V_POINTER)
		return recall(&f->learnt, object.type, object.n);
	return made_at(f, step->insn.addr);
}

static struct value read_operand(const struct typeflow *f, const struct state *s, const struct step *step,
				 const struct operand *o)
{
	switch (o->kind) {
	case OPERAND_REG:
		return o->size == 8 ? reg_value(s, o->reg) : unknown;
	case OPERAND_IMM:
		return (struct value){ V_CONST, 0, o->value };
	case OPERAND_MEM:
		return load(f, s, step, o);
	default:
		return unknown;
	}
}

static void write_operand(const struct typeflow *f, struct state *s, const struct step *step,
			  const struct operand *o, struct value v)
{
	struct value address;

	if (o->kind == OPERAND_REG && o->reg < NR_REGS) {
		s->regs[o->reg] = o->size >= 4 ? v : unknown;
		return;
	}
	if (o->kind != OPERAND_MEM)
		return;
	address = address_of(f, s, step, o);
	if (address.kind != V_STACK)
		return;
	if (o->size == 8 && o->index == INSN_REG_NONE)
		state_store(s, address.n, v);
	else
		state_forget(s, address.n, o->size);
}

static struct value returned(const struct typeflow *f, uint32_t type)
{
	const struct type *t = &f->info->types->v[type];

	if (t->kind != TYPE_POINTER || !t->target)
		return unknown;
	return (struct value){ V_POINTER, types_complete(f->info->types, t->target), 0 };
}

static uint32_t function_result(const struct typeflow *f, struct value pointer)
{
	const struct type *t = &f->info->types->v[pointer.type];

	return pointer.kind == V_POINTER && t->kind == TYPE_FUNCTION ? t->target : 0;
}

/* __x86_indirect_thunk_rax calls what rax points to (arch/x86/lib/retpoline.S). */
static struct value thunk_target(const struct typeflow *f, const struct state *s, uint64_t callee)
{
	static const char *const names[NR_REGS] = {
		"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
	};
	static const char prefix[] = "__x86_indirect_thunk_";
	const struct symbols *symbols = f->funcs->symbols;

	for (uint32_t i = symbols_lower_bound(symbols, callee); i < symbols->n; i++) {
		const struct symbol *symbol = &symbols->v[symbols->by_addr[i]];

		if (symbol->value != callee)
			break;
		if (strncmp(symbol->name, prefix, strlen(prefix)))
			continue;
		for (int reg = 0; reg < NR_REGS; reg++)
			if (!strcmp(symbol->name + strlen(prefix), names[reg]))
				return s->regs[reg];
	}
	return unknown;
}

static void apply_hint(struct typeflow *f, struct state *s, const struct type_hint *h)
{
	struct value hint = { V_POINTER, types_complete(f->info->types, h->type), h->offset };
	const struct type *t = &f->info->types->v[hint.type];
	struct value v, object;

	if (h->reg >= NR_REGS)
		return;
	v = s->regs[h->reg];
	object = value_resolve(f->info, v);
	if (t->kind == TYPE_POINTER && t->target && object.kind == V_POINTER) {
		object.n -= h->offset;
		if (!types_pointee(f->info->types, object.type, object.n))
			learn(&f->learnt, object.type, object.n,
			      (struct value){ V_POINTER, types_complete(f->info->types, t->target), 0 });
	}
	if (v.kind == V_UNKNOWN && v.n && v.n != (int64_t)f->before && type_is_aggregate(t))
		learn(&f->learnt, 0, v.n, hint);
	s->regs[h->reg] = value_refine(f->info, v, hint);
}

/* What DWARF says from @pc on; with @all, also what it has said before and still holds. */
static void apply_hints(struct typeflow *f, struct state *s, uint64_t pc, bool all)
{
	const struct type_hint *hints;
	uint32_t lo = 0, hi;

	if (!f->known)
		return;
	hints = f->info->hints + f->known->hints;
	hi = f->known->nr_hints;
	while (!all && lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (hints[mid].low < pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < f->known->nr_hints && hints[lo].low <= pc; lo++)
		if (pc - hints[lo].low < hints[lo].len)
			apply_hint(f, s, &hints[lo]);
}

/* Arguments and other registers that a call may change are lost, unless DWARF says that they live on. */
static void call(struct typeflow *f, struct state *s, const struct step *step)
{
	const struct type_func *callee;
	uint32_t type = 0;

	if (step->insn.kind == INSN_CALL) {
		callee = typeinfo_func(f->info, step->insn.target);
		type = callee ? callee->returns : function_result(f, thunk_target(f, s, step->insn.target));
	} else if (step->nr_operands) {
		type = function_result(f, read_operand(f, s, step, &step->operands[0]));
	}
	for (int i = 0; i < NR_REGS; i++)
		if (i != f->machine->sp && !(f->machine->callee_saved & (1U << i)))
			s->regs[i] = unknown;
	apply_hints(f, s, step->insn.addr + step->insn.size, true);
	if (s->regs[0].kind == V_UNKNOWN)
		s->regs[0] = made_at(f, step->insn.addr);
	if (type && returned(f, type).kind == V_POINTER)
		s->regs[0] = value_refine(f->info, s->regs[0], returned(f, type));
}

static void move_sp(const struct typeflow *f, struct state *s, int64_t n)
{
	if (s->regs[f->machine->sp].kind == V_STACK)
		s->regs[f->machine->sp].n += n;
}

/* The result of an instruction that only computes; sets @ret_dst to where it goes. */
static bool compute(const struct typeflow *f, const struct state *s, const struct step *step, struct value *ret)
{
	const struct operand *dst = &step->operands[0], *src = &step->operands[1];
	struct value a, b;

	if (step->nr_operands < 2)
		return false;
	a = read_operand(f, s, step, dst);
	b = step->op == OP_LEA ? unknown : read_operand(f, s, step, src);
	switch (step->op) {
	case OP_MOV:
		*ret = b;
		return true;
	case OP_CMOV:
		*ret = value_merge(f->info, a, b);
		return true;
	case OP_LEA:
		*ret = dst->size == 8 ? address_of(f, s, step, src) : unknown;
		return true;
	case OP_ADD:
		*ret = dst->size == 8 ? add_values(f, a, b) : unknown;
		return true;
	case OP_AND:
		/* `and $-16,%rsp`: the rest of the frame is where one may say it is */
		*ret = a.kind == V_STACK && b.kind == V_CONST ? (struct value){ V_STACK, 0, a.n & b.n } : unknown;
		return true;
	case OP_SUB:
		b.n = 0 - (uint64_t)b.n;
		*ret = dst->size == 8 && b.kind == V_CONST ? add_values(f, a, b) : unknown;
		return true;
	case OP_SHL:
		*ret = dst->size == 8 && src->kind == OPERAND_IMM ? value_scale(a, 1ULL << (src->value & 63)) : unknown;
		return true;
	case OP_XOR:
		*ret = unknown;
		if (src->kind == OPERAND_REG && dst->kind == OPERAND_REG && src->reg == dst->reg)
			*ret = (struct value){ .kind = V_CONST };
		return true;
	default:
		return false;
	}
}

/* How often a string instruction with a `rep` in front runs, where that is known. */
static uint32_t repeats(const struct state *s, const struct step *step)
{
	struct value count = s->regs[2];

	if (step->op != OP_REP || count.kind != V_CONST || count.n < 1 || count.n > 4096)
		return 1;
	return count.n;
}

/* What the instruction reads and writes, before it changes the state. */
static void report_operands(const struct typeflow *f, const struct state *s, const struct step *step)
{
	for (uint8_t i = 0; i < step->nr_operands; i++) {
		const struct operand *o = &step->operands[i];
		struct value address;
		uint8_t how = (o->read ? ACCESS_READ : 0) | (o->written ? ACCESS_WRITE : 0);

		if (o->kind != OPERAND_MEM || step->op == OP_NOP)
			continue;
		address = address_of(f, s, step, o);
		if (step->op != OP_LEA)
			report(f, s, step, address, how ?: ACCESS_READ, o->size * repeats(s, step));
		else if (o->value)
			report_address(f, s, step, address);
	}
	if (step->nr_operands == 2 && step->operands[1].kind == OPERAND_IMM &&
	    step->operands[0].kind == OPERAND_REG && step->operands[0].size == 8) {
		struct value v = { V_CONST, 0, step->operands[1].value };

		if (step->op == OP_ADD)
			report_address(f, s, step, add_values(f, reg_value(s, step->operands[0].reg), v));
		else if (step->op == OP_MOV)
			report_address(f, s, step, v);
	}
}

static void run_step(struct typeflow *f, struct state *s, const struct step *step)
{
	const struct operand *dst = &step->operands[0];
	struct value v, other;

	if (f->fn)
		report_operands(f, s, step);
	if (step->insn.kind == INSN_CALL || step->insn.kind == INSN_INDIRECT_CALL) {
		call(f, s, step);
		return;
	}
	switch (step->op) {
	case OP_PUSH:
		v = step->nr_operands ? read_operand(f, s, step, dst) : unknown;
		move_sp(f, s, -8);
		if (s->regs[f->machine->sp].kind == V_STACK)
			state_store(s, s->regs[f->machine->sp].n, v);
		return;
	case OP_POP:
		v = s->regs[f->machine->sp].kind == V_STACK ?
			state_load(s, s->regs[f->machine->sp].n) : unknown;
		move_sp(f, s, 8);
		write_operand(f, s, step, dst, v);
		return;
	case OP_LEAVE:
		v = s->regs[f->machine->fp];
		s->regs[f->machine->sp] = v;
		s->regs[f->machine->fp] = v.kind == V_STACK ? state_load(s, v.n) : unknown;
		move_sp(f, s, 8);
		return;
	case OP_XCHG:
		v = read_operand(f, s, step, dst);
		other = read_operand(f, s, step, &step->operands[1]);
		write_operand(f, s, step, dst, other);
		write_operand(f, s, step, &step->operands[1], v);
		return;
	default:
		break;
	}
	if (compute(f, s, step, &v)) {
		write_operand(f, s, step, dst, v);
		return;
	}
	for (int i = 0; i < NR_REGS; i++)
		if (step->regs_written & (1U << i))
			s->regs[i] = unknown;
	if (step->nr_operands && dst->kind == OPERAND_MEM && dst->written)
		write_operand(f, s, step, dst, unknown);
}

static void flow_to(struct typeflow *f, uint64_t addr, const struct state *s)
{
	uint32_t b = code_block_at(&f->code, addr);

	if (b != UINT32_MAX && state_merge(f->info, &f->code.blocks[b].in, s))
		f->code.blocks[b].dirty = true;
}

static void run_block(struct typeflow *f, struct block *block)
{
	struct state s = block->in;

	block->dirty = false;
	for (uint32_t i = block->first; i < block->end; i++) {
		const struct step *step = &f->code.steps[i];
		const struct insn *insn = &step->insn;

		f->before = i > block->first ? step[-1].insn.addr : 0;
		apply_hints(f, &s, insn->addr, i == block->first);
		for (uint32_t e = step->has_edge ? code_first_edge(&f->code, insn->addr) : f->code.nr_edges;
		     !f->fn && e < f->code.nr_edges && f->code.edges[e].from == insn->addr; e++)
			flow_to(f, f->code.edges[e].to, &s);
		run_step(f, &s, step);
		if (f->fn)
			continue;
		if (insn->kind == INSN_JUMP || insn->kind == INSN_BRANCH)
			flow_to(f, insn->target, &s);
		if (i + 1 == block->end && insn->kind != INSN_JUMP && insn->kind != INSN_RETURN &&
		    insn->kind != INSN_INDIRECT_JUMP)
			flow_to(f, insn->addr + insn->size, &s);
	}
}

static void run_until_stable(struct typeflow *f)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < f->code.nr_blocks; i++)
			if (f->code.blocks[i].dirty) {
				run_block(f, &f->code.blocks[i]);
				changed = true;
			}
	}
}

static void analyse(struct typeflow *f, uint32_t start)
{
	f->code.blocks[start].in.reached = f->code.blocks[start].dirty = true;
	for (int i = 0; i < NR_REGS; i++)
		if (f->machine->args & (1U << i))
			f->code.blocks[start].in.regs[i] = made_at(f, 1 + i);
	f->code.blocks[start].in.regs[f->machine->sp] = (struct value){ V_STACK, 0, -8 };
	run_until_stable(f);
	/* what no path was found to starts from what DWARF says there */
	for (uint32_t i = 0; i < f->code.nr_blocks; i++)
		if (!f->code.blocks[i].in.reached) {
			f->code.blocks[i].in.reached = f->code.blocks[i].dirty = true;
			run_until_stable(f);
		}
}

void typeflow_run(struct typeflow *f, uint32_t func, access_fn *fn, void *arg)
{
	uint64_t entry = f->funcs->v[func].low;
	uint32_t start;

	f->fn = NULL;
	f->arg = arg;
	f->known = typeinfo_func(f->info, entry);
	code_read(&f->code, f->info, func);
	start = code_block_at(&f->code, entry);
	if (start == UINT32_MAX)
		return;
	f->learnt.n = 0;
	analyse(f, start);
	if (f->learnt.n) {
		/* what was learnt holds from the beginning */
		for (uint32_t i = 0; i < f->code.nr_blocks; i++)
			memset(&f->code.blocks[i].in, 0, sizeof(f->code.blocks[i].in));
		analyse(f, start);
	}
	f->fn = fn;
	for (uint32_t i = 0; i < f->code.nr_blocks; i++)
		run_block(f, &f->code.blocks[i]);
	f->fn = NULL;
}
