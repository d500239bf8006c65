/*
 * saz_marks.h - saz_rt.h for sources that have update marks and packet brackets and nothing else (saz instrument
 * --diff without --blocks).
 *
 * They say nothing of heap blocks, nor where static variables are: a program with such a source in it makes and takes
 * no images, whatever its glue.
 */
#ifndef SAZ_MARKS_H
#define SAZ_MARKS_H

#include "saz_rt.h"

#if SAZ_VERIFY
#error "a program that watches its marks must know its heap blocks: take saz instrument --verify --diff --blocks"
#endif

static const char saz_blocks_unknown __attribute__((__used__, __section__("saz_marks_only"))) = 1;

#endif
