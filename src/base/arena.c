/* arena.c - see arena.h. */
#include "base/arena.h"
#include "base/limits.h"
#include "base/os.h"
#include <stdbool.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    bool lent; /* by whoever made the arena */
    _Alignas(16) unsigned char data[];
};

void arena_init(struct arena *a, size_t chunk_size) {
    *a = (struct arena){.chunk_size = chunk_size};
}

static void chunks_free(struct arena_chunk *c) {
    for (struct arena_chunk *next; c; c = next) {
        next = c->next;
        if (!c->lent) os_free(c);
    }
}

void arena_done(struct arena *a) {
    struct arena_chunk *c = a->first;
    a->first = a->current = NULL;
    a->at = a->end = NULL;
    chunks_free(c);
}

static void open_chunk(struct arena *a, struct arena_chunk *c) {
    a->current = c;
    a->at = (char *)c->data;
    a->end = a->at + c->size;
}

void arena_reset(struct arena *a) {
    if (!a->first) return;
    /* First it forgets them: whoever is killed in here leaves memory that is lost, not an arena that is broken. */
    struct arena_chunk *rest = a->first->next;
    a->first->next = NULL;
    open_chunk(a, a->first);
    chunks_free(rest);
}

void arena_init_with(struct arena *a, size_t chunk_size, void *memory, size_t size) {
    arena_init(a, chunk_size);
    a->first = memory;
    *a->first = (struct arena_chunk){.size = size - sizeof *a->first, .lent = true};
    open_chunk(a, a->first);
}

/* `size` is a multiple of 16. */
void *arena_alloc_slow(struct arena *a, size_t size) {
    size_t want = size > a->chunk_size ? size : a->chunk_size;
    struct arena_chunk *c = os_alloc_fails() ? NULL : os_alloc(sizeof *c + want);
    if (!c) return NULL;
    c->size = want;
    if (a->current)
        a->current->next = c;
    else
        a->first = c;
    open_chunk(a, c);
    a->at += size;
    return c->data;
}

void *arena_alloc(struct arena *a, size_t size) {
    void *p = arena_alloc_raw(a, size);
    return p ? memset(p, 0, size) : NULL;
}

void *arena_grow(struct arena *a, void *old, size_t old_size, size_t new_size) {
    void *p = arena_alloc_raw(a, new_size);
    if (p && old) memcpy(p, old, old_size);
    return p;
}

void *arena_double(struct arena *a, void *list, uint32_t *cap, size_t item_size) {
    const uint32_t more = *cap ? *cap * 2 : LIMIT_LIST;
    void *p = arena_grow(a, list, *cap * item_size, more * item_size);
    if (p) *cap = more;
    return p;
}
