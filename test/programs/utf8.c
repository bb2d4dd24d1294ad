/* UTF-8 encoded, decoded and validated by hand: every code point round-trips, every malformed shape is rejected. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Bytes written, 0 if c is not a scalar value. */
static int encode(uint32_t c, unsigned char *out) {
    if (c < 0x80) return out[0] = (unsigned char)c, 1;
    if (c < 0x800) {
        out[0] = (unsigned char)(0xc0 | c >> 6);
        out[1] = (unsigned char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        if (c >= 0xd800 && c < 0xe000) return 0;
        out[0] = (unsigned char)(0xe0 | c >> 12);
        out[1] = (unsigned char)(0x80 | (c >> 6 & 63));
        out[2] = (unsigned char)(0x80 | (c & 63));
        return 3;
    }
    if (c > 0x10ffff) return 0;
    out[0] = (unsigned char)(0xf0 | c >> 18);
    out[1] = (unsigned char)(0x80 | (c >> 12 & 63));
    out[2] = (unsigned char)(0x80 | (c >> 6 & 63));
    out[3] = (unsigned char)(0x80 | (c & 63));
    return 4;
}

/* The code point, or -1; *used is how many bytes to skip. */
static int32_t decode(const unsigned char *p, size_t n, int *used) {
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    *used = 1;
    if (n == 0) return -1;
    if (p[0] < 0x80) return p[0];
    int more = p[0] >= 0xf0 && p[0] < 0xf8 ? 3 : p[0] >= 0xe0 && p[0] < 0xf0 ? 2 : p[0] >= 0xc0 && p[0] < 0xe0 ? 1 : 0;
    if (!more) return -1;
    uint32_t c = p[0] & (0x3fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((size_t)i >= n || (p[i] & 0xc0) != 0x80) return -1;
        c = c << 6 | (p[i] & 63);
        *used = i + 1;
    }
    return c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? -1 : (int32_t)c;
}

int main(void) {
    uint32_t good = 0, sizes[5] = {0};
    for (uint32_t c = 0; c < 0x110100; c += c < 0x3000 ? 1 : 17) {
        unsigned char bytes[4];
        int used, n = encode(c, bytes);
        sizes[n]++;
        if (n) good += decode(bytes, (size_t)n, &used) == (int32_t)c && used == n;
        for (int cut = 1; cut < n; cut++) good += decode(bytes, (size_t)cut, &used) == -1;
    }
    printf("%u %u %u %u %u %u\n", good, sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]);
    static const char *const samples[] = {"plain",    "na\xc3\xafve", "\xe2\x82\xac 100", "\xf0\x9f\x98\x80!",
                                          "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",
                                          "\xff\xfe", "\xe2\x82",     "a\xe2\x28\xa1z",   "\xf8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const unsigned char *p = (const unsigned char *)samples[i];
        size_t n = strlen(samples[i]);
        for (int used; n; p += used, n -= (size_t)used) {
            int32_t c = decode(p, n, &used);
            if (c < 0)
                printf("bad(%02x) ", p[0]);
            else
                printf("U+%04X ", (unsigned)c);
        }
        putchar('\n');
    }
    uint32_t accepted = 0; /* all two-byte sequences, then leads with all second bytes */
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            unsigned char bytes[4] = {(unsigned char)a, (unsigned char)b, 0x80, 0x80};
            int used;
            for (size_t n = 1; n <= 4; n++) accepted = accepted * 3 + (decode(bytes, n, &used) >= 0) + (uint32_t)used;
        }
    printf("%08x\n", accepted);
    return 0;
}
