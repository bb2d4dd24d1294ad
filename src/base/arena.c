/* arena.c - see arena.h. */
#include "base/arena.h"
#include "base/os.h"
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t size, used;
    _Alignas(16) unsigned char data[];
};

void arena_init(struct arena *a, size_t chunk_size) {
    *a = (struct arena){.chunk_size = chunk_size};
}

void arena_done(struct arena *a) {
    for (struct arena_chunk *c = a->first, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    a->first = a->current = NULL;
}

void arena_reset(struct arena *a) {
    if (!a->first) return;
    for (struct arena_chunk *c = a->first->next, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    a->first->next = NULL;
    a->first->used = 0;
    a->current = a->first;
}

static struct arena_chunk *chunk_add(struct arena *a, size_t size) {
    if (os_alloc_fails()) return NULL;
    size_t want = size > a->chunk_size ? size : a->chunk_size;
    struct arena_chunk *c = malloc(sizeof *c + want);
    if (!c) return NULL;
    *c = (struct arena_chunk){.size = want};
    if (a->current)
        a->current->next = c;
    else
        a->first = c;
    a->current = c;
    return c;
}

void *arena_alloc_raw(struct arena *a, size_t size) {
    size = (size + 15) & ~(size_t)15;
    struct arena_chunk *c = a->current;
    if (!c || c->size - c->used < size) {
        c = chunk_add(a, size);
        if (!c) return NULL;
    }
    void *p = c->data + c->used;
    c->used += size;
    return p;
}

void *arena_alloc(struct arena *a, size_t size) {
    void *p = arena_alloc_raw(a, size);
    return p ? memset(p, 0, size) : NULL;
}

void *arena_grow(struct arena *a, void *old, size_t old_size, size_t new_size) {
    char *p = arena_alloc_raw(a, new_size);
    if (!p) return NULL;
    if (old) memcpy(p, old, old_size);
    memset(p + (old ? old_size : 0), 0, new_size - (old ? old_size : 0));
    return p;
}
