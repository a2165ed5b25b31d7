/* SPDX-License-Identifier: GPL-2.0 */
/* The order of shapes, which the look-ups in relink/shape.h need. */
#ifndef ELFKIT_RELINK_SHAPE_FIND_H
#define ELFKIT_RELINK_SHAPE_FIND_H

#include "relink/shape.h"

void shapes_sort(struct shapes *shapes);

#endif
