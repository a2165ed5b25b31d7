/* SPDX-License-Identifier: GPL-2.0 */
/* The answer to "why is it what it is" for one name, as text or JSON. */
#ifndef ELFKIT_WHY_H
#define ELFKIT_WHY_H

#include <stdio.h>

#include "elfkit/survey.h"

/*
 * Says why @name (a function, an object, a struct or STRUCT.MEMBER) is what it is, one line
 * each.  Structs are read where nothing else has the name.  An unknown name is an error.
 */
struct err *why_write(struct survey *survey, const char *name, bool json, FILE *file);

#endif
