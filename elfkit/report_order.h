/* SPDX-License-Identifier: GPL-2.0 */
/* The order in which a report lists functions and objects: by name, then by place of declaration. */
#ifndef ELFKIT_REPORT_ORDER_H
#define ELFKIT_REPORT_ORDER_H

#include "elfkit/survey.h"

/* A line of the function list: a function with code, or (func == NO_ID) a declaration without. */
struct report_entry {
	const char *name;
	const struct debug_func *source;
	uint32_t func;
	const struct declaration *declaration;	/* NULL: a function without a name in DWARF */
};

/* Caller frees both. */
struct report_entry *report_order_functions(const struct survey *survey, uint32_t *ret_n);
uint32_t *report_order_objects(const struct survey *survey);	/* ids of all variables */

#endif
