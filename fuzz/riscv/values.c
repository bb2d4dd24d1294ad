/* values.c - random numbers and the values that are worth trying, for the fuzzer and for the runner in the guest. */
#include "protocol.h"
#include <string.h>

uint64_t random_next(struct random *r) {
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static const uint64_t special_ints[] = {0,
                                        1,
                                        2,
                                        3,
                                        7,
                                        8,
                                        31,
                                        32,
                                        63,
                                        64,
                                        255,
                                        0xffff,
                                        INT32_MAX,
                                        0x80000000u,
                                        UINT32_MAX,
                                        0x100000000u,
                                        INT64_MAX,
                                        (uint64_t)INT64_MIN,
                                        UINT64_MAX,
                                        (uint64_t)-2,
                                        (uint64_t)INT32_MIN,
                                        0xffffffff80000001u,
                                        0x5555555555555555u,
                                        0x0123456789abcdefu,
                                        0x8000000000000001u,
                                        0xfffffffe00000000u,
                                        0x7fffffff00000000u,
                                        0x00ff00ff00ff00ffu};
static const uint64_t special_doubles[] = {0,
                                           0x8000000000000000u,
                                           0x3ff0000000000000u,
                                           0xbff0000000000000u,
                                           0x7ff0000000000000u,
                                           0xfff0000000000000u,
                                           0x7ff8000000000000u,
                                           0xfff8000000000000u,
                                           0x7ff0000000000001u,
                                           0xfff4000000000123u,
                                           1,
                                           0x8000000000000001u,
                                           0x000fffffffffffffu,
                                           0x0010000000000000u,
                                           0x8010000000000000u,
                                           0x7fefffffffffffffu,
                                           0xffefffffffffffffu,
                                           0x43e0000000000000u /* 2^63 */,
                                           0xc3e0000000000000u,
                                           0x43f0000000000000u,
                                           0x41e0000000000000u,
                                           0x41dfffffffc00000u,
                                           0xc1e0000000000000u,
                                           0xc1e0000000200000u,
                                           0x41efffffffe00000u,
                                           0x41f0000000000000u,
                                           0x3fe0000000000000u,
                                           0xbfe0000000000000u,
                                           0x3ff8000000000000u,
                                           0x4004000000000000u,
                                           0xbfefffffffffffffu,
                                           0x3cb0000000000000u,
                                           0x47efffffe0000000u /* FLT_MAX */,
                                           0x47effffff0000000u,
                                           0x3810000000000000u /* FLT_MIN */,
                                           0x380fffffffffffffu,
                                           0x36a0000000000000u,
                                           0x3690000000000000u,
                                           0x4330000000000001u,
                                           0x40effc0000000000u,
                                           0x43dfffffffffffffu};
static const uint32_t special_floats[] = {
    0,           0x80000000u, 0x3f800000u, 0xbf800000u, 0x7f800000u, 0xff800000u, 0x7fc00000u, 0xffc00000u,
    0x7f800001u, 0xffa00123u, 1,           0x80000001u, 0x007fffffu, 0x00800000u, 0x80800000u, 0x7f7fffffu,
    0xff7fffffu, 0x5f000000u, 0xdf000000u, 0x5f800000u, 0x4f000000u, 0x4effffffu, 0xcf000000u, 0xcf000001u,
    0x4f7fffffu, 0x4f800000u, 0x3f000000u, 0xbf000000u, 0x3fc00000u, 0x40200000u, 0xbf7fffffu, 0x34000000u,
    0x477fe000u, 0x477ff000u, 0x38800000u, 0x387fffffu, 0x33800000u, 0x33000000u, 0x4b000001u, 0x4b7fffffu};
static const uint16_t special_halves[] = {0,      0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7e00, 0xfe00,
                                          0x7c01, 0xfd12, 1,      0x8001, 0x03ff, 0x0400, 0x8400, 0x7bff,
                                          0xfbff, 0x3800, 0xb800, 0x3e00, 0x4100, 0x1400, 0x6401, 0x77ff};

uint64_t random_int(struct random *r) {
    switch (random_below(r, 8)) {
    case 0:
    case 1:
    case 2: return PICK(r, special_ints);
    case 3: return random_next(r);
    case 4: return (uint64_t)(int32_t)random_next(r);
    case 5: return random_next(r) >> random_below(r, 64);
    case 6: return (uint64_t)((int64_t)random_next(r) >> random_below(r, 64));
    default: return random_below(r, 64) - 16;
    }
}

static uint64_t random_double(struct random *r) {
    uint64_t v = random_next(r);
    switch (random_below(r, 6)) {
    case 0: return v;
    case 1: /* of moderate size, few significant bits */
        return (v & 0x800fffff00000000u) | (0x3ffull - 40 + v % 80) << 52;
    case 2: return (v & 0x800fffffffffffffu) | (0x3ffull - 70 + v % 140) << 52;
    case 3: return PICK(r, special_doubles) + random_below(r, 3) - 1;
    default: return PICK(r, special_doubles);
    }
}

static uint32_t random_float(struct random *r) {
    uint32_t v = (uint32_t)random_next(r);
    switch (random_below(r, 6)) {
    case 0: return v;
    case 1: return (v & 0x807ff000u) | (0x7fu - 20 + v % 40) << 23;
    case 2: return (v & 0x807fffffu) | (0x7fu - 70 + v % 140) << 23;
    case 3: return PICK(r, special_floats) + (uint32_t)random_below(r, 3) - 1;
    default: return PICK(r, special_floats);
    }
}

uint64_t random_fp(struct random *r) {
    unsigned n = (unsigned)random_below(r, 20);
    if (n < 9) return random_float(r) | 0xffffffff00000000u;
    if (n < 15) return random_double(r);
    if (n < 18)
        return (random_percent(r, 60) ? PICK(r, special_halves) : random_next(r) & 0xffff) | 0xffffffffffff0000u;
    if (n == 18) return random_next(r) << 32 | random_float(r); /* not boxed */
    return random_next(r);
}

void data_fill(uint8_t *data, size_t size, uint64_t seed) {
    struct random r = {seed ^ 0x6d656d6f7279};
    for (size_t i = 0; i < size; i += 8) {
        uint64_t v = random_percent(&r, 50) ? random_fp(&r) : random_int(&r);
        memcpy(data + i, &v, 8);
    }
}

uint64_t data_digest(const uint8_t *data, size_t size) {
    uint64_t h = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t v;
        memcpy(&v, data + i, 8);
        h = (h ^ v) * 0xd1342543de82ef95u;
        h ^= h >> 32;
    }
    return h;
}
