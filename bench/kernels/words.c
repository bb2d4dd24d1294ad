/* Counts lines, words and characters of a generated text and the frequency of each word in a chained hash table.
 * kind: str */
#include <ctype.h>
#include <string.h>
#include "kernel.h"

enum { REPS = 210, TEXT = 1 << 17, BUCKETS = 1 << 10, POOL = 1 << 15, WORD = 16 };

struct word {
    struct word *next;
    uint32_t count;
    char text[WORD];
};

static struct word pool[POOL], *buckets[BUCKETS];
static uint32_t pool_used;

static void word_count(const char *text, size_t n) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < n; i++) hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    struct word **link = &buckets[(hash ^ hash >> 16) % BUCKETS];
    for (struct word *w = *link; w; w = w->next)
        if (strncmp(w->text, text, n) == 0 && w->text[n] == 0) {
            w->count++;
            return;
        }
    if (pool_used == POOL) return;
    struct word *w = &pool[pool_used++];
    memcpy(w->text, text, n);
    w->text[n] = 0;
    w->count = 1;
    w->next = *link;
    *link = w;
}

int main(int argc, char **argv) {
    static char text[TEXT + WORD];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 6, digest = 0;
    for (int n = 0; n < TEXT;) {
        uint64_t r = random_next(&seed);
        int size = 2 + (int)(r >> 60 & 3), same = (int)(r & 3);
        for (int i = 0; i < size; i++) text[n++] = (char)('a' + (r >> (8 + 4 * i) & (same ? 3 : 15)));
        text[n++] = (r >> 56 & 15) ? ' ' : '\n';
    }
    text[TEXT] = 0;
    for (long rep = 0; rep < reps; rep++) {
        uint32_t lines = 0, words = 0;
        pool_used = 0;
        memset(buckets, 0, sizeof buckets);
        for (const char *p = text; *p;) {
            while (isspace((unsigned char)*p)) lines += *p++ == '\n';
            const char *start = p;
            while (*p && !isspace((unsigned char)*p)) p++;
            if (p > start) words++, word_count(start, (size_t)(p - start));
        }
        uint32_t most = 0;
        for (uint32_t i = 0; i < pool_used; i++)
            if (pool[i].count > pool[most].count) most = i;
        digest = digest_add(digest, (uint64_t)lines << 32 | words);
        digest = digest_add(digest, (uint64_t)pool_used << 32 | pool[most].count);
        text[random_next(&seed) % TEXT] = 'z';
    }
    return digest_print("words", digest);
}
