/* Huffman codes, arithmetic coding and the Burrows-Wheeler transform with move-to-front, each undone and compared. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 6000 };

static unsigned char input[SIZE], packed[SIZE * 3], output[SIZE], work[SIZE], sorted[SIZE];

static size_t bit_at;
static void put_bit(int bit) {
    if (bit_at % 8 == 0) packed[bit_at / 8] = 0;
    packed[bit_at / 8] |= (unsigned char)(bit << bit_at % 8);
    bit_at++;
}
static int get_bit(void) {
    int bit = packed[bit_at / 8] >> bit_at % 8 & 1;
    bit_at++;
    return bit;
}

struct node {
    uint32_t weight;
    int left, right, symbol;
};

static struct node nodes[512];
static int node_count;

static int lightest(const unsigned char *used) {
    int best = -1;
    for (int i = 0; i < node_count; i++)
        if (!used[i] && (best < 0 || nodes[i].weight < nodes[best].weight)) best = i;
    return best;
}

static int build(const unsigned char *p, size_t n) {
    unsigned char used[512] = {0};
    uint32_t counts[256] = {0};
    for (size_t i = 0; i < n; i++) counts[p[i]]++;
    node_count = 0;
    for (int c = 0; c < 256; c++)
        if (counts[c]) nodes[node_count++] = (struct node){counts[c], -1, -1, c};
    for (int left = node_count; left > 1; left--) {
        int a = lightest(used);
        if (a >= 0) used[a] = 1;
        int b = lightest(used);
        if (b >= 0) used[b] = 1;
        if (a < 0 || b < 0) abort();
        nodes[node_count++] = (struct node){nodes[a].weight + nodes[b].weight, a, b, -1};
    }
    return node_count - 1;
}

static char codes[256][300];

static void assign(int node, char *prefix, int depth) {
    if (nodes[node].symbol >= 0) {
        memcpy(codes[nodes[node].symbol], depth ? prefix : "0", depth ? (size_t)depth : 1);
        codes[nodes[node].symbol][depth ? depth : 1] = 0;
        return;
    }
    prefix[depth] = '0';
    assign(nodes[node].left, prefix, depth + 1);
    prefix[depth] = '1';
    assign(nodes[node].right, prefix, depth + 1);
}

static int huffman(size_t n) {
    char prefix[300];
    int root = build(input, n);
    assign(root, prefix, 0);
    bit_at = 0;
    for (size_t i = 0; i < n; i++)
        for (const char *c = codes[input[i]]; *c; c++) put_bit(*c - '0');
    size_t bits = bit_at;
    bit_at = 0;
    for (size_t i = 0; i < n; i++) {
        int at = root;
        if (nodes[at].symbol >= 0) get_bit();
        while (nodes[at].symbol < 0) at = get_bit() ? nodes[at].right : nodes[at].left;
        output[i] = (unsigned char)nodes[at].symbol;
    }
    printf("huffman %zu ", bits);
    return bit_at == bits && memcmp(input, output, n) == 0;
}

/* Adaptive order-0 arithmetic coder on 32-bit ranges. */
static uint32_t counts[257], total;

static void model_start(void) {
    for (int i = 0; i < 257; i++) counts[i] = 1;
    total = 257;
}

static void model_add(int symbol) {
    counts[symbol] += 32;
    total += 32;
    if (total < 65000) return;
    total = 0;
    for (int i = 0; i < 257; i++) total += counts[i] = (counts[i] + 1) / 2;
}

static int pending;
static void put_with_pending(int bit) {
    put_bit(bit);
    for (; pending; pending--) put_bit(!bit);
}

