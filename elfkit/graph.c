// SPDX-License-Identifier: GPL-2.0
/* References, turned from addresses and ids into the edges of a graph. */
#include <search.h>
#include <string.h>

#include "elfkit/graph.h"

struct named_node {
	const char *name;
	uint32_t node;
};

struct make {
	const struct survey *survey;
	const struct kernel *kernel;
	struct graph *g;
	uint32_t *node_of;	/* [functions of the image]: node, or NO_ID so far */
	void *data;		/* tsearch(3) tree of struct named_node: data has no id */
};

static void add_edge(struct graph_edge **v, uint32_t *n, uint32_t *cap, struct graph_edge edge)
{
	GROW(*v, *n, *cap);
	(*v)[(*n)++] = edge;
}

static uint32_t add_other(struct make *m, char *name, const char *unit, enum graph_other_kind kind)
{
	struct graph *g = m->g;

	GROW(g->others, g->nr_others, g->cap_others);
	g->others[g->nr_others] = (struct graph_other){ name, unit, kind };
	return g->nr_functions + g->nr_others++;
}

static int compare_named(const void *a, const void *b)
{
	return strcmp(((const struct named_node *)a)->name, ((const struct named_node *)b)->name);
}

/* "table+0x18" is a node named table. */
static uint32_t data_node(struct make *m, uint64_t at)
{
	char *name = funcs_place(m->kernel->funcs, at);
	struct named_node key = { name, 0 }, **found;

	name[strcspn(name, "+")] = '\0';
	found = tfind(&key, &m->data, compare_named);
	if (found) {
		free(name);
		return (*found)->node;
	}
	struct named_node *node = xcalloc(1, sizeof(*node));

	*node = (struct named_node){ name, add_other(m, name, NULL, OTHER_DATA) };
	if (!tsearch(node, &m->data, compare_named))
		abort();
	return node->node;
}

static uint32_t func_node(struct make *m, uint32_t func)
{
	const struct func *f;

	func = boundary_owner(m->kernel->funcs, func);
	f = &m->kernel->funcs->v[func];
	if (m->node_of[func] == NO_ID)
		m->node_of[func] = add_other(m, xstrdup(f->name), units_at(&m->g->units, f->low),
					     boundary_is_init(m->kernel->funcs, func) ? OTHER_INIT : OTHER_FUNCTION);
	return m->node_of[func];
}

static bool is_ours(const struct make *m, uint32_t func)
{
	return func != NO_ID && m->kernel->boundary->v[boundary_owner(m->kernel->funcs, func)].side != SIDE_NONE;
}

/* The call at a function's entry, for tracers: a nop until somebody traces. */
static bool is_tracer_call(const struct kernel *k, const struct ref *ref)
{
	const struct func *from = ref->from == NO_ID ? NULL : &k->funcs->v[ref->from];

	return from && ref->kind == REF_CALL && from->traced &&
	       ref->at - from->low <= sizeof(((struct machine *)NULL)->landing_pad);
}

static void add_refs(struct make *m)
{
	static const uint8_t kinds[] = {
		[REF_CALL] = EDGE_CALL, [REF_JUMP] = EDGE_JUMP, [REF_ADDRESS] = EDGE_ADDRESS, [REF_DATA] = EDGE_DATA,
	};
	const struct kernel *k = m->kernel;

	for (uint32_t i = 0; i < k->refs->n; i++) {
		const struct ref *ref = &k->refs->v[i];
		struct graph_edge edge = { .count = 1, .kinds = kinds[ref->kind] };

		if ((!is_ours(m, ref->to) && !is_ours(m, ref->from)) || is_tracer_call(k, ref))
			continue;
		edge.from = ref->from == NO_ID ? data_node(m, ref->at) : func_node(m, ref->from);
		edge.to = func_node(m, ref->to);
		if (is_ours(m, ref->from) &&
		    boundary_is_inside(k->boundary, boundary_owner(k->funcs, ref->from)) &&
		    boundary_runs_outside(k->boundary, k->funcs, ref->from, ref->at))
			edge.kinds |= EDGE_BEHIND;
		/* what goes on in its own cold part is no reference */
		if (edge.from != edge.to || ref->kind == REF_CALL || ref->kind == REF_ADDRESS)
			add_edge(&m->g->edges, &m->g->nr_edges, &m->g->cap_edges, edge);
	}
}

/* The node of a declaration: its first function, or itself. */
static uint32_t declaration_node(const struct graph *g, const struct declaration *d)
{
	for (uint32_t i = 0; i < g->nr_functions; i++)
		if (g->functions[i].declaration == d)
			return i;
	return NO_ID;
}

