/* Variadic functions: every argument class in every position, more arguments than registers, va_copy, passing va_list
 * on. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct small {
    int a;
    char b;
};
struct pair {
    int64_t a, b;
};
struct big {
    int64_t v[5];
};
struct mixed {
    double d;
    int i;
};
struct floats {
    float x, y;
};

static uint64_t digest = 1;

static void add(uint64_t v) {
    digest = (digest ^ v) * 0x9e3779b97f4a7c15ull ^ digest >> 32;
}

static void add_double(double d) {
    uint64_t b;
    memcpy(&b, &d, 8);
    add(b);
}

/* Each letter says what comes: c i l d p s(mall) r(pair) b(ig) m(ixed) f(loats) */
static int vtake(const char *kinds, va_list list) {
    int count = 0;
    for (; *kinds; kinds++, count++) switch (*kinds) {
        case 'c': add((uint64_t)va_arg(list, int) & 0xff); break;
        case 'i': add((uint64_t)va_arg(list, int)); break;
        case 'l': add((uint64_t)va_arg(list, long)); break;
        case 'd': add_double(va_arg(list, double)); break;
        case 'p': add(strlen(va_arg(list, char *))); break;
        case 's': {
            struct small s = va_arg(list, struct small);
            add((uint64_t)s.a), add((uint64_t)s.b & 0xff);
            break;
        }
        case 'r': {
            struct pair r = va_arg(list, struct pair);
            add((uint64_t)r.a), add((uint64_t)r.b);
            break;
        }
        case 'b': {
            struct big b = va_arg(list, struct big);
            for (int i = 0; i < 5; i++) add((uint64_t)b.v[i]);
            break;
        }
        case 'm': {
            struct mixed m = va_arg(list, struct mixed);
            add_double(m.d), add((uint64_t)m.i);
            break;
        }
        case 'f': {
            struct floats f = va_arg(list, struct floats);
            add_double((double)f.x), add_double((double)f.y);
            break;
        }
        }
    return count;
}

__attribute__((noinline)) static int take(const char *kinds, ...) {
    va_list list, again;
    va_start(list, kinds);
    va_copy(again, list);
    int n = vtake(kinds, list);
    va_end(list);
    n += vtake(kinds, again); /* the copy starts over */
    va_end(again);
    return n;
}

__attribute__((noinline)) static int take_after(int a, double b, struct pair c, const char *kinds, ...) {
    va_list list;
    va_start(list, kinds);
    add((uint64_t)a), add_double(b), add((uint64_t)c.b);
    int n = vtake(kinds, list);
    va_end(list);
    return n;
}

static long sum(int n, ...) {
    va_list list;
    long total = 0;
    va_start(list, n);
    while (n--) total += va_arg(list, long);
    va_end(list);
    return total;
}

static double mean(int n, ...) {
    va_list list;
    double total = 0;
    va_start(list, n);
    for (int i = 0; i < n; i++) total += va_arg(list, double);
    va_end(list);
    return total / n;
}

int main(void) {
    struct small s = {7, 'x'};
    struct pair r = {1LL << 40, -9};
    struct big b = {{1, 2, 3, 4, 5}};
    struct mixed m = {2.5, 77};
    struct floats f = {0.5f, -1.25f};
    for (volatile int round = 0; round < 20; round++) {
        int i = round;
        double d = round * 0.75;
        b.v[2] = s.a = i;
        r.a += i;
        m.d = d;
        f.x = (float)i;
        int n = 0;
        n += take("i", i) + take("d", d) + take("s", s) + take("r", r) + take("b", b) + take("m", m) + take("f", f);
        n += take("iiiiiiiiii", 1, 2, 3, 4, 5, 6, 7, 8, 9, i) +
             take("dddddddddd", 1., 2., 3., 4., 5., 6., 7., 8., 9., d);
        n += take("ididididididididid", 1, .1, 2, .2, 3, .3, 4, .4, 5, .5, 6, .6, 7, .7, 8, .8, i, d);
        n += take("irirsrm", 1, r, 2, r, s, r, m) + take("rrrrr", r, r, r, r, r) +
             take("iiiiiir", 1, 2, 3, 4, 5, 6, r) + take("iiiiiiir", 1, 2, 3, 4, 5, 6, 7, r);
        n += take("bibdb", b, i, b, d, b) + take("mmmmm", m, m, m, m, m) + take("fffffff", f, f, f, f, f, f, f) +
             take("smfrbp", s, m, f, r, b, "text");
        n += take("cpcl", 'a', "hello", 'z', 1L << 50);
        n += take_after(i, d, r, "") + take_after(i, d, r, "iiddrr", 1, 2, 3., 4., r, r) +
             take_after(i, d, r, "rirmb", r, i, r, m, b);
        printf("%d %016lx\n", n, digest);
    }
    printf("%ld %ld %ld\n", sum(0), sum(3, 1L, -2L, 3L),
           sum(12, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L, 11L, 1L << 40));
    printf("%.10f %.10f\n", mean(1, 0.5), mean(11, 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 100.));
    return 0;
}