static int arithmetic(size_t n) {
    uint64_t low = 0, high = 0xffffffff, value = 0;
    model_start();
    bit_at = 0;
    pending = 0;
    for (size_t i = 0; i <= n; i++) {
        int symbol = i < n ? input[i] : 256;
        uint64_t below = 0, range = high - low + 1;
        for (int c = 0; c < symbol; c++) below += counts[c];
        high = low + range * (below + counts[symbol]) / total - 1;
        low = low + range * below / total;
        model_add(symbol);
        for (;; low = low * 2 & 0xffffffff, high = (high * 2 + 1) & 0xffffffff) {
            if (high < 0x80000000)
                put_with_pending(0);
            else if (low >= 0x80000000)
                put_with_pending(1);
            else if (low >= 0x40000000 && high < 0xc0000000)
                pending++, low -= 0x40000000, high -= 0x40000000;
            else
                break;
        }
    }
    pending++;
    put_with_pending(low >= 0x40000000);
    size_t bits = bit_at;
    for (int i = 0; i < 40; i++) put_bit(0);
    model_start();
    bit_at = 0;
    for (int i = 0; i < 32; i++) value = value << 1 | (unsigned)get_bit();
    low = 0, high = 0xffffffff;
    size_t o = 0;
    for (;;) {
        uint64_t range = high - low + 1, target = ((value - low + 1) * total - 1) / range, below = 0;
        int symbol = 0;
        while (below + counts[symbol] <= target) below += counts[symbol++];
        if (symbol == 256 || o == n) break;
        output[o++] = (unsigned char)symbol;
        high = low + range * (below + counts[symbol]) / total - 1;
        low = low + range * below / total;
        model_add(symbol);
        for (;; low = low * 2, high = high * 2 + 1, value = value * 2 | (unsigned)get_bit()) {
            if (high < 0x80000000)
                continue;
            else if (low >= 0x80000000)
                low -= 0x80000000, high -= 0x80000000, value -= 0x80000000;
            else if (low >= 0x40000000 && high < 0xc0000000)
                low -= 0x40000000, high -= 0x40000000, value -= 0x40000000;
            else
                break;
        }
    }
    printf("arithmetic %zu ", bits);
    return o == n && memcmp(input, output, n) == 0;
}

static size_t rotation_length;
static int compare_rotations(const void *a, const void *b) {
    size_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;
    for (size_t i = 0; i < rotation_length; i++) {
        int d = input[x] - input[y];
        if (d) return d;
        if (++x == rotation_length) x = 0;
        if (++y == rotation_length) y = 0;
    }
    return 0;
}

static int burrows_wheeler(size_t n) {
    static uint16_t order[SIZE], next[SIZE];
    size_t start = 0;
    rotation_length = n;
    for (size_t i = 0; i < n; i++) order[i] = (uint16_t)i;
    qsort(order, n, sizeof order[0], compare_rotations);
    for (size_t i = 0; i < n; i++) {
        work[i] = input[(order[i] + n - 1) % n];
        if (order[i] == 0) start = i;
    }
    unsigned char front[256];
    uint32_t zeros = 0, hash = 1;
    for (int c = 0; c < 256; c++) front[c] = (unsigned char)c;
    for (size_t i = 0; i < n; i++) {
        int at = 0;
        while (front[at] != work[i]) at++;
        memmove(front + 1, front, (size_t)at);
        front[0] = work[i];
        sorted[i] = (unsigned char)at;
        zeros += at == 0;
        hash = hash * 31 + (unsigned)at;
    }
    for (int c = 0; c < 256; c++) front[c] = (unsigned char)c;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = front[sorted[i]];
        memmove(front + 1, front, sorted[i]);
        front[0] = work[i] = c;
    }
    uint32_t first[257] = {0};
    for (size_t i = 0; i < n; i++) first[work[i] + 1]++;
    for (int c = 0; c < 256; c++) first[c + 1] += first[c];
    for (size_t i = 0; i < n; i++) next[first[work[i]]++] = (uint16_t)i;
    size_t at = next[start];
    for (size_t i = 0; i < n; i++, at = next[at]) output[i] = work[at];
    printf("bwt zeros %u %08x ", zeros, hash);
    return memcmp(input, output, n) == 0;
}

int main(void) {
    static const char *const words[] = {"entropy ", "coding ", "of ", "a ", "source ", "with ", "memory ", "is.\n"};
    static const size_t sizes[] = {1, 2, 17, 300, 1500};
    int good = 0, all = 0;
    for (int kind = 0; kind < 4; kind++)
        for (int s = 0; s < 5; s++) {
            size_t n = sizes[s];
            uint32_t seed = (uint32_t)(kind * 10 + s);
            for (size_t i = 0; i < n; i++) {
                seed = seed * 1664525 + 1013904223;
                input[i] = kind == 0   ? 'z'
                           : kind == 1 ? (unsigned char)(seed >> 24)
                           : kind == 2 ? (unsigned char)__builtin_ctz(seed | 1u << 20)
                                       : 0;
                if (kind == 3) {
                    for (const char *w = words[seed >> 29]; *w && i < n; w++) input[i++] = (unsigned char)*w;
                    i--;
                }
            }
            printf("%d %zu: ", kind, n);
            good += huffman(n) + arithmetic(n);
            all += 2;
            if (n < 1000 || kind) good += burrows_wheeler(n), all++;
            putchar('\n');
        }
    printf("%d of %d\n", good, all);
    return good != all;
}
