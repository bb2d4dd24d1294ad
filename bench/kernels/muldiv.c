/* 64-bit multiplication, high halves, division and remainder: greatest common divisors, modular powers, decimal
 * conversion, a generator with a prime modulus.
 * kind: int */
#include "kernel.h"

enum { REPS = 370, COUNT = 2000 };

static uint64_t gcd(uint64_t a, uint64_t b) {
    while (b) {
        uint64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* Modulus below 2^32. */
static uint64_t power(uint64_t base, uint64_t exponent, uint64_t modulus) {
    uint64_t result = 1;
    for (base %= modulus; exponent; exponent >>= 1) {
        if (exponent & 1) result = result * base % modulus;
        base = base * base % modulus;
    }
    return result;
}

static uint64_t multiply_high(uint64_t a, uint64_t b) {
    return (uint64_t)((unsigned __int128)a * b >> 64);
}

static uint64_t digit_sum(uint64_t n) {
    uint64_t sum = 0;
    for (; n; n /= 10) sum = sum * 3 + n % 10;
    return sum;
}

static int32_t park_miller(int32_t state) { /* Schrage's method */
    state = 48271 * (state % 44488) - 3399 * (state / 44488);
    return state < 0 ? state + 2147483647 : state;
}

int main(int argc, char **argv) {
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 5, digest = 0;
    int32_t small = 1;
    for (long i = 0; i < reps; i++) {
        for (int j = 0; j < COUNT; j++) {
            uint64_t a = random_next(&seed), b = random_next(&seed) >> 20 | 1;
            uint64_t sum = gcd(a >> 32, b >> 14) + multiply_high(a, b) + digit_sum(a);
            sum += power(a, b & 0xffff, (b >> 12) | 3);
            small = park_miller(small);
            sum += (uint64_t)((int64_t)a / small) ^ (uint64_t)((int64_t)b % -small);
            digest = digest_add(digest, sum);
        }
    }
    return digest_print("muldiv", digest);
}
