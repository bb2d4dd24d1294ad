/* getrandom, getentropy, /dev/urandom: different each time and roughly uniform; rand, random, drand48 with fixed seeds.
 */
/* cflags: -fwrapv */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static int plausible(const unsigned char *p, size_t n) {
    unsigned bits = 0, counts[256] = {0}, most = 0;
    for (size_t i = 0; i < n; i++) {
        bits += (unsigned)__builtin_popcount(p[i]);
        if (++counts[p[i]] > most) most = counts[p[i]];
    }
    return bits > n * 3 && bits < n * 5 && most < n / 20;
}

int main(void) {
    static unsigned char a[4096], b[4096];
    ssize_t n = getrandom(a, sizeof a, 0), m = getrandom(b, sizeof b, GRND_NONBLOCK);
    printf("%zd %zd %d %d %d\n", n, m, memcmp(a, b, sizeof a) != 0, plausible(a, sizeof a), plausible(b, sizeof b));
    n = getrandom(a, 0, 0);
    int e = getentropy(a, 256);
    printf("%zd %d\n", n, e);
    e = getentropy(a, 257);
    printf("%d %d\n", e, errno == EIO);
    n = getrandom(a, 8, 0x8000);
    printf("%zd %d\n", n, errno == EINVAL);
    FILE *f = fopen("/dev/urandom", "r");
    size_t items = fread(a, 1, sizeof a, f);
    fclose(f);
    printf("%zu %d\n", items, plausible(a, sizeof a));
    for (unsigned seed = 0; seed < 5; seed++) {
        srand(seed);
        for (int i = 0; i < 6; i++) printf("%d ", rand());
        srandom(seed * 1000);
        for (int i = 0; i < 6; i++) printf("%ld ", random());
        srand48((long)seed);
        double d = drand48();
        long l = lrand48();
        printf("%.15f %ld %ld\n", d, l, mrand48());
    }
    static char state[256];
    initstate(42, state, sizeof state);
    long sum = 0;
    for (int i = 0; i < 5000; i++) sum = sum * 3 + random() % 1000;
    printf("%ld\n", sum);
    unsigned short x[3] = {1, 2, 3};
    double total = 0;
    for (int i = 0; i < 1000; i++) total += erand48(x);
    long l = nrand48(x);
    printf("%.12f %ld %ld\n", total, l, jrand48(x));
    unsigned r = 9;
    for (int i = 0; i < 10; i++) printf("%d ", rand_r(&r));
    struct random_data data = {0};
    char buffer[64];
    initstate_r(7, buffer, sizeof buffer, &data);
    int32_t value;
    for (int i = 0; i < 5; i++) {
        random_r(&data, &value);
        printf("%d ", value);
    }
    putchar('\n');
    return 0;
}
