/* An open-addressing hash table of 64-bit keys: inserts with growth, hits, misses, deletions by backward shift.
 * kind: mem */
#include <string.h>
#include "kernel.h"

enum { REPS = 41, KEYS = 60000 };

struct slot {
    uint64_t key, value; /* key 0: empty */
};

struct hash {
    struct slot *slots;
    size_t mask, used;
};

static size_t hash_home(const struct hash *h, uint64_t key) {
    return (key * 0x9e3779b97f4a7c15ull >> 20) & h->mask;
}

static struct slot *hash_find(const struct hash *h, uint64_t key) {
    size_t i = hash_home(h, key);
    while (h->slots[i].key && h->slots[i].key != key) i = (i + 1) & h->mask;
    return &h->slots[i];
}

static void hash_init(struct hash *h, size_t size) {
    h->slots = calloc(size, sizeof h->slots[0]);
    if (!h->slots) abort();
    h->mask = size - 1;
    h->used = 0;
}

static void hash_add(struct hash *h, uint64_t key, uint64_t value) {
    if (h->used * 4 > h->mask * 3) {
        struct hash old = *h;
        hash_init(h, (old.mask + 1) * 2);
        for (size_t i = 0; i <= old.mask; i++)
            if (old.slots[i].key) *hash_find(h, old.slots[i].key) = old.slots[i];
        h->used = old.used;
        free(old.slots);
    }
    struct slot *s = hash_find(h, key);
    if (!s->key) h->used++, s->key = key;
    s->value += value;
}

static int hash_remove(struct hash *h, uint64_t key) {
    struct slot *hole = hash_find(h, key);
    if (!hole->key) return 0;
    size_t at = (size_t)(hole - h->slots);
    for (size_t i = (at + 1) & h->mask; h->slots[i].key; i = (i + 1) & h->mask)
        if (((i - hash_home(h, h->slots[i].key)) & h->mask) >= ((i - at) & h->mask)) {
            h->slots[at] = h->slots[i];
            at = i;
        }
    h->slots[at].key = h->slots[at].value = 0;
    h->used--;
    return 1;
}

int main(int argc, char **argv) {
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 2, digest = 0;
    for (long rep = 0; rep < reps; rep++) {
        struct hash h;
        uint64_t found = 0, start = seed;
        hash_init(&h, 1024);
        for (int i = 0; i < KEYS; i++) hash_add(&h, random_next(&seed) >> 36 | 1, (uint64_t)i);
        for (uint64_t again = start, i = 0; i < KEYS; i++) found += hash_find(&h, random_next(&again) >> 36 | 1)->value;
        for (uint64_t i = 0; i < KEYS; i++) found += hash_find(&h, i << 1 | 1)->key != 0;
        for (uint64_t again = start, i = 0; i < KEYS / 2; i++)
            found += (uint64_t)hash_remove(&h, random_next(&again) >> 36 | 1) << 40;
        digest = digest_add(digest, found + h.used);
        free(h.slots);
    }
    return digest_print("hashtable", digest);
}
