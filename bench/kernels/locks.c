/* Locks that nobody else wants: by exchange, by compare-and-swap with a count of waiters, by tickets; counts of users.
 * kind: atomic */
#include "kernel.h"

enum { REPS = 18000, OBJECTS = 64 };

static uint32_t flag, word, next_ticket, serving;
static uint64_t shared;

static void by_exchange(uint64_t v) {
    while (__atomic_exchange_n(&flag, 1, __ATOMIC_ACQUIRE)) continue;
    shared += v;
    __atomic_store_n(&flag, 0, __ATOMIC_RELEASE);
}

/* As a futex mutex: 0 free, 1 taken, 2 taken and wanted. */
static void by_swap(uint64_t v) {
    uint32_t expected = 0;
    if (!__atomic_compare_exchange_n(&word, &expected, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) abort();
    shared ^= v;
    if (__atomic_exchange_n(&word, 0, __ATOMIC_RELEASE) == 2) abort();
}

static void by_ticket(uint64_t v) {
    uint32_t mine = __atomic_fetch_add(&next_ticket, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&serving, __ATOMIC_ACQUIRE) != mine) continue;
    shared += v >> 3;
    __atomic_store_n(&serving, mine + 1, __ATOMIC_RELEASE);
}

struct object {
    uint64_t users, marks;
};

int main(int argc, char **argv) {
    static struct object objects[OBJECTS];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t digest = 0;
    for (long rep = 0; rep < reps; rep++) {
        for (uint64_t k = 0; k < 1000; k++) {
            struct object *o = &objects[k % OBJECTS];
            __atomic_add_fetch(&o->users, 1, __ATOMIC_RELAXED);
            by_exchange(k);
            by_swap(k << 7);
            by_ticket(shared);
            __atomic_or_fetch(&o->marks, 1ul << (k & 31), __ATOMIC_RELAXED);
            if (__atomic_sub_fetch(&o->users, 1, __ATOMIC_ACQ_REL) == 0)
                __atomic_and_fetch(&o->marks, ~(1ul << (shared & 31)), __ATOMIC_RELAXED);
        }
        digest = digest_add(digest, shared ^ objects[7].marks);
    }
    return digest_print("locks", digest);
}
