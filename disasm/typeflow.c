// SPDX-License-Identifier: GPL-2.0
/*
 * The abstract interpretation: blocks of one function are run until nothing changes, then once
 * more to report what they touch.
 */
#include <string.h>

#include "disasm/typeflow.h"
#include "disasm/typeflow_value.h"

struct step {
	struct insn insn;
	enum insn_op op;
	uint8_t nr_operands;
	struct operand operands[4];
	uint32_t regs_written;
	bool leader;		/* starts a block */
};

struct block {
	uint32_t first, end;	/* steps */
	bool dirty;
	struct state in;
};

/* Control flow that no branch shows: jump labels and fixups of faults. */
struct edge {
	uint64_t from, to;
};

/* A pointer @n bytes behind the start of a @type points to @target, in this function. */
struct fact {
	uint32_t type;
	int64_t n;
	uint32_t target;
};

struct typeflow {
	const struct funcs *funcs;
	const struct typeinfo *info;
	const struct machine *machine;
	struct decoder *decoder;
	struct edge *edges;	/* sorted by from */
	uint32_t nr_edges, cap_edges;
	uint64_t cpu_offsets;	/* address of __per_cpu_offset, 0: none */
	uint64_t this_cpu_off;	/* per-CPU address of this_cpu_off, or UINT64_MAX */

	/* the function under way */
	const struct type_func *known;	/* what DWARF says of it, or NULL */
	struct step *steps;
	uint32_t nr_steps, cap_steps;
	struct block *blocks;
	uint32_t nr_blocks, cap_blocks;
	struct fact *facts;
	uint32_t nr_facts, cap_facts;
	access_fn *fn;		/* NULL until the last pass */
	void *arg;
};

static const struct value unknown;

