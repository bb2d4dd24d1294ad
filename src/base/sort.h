/* sort.h - sorting in place. The C library's may take memory from its heap, which nothing on the path of a cpu does. */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stddef.h>

/** compare as for qsort: items that compare equal come in any order. */
void sort(void *items, size_t count, size_t size, int (*compare)(const void *a, const void *b));

#endif
