// SPDX-License-Identifier: GPL-2.0
/*
 * The boundary, as set algebra over functions and references:
 *
 *	files     = functions declared in the policy's files
 *	parked    = files from which a stack switch is reached by calls inside files
 *	init      = files that lie in sections for the boot alone
 *	outsiders = files that are kept out, unpatchable, parked,
 *	            inlined into a function that stays the kernel's,
 *	            or in need of a jump that their entry has no room for
 *	inside    = files - init - outsiders
 *	interface = inside, called from outside or exported
 *	callback  = inside, address taken
 *	insider   = the rest of inside
 *
 * What runs behind a stack switch counts as outside: tasks that sleep there go
 * on in the kernel's own code.
 */
#include <stdio.h>
#include <string.h>

#include "elfkit/boundary.h"

const char *const side_names[NR_SIDES] = {
	"none", "interface", "callback", "insider", "outsider", "init",
};

struct compute {
	const struct funcs *funcs;
	const struct refs *refs;
	const struct policy *policy;
	const bool *has_body;
	struct decoder *decoder;
	const struct machine *machine;
	struct boundary *b;
	bool *in_files;
};

/* A cold part speaks for the function it was split from. */
uint32_t boundary_owner(const struct funcs *funcs, uint32_t func)
{
	return func != NO_ID && funcs->v[func].parent != NO_ID ? funcs->v[func].parent : func;
}

static uint32_t owner(const struct compute *c, uint32_t func)
{
	return boundary_owner(c->funcs, func);
}

static void leave_out(struct compute *c, uint32_t func, char *because)
{
	free(c->b->v[func].because);
	c->b->v[func].side = SIDE_OUTSIDER;
	c->b->v[func].because = because;
}

/* files: everything starts as an insider until a rule says otherwise */
static void take_files(struct compute *c)
{
	for (uint32_t i = 0; i < c->b->n; i++) {
		const struct debug_func *source = funcs_source(c->funcs, i);

		if (!source || c->funcs->v[i].parent != NO_ID ||
		    !policy_has_func(c->policy, source->file, source->name))
			continue;
		c->in_files[i] = true;
		c->b->v[i].side = SIDE_INSIDER;
	}
}

bool boundary_is_init(const struct funcs *funcs, uint32_t func)
{
	const char *section = funcs->image->sections[funcs->v[func].section].name;

	return !strncmp(section, ".init", 5) || !strncmp(section, ".exit", 5);
}

static const struct policy_item *unpatchable(const struct compute *c, uint64_t addr)
{
	const struct symbols *symbols = c->funcs->symbols;

	for (uint32_t i = 0; i < c->policy->unpatchable.n; i++) {
		const struct policy_item *item = &c->policy->unpatchable.v[i];
		uint32_t from = symbols_find(symbols, item->name);
		uint32_t to = symbols_find(symbols, item->to);

		if (from != NO_ID && to != NO_ID && addr >= symbols->v[from].value &&
		    addr < symbols->v[to].value)
			return item;
	}
	return NULL;
}

/*
 * Why an entry without an fentry nop cannot take a jump, or NULL.  The bytes that
 * the jump covers must stay as vmlinux has them at run time (no address that
 * KASLR changes, no call or jump that the kernel rewrites) and nothing may branch
 * into their middle.
 */
static const char *bare_entry_obstacle(const struct compute *c, const struct func *f, uint64_t site)
{
	uint64_t end = site + c->machine->jump_size;

	if (end > f->high)
		return "shorter than a jump";
	for (uint64_t at = f->low; at < f->high;) {
		const uint8_t *bytes = image_bytes(c->funcs->image, at, f->high - at);
		struct insn_detail detail;
		struct insn insn;

		if (!bytes || !decode(c->decoder, bytes, f->high - at, at, &insn))
			return "not decodable";
		if (at < end && insn.kind != INSN_OTHER)
			return "branches within its first bytes";
		if (insn.target > site && insn.target < end &&
		    (insn.kind == INSN_JUMP || insn.kind == INSN_BRANCH))
			return "branches back to its first bytes";
		if (at < end && decode_detail(c->decoder, bytes, insn.size, at, &detail))
			for (uint8_t i = 0; i < detail.nr_fields; i++)
				if (!detail.fields[i].pc_relative &&
				    image_section_at(c->funcs->image, detail.fields[i].value))
					return "holds an address within its first bytes";
		at += insn.size;
	}
	return NULL;
}

