/* Hash tables four ways (chains, linear probing, Robin Hood, cuckoo) under the same inserts, look-ups and deletions,
 * checked against a sorted array; string interning; a Bloom filter. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4096, KEYS = 2500, OPERATIONS = 12000 };

static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

struct chain {
    struct chain *next;
    uint32_t key, value;
};
static struct chain *chains[SLOTS / 4];

static uint32_t *chain_find(uint32_t key, int add) {
    struct chain **link = &chains[mix(key) % (SLOTS / 4)];
    for (; *link; link = &(*link)->next)
        if ((*link)->key == key) return &(*link)->value;
    if (!add) return NULL;
    *link = calloc(1, sizeof **link);
    (*link)->key = key;
    return &(*link)->value;
}

static int chain_remove(uint32_t key) {
    for (struct chain **link = &chains[mix(key) % (SLOTS / 4)]; *link; link = &(*link)->next)
        if ((*link)->key == key) {
            struct chain *gone = *link;
            *link = gone->next;
            free(gone);
            return 1;
        }
    return 0;
}

struct slot {
    uint32_t key, value; /* key 0 is empty, ~0 is a grave */
};
static struct slot linear[SLOTS], robin[SLOTS], cuckoo[2][SLOTS];
static unsigned probes, moves;

static uint32_t *linear_find(uint32_t key, int add) {
    struct slot *grave = NULL;
    for (size_t i = mix(key) % SLOTS;; i = (i + 1) % SLOTS, probes++) {
        if (linear[i].key == key) return &linear[i].value;
        if (linear[i].key == ~0u && !grave) grave = &linear[i];
        if (linear[i].key) continue;
        if (!add) return NULL;
        struct slot *s = grave ? grave : &linear[i];
        *s = (struct slot){key, 0};
        return &s->value;
    }
}

static int linear_remove(uint32_t key) {
    uint32_t *v = linear_find(key, 0);
    if (!v) return 0;
    struct slot *s = (struct slot *)(void *)((char *)v - offsetof(struct slot, value));
    s->key = ~0u;
    return 1;
}

static size_t distance(uint32_t key, size_t at) {
    return (at - mix(key) % SLOTS) % SLOTS;
}

static uint32_t *robin_find(uint32_t key) {
    size_t i = mix(key) % SLOTS;
    for (size_t d = 0; robin[i].key && distance(robin[i].key, i) >= d; d++, i = (i + 1) % SLOTS)
        if (robin[i].key == key) return &robin[i].value;
    return NULL;
}

static void robin_add(uint32_t key, uint32_t value) {
    struct slot s = {key, value};
    size_t i = mix(key) % SLOTS;
    for (size_t d = 0; robin[i].key; d++, i = (i + 1) % SLOTS) {
        size_t other = distance(robin[i].key, i);
        if (other >= d) continue;
        struct slot t = robin[i];
        robin[i] = s;
        s = t;
        d = other;
        moves++;
    }
    robin[i] = s;
}

static int robin_remove(uint32_t key) {
    uint32_t *v = robin_find(key);
    if (!v) return 0;
    size_t i = (size_t)((char *)v - (char *)robin) / sizeof robin[0];
    for (size_t next = (i + 1) % SLOTS; robin[next].key && distance(robin[next].key, next);
         i = next, next = (next + 1) % SLOTS)
        robin[i] = robin[next];
    robin[i].key = 0;
    return 1;
}

static size_t cuckoo_place(int table, uint32_t key) {
    return (table ? mix(key) >> 32 : mix(key)) % SLOTS;
}

static uint32_t *cuckoo_find(uint32_t key) {
    for (int t = 0; t < 2; t++) {
        struct slot *s = &cuckoo[t][cuckoo_place(t, key)];
        if (s->key == key) return &s->value;
    }
    return NULL;
}

