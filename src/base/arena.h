/* arena.h - memory that is freed all at once. A list of chunks; allocation is a bump; arena_reset keeps the first
 * chunk. Not for threads to share. Failing allocations return NULL (and do so on purpose in the poison build).
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *first, *current;
    char *at, *end; /* free space in the current chunk */
    size_t chunk_size;
};

/** chunk_size: bytes asked from the system at a time (larger requests get their own chunk). */
void arena_init(struct arena *a, size_t chunk_size);
/** With a first chunk in memory that stays the caller's: at least a few hundred bytes, aligned to 16. */
void arena_init_with(struct arena *a, size_t chunk_size, void *memory, size_t size);
void arena_done(struct arena *a);
void arena_reset(struct arena *a);
/** 16-byte aligned, zeroed; NULL when there is no memory. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_alloc_slow(struct arena *a, size_t size);
/** The same, with whatever was there before in it. */
static inline void *arena_alloc_raw(struct arena *a, size_t size) {
    size = (size + 15) & ~(size_t)15;
    if ((size_t)(a->end - a->at) < size) return arena_alloc_slow(a, size);
    void *p = a->at;
    a->at += size;
    return p;
}
/** A larger copy of the block (old_size bytes) in the arena; the old one is left behind. What is new is not zeroed. */
void *arena_grow(struct arena *a, void *old, size_t old_size, size_t new_size);
/** A list of *cap items in the arena is full, or there is none yet (*cap is 0): one with twice the room. NULL: no
   memory, and nothing has changed. */
void *arena_double(struct arena *a, void *list, uint32_t *cap, size_t item_size);

#endif
