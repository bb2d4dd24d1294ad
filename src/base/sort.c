/* sort.c - see sort.h: a heap sort. */
#include "base/sort.h"

static void swap(unsigned char *a, unsigned char *b, size_t size) {
    for (; size; size--, a++, b++) {
        unsigned char c = *a;
        *a = *b;
        *b = c;
    }
}

void sort(void *items, size_t count, size_t size, int (*compare)(const void *a, const void *b)) {
    unsigned char *first = items;
    /* Each item sinks below those that are larger: first to make the heap, then behind each largest one taken away. */
    for (size_t top = count / 2, end = count; end > 1;) {
        size_t at;
        if (top) {
            at = --top;
        } else {
            swap(first, first + --end * size, size);
            at = 0;
        }
        for (size_t child; (child = 2 * at + 1) < end; at = child) {
            if (child + 1 < end && compare(first + child * size, first + (child + 1) * size) < 0) child++;
            if (compare(first + at * size, first + child * size) >= 0) break;
            swap(first + at * size, first + child * size, size);
        }
    }
}
