/* Calls through a table of sixteen small functions in an order that no predictor learns quickly, then in a short cycle
 * that one does.
 * kind: indirect */
#include "kernel.h"

enum { REPS = 3300, OPS = 16, TRACE = 8192 };

static uint64_t op_add(uint64_t a, uint64_t b) {
    return a + b;
}
static uint64_t op_sub(uint64_t a, uint64_t b) {
    return a - b;
}
static uint64_t op_xor(uint64_t a, uint64_t b) {
    return a ^ b;
}
static uint64_t op_or(uint64_t a, uint64_t b) {
    return a | (b << 1);
}
static uint64_t op_and(uint64_t a, uint64_t b) {
    return (a & ~b) + 1;
}
static uint64_t op_mul(uint64_t a, uint64_t b) {
    return a * (b | 1);
}
static uint64_t op_shl(uint64_t a, uint64_t b) {
    return a << (b & 7);
}
static uint64_t op_shr(uint64_t a, uint64_t b) {
    return a >> (b & 7);
}
static uint64_t op_rol(uint64_t a, uint64_t b) {
    return a << (b & 31) | a >> (64 - (b & 31)) % 64;
}
static uint64_t op_not(uint64_t a, uint64_t b) {
    return ~a + b;
}
static uint64_t op_neg(uint64_t a, uint64_t b) {
    return b - 3 * a;
}
static uint64_t op_max(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}
static uint64_t op_min(uint64_t a, uint64_t b) {
    return a < b ? a + 7 : b;
}
static uint64_t op_half(uint64_t a, uint64_t b) {
    return (a >> 1) + (b >> 1);
}
static uint64_t op_mix(uint64_t a, uint64_t b) {
    return a * 31 + b * 17;
}
static uint64_t op_swap(uint64_t a, uint64_t b) {
    return b ^ (a >> 32) ^ (a << 32);
}

typedef uint64_t op_function(uint64_t, uint64_t);

static op_function *volatile const start[OPS] = {
    op_add, op_sub, op_xor, op_or,  op_and, op_mul,  op_shl, op_shr,
    op_rol, op_not, op_neg, op_max, op_min, op_half, op_mix, op_swap,
};

int main(int argc, char **argv) {
    static op_function *table[OPS];
    static uint8_t trace[TRACE];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 42, a = 1, b = 2;
    for (int i = 0; i < OPS; i++) table[i] = start[i];
    for (int i = 0; i < TRACE; i++) trace[i] = random_next(&seed) >> 60;
    for (long i = 0; i < reps; i++) {
        for (int j = 0; j < TRACE; j++) {
            uint64_t c = table[trace[j]](a, b);
            b = a + (uint64_t)j;
            a = c;
        }
        for (int j = 0; j < 3 * TRACE; j++) {
            uint64_t c = table[(unsigned)j % 5 * 3](a, b);
            b = a ^ (uint64_t)i;
            a = c;
        }
    }
    return digest_print("fptable", digest_add(a, b));
}
