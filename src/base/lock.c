/* lock.c - see lock.h. */
#include "base/lock.h"
#include "base/os.h"

enum { OVERTAKEN = 4, TICK_SHIFT = 16 /* 65 us */, PATIENCE = 30 /* ticks */ };

static bool take_now(struct lock *l, uint32_t as) {
    uint32_t free = 0;
    return __atomic_compare_exchange_n(&l->word, &free, as, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* A time that is not 0. */
static uint32_t ticks(uint32_t more) {
    uint32_t t = (uint32_t)(os_nanoseconds() >> TICK_SHIFT) + more;
    return t ? t : 1;
}

/* Sleeps until the lock may be free. */
static void wait_for(struct lock *l, uint64_t nanoseconds) {
    uint32_t now = __atomic_load_n(&l->word, __ATOMIC_SEQ_CST);
    if (!now) return;
    if (!(now & LOCK_WAITED) &&
        !__atomic_compare_exchange_n(&l->word, &now, now | LOCK_WAITED, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return;
    os_wait(&l->word, now | LOCK_WAITED, nanoseconds);
}

/* Lets one pass that has been overtaken too often, but not for ever. */
static void stand_back(struct lock *l) {
    uint32_t until = __atomic_load_n(&l->hungry, __ATOMIC_SEQ_CST);
    if (!until) return;
    int32_t left = (int32_t)(until - ticks(0));
    if (left > 0 && left <= PATIENCE)
        os_wait(&l->hungry, until, (uint64_t)left << TICK_SHIFT);
    else
        __atomic_compare_exchange_n(&l->hungry, &until, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

bool lock_take(struct lock *l, uint32_t self, uint64_t nanoseconds) {
    stand_back(l);
    if (take_now(l, self)) return true;
    const uint64_t began = nanoseconds ? os_nanoseconds() : 0;
    for (unsigned n = 0;; n++) {
        if (n >= OVERTAKEN) __atomic_store_n(&l->hungry, ticks(PATIENCE), __ATOMIC_SEQ_CST);
        wait_for(l, nanoseconds);
        /* Somebody else may be waiting as well: the release has to look. */
        if (take_now(l, self | LOCK_WAITED)) {
            if (n >= OVERTAKEN) { /* whoever else is hungry says so again */
                __atomic_store_n(&l->hungry, 0, __ATOMIC_SEQ_CST);
                os_wake(&l->hungry, INT32_MAX);
            }
            return true;
        }
        if (nanoseconds && os_nanoseconds() - began >= nanoseconds) return false;
    }
}

bool lock_take_from(struct lock *l, uint32_t dead, uint32_t self) {
    uint32_t word = __atomic_load_n(&l->word, __ATOMIC_SEQ_CST);
    return (word & ~LOCK_WAITED) == dead &&
           __atomic_compare_exchange_n(&l->word, &word, self | LOCK_WAITED, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void lock_release(struct lock *l) {
    if (__atomic_exchange_n(&l->word, 0, __ATOMIC_SEQ_CST) & LOCK_WAITED) os_wake(&l->word, 1);
}
