/* Structs and unions by value: sizes 1 to 40, integers and floats mixed, arguments past the registers, results. */
/* cflags: -fwrapv */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint64_t digest = 1;

static void add_bytes(const void *p, size_t n) {
    for (const unsigned char *b = p; n--; b++) digest = (digest ^ *b) * 0x100000001b3ull ^ digest >> 40;
}

/* Structs of n bytes: passed, changed by the callee (not seen by the caller), returned. */
#define SIZED(n)                                                                                                       \
    struct bytes##n {                                                                                                  \
        unsigned char b[n];                                                                                            \
    };                                                                                                                 \
    __attribute__((noinline)) static struct bytes##n turn##n(int k, struct bytes##n s, struct bytes##n t) {            \
        for (int i = 0; i < n; i++) s.b[i] = (unsigned char)(s.b[i] * 3 + t.b[n - 1 - i] + k);                         \
        t.b[0]++;                                                                                                      \
        add_bytes(&t, sizeof t);                                                                                       \
        return s;                                                                                                      \
    }                                                                                                                  \
    static void test##n(void) {                                                                                        \
        struct bytes##n a, b;                                                                                          \
        for (int i = 0; i < n; i++) a.b[i] = (unsigned char)(i * 7), b.b[i] = (unsigned char)(i ^ n);                  \
        struct bytes##n c = turn##n(n, a, b), d = turn##n(1, turn##n(2, c, a), b);                                     \
        add_bytes(&a, sizeof a), add_bytes(&b, sizeof b), add_bytes(&c, sizeof c), add_bytes(&d, sizeof d);            \
        printf("%d %02x %02x %016lx\n", n, c.b[0], d.b[n - 1], digest);                                                \
    }

/* clang-format off */
SIZED(1) SIZED(2) SIZED(3) SIZED(4) SIZED(5) SIZED(7) SIZED(8) SIZED(9)
SIZED(12) SIZED(15) SIZED(16) SIZED(17) SIZED(24) SIZED(31) SIZED(40)
    /* clang-format on */

    struct f1 {
    float a;
};
struct f2 {
    float a, b;
};
struct d2 {
    double a, b;
};
struct d3 {
    double a, b, c;
};
struct fi {
    float a;
    int b;
};
struct id {
    int a;
    double b;
};
struct cd {
    char a;
    double b;
};
struct nested {
    struct f1 a;
    struct {
        int b;
    } c;
};
struct array {
    double v[2];
};
struct packed {
    char a;
    int64_t b;
} __attribute__((packed));
struct aligned {
    int a __attribute__((aligned(16)));
};
union number {
    double d;
    int64_t i;
    float f;
};
struct empty_like {
    struct f2 a;
};

__attribute__((noinline)) static double floats(struct f1 a, struct f2 b, struct d2 c, struct d3 d, struct fi e,
                                               struct id f, struct cd g, struct nested h) {
    return (double)(a.a + b.a * 2 + b.b * 3) + c.a * 4 + c.b * 5 + d.a * 6 + d.b * 7 + d.c * 8 + (double)e.a * 9 +
           e.b * 10 + f.a * 11 + f.b * 12 + g.a * 13 + g.b * 14 + (double)h.a.a * 15 + h.c.b * 16;
}

__attribute__((noinline)) static struct f2 make_f2(float a) {
    return (struct f2){a, a * 2};
}
__attribute__((noinline)) static struct d2 make_d2(double a) {
    return (struct d2){a, a * 2};
}
__attribute__((noinline)) static struct d3 make_d3(double a) {
    return (struct d3){a, a * 2, a * 3};
}
__attribute__((noinline)) static struct fi make_fi(int a) {
    return (struct fi){(float)a / 4, a * 5};
}
__attribute__((noinline)) static struct id make_id(int a) {
    return (struct id){a, a / 8.0};
}
__attribute__((noinline)) static struct array make_array(double a) {
    return (struct array){{a, -a}};
}
__attribute__((noinline)) static struct packed make_packed(int64_t a) {
    return (struct packed){(char)(a & 63), a};
}
__attribute__((noinline)) static union number make_number(double a) {
    return (union number){a};
}
__attribute__((noinline)) static struct empty_like make_wrapped(float a) {
    return (struct empty_like){{a, -a}};
}

/* the struct arrives half in registers, half on the stack, or whole on the stack */
__attribute__((noinline)) static int64_t late(int a, int b, int c, int d, int e, int f, int g, struct bytes16 s,
                                              struct packed p, struct aligned q, struct f2 r, union number n) {
    int64_t x[2];
    memcpy(x, &s, 16);
    return a + b + c + d + e + f + g + x[0] * 3 + x[1] * 5 + p.b + p.a + q.a + (int64_t)r.b + n.i;
}

__attribute__((noinline)) static double many(double a, double b, double c, double d, double e, double f, double g,
                                             struct d2 h, double i, struct f2 j, float k, struct id l) {
    return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h.a * 8 + h.b * 9 + i * 10 +
           (double)(j.a * 11 + j.b * 12 + k * 13) + l.a * 14 + l.b * 15;
}

int main(void) {
    test1(), test2(), test3(), test4(), test5(), test7(), test8(), test9(), test12(), test15(), test16(), test17(),
        test24(), test31(), test40();
    for (volatile int i = -3; i < 8; i++) {
        struct f1 a = {(float)i / 2};
        struct cd g = {(char)(i & 31), i * 0.125};
        struct nested h = {{(float)i}, {i * i}};
        printf("%.6f ", floats(a, make_f2((float)i), make_d2(i), make_d3(i), make_fi(i), make_id(i), g, h));
        struct bytes16 s;
        for (int k = 0; k < 16; k++) s.b[k] = (unsigned char)(k + i);
        struct aligned q = {i * 1000};
        printf("%ld ",
               late(1, 2, 3, 4, 5, 6, 7, s, make_packed(i + (1LL << 33)), q, make_f2(0.5f * (float)i), make_number(i)));
        printf("%.6f ", many(i, 2, 3, 4, 5, 6, 7, make_d2(i), 8, make_f2(1), 9, make_id(i)));
        struct array v = make_array(i);
        struct empty_like w = make_wrapped((float)i);
        printf("%g %g %g %g %zu\n", v.v[0], v.v[1], (double)w.a.a, (double)w.a.b, sizeof(struct packed));
    }
    struct d3 copies[10];
    for (int i = 0; i < 10; i++) copies[i] = i ? copies[i - 1] : make_d3(1), copies[i].b += i;
    struct d3 (*maker)(double) = make_d3;
    printf("%g %g\n", copies[9].b, maker(copies[9].b).c);
    return 0;
}
