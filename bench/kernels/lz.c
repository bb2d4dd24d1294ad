/* A Lempel-Ziv compressor with hash chains and its decompressor, verified against the input each time.
 * kind: hash */
#include <string.h>
#include "kernel.h"

enum { REPS = 150, SIZE = 1 << 17, HASH_BITS = 13, WINDOW = 1 << 15, CHAIN = 16, LEAST = 4, MOST = 255 };

static uint32_t hash4(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return v * 2654435761u >> (32 - HASH_BITS);
}

/* A token is a byte: 0 = one literal byte follows, otherwise the length of a match whose distance follows in two bytes.
 */
static size_t compress(const uint8_t *in, size_t n, uint8_t *out) {
    static int32_t head[1 << HASH_BITS], previous[WINDOW];
    uint8_t *start = out;
    memset(head, -1, sizeof head);
    for (size_t i = 0; i < n;) {
        size_t best = 0, distance = 0;
        if (i + LEAST <= n) {
            int32_t at = head[hash4(in + i)];
            for (int tries = CHAIN; tries && at >= 0 && i - (size_t)at < WINDOW; tries--, at = previous[at % WINDOW]) {
                size_t length = 0, most = n - i < MOST ? n - i : MOST;
                while (length < most && in[(size_t)at + length] == in[i + length]) length++;
                if (length > best) best = length, distance = i - (size_t)at;
            }
        }
        size_t step = best >= LEAST ? best : 1;
        *out++ = step == 1 ? 0 : (uint8_t)best;
        if (step == 1)
            *out++ = in[i];
        else {
            *out++ = (uint8_t)distance;
            *out++ = (uint8_t)(distance >> 8);
        }
        for (; step; step--, i++)
            if (i + LEAST <= n) {
                uint32_t h = hash4(in + i);
                previous[i % WINDOW] = head[h];
                head[h] = (int32_t)i;
            }
    }
    return (size_t)(out - start);
}

static size_t decompress(const uint8_t *in, size_t n, uint8_t *out) {
    const uint8_t *end = in + n;
    uint8_t *start = out;
    while (in < end) {
        size_t length = *in++;
        if (!length)
            *out++ = *in++;
        else {
            const uint8_t *from = out - (in[0] | in[1] << 8);
            in += 2;
            while (length--) *out++ = *from++;
        }
    }
    return (size_t)(out - start);
}

int main(int argc, char **argv) {
    static uint8_t text[SIZE], packed[2 * SIZE], unpacked[SIZE];
    static const char *const words[] = {"compress ", "window ", "of ", "length ", "the ", "match ", "and ", "literal "};
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 16, digest = 0;
    for (long rep = 0; rep < reps; rep++) {
        for (size_t n = 0; n < SIZE;) {
            uint64_t r = random_next(&seed);
            const char *word = words[r >> 61];
            size_t length = strlen(word) < SIZE - n ? strlen(word) : SIZE - n;
            memcpy(text + n, word, length);
            n += length;
            if ((r & 15) == 0 && n < SIZE) text[n++] = r >> 8 & 255;
        }
        size_t size = compress(text, SIZE, packed);
        for (size_t i = 0; i < size; i += 61) digest = digest_add(digest, packed[i]);
        if (decompress(packed, size, unpacked) != SIZE || memcmp(text, unpacked, SIZE) != 0) abort();
        digest = digest_add(digest, size);
    }
    return digest_print("lz", digest);
}
