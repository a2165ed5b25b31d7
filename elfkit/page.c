// SPDX-License-Identifier: GPL-2.0
/* The parts of a page, put together. */
#include <string.h>

#include "elfkit/embed.h"
#include "elfkit/page.h"

EMBED(page_, frame, "elfkit/page/page.html");
EMBED(page_, style, "elfkit/page/page.css");
EMBED(page_, script_dom, "elfkit/page/dom.js");
EMBED(page_, script_model, "elfkit/page/model.js");
EMBED(page_, script_table, "elfkit/page/table.js");
EMBED(page_, script_list, "elfkit/page/list.js");
EMBED(page_, script_layout, "elfkit/page/layout.js");
EMBED(page_, script_overview, "elfkit/page/overview.js");
EMBED(page_, script_detail, "elfkit/page/detail.js");
EMBED(page_, script_boundary, "elfkit/page/boundary.js");
EMBED(page_, script_diff, "elfkit/page/diff.js");
EMBED(page_, script_main, "elfkit/page/main.js");

/* In the order of reading: each uses what stands above it. */
static const char *const scripts[] = {
	page_script_dom, page_script_model, page_script_table, page_script_list, page_script_layout, page_script_overview,
	page_script_detail, page_script_boundary, page_script_diff, page_script_main,
};

/* Writes the frame up to a mark, which is left out. */
static void write_up_to(struct page *page, const char *mark)
{
	const char *at = strstr(page->rest, mark);

	fwrite(page->rest, 1, at - page->rest, page->file);
	page->rest = at + strlen(mark);
}

void page_begin(struct page *page, FILE *file)
{
	*page = (struct page){ file, page_frame };
	write_up_to(page, "<!-- style -->");
	fprintf(file, "<style>\n%s</style>", page_style);
	write_up_to(page, "<!-- data -->");
}

/*
 * A parser of HTML looks for the end of the script, and for comments, in whatever stands
 * there; < is in JSON nowhere but in strings, which may spell it otherwise.
 */
void page_data(struct page *page, const char *name, const char *json)
{
	fprintf(page->file, "<script type=\"application/json\" id=\"%s\">", name);
	for (const char *end; *json; json = end) {
		end = json + strcspn(json, "<");
		fwrite(json, 1, end - json, page->file);
		if (*end) {
			fputs("\\u003c", page->file);
			end++;
		}
	}
	fputs("</script>\n", page->file);
}

struct err *page_end(struct page *page)
{
	write_up_to(page, "<!-- script -->");
	fputs("<script>\n'use strict';\n", page->file);
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		fputs(scripts[i], page->file);
	fprintf(page->file, "</script>%s", page->rest);
	return fflush(page->file) || ferror(page->file) ? err_new("cannot write the page") : NULL;
}
