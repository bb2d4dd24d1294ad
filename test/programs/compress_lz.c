/* Two compressors, LZ77 with hash chains and LZW, and a run-length coder, each decompressed and compared, over inputs
 * of many kinds. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 20000, WINDOW = 4096, HASHES = 4096, CODES = 4096 };

static unsigned char input[SIZE], packed[SIZE * 2 + 16], output[SIZE];

static uint32_t hash3(const unsigned char *p) {
    return (p[0] * 2654435761u ^ p[1] * 40503u ^ p[2] * 2246822519u) >> 7 & (HASHES - 1);
}

/* Flag byte for eight items: a literal, or twelve bits of distance and four of length. */
static size_t lz_pack(const unsigned char *in, size_t n, unsigned char *out) {
    static int head[HASHES], previous[SIZE];
    size_t o = 0, flag = 0;
    int count = 8;
    memset(head, -1, sizeof head);
    for (size_t i = 0; i < n;) {
        size_t best = 0, where = 0;
        if (i + 3 <= n)
            for (int at = head[hash3(in + i)], tries = 32; at >= 0 && tries-- && i - (size_t)at < WINDOW;
                 at = previous[at]) {
                size_t length = 0;
                while (length < 18 && i + length < n && in[(size_t)at + length] == in[i + length]) length++;
                if (length > best) best = length, where = i - (size_t)at;
            }
        if (count == 8) flag = o++, packed[flag] = 0, count = 0;
        size_t step = 1;
        if (best >= 3) {
            out[flag] |= (unsigned char)(1 << count);
            out[o++] = (unsigned char)where;
            out[o++] = (unsigned char)(where >> 8 << 4 | (best - 3));
            step = best;
        } else
            out[o++] = in[i];
        count++;
        for (; step--; i++)
            if (i + 3 <= n) {
                uint32_t h = hash3(in + i);
                previous[i] = head[h];
                head[h] = (int)i;
            }
    }
    return o;
}

static size_t lz_unpack(const unsigned char *in, size_t n, unsigned char *out) {
    size_t o = 0;
    for (size_t i = 0; i < n;) {
        unsigned flags = in[i++];
        for (int bit = 0; bit < 8 && i < n; bit++, flags >>= 1) {
            if (!(flags & 1)) {
                out[o++] = in[i++];
                continue;
            }
            size_t distance = in[i] | (size_t)(in[i + 1] >> 4) << 8, length = (in[i + 1] & 15) + 3u;
            i += 2;
            for (; length--; o++) out[o] = out[o - distance];
        }
    }
    return o;
}

struct bits {
    unsigned char *p;
    size_t at;
};

static void put_bits(struct bits *b, unsigned value, int n) {
    for (int i = 0; i < n; i++, b->at++) {
        if (b->at % 8 == 0) b->p[b->at / 8] = 0;
        b->p[b->at / 8] |= (unsigned char)((value >> i & 1) << b->at % 8);
    }
}

static unsigned get_bits(struct bits *b, int n) {
    unsigned value = 0;
    for (int i = 0; i < n; i++, b->at++) value |= (unsigned)(b->p[b->at / 8] >> b->at % 8 & 1) << i;
    return value;
}

static size_t lzw_pack(const unsigned char *in, size_t n, unsigned char *out) {
    static short next[CODES][256];
    struct bits b = {out, 0};
    int codes = 256, width = 9;
    if (!n) return 0;
    memset(next, 0, sizeof next);
    int code = in[0];
    for (size_t i = 1; i < n; i++) {
        if (next[code][in[i]]) {
            code = next[code][in[i]];
            continue;
        }
        put_bits(&b, (unsigned)code, width);
        if (codes < CODES) {
            if (codes == 1 << width) width++;
            next[code][in[i]] = (short)codes++;
        }
        code = in[i];
    }
    put_bits(&b, (unsigned)code, width);
    return (b.at + 7) / 8;
}

