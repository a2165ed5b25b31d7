// SPDX-License-Identifier: GPL-2.0
/*
 * Both graphs are made the same way: each node of the graph is drawn as some *box*, several
 * of them perhaps as one, or not at all; each edge whose ends are drawn is an edge of boxes.
 */
#include <string.h>

#include "elfkit/dot.h"
#include "elfkit/report_out.h"

#define NO_BOX UINT32_MAX

struct box {
	char *label;
	const char *cluster;	/* source file, or NULL: stands alone */
	const char *style;	/* its attributes */
};

struct drawing {
	const struct survey *survey;
	const struct graph *graph;
	struct box *boxes;
	uint32_t nr_boxes, cap_boxes;
	uint32_t *box_of;	/* [nodes] */
	uint32_t focus;		/* the box that the drawing is about, or NO_BOX */
	struct graph_edge *edges;	/* between boxes */
	uint32_t nr_edges, cap_edges;
};

#define OUTSIDE "shape=box, style=filled, fillcolor=\"#f1f3f5\", color=\"#868e96\""
#define DATA "shape=cylinder, style=filled, fillcolor=\"#f1f3f5\", color=\"#868e96\""
#define CLASS(fill, line) "shape=box, style=\"filled,rounded\", fillcolor=\"" fill "\", color=\"" line "\""
#define INSIDERS CLASS("#e6f4ea", "#2b8a3e") ", peripheries=2"

static const char *const styles[NR_SIDES] = {
	[SIDE_NONE] = CLASS("#ffffff", "#adb5bd"),	/* without code of its own */
	[SIDE_INTERFACE] = CLASS("#dbe9ff", "#1c62d1"),
	[SIDE_CALLBACK] = CLASS("#ece3fb", "#7a3fc8"),
	[SIDE_INSIDER] = CLASS("#e6f4ea", "#2b8a3e"),
	[SIDE_OUTSIDER] = CLASS("#ffe8d9", "#c2500a"),
	[SIDE_INIT] = CLASS("#e9ecef", "#495057"),
};

static uint32_t add_box(struct drawing *d, char *label, const char *cluster, const char *style)
{
	GROW(d->boxes, d->nr_boxes, d->cap_boxes);
	d->boxes[d->nr_boxes] = (struct box){ label, cluster, style };
	return d->nr_boxes++;
}

/* The box of this label and cluster, made if there is none: for those that stand for several nodes. */
static uint32_t find_box(struct drawing *d, const char *label, const char *cluster, const char *style)
{
	for (uint32_t i = 0; i < d->nr_boxes; i++)
		if (d->boxes[i].style == style && !strcmp(d->boxes[i].cluster ?: "", cluster ?: "") && !strcmp(d->boxes[i].label, label))
			return i;
	return add_box(d, xstrdup(label), cluster, style);
}

static enum side side_of(const struct drawing *d, uint32_t node)
{
	uint32_t func = node < d->graph->nr_functions ? d->graph->functions[node].func : NO_ID;

	return func == NO_ID ? SIDE_NONE : d->survey->kernel.boundary->v[func].side;
}

static bool gets_jump(const struct drawing *d, uint32_t node)
{
	return side_of(d, node) == SIDE_INTERFACE || side_of(d, node) == SIDE_CALLBACK;
}

static void add_function(struct drawing *d, uint32_t node)
{
	const struct report_entry *e = &d->graph->functions[node];

	if (d->box_of[node] == NO_BOX)
		d->box_of[node] = add_box(d, xstrdup(e->name), e->source->file, styles[side_of(d, node)]);
}

static void add_other(struct drawing *d, uint32_t node)
{
	const struct graph_other *o = &d->graph->others[node - d->graph->nr_functions];

	if (d->box_of[node] == NO_BOX)
		d->box_of[node] = add_box(d, xstrdup(o->name), o->unit, o->kind == OTHER_DATA ? DATA : OUTSIDE);
}

static void add_node(struct drawing *d, uint32_t node)
{
	if (node < d->graph->nr_functions)
		add_function(d, node);
	else
		add_other(d, node);
}

