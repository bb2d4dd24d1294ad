/* The C library's qsort and bsearch with comparators: indirect calls from library code to short leaves.
 * kind: indirect */
#include <string.h>
#include "kernel.h"

enum { REPS = 27, COUNT = 30000 };

struct record {
    uint32_t key;
    uint32_t order;
    char name[8];
};

static int compare_key(const void *a, const void *b) {
    const struct record *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static int compare_name(const void *a, const void *b) {
    const struct record *x = a, *y = b;
    for (int i = 0; i < 8; i++)
        if (x->name[i] != y->name[i]) return x->name[i] - y->name[i];
    return compare_key(a, b);
}

int main(int argc, char **argv) {
    static struct record records[COUNT];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 7, digest = 0;
    for (long i = 0; i < reps; i++) {
        for (uint32_t j = 0; j < COUNT; j++) {
            uint64_t r = random_next(&seed);
            records[j].key = r >> 48;
            records[j].order = j;
            for (int k = 0; k < 8; k++) records[j].name[k] = 'a' + (r >> 4 * k & 3);
        }
        qsort(records, COUNT, sizeof records[0], compare_key);
        digest = digest_add(digest, records[COUNT / 3].key);
        for (uint32_t j = 0; j < COUNT; j += 3) {
            struct record *hit = bsearch(&records[j], records, COUNT, sizeof records[0], compare_key);
            digest = digest_add(digest, (uint64_t)(hit - records));
        }
        qsort(records, COUNT, sizeof records[0], compare_name);
        for (uint32_t j = 0; j < COUNT; j += 97) digest = digest_add(digest, records[j].key + records[j].order);
    }
    return digest_print("qsort", digest);
}
