/* Atomic operations of every size and kind from several threads, and the orders that must not be seen: message passing,
 * store buffering, load buffering, independent reads, with the barriers that forbid them. */
/* cflags: -latomic */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include "patient.h"

enum { THREADS = 4, ROUNDS = 4000 };

static _Atomic uint8_t a8[4];
static _Atomic uint16_t a16[2];
static _Atomic uint32_t a32, bits32, most32, swaps32;
static _Atomic uint64_t a64, bits64, xored64, cas64;
static _Atomic int64_t least64 = INT64_MAX;
static atomic_flag flag = ATOMIC_FLAG_INIT;
static long guarded;

static void *work(void *arg) {
    unsigned id = (unsigned)(long)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&a8[id], 3);
        atomic_fetch_add(&a8[0], 1);
        atomic_fetch_add(&a16[id & 1], 5);
        atomic_fetch_add_explicit(&a32, id + 1, memory_order_relaxed);
        atomic_fetch_sub(&a64, (uint64_t)id << 33 | 1);
        atomic_fetch_or(&bits32, 1u << (i % 32));
        atomic_fetch_and(&bits64, ~(1ull << (i % 64)));
        atomic_fetch_xor(&xored64, (uint64_t)i << id);
        for (uint32_t old = most32; old < i * 7 + id && !atomic_compare_exchange_weak(&most32, &old, i * 7 + id);) {
        }
        for (int64_t old = least64, want = -(int64_t)i * 3 - id;
             want < old && !atomic_compare_exchange_strong(&least64, &old, want);) {
        }
        for (uint64_t old = cas64; !atomic_compare_exchange_weak_explicit(
                 &cas64, &old, old * 1 + 2, memory_order_acq_rel, memory_order_relaxed);) {
        }
        swaps32 += atomic_exchange(&swaps32, 0) & 0;
        while (atomic_flag_test_and_set_explicit(&flag, memory_order_acquire)) {
        }
        guarded++;
        atomic_flag_clear_explicit(&flag, memory_order_release);
    }
    return NULL;
}

/* ---- orders */

static struct {
    _Alignas(64) _Atomic long x;
    _Alignas(64) _Atomic long y;
    _Alignas(64) _Atomic long turn;
    _Alignas(64) long seen[4];
} s;
static pthread_barrier_t start;
static int test;

enum { MESSAGE, STORES, LOADS, READS, TESTS, TRIES = 1500 };

static void step(int id) {
    switch (test * 4 + id) {
    case MESSAGE * 4 + 0:
        atomic_store_explicit(&s.x, 1, memory_order_relaxed);
        atomic_store_explicit(&s.y, 1, memory_order_release);
        break;
    case MESSAGE * 4 + 1:
        s.seen[0] = atomic_load_explicit(&s.y, memory_order_acquire);
        s.seen[1] = atomic_load_explicit(&s.x, memory_order_relaxed);
        break;
    case STORES * 4 + 0:
        atomic_store_explicit(&s.x, 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        s.seen[0] = atomic_load_explicit(&s.y, memory_order_relaxed);
        break;
    case STORES * 4 + 1:
        atomic_store_explicit(&s.y, 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        s.seen[1] = atomic_load_explicit(&s.x, memory_order_relaxed);
        break;
    case LOADS * 4 + 0:
        s.seen[0] = atomic_load_explicit(&s.x, memory_order_acquire);
        atomic_store_explicit(&s.y, 1, memory_order_release);
        break;
    case LOADS * 4 + 1:
        s.seen[1] = atomic_load_explicit(&s.y, memory_order_acquire);
        atomic_store_explicit(&s.x, 1, memory_order_release);
        break;
    case READS * 4 + 0: atomic_store(&s.x, 1); break;
    case READS * 4 + 1: atomic_store(&s.y, 1); break;
    case READS * 4 + 2:
        s.seen[0] = atomic_load(&s.x);
        s.seen[1] = atomic_load(&s.y);
        break;
    case READS * 4 + 3:
        s.seen[2] = atomic_load(&s.y);
        s.seen[3] = atomic_load(&s.x);
        break;
    default: break;
    }
}

static int forbidden(void) {
    switch (test) {
    case MESSAGE: return s.seen[0] && !s.seen[1];
    case STORES: return !s.seen[0] && !s.seen[1];
    case LOADS: return s.seen[0] && s.seen[1];
    default: return s.seen[0] && !s.seen[1] && s.seen[2] && !s.seen[3];
    }
}

static long bad[TESTS];

static void *orders(void *arg) {
    int id = (int)(long)arg;
    for (int t = 0; t < TESTS; t++)
        for (int i = 0; i < TRIES; i++) {
            if (pthread_barrier_wait(&start) == PTHREAD_BARRIER_SERIAL_THREAD) {
                if (i) bad[t] += forbidden();
                test = t;
                s.x = s.y = 0;
                for (int k = 0; k < 4; k++) s.seen[k] = 0;
                atomic_store(&s.turn, 0);
            }
            pthread_barrier_wait(&start);
            atomic_fetch_add(&s.turn, 1);
            for (int spin = 0; spin < 2000 && atomic_load(&s.turn) < THREADS; spin++) {
            }
            step(id);
        }
    return NULL;
}

static void all(void *(*f)(void *)) {
    pthread_t t[THREADS];
    for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, f, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
}

int main(void) {
    bits64 = ~0ull;
    all(work);
    for (int i = 0; i < 4; i++) printf("%u ", a8[i]);
    printf("%u %u %u %llx\n", a16[0], a16[1], a32, (unsigned long long)a64);
    printf("%x %llx %llx %u %lld %llu %ld\n", bits32, (unsigned long long)bits64, (unsigned long long)xored64, most32,
           (long long)least64, (unsigned long long)cas64, guarded);
    pthread_barrier_init(&start, NULL, THREADS);
    all(orders);
    for (int t = 0; t < TESTS; t++) printf("forbidden %ld\n", bad[t]);
    return 0;
}
