/* lock.c - see lock.h. */
#include "base/lock.h"
#include "base/os.h"

enum { OVERTAKEN = 4, PATIENCE_NS = 2000000 };

static bool take_now(struct lock *l, uint32_t as) {
    uint32_t free = 0;
    return __atomic_compare_exchange_n(&l->word, &free, as, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Sleeps until the lock may be free. */
static void wait_for(struct lock *l) {
    uint32_t now = __atomic_load_n(&l->word, __ATOMIC_SEQ_CST);
    if (!now) return;
    if (!(now & LOCK_WAITED) &&
        !__atomic_compare_exchange_n(&l->word, &now, now | LOCK_WAITED, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return;
    os_wait(&l->word, now | LOCK_WAITED, 0);
}

void lock_take(struct lock *l, uint32_t self) {
    uint32_t hungry = __atomic_load_n(&l->hungry, __ATOMIC_SEQ_CST);
    /* Not for ever: a process that shares the lock may have been killed while it was hungry. */
    if (hungry) os_wait(&l->hungry, hungry, PATIENCE_NS);
    if (take_now(l, self)) return;
    for (unsigned n = 0;; n++) {
        if (n == OVERTAKEN) __atomic_add_fetch(&l->hungry, 1, __ATOMIC_SEQ_CST);
        wait_for(l);
        /* Somebody else may be waiting as well: the release has to look. */
        if (!take_now(l, self | LOCK_WAITED)) continue;
        if (n >= OVERTAKEN) {
            __atomic_sub_fetch(&l->hungry, 1, __ATOMIC_SEQ_CST);
            os_wake(&l->hungry, INT32_MAX);
        }
        return;
    }
}

void lock_release(struct lock *l) {
    if (__atomic_exchange_n(&l->word, 0, __ATOMIC_SEQ_CST) & LOCK_WAITED) os_wake(&l->word, 1);
}
