/* Signals at any point of a computation that uses whatever a processor has: its result is the one without signals.
 * With a number as argument, until that many have been handled. */
#define _GNU_SOURCE
#include <fenv.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS = 512, STEPS = 3000 };
static volatile sig_atomic_t handled;
static volatile double noise = 3;
static uint64_t memory[WORDS];
static _Atomic uint32_t atomic32;

/* Changes every kind of register and flag, so that what is not kept shows. */
static void handler(int s) {
    double a = noise, b = 1;
    uint64_t x[12], sum = 0;
    for (int i = 0; i < 12; i++) x[i] = (uint64_t)(s + i) * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 20; i++) {
        b = b / a + sqrt(a + i) * 1e-300 * 1e-300;
        for (int k = 0; k < 12; k++) sum += x[k] ^= x[(k + 1) % 12] << (k + 1);
    }
    noise = a + (sum == 0) + b * 0;
    fesetround(FE_UPWARD);
    handled++;
}

static uint64_t mix(uint64_t h, uint64_t v) {
    h = (h ^ v) * 0x9fb21c651e98df25u;
    return h ^ h >> 29;
}
static uint64_t add(uint64_t a, uint64_t b) {
    return a + b;
}
static uint64_t divide(uint64_t a, uint64_t b) {
    return b ? a / b + a % b : ~a;
}
static uint64_t bits(uint64_t a, uint64_t b) {
    return (uint64_t)__builtin_popcountll(a) << 32 | (uint64_t)__builtin_clzll(b | 1);
}
static uint64_t high(uint64_t a, uint64_t b) {
    return (uint64_t)((unsigned __int128)a * b >> 64);
}
static uint64_t (*volatile functions[])(uint64_t, uint64_t) = {add, mix, divide, bits, high};

static uint64_t work(void) {
    uint64_t h = 1, r[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    double f[6] = {1, 1.5, 1e10, 1e-10, 3, 7};
    float g = 1;
    feclearexcept(FE_ALL_EXCEPT);
    for (unsigned i = 0; i < WORDS; i++) memory[i] = i * 0x100000001b3u;
    atomic32 = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned at = (unsigned)(h % WORDS);
        for (int k = 0; k < 8; k++) r[k] = (r[k] << (k + 1) | r[k] >> (63 - k)) + r[(k + 3) % 8];
        for (int k = 0; k < 6; k++) f[k] = f[k] * 1.0001 + f[(k + 1) % 6] / (double)(i + 1);
        g = g * 1.01f + (float)(i % 7);
        if (g > 1e6f) g = sqrtf(g);
        memory[at] = functions[i % 5](memory[at], r[i % 8]);
        memcpy((char *)memory + at % 64 * 8 + 3, &r[i % 8], 7);
        atomic_fetch_add_explicit(&atomic32, (uint32_t)r[1], memory_order_relaxed);
        uint32_t old = atomic32;
        while (!atomic_compare_exchange_weak_explicit(&atomic32, &old, old * 3 + 1, memory_order_acq_rel,
                                                      memory_order_relaxed))
            continue;
        h = mix(h, memory[(at + 7) % WORDS] + r[i % 8]);
        if (h & 1) h = mix(h, (uint64_t)(int64_t)(fmod(f[i % 6], 1000) * 1e6));
    }
    for (unsigned i = 0; i < WORDS; i++) h = mix(h, memory[i]);
    for (int k = 0; k < 6; k++) {
        uint64_t image;
        memcpy(&image, &f[k], sizeof image);
        h = mix(h, image);
    }
    h = mix(h, (uint64_t)(g * 1000));
    h = mix(h, (uint64_t) !!fetestexcept(FE_UNDERFLOW) << 1 | !!fetestexcept(FE_DIVBYZERO));
    return mix(h, atomic32) ^ (uint64_t)fegetround();
}

int main(int argc, char **argv) {
    static char stack[1 << 16];
    long wanted = argc > 1 ? atol(argv[1]) : 1500, rounds = 0, bad = 0;
    const int signals[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGPROF};
    const struct itimerval often = {{0, 211}, {0, 211}};
    const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    fesetround(FE_TONEAREST);
    uint64_t expected = work();
    sigaltstack(&other, NULL);
    for (int i = 0; i < 4; i++) {
        struct sigaction a = {.sa_handler = handler, .sa_flags = SA_RESTART | (i & 1 ? SA_ONSTACK : 0)};
        sigaction(signals[i], &a, NULL);
    }
    pid_t self = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (unsigned i = 0; kill(self, signals[i & 1]) == 0; i++)
            for (volatile unsigned wait = i * 7919 % 400; wait; wait--) continue;
        _exit(0);
    }
    setitimer(ITIMER_REAL, &often, NULL);
    while (handled < wanted) {
        bad += work() != expected;
        rounds++;
    }
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0) continue;
    printf("%016llx, %ld different\n", (unsigned long long)expected, bad);
    if (argc > 1) fprintf(stderr, "%ld signals in %ld rounds\n", (long)handled, rounds);
    return bad != 0;
}
