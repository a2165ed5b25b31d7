// SPDX-License-Identifier: GPL-2.0
/* Edit distance, and a short list of what it finds. */
#include <string.h>

#include "elfkit/err.h"
#include "elfkit/near.h"

#define MAX_NEAR 3
#define MAX_EDITS 2

unsigned int near_distance(const char *a, const char *b, unsigned int limit)
{
	unsigned int row[128], n = strlen(a), m = strlen(b);

	if (m >= 128 || (n > m ? n - m : m - n) > limit)
		return limit + 1;
	for (unsigned int j = 0; j <= m; j++)
		row[j] = j;
	for (unsigned int i = 1; i <= n; i++) {
		unsigned int corner = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= m; j++) {
			unsigned int best = corner + (a[i - 1] != b[j - 1]);

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[m];
}

/* Names come more than once where there are copies of a function: the list holds each whole. */
static int has(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = text; (at = strstr(at, name)); at += len)
		if (at[-1] == ' ' && (!at[len] || at[len] == ','))
			return 1;
	return 0;
}

void near_offer(struct near *near, const char *candidate)
{
	char *longer;

	if (near->n == MAX_NEAR || near_distance(candidate, near->name, MAX_EDITS) > MAX_EDITS ||
	    (near->text && has(near->text, candidate)))
		return;
	near->n++;
	longer = xasprintf("%s%s%s", near->text ? near->text : "; near: ", near->text ? ", " : "", candidate);
	free(near->text);
	near->text = longer;
}

const char *near_text(const struct near *near)
{
	return near->text ? near->text : "";
}

void near_release(struct near *near)
{
	free(near->text);
	near->text = NULL;
}
