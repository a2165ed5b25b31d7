/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who refers to whom, inside the boundary and across it: what pages and graphs draw.
 *
 * Nodes are the functions of a report in its order, and behind them whatever else of the
 * kernel refers to one of them or is called by one: functions with their unit, and data by
 * the name of its object.  References between two nodes are one edge.
 */
#ifndef ELFKIT_GRAPH_H
#define ELFKIT_GRAPH_H

#include "elfkit/report_order.h"
#include "elfkit/units.h"

/* What there is among the references of an edge. */
enum {
	EDGE_CALL = 1, EDGE_JUMP = 2, EDGE_ADDRESS = 4, EDGE_DATA = 8,
	EDGE_INLINE = 16,	/* a copy of the target is inlined there */
	EDGE_BEHIND = 32,	/* from behind a stack switch, which is outside */
};

enum graph_other_kind {
	OTHER_FUNCTION,
	OTHER_DATA,
	OTHER_INIT,	/* a function for the boot alone: it has run */
};

struct graph_other {
	char *name;
	const char *unit;	/* NULL: not known, or data */
	enum graph_other_kind kind;
};

struct graph_edge {
	uint32_t from, to;	/* nodes; of a use: to is an object, by its place in the report */
	uint32_t count;		/* of references; an inlined copy counts once */
	uint8_t kinds;
};

struct graph {
	struct report_entry *functions;
	uint32_t nr_functions;
	struct graph_other *others;	/* node nr_functions + i; sorted by name */
	uint32_t nr_others, cap_others;
	struct graph_edge *edges, *uses;	/* sorted by from, then to */
	uint32_t nr_edges, nr_uses, cap_edges, cap_uses;
	struct units units;
};

/* @ret borrows from @survey and is released in any case by graph_release(). */
struct err *graph_make(const struct survey *survey, struct graph *ret);
void graph_release(struct graph *graph);

static inline const char *graph_name(const struct graph *graph, uint32_t node)
{
	return node < graph->nr_functions ? graph->functions[node].name : graph->others[node - graph->nr_functions].name;
}

#endif
