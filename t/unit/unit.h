/* SPDX-License-Identifier: GPL-2.0 */
/* What all unit tests share: cmocka as TAP, and errors as assertions. */
#ifndef T_UNIT_H
#define T_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "elfkit/err.h"

#define UNUSED __attribute__((unused))

#define RUN(tests) (cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_run_group_tests(tests, NULL, NULL))

/* A test takes no state here; cmocka hands it over all the same. */
#define TEST(name) static void name(void **state UNUSED)

static UNUSED void assert_success(struct err *err)
{
	if (err)
		fail_msg("unexpected error: %s", err_message(err));
}

/* @err is one and its message holds @part. Consumes @err. */
static UNUSED void assert_error(struct err *err, const char *part)
{
	if (!err)
		fail_msg("no error; expected one with \"%s\"", part);
	if (!strstr(err_message(err), part))
		fail_msg("\"%s\" does not hold \"%s\"", err_message(err), part);
	err_free(err);
}

static UNUSED void assert_holds(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("\"%s\" does not hold \"%s\"", text ? text : "(null)", part);
}

#endif