static int cuckoo_add(uint32_t key, uint32_t value) {
    struct slot s = {key, value};
    for (int turn = 0; turn < 500; turn++) {
        struct slot *place = &cuckoo[turn & 1][cuckoo_place(turn & 1, s.key)], t = *place;
        *place = s;
        if (!t.key) return 1;
        s = t;
        moves++;
    }
    return 0;
}

static int cuckoo_remove(uint32_t key) {
    for (int t = 0; t < 2; t++) {
        struct slot *s = &cuckoo[t][cuckoo_place(t, key)];
        if (s->key == key) return s->key = 0, 1;
    }
    return 0;
}

static uint32_t truth[KEYS + 1];
static unsigned char present[KEYS + 1];

int main(void) {
    uint64_t seed = 12;
    unsigned wrong = 0, live = 0, hits = 0;
    for (int i = 0; i < OPERATIONS; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        uint32_t key = (uint32_t)(seed >> 33) % KEYS + 1, value = (uint32_t)(seed >> 20);
        switch (seed >> 61) {
        case 0:
        case 1:
        case 2:
        case 3: {
            *chain_find(key, 1) = value;
            *linear_find(key, 1) = value;
            uint32_t *r = robin_find(key), *c = cuckoo_find(key);
            if (r)
                *r = value;
            else
                robin_add(key, value);
            if (c)
                *c = value;
            else
                wrong += !cuckoo_add(key, value);
            live += !present[key];
            present[key] = 1;
            truth[key] = value;
            break;
        }
        case 4: {
            int removed = present[key];
            wrong += chain_remove(key) != removed || linear_remove(key) != removed || robin_remove(key) != removed ||
                     cuckoo_remove(key) != removed;
            live -= present[key];
            present[key] = 0;
            break;
        }
        default: {
            uint32_t *found[] = {chain_find(key, 0), linear_find(key, 0), robin_find(key), cuckoo_find(key)};
            for (int t = 0; t < 4; t++) wrong += present[key] ? !found[t] || *found[t] != truth[key] : found[t] != NULL;
            hits += present[key];
        }
        }
        if (i % 2000 == 0)
            printf("%d: live %u hits %u probes %u moves %u wrong %u\n", i, live, hits, probes, moves, wrong);
    }
    unsigned chained = 0, longest = 0;
    for (int i = 0; i < SLOTS / 4; i++) {
        unsigned length = 0;
        for (struct chain *c = chains[i]; c; c = c->next) length++;
        chained += length;
        if (length > longest) longest = length;
    }
    printf("%u chained, longest %u, wrong %u\n", chained, longest, wrong);
    static char pool[20000], *interned[1024];
    size_t used = 0, strings = 0;
    for (int i = 0; i < 5000; i++) {
        char text[16];
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        snprintf(text, sizeof text, "name%u", (unsigned)(seed >> 33) % 500);
        uint32_t h = 5381;
        for (char *p = text; *p; p++) h = h * 33 + (unsigned char)*p;
        size_t at = h % 1024;
        while (interned[at] && strcmp(interned[at], text) != 0) at = (at + 1) % 1024;
        if (interned[at]) continue;
        interned[at] = strcpy(pool + used, text);
        used += strlen(text) + 1;
        strings++;
    }
    printf("%zu strings %zu bytes\n", strings, used);
    static unsigned char bloom[2048];
    unsigned false_hits = 0, missed = 0;
    for (uint64_t key = 0; key < 1000; key++)
        for (uint64_t k = 0; k < 5; k++) {
            uint64_t bit = mix(key * 5 + k) % (sizeof bloom * 8);
            bloom[bit / 8] |= (unsigned char)(1 << bit % 8);
        }
    for (uint64_t key = 0; key < 6000; key++) {
        int all = 1;
        for (uint64_t k = 0; k < 5; k++) {
            uint64_t bit = mix(key * 5 + k) % (sizeof bloom * 8);
            all &= bloom[bit / 8] >> bit % 8 & 1;
        }
        if (key < 1000)
            missed += !all;
        else
            false_hits += (unsigned)all;
    }
    printf("%u missed, %u false\n", missed, false_hits);
    return wrong != 0;
}