static void add_inlines(struct make *m)
{
	const struct debuginfo *info = m->kernel->debuginfo;
	const struct declarations *decls = &m->survey->declarations;
	uint32_t *node_of = xcalloc(decls->n, sizeof(*node_of));

	for (uint32_t i = 0; i < decls->n; i++)
		node_of[i] = declaration_node(m->g, &decls->v[i]);
	for (uint32_t i = 0; i < info->nr_inlines; i++) {
		const struct debug_inline *in = &info->inlines[i];
		uint32_t host = funcs_starting_at(m->kernel->funcs, info->codes[in->host].ranges[0].low);
		const struct declaration *d = declarations_lookup(decls, info, &info->funcs[in->callee]);
		uint32_t to = d ? node_of[d - decls->v] : NO_ID;

		if (host != NO_ID && to != NO_ID)
			add_edge(&m->g->edges, &m->g->nr_edges, &m->g->cap_edges,
				 (struct graph_edge){ func_node(m, host), to, 1, EDGE_INLINE });
	}
	free(node_of);
}

static void add_uses(struct make *m)
{
	const struct refs *refs = m->kernel->refs;
	uint32_t n = m->kernel->variables->n;
	uint32_t *ids = report_order_objects(m->survey);

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t r = refs->to_var[ids[i]]; r < refs->to_var[ids[i] + 1]; r++) {
			const struct var_ref *ref = &refs->vars[r];
			uint32_t from = ref->from == NO_ID ? data_node(m, ref->at) : func_node(m, ref->from);

			add_edge(&m->g->uses, &m->g->nr_uses, &m->g->cap_uses, (struct graph_edge){ from, i, 1, 0 });
		}
	free(ids);
}

static int compare_edges(const void *a, const void *b)
{
	const struct graph_edge *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

/* Edges between the same nodes become one. Returns how many are left. */
static uint32_t merge_edges(struct graph_edge *v, uint32_t n)
{
	uint32_t last = 0;

	if (!n)
		return 0;
	qsort(v, n, sizeof(*v), compare_edges);
	for (uint32_t i = 1; i < n; i++) {
		if (compare_edges(&v[last], &v[i])) {
			v[++last] = v[i];
		} else {
			v[last].kinds |= v[i].kinds;
			v[last].count += v[i].count;
		}
	}
	return last + 1;
}

static int compare_others(const void *a, const void *b, void *arg)
{
	const struct graph *g = arg;
	const struct graph_other *x = &g->others[*(const uint32_t *)a], *y = &g->others[*(const uint32_t *)b];

	return strcmp(x->name, y->name) ?: strcmp(x->unit ?: "", y->unit ?: "") ?: (int)x->kind - (int)y->kind ?: x < y ? -1 : x > y;
}

/* Found in the order of references; listed by name. */
static void sort_others(struct graph *g)
{
	uint32_t *order = xcalloc(g->nr_others + 1, sizeof(*order)), *place = xcalloc(g->nr_others + 1, sizeof(*place));
	struct graph_other *sorted = xcalloc(g->nr_others + 1, sizeof(*sorted));

	for (uint32_t i = 0; i < g->nr_others; i++)
		order[i] = i;
	qsort_r(order, g->nr_others, sizeof(*order), compare_others, g);
	for (uint32_t i = 0; i < g->nr_others; i++) {
		sorted[i] = g->others[order[i]];
		place[order[i]] = g->nr_functions + i;
	}
#define RENUMBER(node) ((node) < g->nr_functions ? (node) : place[(node) - g->nr_functions])
	for (uint32_t i = 0; i < g->nr_edges; i++) {
		g->edges[i].from = RENUMBER(g->edges[i].from);
		g->edges[i].to = RENUMBER(g->edges[i].to);
	}
	for (uint32_t i = 0; i < g->nr_uses; i++)
		g->uses[i].from = RENUMBER(g->uses[i].from);
#undef RENUMBER
	free(g->others);
	g->others = sorted;
	free(order);
	free(place);
}

struct err *graph_make(const struct survey *survey, struct graph *ret)
{
	struct make m = { .survey = survey, .kernel = &survey->kernel, .g = ret };
	struct err *err;

	memset(ret, 0, sizeof(*ret));
	err = units_read(survey->kernel.debuginfo, &ret->units);
	if (err)
		return err_in(err, survey->kernel.image->path);
	ret->functions = report_order_functions(survey, &ret->nr_functions);
	m.node_of = xcalloc(m.kernel->funcs->n, sizeof(*m.node_of));
	memset(m.node_of, 0xff, m.kernel->funcs->n * sizeof(*m.node_of));
	for (uint32_t i = 0; i < ret->nr_functions; i++)
		if (ret->functions[i].func != NO_ID)
			m.node_of[ret->functions[i].func] = i;
	add_refs(&m);
	add_inlines(&m);
	add_uses(&m);
	sort_others(ret);
	ret->nr_edges = merge_edges(ret->edges, ret->nr_edges);
	ret->nr_uses = merge_edges(ret->uses, ret->nr_uses);
	free(m.node_of);
	tdestroy(m.data, free);
	return NULL;
}

void graph_release(struct graph *graph)
{
	for (uint32_t i = 0; i < graph->nr_others; i++)
		free(graph->others[i].name);
	free(graph->others);
	free(graph->functions);
	free(graph->edges);
	free(graph->uses);
	units_release(&graph->units);
	memset(graph, 0, sizeof(*graph));
}