/* Finds the place for a jump; returns why there is none. */
static const char *find_site(struct compute *c, uint32_t func)
{
	const struct func *f = &c->funcs->v[func];
	const uint8_t *pad = c->machine->landing_pad;
	const uint8_t *bytes = image_bytes(c->funcs->image, f->low, sizeof(c->machine->landing_pad));
	uint64_t site = f->low;
	const char *obstacle;

	if (bytes && !memcmp(bytes, pad, sizeof(c->machine->landing_pad)))
		site += sizeof(c->machine->landing_pad);
	obstacle = f->traced ? NULL : bare_entry_obstacle(c, f, site);
	if (!obstacle)
		c->b->v[func].room = site;
	return obstacle;
}

static void leave_out_by_item(struct compute *c, uint32_t func, const char *rule, const struct policy_item *item)
{
	AUTO_FREE char *reason = policy_reason(c->policy, item);

	leave_out(c, func, xasprintf("%s: %s", rule, reason));
}

static void leave_out_by_rule(struct compute *c)
{
	for (uint32_t i = 0; i < c->b->n; i++) {
		const struct debug_func *source = funcs_source(c->funcs, i);
		const struct policy_item *item;

		if (!c->in_files[i])
			continue;
		item = policy_kept_out(c->policy, source->file, source->name);
		if (item) {
			leave_out_by_item(c, i, "kept out", item);
		} else if (boundary_is_init(c->funcs, i)) {
			leave_out(c, i, xstrdup("init code: it has run and its memory is gone"));
			c->b->v[i].side = SIDE_INIT;
		} else if ((item = unpatchable(c, c->funcs->v[i].low))) {
			leave_out_by_item(c, i, "unpatchable", item);
		} else if (c->has_body && !c->has_body[i]) {
			leave_out(c, i, xstrdup("not in the new objects"));
		}
	}
}

static void find_switches(struct compute *c)
{
	struct boundary *b = c->b;
	uint32_t cap = 0;

	for (uint32_t s = 0; s < c->policy->switches.n; s++) {
		uint32_t symbol = symbols_find(c->funcs->symbols, c->policy->switches.v[s].name);
		uint32_t callee = symbol == NO_ID ? NO_ID :
			funcs_starting_at(c->funcs, c->funcs->symbols->v[symbol].value);

		if (callee == NO_ID)
			continue;
		for (uint32_t r = c->refs->to[callee]; r < c->refs->to[callee + 1]; r++) {
			const struct ref *ref = &c->refs->v[r];
			uint32_t func = owner(c, ref->from);
			uint64_t left = func == NO_ID ? 0 : c->funcs->v[ref->from].high - ref->at;
			const uint8_t *bytes = image_bytes(c->funcs->image, ref->at, left);
			struct insn insn;

			if (ref->kind != REF_CALL || func == NO_ID || !c->in_files[func] || !bytes ||
			    !decode(c->decoder, bytes, left, ref->at, &insn))
				continue;
			GROW(b->switches, b->nr_switches, cap);
			b->switches[b->nr_switches] = (struct stack_switch){
				.func = func, .callee = callee, .call = ref->at, .resume = ref->at + insn.size,
			};
			flow_from(c->funcs, c->decoder, func, ref->at + insn.size,
				  &b->switches[b->nr_switches++].after);
		}
	}
}

