/* published.c - the owner's side of the record that other processes may look at (see published.h): where things are,
 * and the version, which follows from how they are laid out. Nothing here reads another process.
 *
 * The record is filled in once, before the guest runs: what it names stays where it is for the life of the process.
 */
#include "process/linux/linux.h"
#include "process/linux/published.h"
#include <string.h>

/* ---- rows to tables */

/* A member of the owner's struct is a number (the plus) or an address (the star) of the row's size. */
#define ROW(name, type, path, number)                                                                                  \
    {#name, #type, offsetof(self, path), sizeof(((self *)0)->path) + 0 * (number), offsetof(copy, name)},
#define ROW_OF(kind, ...)            ROW_##kind(__VA_ARGS__)
#define ROW_FIELD(type, name)        ROW(name, type, name, sizeof(+((self *)0)->name))
#define ROW_ARRAY(type, name, count) ROW(name, type, name, sizeof(+*((self *)0)->name))
#define ROW_IN(type, name, path)     ROW(name, type, path, sizeof(+((self *)0)->path))
#define ROW_LINK(name)               ROW(name, link, name, sizeof(*((self *)0)->name))
#define ROW_LINK_IN(name, path)      ROW(name, link, path, sizeof(*((self *)0)->path))

#define SAME_SIZE(path, name)                                                                                          \
    _Static_assert(sizeof(((self *)0)->path) == sizeof(((copy *)0)->name), "a row of another size");
#define CHECK_OF(kind, ...)            CHECK_##kind(__VA_ARGS__)
#define CHECK_FIELD(type, name)        SAME_SIZE(name, name)
#define CHECK_ARRAY(type, name, count) SAME_SIZE(name, name)
#define CHECK_IN(type, name, path)     SAME_SIZE(path, name)
#define CHECK_LINK(name)               SAME_SIZE(name, name)
#define CHECK_LINK_IN(name, path)      SAME_SIZE(path, name)

/* clang-format off */
#define LAYOUT(part, of, rows, fewest, largest)                                                                        \
    static const struct published_layout *part##_layout(void) {                                                        \
        typedef of self;                                                                                               \
        typedef struct published_##part copy;                                                                          \
        rows(CHECK_OF)                                                                                                 \
        static const struct published_row table[] = {rows(ROW_OF)};                                                    \
        static const struct published_layout made = {#part, table, sizeof table / sizeof *table, sizeof(self),         \
                                                     sizeof(copy), fewest, largest};                                   \
        return &made;                                                                                                  \
    }
/* clang-format on */
PUBLISHED_PARTS(LAYOUT)

const struct published_layout *published_layout(enum published_part part) {
    switch (part) {
#define LAYOUT_CASE(part, ...)                                                                                         \
    case PART_##part: return part##_layout();
        PUBLISHED_PARTS(LAYOUT_CASE)
    case PARTS: break;
    }
    return NULL;
}

/* ---- the version */

/* What members mean besides their places. */
static const uint64_t meanings[] = {SPACE_PAGE,
                                    SPACE_R,
                                    SPACE_W,
                                    SPACE_X,
                                    MEMORY_ANONYMOUS,
                                    MEMORY_FILE,
                                    MEMORY_IMAGE,
                                    MEMORY_BRK,
                                    MEMORY_STACK,
                                    MEMORY_VDSO,
                                    MEMORY_SYSV,
                                    MEMORY_NO_CHILD,
                                    MAPPING_SHARED,
                                    MAPPING_GROWS_DOWN,
                                    ACTION_DEFAULT,
                                    ACTION_IGNORE,
                                    SIGNALS_KEPT_OPEN,
                                    OWN_VEE,
                                    OWN_EXE,
                                    OWN_ROOT,
                                    (uint64_t)OWN_FD_GIVEN_UP};
_Static_assert((int)PUBLISHED_ACTIONS == SIGNALS + 1 && (int)PUBLISHED_OWN == OWN_FDS, "as many as there are");

/* FNV-1a */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size) {
    for (const uint8_t *b = bytes; size; size--) hash = (hash ^ *b++) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t hash_text(uint64_t hash, const char *text) {
    return hash_bytes(hash, text, strlen(text) + 1);
}

static const uint64_t hash_start = UINT64_C(0xcbf29ce484222325);

uint64_t published_version(void) {
    uint64_t hash = hash_bytes(hash_start, meanings, sizeof meanings);
    for (unsigned part = 0; part < PARTS; part++) {
        const struct published_layout *l = published_layout(part);
        const uint32_t numbers[] = {l->nrows, l->size, l->least, l->most};
        hash = hash_bytes(hash_text(hash, l->name), numbers, sizeof numbers);
        for (const struct published_row *r = l->rows; r < l->rows + l->nrows; r++) {
            const uint32_t places[] = {r->offset, r->size};
            hash = hash_bytes(hash_text(hash_text(hash, r->name), r->type), places, sizeof places);
        }
    }
    return hash;
}

uint64_t published_check(const struct published *r) {
    return hash_bytes(hash_start, r, offsetof(struct published, check));
}

/* ---- the record */

static struct published published; /* for those who look into this process's memory */

static struct published_place place_of(const void *at, uint64_t count) {
    return (struct published_place){(uintptr_t)at, count};
}

void published_places(struct published *r, const struct process *p) {
    *r = (struct published){.place = {[PART_process] = place_of(p, 1),
                                      [PART_thread] = place_of(&p->thread, 1),
                                      [PART_action] = place_of(p->actions, SIGNALS + 1),
                                      [PART_own_fd] = place_of(p->own, OWN_FDS),
                                      [PART_space] = place_of(memory_of(p->space), 1),
                                      [PART_mapping] = place_of(p->space->nodes, (uint64_t)p->space->most + 1)}};
}

void publish(struct published *r, const struct process *p) {
    published_places(r, p);
    r->magic = PUBLISHED_MAGIC;
    r->version = published_version();
    r->check = published_check(r);
}

void published_begin(const struct process *p) {
    publish(&published, p);
}

void published_end(const struct process *p) {
    if (published.place[PART_process].at == (uintptr_t)p) published = (struct published){0};
}

uint64_t published_at(void) {
    return (uintptr_t)&published;
}
