/* What test/cli/gdb.sh looks at with a debugger: a death some calls deep, with known values, beside a thread that
 * waits. */
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

static volatile uint64_t kept = 0x1122334455667788;
static volatile double half = 0.5;
static pthread_barrier_t ready;

__attribute__((noinline)) static int deepest(volatile int *where, int value) {
    register uint64_t pattern __asm__("s3") = kept;
    register double number __asm__("fs2") = half;
    __asm__ volatile("" : "+r"(pattern), "+f"(number));
    *where = value;
    __asm__ volatile("" : : "r"(pattern), "f"(number));
    return value + 1;
}

__attribute__((noinline)) static int middle(int value) {
    return deepest((volatile int *)(uintptr_t)8, value * 2) + 1;
}

static void *waiter(void *arg) {
    pthread_barrier_wait(&ready);
    for (;;) pause();
    return arg;
}

int main(void) {
    pthread_t thread;
    pthread_barrier_init(&ready, NULL, 2);
    pthread_create(&thread, NULL, waiter, NULL);
    pthread_barrier_wait(&ready);
    usleep(50000);
    return middle(21);
}