/* parked: backwards from each stack switch over calls inside the files */
static void leave_out_parked(struct compute *c)
{
	struct boundary *b = c->b;
	uint32_t *queue = xcalloc(b->n, sizeof(*queue)), n = 0;
	bool *seen = xcalloc(b->n, sizeof(*seen));

	for (uint32_t i = 0; i < b->nr_switches; i++)
		if (!seen[b->switches[i].func]) {
			seen[b->switches[i].func] = true;
			queue[n++] = b->switches[i].func;
		}
	for (uint32_t head = 0; head < n; head++) {
		uint32_t callee = queue[head];

		for (uint32_t r = c->refs->to[callee]; r < c->refs->to[callee + 1]; r++) {
			const struct ref *ref = &c->refs->v[r];
			uint32_t caller = owner(c, ref->from);

			if ((ref->kind != REF_CALL && ref->kind != REF_JUMP) || caller == NO_ID ||
			    !c->in_files[caller] || seen[caller])
				continue;
			seen[caller] = true;
			queue[n++] = caller;
			if (b->v[caller].side == SIDE_INSIDER)
				leave_out(c, caller, xasprintf("a task can be parked in it: it calls %s",
							       c->funcs->v[callee].name));
		}
	}
	free(queue);
	free(seen);
}

/* inlined: a copy inside a function that stays the kernel's would not change with it */
static void leave_out_inlined(struct compute *c)
{
	const struct debuginfo *info = c->funcs->debuginfo;
	bool changed = true;

	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < c->b->n; i++) {
			struct debug_inline key;
			uint32_t callee, lo = 0, hi = info->nr_inlines;

			if (!boundary_is_inside(c->b, i))
				continue;
			callee = c->funcs->v[i].source;
			while (lo < hi) {
				uint32_t mid = lo + (hi - lo) / 2;

				if (info->inlines[mid].callee < callee)
					lo = mid + 1;
				else
					hi = mid;
			}
			for (; lo < info->nr_inlines; lo++) {
				uint32_t host;

				key = info->inlines[lo];
				if (key.callee != callee)
					break;
				host = funcs_starting_at(c->funcs, info->codes[key.host].ranges[0].low);
				if (host == NO_ID || boundary_is_init(c->funcs, host) || boundary_is_inside(c->b, host))
					continue;
				leave_out(c, i, xasprintf("inlined into %s, which stays the kernel's",
							  c->funcs->v[host].name));
				changed = true;
				break;
			}
		}
	}
}

bool boundary_runs_outside(const struct boundary *b, const struct funcs *funcs, uint32_t from, uint64_t at)
{
	uint32_t func = boundary_owner(funcs, from);

	if (func == NO_ID || !boundary_is_inside(b, func))
		return true;
	for (uint32_t i = 0; i < b->nr_switches; i++) {
		if (b->switches[i].func != func)
			continue;
		/* an alternative's replacement lies elsewhere: it may well run behind the switch */
		if (flow_has(&b->switches[i].after, at) || funcs_at(funcs, at) != from)
			return true;
	}
	return false;
}

static bool comes_from_outside(const struct compute *c, const struct ref *ref)
{
	return boundary_runs_outside(c->b, c->funcs, ref->from, ref->at);
}

static bool in_entry_table(const struct compute *c, uint64_t addr)
{
	const struct symbols *symbols = c->funcs->symbols;

	for (uint32_t i = 0; i < c->policy->entry_tables.n; i++) {
		uint32_t id = symbols_find(symbols, c->policy->entry_tables.v[i].name);

		if (id != NO_ID && addr - symbols->v[id].value < symbols->v[id].size)
			return true;
	}
	return false;
}

/* The first reason for the highest class stands. */
static void decide(struct decision *d, enum side side, char *because)
{
	static const int rank[NR_SIDES] = {
		[SIDE_INSIDER] = 1, [SIDE_CALLBACK] = 2, [SIDE_INTERFACE] = 3,
	};

	if (d->because && rank[d->side] >= rank[side]) {
		free(because);
		return;
	}
	free(d->because);
	d->side = side;
	d->because = because;
}

