/* lock.h - a lock that knows its owner: 0 when free. For threads that name themselves by a small number, so that a
 * process that shares this memory (a vfork child) acts in its parent's name, and others can tell afterwards whether
 * one that was killed still held it. Not recursive.
 *
 * Whoever comes first takes it, awake threads before sleeping ones, because handing it over from sleeper to sleeper
 * costs a wakeup each time. One who has been overtaken too often becomes hungry, and the others then let it pass. That
 * is a time in the future and no count: of one that was killed while it was hungry nothing is left but a delay that
 * ends.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct lock {
    uint32_t word;   /* owner, and LOCK_WAITED if somebody may be waiting */
    uint32_t hungry; /* until when others stand back, in ticks of lock.c; 0: nobody is hungry */
};
enum { LOCK_WAITED = 1u << 31 };

/** self: the caller's number, above 0 and below LOCK_WAITED. Gives up after about so many nanoseconds (0: never):
   false. Who may have been woken and killed before it took the lock has lost a wakeup: then others must not wait for
   ever. */
bool lock_take(struct lock *l, uint32_t self, uint64_t nanoseconds);
/** From an owner that is dead. False: it is not the owner (any more). */
bool lock_take_from(struct lock *l, uint32_t dead, uint32_t self);
void lock_release(struct lock *l);
/** 0: nobody. */
static inline uint32_t lock_owner(const struct lock *l) {
    return __atomic_load_n(&l->word, __ATOMIC_SEQ_CST) & ~LOCK_WAITED;
}
/** May somebody be waiting? If not, who has the lock and would take it again at once need not give it up. */
static inline bool lock_wanted(const struct lock *l) {
    return __atomic_load_n(&l->word, __ATOMIC_SEQ_CST) & LOCK_WAITED;
}
static inline bool lock_held(const struct lock *l, uint32_t self) {
    return lock_owner(l) == self;
}

#endif
