/* What small embedded programs do, mixed: searching, reversing and sorting linked lists; 16-bit matrix arithmetic; a
 * state machine that classifies numbers in text; a 16-bit CRC over all results.
 * kind: int */
#include "kernel.h"

enum { REPS = 8600, NODES = 200, SIDE = 16, TEXT = 800 };

struct node {
    struct node *next;
    int16_t key, value;
};

static uint16_t crc16(uint16_t crc, uint32_t value) {
    for (int i = 0; i < 32; i++, value >>= 1) crc = (uint16_t)((crc ^ value) & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
    return crc;
}

static struct node *list_reverse(struct node *list) {
    struct node *done = NULL;
    while (list) {
        struct node *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

static struct node *list_find(struct node *list, int16_t key) {
    while (list && list->key != key) list = list->next;
    return list;
}

static struct node *list_merge(struct node *a, struct node *b, int by_key) {
    struct node *first, **link = &first;
    while (a && b) {
        struct node **least = (by_key ? a->key <= b->key : a->value <= b->value) ? &a : &b;
        *link = *least;
        link = &(*least)->next;
        *least = *link;
    }
    *link = a ? a : b;
    return first;
}

static struct node *list_sort(struct node *list, int by_key) {
    if (!list || !list->next) return list;
    struct node *middle = list, *end = list->next;
    while (end && end->next) {
        middle = middle->next;
        end = end->next->next;
    }
    struct node *half = middle->next;
    middle->next = NULL;
    return list_merge(list_sort(list, by_key), list_sort(half, by_key), by_key);
}

static uint16_t bench_list(uint16_t crc, struct node *nodes, uint64_t *seed) {
    for (int i = 0; i < NODES; i++) {
        uint64_t r = random_next(seed);
        nodes[i] = (struct node){i + 1 < NODES ? &nodes[i + 1] : NULL, (int16_t)(r & 0x1ff), (int16_t)(r >> 48)};
    }
    struct node *list = nodes;
    for (int16_t key = 0; key < 24; key++) {
        struct node *hit = list_find(list, key);
        crc = crc16(crc, hit ? (uint16_t)hit->value : 1);
        list = list_reverse(list);
    }
    list = list_sort(list, 0);
    crc = crc16(crc, (uint16_t)list->key);
    list = list_sort(list, 1);
    return crc16(crc, (uint16_t)list->next->value);
}

static uint16_t bench_matrix(uint16_t crc, int16_t a[SIDE][SIDE], int16_t b[SIDE][SIDE], int16_t add) {
    int32_t sum = 0;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) a[i][j] = (int16_t)(a[i][j] + add);
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            int32_t dot = 0;
            for (int k = 0; k < SIDE; k++) dot += (a[i][k] & 0xfff) * (b[k][j] & 0x1ff);
            sum += dot >> 2 & 15;
            sum ^= dot >> 5 & 127;
        }
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) a[i][j] = (int16_t)(a[i][j] - add);
    return crc16(crc, (uint32_t)sum);
}

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, POWER, INVALID, STATES };

static enum state step(enum state s, char c) {
    int digit = c >= '0' && c <= '9', sign = c == '+' || c == '-';
    switch (s) {
    case START: return digit ? INTEGER : sign ? SIGN : c == '.' ? POINT : INVALID;
    case SIGN: return digit ? INTEGER : c == '.' ? POINT : INVALID;
    case INTEGER: return digit ? INTEGER : c == '.' ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case POINT: return digit ? FRACTION : INVALID;
    case FRACTION: return digit ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case EXPONENT: return digit || sign ? POWER : INVALID;
    case POWER: return digit ? POWER : INVALID;
    default: return INVALID;
    }
}

static uint16_t bench_state(uint16_t crc, char *text, uint64_t at) {
    uint32_t ends[STATES] = {0}, moves[STATES] = {0};
    text[at % TEXT] ^= 1;
    enum state s = START;
    for (int i = 0; i < TEXT; i++) {
        if (text[i] == ',') {
            ends[s]++;
            s = START;
            continue;
        }
        enum state next = step(s, text[i]);
        if (next != s) moves[next]++;
        s = next;
    }
    text[at % TEXT] ^= 1;
    for (int i = 0; i < STATES; i++) crc = crc16(crc, ends[i] << 16 | moves[i]);
    return crc;
}

int main(int argc, char **argv) {
    static const char words[][8] = {"5012,", "1.25e4,", "-.75,", "+22,", "0x1f,", "3e-7,", "8.,", "T0.3,"};
    static struct node nodes[NODES];
    static int16_t a[SIDE][SIDE], b[SIDE][SIDE];
    static char text[TEXT + 8];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 3;
    uint16_t crc = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
        a[i / SIDE][i % SIDE] = (int16_t)random_next(&seed);
        b[i / SIDE][i % SIDE] = (int16_t)random_next(&seed);
    }
    for (int length = 0; length < TEXT;)
        for (const char *word = words[random_next(&seed) >> 61]; *word;) text[length++] = *word++;
    for (long i = 0; i < reps; i++) {
        crc = bench_list(crc, nodes, &seed);
        crc = bench_matrix(crc, a, b, (int16_t)i);
        crc = bench_state(crc, text, random_next(&seed));
    }
    return digest_print("coremix", crc);
}