/* interface, callback, insider: by the first reference of each kind */
static void classify(struct compute *c, uint32_t func, struct decision *d)
{
	const struct debug_func *source = funcs_source(c->funcs, func);
	const struct policy_item *sidecar = policy_func_item(&c->policy->sidecar, source->file, source->name);
	bool referenced = false;

	if (sidecar) {
		AUTO_FREE char *reason = policy_reason(c->policy, sidecar);

		decide(d, SIDE_INTERFACE, xasprintf("a sidecar: %s", reason));
	}
	if (c->funcs->v[func].exported)
		decide(d, SIDE_INTERFACE, xstrdup("exported: modules call it"));
	for (uint32_t r = c->refs->to[func]; r < c->refs->to[func + 1]; r++) {
		const struct ref *ref = &c->refs->v[r];
		AUTO_FREE char *place = funcs_place(c->funcs, ref->at);

		referenced = true;
		if (ref->kind == REF_DATA && in_entry_table(c, ref->at))
			decide(d, SIDE_INTERFACE, xasprintf("a system call: in %s", place));
		else if (ref->kind == REF_DATA || ref->kind == REF_ADDRESS)
			decide(d, SIDE_CALLBACK, xasprintf("its address is %s %s",
				ref->kind == REF_DATA ? "in" : "taken at", place));
		else if (comes_from_outside(c, ref))
			decide(d, SIDE_INTERFACE, xasprintf("called from outside at %s", place));
		else
			decide(d, SIDE_INSIDER, xasprintf("only called from inside, first at %s", place));
	}
	if (!referenced)
		decide(d, SIDE_CALLBACK, xstrdup("no reference was found: taken as reachable"));
}

/*
 * Sorts inside into interface, callback and insider.  A function that needs a jump
 * and has no room for one becomes an outsider; returns whether there was one.
 */
static bool classify_inside(struct compute *c)
{
	struct decision *result = xcalloc(c->b->n, sizeof(*result));
	bool changed = false;

	/* all sides are read as they were while the new ones are worked out */
	for (uint32_t i = 0; i < c->b->n; i++)
		if (boundary_is_inside(c->b, i))
			classify(c, i, &result[i]);
	for (uint32_t i = 0; i < c->b->n; i++) {
		struct decision *d = &c->b->v[i];
		const char *obstacle;

		if (!boundary_is_inside(c->b, i))
			continue;
		free(d->because);
		d->side = result[i].side;
		d->because = result[i].because;
		/* an insider can do without a jump, until somebody takes its address */
		obstacle = find_site(c, i);
		if (d->side != SIDE_INSIDER)
			d->site = d->room;
		if (obstacle && d->side != SIDE_INSIDER) {
			leave_out(c, i, xasprintf("no room for the jump that it needs: %s", obstacle));
			changed = true;
		}
	}
	free(result);
	return changed;
}

/* closure: what a jump at interfaces and callbacks alone would let slip */
static void check_closure(struct compute *c)
{
	struct boundary *b = c->b;
	uint32_t cap = 0;

	for (uint32_t i = 0; i < c->refs->n; i++) {
		const struct ref *ref = &c->refs->v[i];

		if (b->v[ref->to].side != SIDE_INSIDER || !comes_from_outside(c, ref))
			continue;
		GROW(b->closure, b->nr_closure, cap);
		b->closure[b->nr_closure++] = i;
	}
}

struct err *boundary_compute(const struct funcs *funcs, const struct refs *refs,
			     const struct policy *policy, const bool *has_body,
			     struct boundary **ret)
{
	struct compute c = { .funcs = funcs, .refs = refs, .policy = policy, .has_body = has_body };
	struct err *err = decoder_open(funcs->image->machine, &c.decoder);

	if (err)
		return err;
	c.machine = machine_of(funcs->image->machine);
	c.b = xcalloc(1, sizeof(*c.b));
	c.b->n = funcs->n;
	c.b->v = xcalloc(funcs->n, sizeof(*c.b->v));
	c.in_files = xcalloc(funcs->n, sizeof(*c.in_files));

	take_files(&c);
	find_switches(&c);
	leave_out_by_rule(&c);
	leave_out_parked(&c);
	do
		leave_out_inlined(&c);
	while (classify_inside(&c));
	check_closure(&c);
	for (uint32_t i = 0; i < funcs->n; i++)
		c.b->counts[c.b->v[i].side]++;

	decoder_close(c.decoder);
	free(c.in_files);
	*ret = c.b;
	return NULL;
}

void boundary_free(struct boundary *b)
{
	if (!b)
		return;
	for (uint32_t i = 0; i < b->n; i++)
		free(b->v[i].because);
	for (uint32_t i = 0; i < b->nr_switches; i++)
		flow_release(&b->switches[i].after);
	free(b->v);
	free(b->closure);
	free(b->switches);
	free(b);
}
