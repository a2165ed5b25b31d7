/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The boundary for Graphviz, clustered by source file.
 *
 * A kernel's whole graph is a black square on paper, so it is reduced.  Of the whole boundary:
 * the functions that get a jump, and what leads there from outside; callers outside are one
 * node a unit, insiders one node a file.  Around one function: all ways into it, back to where
 * outside code comes in, and what it refers to itself.
 */
#ifndef ELFKIT_DOT_H
#define ELFKIT_DOT_H

#include <stdio.h>

#include "elfkit/graph.h"

/* @name, where given: the function to draw, as `--why` takes it; none of that name is an error. */
struct err *dot_write(const struct survey *survey, const struct graph *graph, const char *name, FILE *file);

#endif