static int compare_edges(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

/*
 * Tables of entries that begin with two 32-bit distances, counted from where they stand: struct
 * jump_entry (include/linux/jump_label.h), struct exception_table_entry (asm/extable.h).
 */
static void add_edges(struct typeflow *f, const char *start, const char *stop, uint64_t entry)
{
	uint32_t from = symbols_find(f->funcs->symbols, start), to = symbols_find(f->funcs->symbols, stop);
	uint64_t at, end;

	if (from == NO_ID || to == NO_ID)
		return;
	end = f->funcs->symbols->v[to].value;
	for (at = f->funcs->symbols->v[from].value; at < end && end - at >= entry; at += entry) {
		const uint8_t *p = image_bytes(f->funcs->image, at, entry);
		int32_t d[2];

		if (!p)
			return;
		memcpy(d, p, sizeof(d));
		GROW(f->edges, f->nr_edges, f->cap_edges);
		f->edges[f->nr_edges++] = (struct edge){ at + d[0], at + 4 + d[1] };
	}
}

struct err *typeflow_open(const struct funcs *funcs, const struct typeinfo *info, struct typeflow **ret)
{
	struct typeflow *f = xcalloc(1, sizeof(*f));
	struct err *err = decoder_open(funcs->image->machine, &f->decoder);
	uint32_t id;

	if (err) {
		free(f);
		return err;
	}
	f->funcs = funcs;
	f->info = info;
	f->machine = machine_of(funcs->image->machine);
	add_edges(f, "__start___jump_table", "__stop___jump_table", 16);
	add_edges(f, "__start___ex_table", "__stop___ex_table", 12);
	if (f->nr_edges)
		qsort(f->edges, f->nr_edges, sizeof(*f->edges), compare_edges);
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
	decoder_close(f->decoder);
	free(f->edges);
	free(f->steps);
	free(f->blocks);
	free(f->facts);
	free(f);
}

/* A variable of which @addr is inside, as a pointer. */
static struct value pointer_to_var(const struct typeflow *f, uint64_t addr)
{
	const struct type_var *var = typeinfo_var(f->info, addr);

	if (!var)
		return unknown;
	return (struct value){ V_POINTER, var->type, (int64_t)(addr - var->addr) };
}

static struct value add_constant(const struct typeflow *f, struct value v, int64_t n)
{
	v.n += n;
	if (v.kind == V_PERCPU)
		return pointer_to_var(f, n);
	return v.kind == V_UNKNOWN ? unknown : v;
}

static struct value reg_value(const struct state *s, uint8_t reg)
{
	return reg < NR_REGS ? s->regs[reg] : unknown;
}

/* The address that a memory operand stands for. */
static struct value address_of(const struct typeflow *f, const struct state *s, const struct step *step,
			       const struct operand *o)
{
	struct value base = reg_value(s, o->base), index = reg_value(s, o->index);
	uint64_t addr = o->value + (o->pc_relative ? step->insn.addr + step->insn.size : 0);

	if (o->base == INSN_REG_NONE && o->index == INSN_REG_NONE)
		return o->segment ? pointer_to_var(f, addr) : (struct value){ V_CONST, 0, addr };
	if (o->segment && base.kind == V_CONST)
		return pointer_to_var(f, base.n + o->value);
	if (base.kind == V_UNKNOWN && (index.kind == V_POINTER || index.kind == V_PERCPU))
		base = index;
	else if (base.kind == V_CONST && index.kind == V_PERCPU)
		return pointer_to_var(f, base.n + o->value);
	else if (base.kind == V_PERCPU && index.kind == V_CONST)
		return pointer_to_var(f, index.n + o->value);
	if (base.kind == V_UNKNOWN && o->value < 0 && o->value >= INT32_MIN)
		return value_resolve(f->info, (struct value){ V_CONST, 0, o->value }).kind == V_POINTER ?
			(struct value){ V_CONST, 0, o->value } : unknown;
	return add_constant(f, base, o->value);
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

/* Which bits of memory an instruction with a constant looks at or changes; 0: all. */
static uint64_t bits_of(const struct step *step)
{
	const struct operand *o = step->operands;

	if (step->nr_operands != 2 || o[1].kind != OPERAND_IMM)
		return 0;
	switch (step->op) {
	case OP_OR: case OP_TEST: case OP_XOR:
		return o[1].value;
	case OP_AND:
		return ~(uint64_t)o[1].value & (o[0].size < 8 ? (1ULL << 8 * o[0].size) - 1 : UINT64_MAX);
	default:
		return 0;
	}
}

static void report(const struct typeflow *f, const struct state *s, const struct step *step,
		   struct value address, uint8_t how, uint32_t size)
{
	struct value object = object_at(f, s, step, address);
	struct access access = { .at = step->insn.addr, .how = how, .size = size, .bits = bits_of(step) };

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

/* What the functions's own hints say of a pointer in memory: the void *private of a struct. */
static uint32_t fact_of(const struct typeflow *f, struct value object)
{
	for (uint32_t i = 0; i < f->nr_facts; i++)
		if (f->facts[i].type == object.type && f->facts[i].n == object.n)
			return f->facts[i].target;
	return 0;
}

static void add_fact(struct typeflow *f, struct value object, uint32_t target)
{
	for (uint32_t i = 0; i < f->nr_facts; i++) {
		struct fact *fact = &f->facts[i];

		if (fact->type == object.type && fact->n == object.n) {
			if (fact->target != target)
				fact->target = 0;	/* not the same everywhere */
			return;
		}
	}
	GROW(f->facts, f->nr_facts, f->cap_facts);
	f->facts[f->nr_facts++] = (struct fact){ object.type, object.n, target };
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

		if (v.kind != V_UNKNOWN)
			return v;
	}
	object = object_at(f, s, step, address);
	if (object.kind != V_POINTER)
		return unknown;
	target = types_pointee(f->info->types, object.type, object.n) ?: fact_of(f, object);
	return target ? (struct value){ V_POINTER, target, 0 } : unknown;
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

/* a + b, whichever of the two is the pointer */
static struct value add_values(const struct typeflow *f, struct value a, struct value b)
{
	if (a.kind == V_PERCPU || b.kind == V_PERCPU) {
		struct value other = a.kind == V_PERCPU ? b : a;

		if (other.kind == V_CONST)
			return pointer_to_var(f, other.n);
		return other.kind == V_POINTER ? other : unknown;
	}
	if (b.kind == V_CONST)
		return add_constant(f, a, b.n);
	if (a.kind == V_CONST)
		return add_constant(f, b, a.n);
	/* an index that has been scaled already */
	if (a.kind == V_POINTER && b.kind == V_UNKNOWN)
		return a;
	if (b.kind == V_POINTER && a.kind == V_UNKNOWN)
		return b;
	return unknown;
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
	struct value object;

	if (h->reg >= NR_REGS)
		return;
	object = value_resolve(f->info, s->regs[h->reg]);
	if (t->kind == TYPE_POINTER && t->target && object.kind == V_POINTER) {
		object.n -= h->offset;
		if (!types_pointee(f->info->types, object.type, object.n))
			add_fact(f, object, types_complete(f->info->types, t->target));
	}
	s->regs[h->reg] = value_refine(f->info, s->regs[h->reg], hint);
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
	if (type && returned(f, type).kind == V_POINTER)
		s->regs[0] = value_refine(f->info, s->regs[0], returned(f, type));
}

static void move_sp(const struct typeflow *f, struct state *s, int64_t n)
{
	struct value *sp = &s->regs[f->machine->sp];

	if (sp->kind == V_STACK)
		sp->n += n;
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
		*ret = dst->size == 8 && b.kind == V_CONST ? add_constant(f, a, -b.n) : unknown;
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
			report(f, s, step, address, how ?: ACCESS_READ, o->size);
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

static uint32_t step_at(const struct typeflow *f, uint64_t addr)
{
	uint32_t lo = 0, hi = f->nr_steps;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (f->steps[mid].insn.addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < f->nr_steps && f->steps[lo].insn.addr == addr ? lo : UINT32_MAX;
}

static void decode_part(struct typeflow *f, uint64_t low, uint64_t high)
{
	bool leader = true;

	for (uint64_t at = low; at < high;) {
		const uint8_t *bytes = image_bytes(f->funcs->image, at, high - at);
		struct insn_detail detail;
		struct step *step;

		GROW(f->steps, f->nr_steps, f->cap_steps);
		step = &f->steps[f->nr_steps];
		if (!bytes || !decode_operands(f->decoder, bytes, high - at, at, &step->insn, &detail))
			return;
		step->op = detail.op;
		step->nr_operands = detail.nr_operands;
		memcpy(step->operands, detail.operands, sizeof(step->operands));
		step->regs_written = detail.regs_written;
		step->leader = leader;
		leader = step->insn.kind == INSN_JUMP || step->insn.kind == INSN_BRANCH ||
			 step->insn.kind == INSN_RETURN || step->insn.kind == INSN_INDIRECT_JUMP;
		at += step->insn.size;
		f->nr_steps++;
	}
}

/* Position of the first edge that leaves @from or a later place. */
static uint32_t first_edge(const struct typeflow *f, uint64_t from)
{
	uint32_t lo = 0, hi = f->nr_edges;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (f->edges[mid].from < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void mark_leader(struct typeflow *f, uint64_t addr)
{
	uint32_t i = step_at(f, addr);

	if (i != UINT32_MAX)
		f->steps[i].leader = true;
}

static void split_blocks(struct typeflow *f)
{
	for (uint32_t i = 0; i < f->nr_steps; i++) {
		const struct insn *insn = &f->steps[i].insn;

		if (insn->kind == INSN_JUMP || insn->kind == INSN_BRANCH)
			mark_leader(f, insn->target);
		for (uint32_t e = first_edge(f, insn->addr); e < f->nr_edges && f->edges[e].from == insn->addr; e++)
			mark_leader(f, f->edges[e].to);
	}
	f->nr_blocks = 0;
	for (uint32_t i = 0; i < f->nr_steps; i++) {
		if (f->steps[i].leader) {
			GROW(f->blocks, f->nr_blocks, f->cap_blocks);
			memset(&f->blocks[f->nr_blocks], 0, sizeof(*f->blocks));
			f->blocks[f->nr_blocks++].first = i;
		}
		f->blocks[f->nr_blocks - 1].end = i + 1;
	}
}

static uint32_t block_at(const struct typeflow *f, uint64_t addr)
{
	uint32_t lo = 0, hi = f->nr_blocks;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (f->steps[f->blocks[mid].first].insn.addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < f->nr_blocks && f->steps[f->blocks[lo].first].insn.addr == addr ? lo : UINT32_MAX;
}

static void flow_to(struct typeflow *f, uint64_t addr, const struct state *s)
{
	uint32_t b = block_at(f, addr);

	if (b != UINT32_MAX && state_merge(f->info, &f->blocks[b].in, s))
		f->blocks[b].dirty = true;
}

static void run_block(struct typeflow *f, struct block *block)
{
	struct state s = block->in;

	block->dirty = false;
	for (uint32_t i = block->first; i < block->end; i++) {
		const struct step *step = &f->steps[i];
		const struct insn *insn = &step->insn;

		apply_hints(f, &s, insn->addr, i == block->first);
		for (uint32_t e = first_edge(f, insn->addr);
		     !f->fn && e < f->nr_edges && f->edges[e].from == insn->addr; e++)
			flow_to(f, f->edges[e].to, &s);
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
		for (uint32_t i = 0; i < f->nr_blocks; i++)
			if (f->blocks[i].dirty) {
				run_block(f, &f->blocks[i]);
				changed = true;
			}
	}
}

static void analyse(struct typeflow *f, uint32_t start)
{
	f->blocks[start].in.reached = f->blocks[start].dirty = true;
	f->blocks[start].in.regs[f->machine->sp] = (struct value){ V_STACK, 0, -8 };
	run_until_stable(f);
	/* what no path was found to starts from what DWARF says there */
	for (uint32_t i = 0; i < f->nr_blocks; i++)
		if (!f->blocks[i].in.reached) {
			f->blocks[i].in.reached = f->blocks[i].dirty = true;
			run_until_stable(f);
		}
}

static int compare_steps(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	return x->insn.addr < y->insn.addr ? -1 : x->insn.addr > y->insn.addr;
}

void typeflow_run(struct typeflow *f, uint32_t func, access_fn *fn, void *arg)
{
	const struct func *entry = &f->funcs->v[func];
	bool parted = false;
	uint32_t start;

	f->fn = NULL;
	f->arg = arg;
	f->nr_steps = 0;
	f->known = typeinfo_func(f->info, entry->low);
	decode_part(f, entry->low, entry->high);
	for (uint32_t i = typeinfo_parts(f->info, entry->low);
	     i < f->info->nr_parts && f->info->parts[i].entry == entry->low; i++) {
		uint32_t part = funcs_starting_at(f->funcs, f->info->parts[i].low);

		if (part != NO_ID && part != func) {
			decode_part(f, f->funcs->v[part].low, f->funcs->v[part].high);
			parted = true;
		}
	}
	if (parted)
		qsort(f->steps, f->nr_steps, sizeof(*f->steps), compare_steps);
	split_blocks(f);
	start = block_at(f, entry->low);
	if (start == UINT32_MAX)
		return;
	f->nr_facts = 0;
	analyse(f, start);
	if (f->nr_facts) {
		/* what was learnt of pointers in memory holds from the beginning */
		for (uint32_t i = 0; i < f->nr_blocks; i++)
			memset(&f->blocks[i].in, 0, sizeof(f->blocks[i].in));
		analyse(f, start);
	}
	f->fn = fn;
	for (uint32_t i = 0; i < f->nr_blocks; i++)
		run_block(f, &f->blocks[i]);
	f->fn = NULL;
}
