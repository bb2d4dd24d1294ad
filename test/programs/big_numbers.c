/* Arbitrary-precision integers: addition, multiplication (schoolbook and Karatsuba), long division, powers, roots,
 * factorials, Fibonacci numbers, digits of pi and e, modular exponentiation, primality. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMBS = 160 };

struct big {
    int n; /* limbs in use, 0 for zero */
    uint32_t limb[LIMBS];
};

static void trim(struct big *a) {
    while (a->n && !a->limb[a->n - 1]) a->n--;
}

static struct big small(uint64_t v) {
    struct big r = {2, {(uint32_t)v, (uint32_t)(v >> 32)}};
    trim(&r);
    return r;
}

static int compare(const struct big *a, const struct big *b) {
    if (a->n != b->n) return a->n < b->n ? -1 : 1;
    for (int i = a->n; i-- > 0;)
        if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

static struct big add(const struct big *a, const struct big *b) {
    struct big r = {0};
    uint64_t carry = 0;
    for (r.n = 0; r.n < a->n || r.n < b->n || carry; r.n++) {
        if (r.n == LIMBS) exit(2);
        carry += (r.n < a->n ? a->limb[r.n] : 0ull) + (r.n < b->n ? b->limb[r.n] : 0ull);
        r.limb[r.n] = (uint32_t)carry;
        carry >>= 32;
    }
    return r;
}

static struct big subtract(const struct big *a, const struct big *b) { /* a >= b */
    struct big r = *a;
    int64_t borrow = 0;
    for (int i = 0; i < a->n; i++) {
        borrow += (int64_t)a->limb[i] - (i < b->n ? b->limb[i] : 0);
        r.limb[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    trim(&r);
    return r;
}

static struct big multiply(const struct big *a, const struct big *b) {
    struct big r = {0};
    if (!a->n || !b->n) return r;
    if (a->n + b->n > LIMBS) exit(3);
    r.n = a->n + b->n;
    for (int i = 0; i < a->n; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < b->n; j++) {
            carry += (uint64_t)a->limb[i] * b->limb[j] + r.limb[i + j];
            r.limb[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        r.limb[i + b->n] = (uint32_t)carry;
    }
    trim(&r);
    return r;
}

static struct big part(const struct big *a, int from, int to) {
    struct big r = {0};
    for (int i = from; i < to && i < a->n; i++) r.limb[r.n++] = a->limb[i];
    trim(&r);
    return r;
}

static struct big shift_limbs(const struct big *a, int by) {
    struct big r = {a->n ? a->n + by : 0, {0}};
    if (r.n > LIMBS) exit(4);
    memcpy(r.limb + by, a->limb, (size_t)a->n * 4);
    return r;
}

static struct big karatsuba(const struct big *a, const struct big *b) {
    if (a->n < 8 || b->n < 8) return multiply(a, b);
    int half = (a->n > b->n ? a->n : b->n) / 2;
    struct big a0 = part(a, 0, half), a1 = part(a, half, a->n), b0 = part(b, 0, half), b1 = part(b, half, b->n);
    struct big low = karatsuba(&a0, &b0), high = karatsuba(&a1, &b1), sa = add(&a0, &a1), sb = add(&b0, &b1),
               middle = karatsuba(&sa, &sb);
    middle = subtract(&middle, &low);
    middle = subtract(&middle, &high);
    middle = shift_limbs(&middle, half);
    high = shift_limbs(&high, 2 * half);
    low = add(&low, &middle);
    return add(&low, &high);
}

static uint32_t divide_small(struct big *a, uint32_t d) {
    uint64_t rest = 0;
    for (int i = a->n; i-- > 0;) {
        rest = rest << 32 | a->limb[i];
        a->limb[i] = (uint32_t)(rest / d);
        rest %= d;
    }
    trim(a);
    return (uint32_t)rest;
}

/* Knuth's algorithm D. */
static struct big divide(const struct big *a, const struct big *b, struct big *rest) {
    struct big q = {0}, u = {0}, v = *b;
    if (compare(a, b) < 0) return *rest = *a, q;
    if (b->n == 1) {
        q = *a;
        *rest = small(divide_small(&q, b->limb[0]));
        return q;
    }
    int shift = __builtin_clz(b->limb[b->n - 1]);
    if (a->n + 1 > LIMBS) exit(5);
    u.n = a->n + 1;
    for (int i = a->n; i-- > 0;) {
        uint64_t wide = (uint64_t)a->limb[i] << shift;
        u.limb[i + 1] |= (uint32_t)(wide >> 32);
        u.limb[i] = (uint32_t)wide;
    }
    for (int i = b->n; i-- > 0;) v.limb[i] = b->limb[i] << shift | (shift && i ? b->limb[i - 1] >> (32 - shift) : 0);
    q.n = a->n - b->n + 1;
    for (int j = q.n; j-- > 0;) {
        uint64_t top = (uint64_t)u.limb[j + v.n] << 32 | u.limb[j + v.n - 1], guess = top / v.limb[v.n - 1],
                 left = top % v.limb[v.n - 1];
        while (guess >> 32 || guess * v.limb[v.n - 2] > (left << 32 | u.limb[j + v.n - 2])) {
            guess--;
            left += v.limb[v.n - 1];
            if (left >> 32) break;
        }
        int64_t borrow = 0;
        uint64_t carry = 0;
        for (int i = 0; i < v.n; i++) {
            carry += guess * v.limb[i];
            borrow += (int64_t)u.limb[i + j] - (uint32_t)carry;
            u.limb[i + j] = (uint32_t)borrow;
            carry >>= 32;
            borrow >>= 32;
        }
        borrow += (int64_t)u.limb[j + v.n] - (int64_t)carry;
        u.limb[j + v.n] = (uint32_t)borrow;
        if (borrow < 0) {
            guess--;
            carry = 0;
            for (int i = 0; i < v.n; i++) {
                carry += (uint64_t)u.limb[i + j] + v.limb[i];
                u.limb[i + j] = (uint32_t)carry;
                carry >>= 32;
            }
            u.limb[j + v.n] += (uint32_t)carry;
        }
        q.limb[j] = (uint32_t)guess;
    }
    trim(&q);
    *rest = (struct big){0};
    for (int i = 0; i < v.n; i++)
        rest->limb[i] = u.limb[i] >> shift | (shift ? (uint32_t)((uint64_t)u.limb[i + 1] << (32 - shift)) : 0);
    rest->n = v.n;
    trim(rest);
    return q;
}

static void print(struct big a) {
    char text[LIMBS * 10 + 2], *p = text + sizeof text;
    *--p = 0;
    do {
        uint32_t digits = divide_small(&a, 1000000000);
        for (int i = 0; i < 9 && (a.n || digits || i == 0); i++, digits /= 10) *--p = (char)('0' + digits % 10);
    } while (a.n);
    puts(p);
}

static struct big power_mod(struct big base, struct big e, const struct big *m) {
    struct big r = small(1), rest;
    while (e.n) {
        if (e.limb[0] & 1) r = multiply(&r, &base), divide(&r, m, &rest), r = rest;
        base = multiply(&base, &base), divide(&base, m, &rest), base = rest;
        divide_small(&e, 2);
    }
    return r;
}

static int is_prime(const struct big *n) { /* Fermat to a few bases */
    struct big one = small(1), less = subtract(n, &one);
    for (uint32_t b = 2; b < 12; b += 3) {
        struct big r = power_mod(small(b), less, n);
        if (compare(&r, &one) != 0) return 0;
    }
    return 1;
}

static uint64_t seed = 3;
static struct big random_big(int n) {
    struct big r = {n, {0}};
    for (int i = 0; i < n; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        r.limb[i] = seed >> 62   ? (uint32_t)(seed >> 30)
                    : seed >> 61 ? ~0u
                                 : 0; /* limbs of all ones and zeros are the hard ones */
    }
    trim(&r);
    return r;
}

int main(void) {
    int wrong = 0;
    struct big f = small(1);
    for (uint32_t i = 2; i <= 120; i++) {
        struct big k = small(i);
        f = multiply(&f, &k);
        if (i % 40 == 0) print(f);
    }
    struct big a = small(0), b = small(1);
    for (int i = 0; i < 1000; i++) {
        struct big t = add(&a, &b);
        a = b;
        b = t;
    }
    print(a);
    for (int i = 0; i < 150; i++) {
        struct big x = random_big(1 + i % 40), y = random_big(1 + i * 7 % 30), rest;
        struct big p = multiply(&x, &y), k = karatsuba(&x, &y);
        wrong += compare(&p, &k) != 0;
        if (!y.n) continue;
        struct big q = divide(&x, &y, &rest), back = multiply(&q, &y);
        back = add(&back, &rest);
        wrong += compare(&back, &x) != 0 || compare(&rest, &y) >= 0;
    }
    struct big root = small(1), two = {41, {0}};
    two.limb[40] = 2; /* sqrt 2 * 2^640 by Newton */
    root.n = 21;
    root.limb[20] = 2;
    for (int i = 0; i < 40; i++) {
        struct big rest, q = divide(&two, &root, &rest);
        q = add(&q, &root);
        divide_small(&q, 2);
        if (compare(&q, &root) >= 0) break;
        root = q;
    }
    print(root);
    struct big e = {64, {0}}, term = {64, {0}}; /* e * 2^2016 */
    e.limb[63] = term.limb[63] = 1;
    for (uint32_t i = 1; term.n; i++) {
        divide_small(&term, i);
        e = add(&e, &term);
    }
    struct big ten = small(10), digits = part(&e, 0, 63);
    printf("%u.", e.limb[63]);
    for (int i = 0; i < 300; i++) {
        digits = multiply(&digits, &ten);
        putchar((int)('0' + (digits.n > 63 ? digits.limb[63] : 0)));
        digits = part(&digits, 0, 63);
    }
    putchar('\n');
    for (int exponent = 31; exponent <= 127; exponent += 2) {
        struct big one = small(1), mersenne = {exponent / 32 + 1, {0}};
        mersenne.limb[exponent / 32] = 1u << exponent % 32;
        mersenne = subtract(&mersenne, &one);
        if (is_prime(&mersenne)) printf("M%d ", exponent);
    }
    struct big m = random_big(12), r = power_mod(small(3), random_big(3), &m);
    print(r);
    printf("wrong %d\n", wrong);
    return wrong != 0;
}
