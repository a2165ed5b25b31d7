// SPDX-License-Identifier: GPL-2.0
/*
 * The documents of the page, as its script reads them:
 *
 *	report		that of elfkit boundary --json
 *	graph		others: [[name, unit or null, kind as in graph.h], ...]
 *			edges: [[from, to, kinds, references], ...], kinds as in graph.h; nodes are the
 *			report's functions, then the others
 *			uses: [[from, object of the report, references], ...]
 */
#include <jansson.h>

#include "elfkit/page.h"
#include "elfkit/page_boundary.h"
#include "elfkit/report.h"

static json_t *json_others(const struct graph *graph)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < graph->nr_others; i++) {
		AUTO_FREE char *name = report_as_text(graph->others[i].name);
		AUTO_FREE char *unit = graph->others[i].unit ? report_as_text(graph->others[i].unit) : NULL;

		json_array_append_new(list, json_pack("[s, s?, i]", name, unit, graph->others[i].kind));
	}
	return list;
}

static json_t *json_edges(const struct graph_edge *edges, uint32_t n, bool with_kinds)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++) {
		const struct graph_edge *e = &edges[i];

		json_array_append_new(list, with_kinds ? json_pack("[i, i, i, i]", e->from, e->to, e->kinds, e->count) :
					    json_pack("[i, i, i]", e->from, e->to, e->count));
	}
	return list;
}

static struct err *write_graph(struct page *page, const struct graph *graph)
{
	json_t *root = json_pack("{s:o, s:o, s:o}", "others", json_others(graph), "edges",
				 json_edges(graph->edges, graph->nr_edges, true), "uses",
				 json_edges(graph->uses, graph->nr_uses, false));
	AUTO_FREE char *text = json_dumps(root, JSON_COMPACT);

	json_decref(root);
	if (!text)
		return err_new("cannot write the page");
	page_data(page, "graph", text);
	return NULL;
}

static struct err *write_report(struct page *page, const struct survey *survey)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	struct err *err = file ? report_write(survey, REPORT_JSON_LINE, file) : err_new("cannot write the page");

	if (file)
		fclose(file);
	if (!err)
		page_data(page, "report", text);
	return err;
}

struct err *page_boundary_write(const struct survey *survey, const struct graph *graph, FILE *file)
{
	struct page page;
	struct err *err;

	page_begin(&page, file);
	err = write_report(&page, survey);
	err = err ?: write_graph(&page, graph);
	return err ?: page_end(&page);
}