static size_t lzw_unpack(unsigned char *in, size_t n, size_t total, unsigned char *out) {
    static struct { size_t start, length; } table[CODES];
    struct bits b = {in, 0};
    int codes = 256, width = 9;
    size_t o = 0;
    while (o < total && b.at / 8 < n) {
        unsigned code = get_bits(&b, width);
        size_t start = o;
        if (code < 256)
            out[o++] = (unsigned char)code;
        else if ((int)code < codes)
            for (size_t i = 0; i < table[code].length; i++, o++) out[o] = out[table[code].start + i];
        else
            return 0;
        if (codes < CODES) { /* the entry being made is this string and the first byte of the next, which follows it */
            if (codes == 1 << width) width++;
            table[codes].start = start;
            table[codes++].length = o - start + 1;
        }
    }
    return o;
}

static size_t rle_pack(const unsigned char *in, size_t n, unsigned char *out) {
    size_t o = 0;
    for (size_t i = 0; i < n;) {
        size_t run = 1;
        while (run < 130 && i + run < n && in[i + run] == in[i]) run++;
        if (run >= 3) {
            out[o++] = (unsigned char)(run + 125);
            out[o++] = in[i];
            i += run;
            continue;
        }
        size_t start = i, length = 0;
        while (length < 128 && i < n && !(i + 2 < n && in[i] == in[i + 1] && in[i] == in[i + 2])) i++, length++;
        out[o++] = (unsigned char)(length - 1);
        memcpy(out + o, in + start, length);
        o += length;
    }
    return o;
}

static size_t rle_unpack(const unsigned char *in, size_t n, unsigned char *out) {
    size_t o = 0;
    for (size_t i = 0; i < n;) {
        unsigned c = in[i++];
        size_t length = c < 128 ? c + 1 : c - 125;
        if (c < 128)
            memcpy(out + o, in + i, length), i += length;
        else
            memset(out + o, in[i++], length);
        o += length;
    }
    return o;
}

static void fill(int kind, size_t n) {
    static const char *const words[] = {"the ", "cat ", "sat ", "on ", "a ", "mat, ", "and ", "slept\n"};
    uint32_t seed = (uint32_t)kind + 1;
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        switch (kind) {
        case 0: input[i] = 'x'; break;
        case 1: input[i] = (unsigned char)(seed >> 24); break;
        case 2:
            for (const char *w = words[seed >> 29]; *w && i < n; w++) input[i++] = (unsigned char)*w;
            i--;
            break;
        case 3: input[i] = (unsigned char)(i % 251); break;
        case 4: input[i] = (unsigned char)(i / 100); break;
        case 5: input[i] = seed >> 30 ? 'a' : (unsigned char)(seed >> 16); break;
        default: input[i] = "abab"[seed >> 30];
        }
    }
}

static uint32_t digest(size_t n) {
    uint32_t h = 1;
    for (size_t i = 0; i < n; i++) h = h * 31 + packed[i];
    return h;
}

int main(void) {
    static const size_t sizes[] = {0, 1, 2, 3, 10, 255, 1000, SIZE};
    int wrong = 0;
    for (int kind = 0; kind < 7; kind++)
        for (int s = 0; s < 8; s++) {
            size_t n = sizes[s];
            fill(kind, n);
            size_t size = lz_pack(input, n, packed);
            printf("%d %zu: %zu %08x ", kind, n, size, digest(size));
            size_t back = lz_unpack(packed, size, output);
            wrong += back != n || memcmp(input, output, n);
            size = rle_pack(input, n, packed);
            printf("%zu %08x ", size, digest(size));
            back = rle_unpack(packed, size, output);
            wrong += back != n || memcmp(input, output, n);
            size = lzw_pack(input, n, packed);
            printf("%zu %08x\n", size, digest(size));
            back = lzw_unpack(packed, size, n, output);
            wrong += back != n || memcmp(input, output, n);
        }
    printf("wrong %d\n", wrong);
    return wrong != 0;
}
