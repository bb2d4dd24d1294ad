/* lock.h - a lock that knows its owner: 0 when free. For threads that name themselves by a small number, so that a
 * process that shares this memory (a vfork child) acts in its parent's name, and the parent can tell afterwards whether
 * the child still held it. Not recursive.
 *
 * Whoever comes first takes it, awake threads before sleeping ones, because handing it over from sleeper to sleeper
 * costs a wakeup each time. One who has been overtaken too often becomes hungry, and the others then let it pass.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct lock {
    uint32_t word;   /* owner, and LOCK_WAITED if somebody may be waiting */
    uint32_t hungry; /* how many */
};
enum { LOCK_WAITED = 1u << 31 };

/** self: the caller's number, above 0 and below LOCK_WAITED. */
void lock_take(struct lock *l, uint32_t self);
void lock_release(struct lock *l);
/** 0: nobody. */
static inline uint32_t lock_owner(const struct lock *l) {
    return __atomic_load_n(&l->word, __ATOMIC_SEQ_CST) & ~LOCK_WAITED;
}
static inline bool lock_held(const struct lock *l, uint32_t self) {
    return lock_owner(l) == self;
}

#endif
