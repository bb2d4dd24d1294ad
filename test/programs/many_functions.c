/* Two thousand small functions, called in orders that visit all of them: more code than caches of translations or of
 * branch targets like. */
#include <stdint.h>
#include <stdio.h>

typedef uint64_t function(uint64_t, uint64_t);

#define F(n)                                                                                                           \
    __attribute__((noinline)) static uint64_t f##n(uint64_t a, uint64_t b) {                                           \
        uint64_t x = a * (n##ull * 2 + 3) + (b >> (n##ull % 31 + 1));                                                  \
        if ((x >> (n##ull % 13)) & 1)                                                                                  \
            x ^= b + n##ull * 77;                                                                                      \
        else                                                                                                           \
            x = x << 5 | x >> 59;                                                                                      \
        for (int i = 0; i < (int)(n##u % 4); i++) x += (x >> 7) ^ (unsigned)i;                                         \
        return x;                                                                                                      \
    }
#define F10(n)  F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7) F(n##8) F(n##9)
#define F100(n) F10(n##0) F10(n##1) F10(n##2) F10(n##3) F10(n##4) F10(n##5) F10(n##6) F10(n##7) F10(n##8) F10(n##9)
#define F1000(n)                                                                                                       \
    F100(n##0) F100(n##1) F100(n##2) F100(n##3) F100(n##4) F100(n##5) F100(n##6) F100(n##7) F100(n##8) F100(n##9)
#define N(n)    f##n,
#define N10(n)  N(n##0) N(n##1) N(n##2) N(n##3) N(n##4) N(n##5) N(n##6) N(n##7) N(n##8) N(n##9)
#define N100(n) N10(n##0) N10(n##1) N10(n##2) N10(n##3) N10(n##4) N10(n##5) N10(n##6) N10(n##7) N10(n##8) N10(n##9)
#define N1000(n)                                                                                                       \
    N100(n##0) N100(n##1) N100(n##2) N100(n##3) N100(n##4) N100(n##5) N100(n##6) N100(n##7) N100(n##8) N100(n##9)

F1000(1)
F1000(2)

static function *const table[] = {N1000(1) N1000(2)};
enum { COUNT = sizeof table / sizeof table[0] };

int main(void) {
    uint64_t x = 1, y = 2;
    static function *volatile shuffled[COUNT];
    for (int i = 0; i < COUNT; i++) shuffled[i] = table[i];
    for (int step = 1; step < 12; step += 2) {
        for (int i = 0; i < COUNT; i++) {
            uint64_t z = shuffled[i * step % COUNT](x, y);
            y = x;
            x = z;
        }
        printf("%d %016lx\n", step, x);
    }
    for (int i = COUNT - 1; i > 0; i--) {
        int j = (int)((x = x * 6364136223846793005ull + 1442695040888963407ull) >> 33) % (i + 1);
        function *t = shuffled[i];
        shuffled[i] = shuffled[j];
        shuffled[j] = t;
    }
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < COUNT; i++) {
            uint64_t z = shuffled[i](x, y);
            y = x;
            x = z;
        }
        if (round % 5 == 4) printf("%d %016lx\n", round, x);
    }
    for (int i = 0; i < 60000; i++) { /* the next function depends on the last result */
        uint64_t z = shuffled[x % COUNT](x, y);
        y = x;
        x = z;
    }
    printf("%016lx\n", x);
    return 0;
}
