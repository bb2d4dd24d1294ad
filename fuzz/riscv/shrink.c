/* shrink.c - makes a failing case small: without each instruction, register value and stop that it fails without. */
#include "fuzz.h"
#include <string.h>

static void remove_code(struct fuzz_case *c, unsigned at, unsigned n) {
    memmove(&c->code[at], &c->code[at + n], (c->n - at - n) * sizeof *c->code);
    c->n -= n;
    for (unsigned i = 0; i < c->n; i++) {
        int t = c->code[i].target;
        c->code[i].target = (int16_t)(t >= (int)(at + n) ? t - (int)n : t > (int)at ? (int)at : t);
    }
    for (unsigned r = 0; r < c->rounds; r++)
        for (unsigned i = 0; i < 32; i++) {
            int t = c->start[r].label[i];
            c->start[r].label[i] = (int16_t)(t >= (int)(at + n) ? t - (int)n : t > (int)at ? (int)at : t);
        }
}

/* Tries a change; keeps it if it still fails. */
#define TRY(...)                                                                                                       \
    do {                                                                                                               \
        struct fuzz_case before = *c;                                                                                  \
        __VA_ARGS__;                                                                                                   \
        if (memcmp(&before, c, sizeof before) == 0) break;                                                             \
        if (fails(context))                                                                                            \
            better = true;                                                                                             \
        else                                                                                                           \
            *c = before;                                                                                               \
    } while (0)

static bool shrink_once(struct fuzz_case *c, bool (*fails)(void *), void *context) {
    bool better = false;
    for (unsigned size = c->n; size; size /= 2)
        for (unsigned at = 0; at + size <= c->n;) {
            unsigned n = c->n;
            TRY(remove_code(c, at, size));
            if (c->n == n) at += size;
        }
    TRY(c->rounds = 1);
    if (c->rounds > 1) TRY(c->start[0] = c->start[1]; c->rounds = 1);
    for (unsigned i = 0; i < c->stops; i++) TRY(c->action[i] = ACTION_NONE);
    while (c->stops > 1) {
        unsigned n = c->stops;
        TRY(c->stops--);
        if (c->stops == n)
            TRY(c->stops--; c->budget[0] += c->budget[1]; memmove(c->budget + 1, c->budget + 2, (n - 2) * 8);
                memmove(c->action + 1, c->action + 2, n - 2));
        if (c->stops == n) break;
    }
    if (!c->counted)
        for (unsigned i = 0; i < c->stops; i++) TRY(c->budget[i] = 100);
    TRY(c->with_counters = false);
    for (unsigned r = 0; r < c->rounds; r++) {
        struct start *s = &c->start[r];
        for (unsigned i = 1; i < 32; i++) {
            TRY(s->label[i] = -1);
            TRY(s->x[i] = 0);
            TRY(s->f[i] = 0);
            if (s->x[i] > 1 && s->x[i] < 64) TRY(s->x[i] = 1);
        }
        TRY(s->f[0] = 0);
        TRY(s->frm = 0);
        TRY(s->fflags = 0);
        TRY(s->fs = FS_DIRTY);
        TRY(s->cbo = 7);
        TRY(s->counteren = 0);
        for (unsigned i = 0; i < STARTS; i++) TRY(s->csr[i] = 0);
        TRY(s->small_pmp = 0);
        TRY(s->mtvec = 0);
        TRY(s->stvec = 0);
    }
    return better;
}

void case_shrink(struct fuzz_case *c, bool (*fails)(void *context), void *context) {
    for (unsigned i = 0; i < 8 && shrink_once(c, fails, context); i++) {
    }
}