/* Whoever refers to an entry from where that counts as outside, or takes its address inside. */
static void add_caller(struct drawing *d, const struct graph_edge *edge)
{
	const struct graph *g = d->graph;
	const struct graph_other *o;

	if (d->box_of[edge->from] != NO_BOX)
		return;
	if (edge->from >= g->nr_functions) {
		o = &g->others[edge->from - g->nr_functions];
		d->box_of[edge->from] = o->kind == OTHER_DATA ? add_box(d, xstrdup(o->name), NULL, DATA) :
					find_box(d, o->unit ?: "code without a unit", NULL, OUTSIDE);
	} else if (side_of(d, edge->from) == SIDE_OUTSIDER || side_of(d, edge->from) == SIDE_INIT) {
		add_function(d, edge->from);
	} else if (side_of(d, edge->from) == SIDE_INSIDER && edge->kinds & EDGE_ADDRESS) {
		d->box_of[edge->from] = find_box(d, "insiders", g->functions[edge->from].source->file, INSIDERS);
	}
}

/* Whether an edge is about how outside code gets in. */
static bool leads_in(const struct drawing *d, const struct graph_edge *edge)
{
	bool inside = gets_jump(d, edge->from) || side_of(d, edge->from) == SIDE_INSIDER;

	return gets_jump(d, edge->to) && edge->kinds != EDGE_INLINE &&
	       (!inside || edge->kinds & (EDGE_ADDRESS | EDGE_BEHIND));
}

static void add_edge(struct drawing *d, const struct graph_edge *edge)
{
	uint32_t from = d->box_of[edge->from], to = d->box_of[edge->to];

	if (from == NO_BOX || to == NO_BOX)
		return;
	GROW(d->edges, d->nr_edges, d->cap_edges);
	d->edges[d->nr_edges++] = (struct graph_edge){ from, to, edge->count, edge->kinds };
}

static void draw_whole(struct drawing *d)
{
	const struct graph *g = d->graph;

	for (uint32_t i = 0; i < g->nr_functions; i++)
		if (gets_jump(d, i))
			add_function(d, i);
	for (uint32_t i = 0; i < g->nr_edges; i++)
		if (leads_in(d, &g->edges[i]))
			add_caller(d, &g->edges[i]);
	for (uint32_t i = 0; i < g->nr_edges; i++)
		if (leads_in(d, &g->edges[i]))
			add_edge(d, &g->edges[i]);
}

/* Callers of callers, as long as only code inside calls them: their callers are the next ring. */
static void add_ways_in(struct drawing *d, bool *reached)
{
	const struct graph *g = d->graph;
	bool more = true;

	while (more) {
		more = false;
		for (uint32_t i = 0; i < g->nr_edges; i++) {
			uint32_t from = g->edges[i].from;

			if (!reached[g->edges[i].to] || d->box_of[from] != NO_BOX)
				continue;
			add_node(d, from);
			if (side_of(d, from) == SIDE_INSIDER)
				reached[from] = more = true;
		}
	}
}

static bool is_named(const struct report_entry *e, const char *name)
{
	return !strcmp(e->name, name) || !strcmp(e->source->name, name);
}

static struct err *draw_around(struct drawing *d, const char *name)
{
	const struct graph *g = d->graph;
	bool *reached = xcalloc(g->nr_functions + g->nr_others, sizeof(*reached));
	bool *is_focus = xcalloc(g->nr_functions + g->nr_others, sizeof(*is_focus));

	for (uint32_t i = 0; i < g->nr_functions; i++)
		if (is_named(&g->functions[i], name)) {
			add_function(d, i);
			d->focus = d->box_of[i];
			reached[i] = is_focus[i] = true;
		}
	add_ways_in(d, reached);
	for (uint32_t i = 0; i < g->nr_edges; i++)
		if (is_focus[g->edges[i].from])
			add_node(d, g->edges[i].to);
	for (uint32_t i = 0; i < g->nr_edges; i++)
		if (is_focus[g->edges[i].from] || reached[g->edges[i].to])
			add_edge(d, &g->edges[i]);
	free(reached);
	free(is_focus);
	return d->focus != NO_BOX ? NULL : err_new("%s has no function of the scheduler's files by the name %s to draw",
						   d->survey->kernel.image->path, name);
}

/* As a quoted string of DOT: what is no text is spelt out, and quotes and backslashes are escaped. */
static void put_quoted(FILE *file, const char *name)
{
	AUTO_FREE char *text = report_as_text(name);

	fputc('"', file);
	for (const char *p = text; *p; p++)
		fprintf(file, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
	fputc('"', file);
}

static void put_box(const struct drawing *d, uint32_t id, const char *indent, FILE *file)
{
	fprintf(file, "%sn%u [label=", indent, id);
	put_quoted(file, d->boxes[id].label);
	fprintf(file, ", %s%s];\n", d->boxes[id].style, id == d->focus ? ", penwidth=3" : "");
}

static void put_cluster(const struct drawing *d, uint32_t first, bool *done, FILE *file)
{
	const char *name = d->boxes[first].cluster;

	fprintf(file, "\tsubgraph cluster_%u {\n\t\tlabel=", first);
	put_quoted(file, name);
	fputs(";\n", file);
	for (uint32_t i = first; i < d->nr_boxes; i++)
		if (d->boxes[i].cluster && !strcmp(d->boxes[i].cluster, name)) {
			put_box(d, i, "\t\t", file);
			done[i] = true;
		}
	fputs("\t}\n", file);
}

static int compare_edges(const void *a, const void *b)
{
	const struct graph_edge *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

static void put_edges(struct drawing *d, FILE *file)
{
	uint32_t end;

	if (d->nr_edges)
		qsort(d->edges, d->nr_edges, sizeof(*d->edges), compare_edges);
	for (uint32_t i = 0; i < d->nr_edges; i = end) {
		uint8_t kinds = 0;
		uint32_t count = 0;

		for (end = i; end < d->nr_edges && !compare_edges(&d->edges[i], &d->edges[end]); end++) {
			kinds |= d->edges[end].kinds;
			count += d->edges[end].count;
		}
		fprintf(file, "\tn%u -> n%u [tooltip=\"%u\"", d->edges[i].from, d->edges[i].to, count);
		if (kinds & EDGE_BEHIND)
			fputs(", label=\"behind the switch\"", file);
		if (!(kinds & (EDGE_CALL | EDGE_JUMP)))
			fputs(kinds & EDGE_INLINE ? ", style=dotted, arrowhead=empty" : ", style=dashed", file);
		fputs("];\n", file);
	}
}

static void put_drawing(struct drawing *d, FILE *file)
{
	bool *done = xcalloc(d->nr_boxes + 1, sizeof(*done));

	fputs("digraph boundary {\n\trankdir=LR;\n\tranksep=2;\n\tnodesep=0.08;\n"
	      "\tgraph [fontname=\"Helvetica\", style=rounded, color=\"#adb5bd\"];\n"
	      "\tnode [fontname=\"Helvetica\", fontsize=11, height=0.25, margin=\"0.08,0.03\"];\n"
	      "\tedge [fontname=\"Helvetica\", fontsize=9, color=\"#868e96\", arrowsize=0.6];\n", file);
	for (uint32_t i = 0; i < d->nr_boxes; i++) {
		if (!done[i] && d->boxes[i].cluster)
			put_cluster(d, i, done, file);
		else if (!done[i])
			put_box(d, i, "\t", file);
	}
	put_edges(d, file);
	fputs("}\n", file);
	free(done);
}

struct err *dot_write(const struct survey *survey, const struct graph *graph, const char *name, FILE *file)
{
	struct drawing d = { .survey = survey, .graph = graph, .focus = NO_BOX };
	size_t nr_nodes = graph->nr_functions + graph->nr_others;
	struct err *err = NULL;

	d.box_of = xcalloc(nr_nodes, sizeof(*d.box_of));
	memset(d.box_of, 0xff, nr_nodes * sizeof(*d.box_of));
	if (name)
		err = draw_around(&d, name);
	else
		draw_whole(&d);
	if (!err)
		put_drawing(&d, file);
	if (!err && (fflush(file) || ferror(file)))
		err = err_new("cannot write the graph");
	for (uint32_t i = 0; i < d.nr_boxes; i++)
		free(d.boxes[i].label);
	free(d.boxes);
	free(d.box_of);
	free(d.edges);
	return err;
}
