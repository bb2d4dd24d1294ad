/* block.c - building blocks: appending uops, folding constants, forwarding what was put into a slot to later gets.
 *
 * Folding uses uop_eval, so a folded uop cannot disagree with the interpreter. FP uops are never folded (flags).
 * A small lattice tells which i64 values are the sign- or zero-extension of their low half already, so that the
 * extensions that 32-bit guest instructions ask for again and again vanish.
 */
#include "core/guest.h"
#include "core/uop_flags.h"
#include "base/arena.h"
#include <assert.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

struct block *block_make(struct arena *arena, uint64_t pc, uint64_t ctx) {
    struct block *k = arena_alloc_raw(arena, sizeof *k);
    if (!k) return NULL;
    *k = (struct block){.pc = pc, .ctx = ctx, .cap = 128, .ntemps = 1, .tcap = 128};
    k->uops = arena_alloc_raw(arena, k->cap * sizeof *k->uops);
    k->temps = arena_alloc_raw(arena, k->tcap * sizeof *k->temps);
    return k->uops && k->temps ? k : NULL;
}

void builder_init(struct builder *b, struct block *block, struct arena *arena, const struct guest *guest) {
    *b = (struct builder){.block = block, .arena = arena, .guest = guest, .ctx = block->ctx, .pc = block->pc};
    b->at = block->uops;
    b->last = block->uops + block->cap - 1;
    b->slot_temp = arena_alloc(arena, guest->nslots * sizeof *b->slot_temp);
    b->failed = !b->slot_temp;
    block->temps[0] = (struct temp){0};
}

static void builder_forget(struct builder *b, place_set written) {
    if (!written || !b->slot_temp) return;
    for (unsigned s = 0; s < b->guest->nslots; s++)
        if (set_has(written, b->guest->slots[s].place)) b->slot_temp[s] = 0;
}

static __attribute__((noinline, cold)) bool temps_grow(struct builder *b) {
    struct block *k = b->block;
    uint32_t cap = k->tcap * 2 < BLOCK_MAX_TEMPS ? k->tcap * 2 : BLOCK_MAX_TEMPS;
    struct temp *temps = NULL;
    if (cap > k->tcap) temps = arena_grow(b->arena, k->temps, k->tcap * sizeof *temps, cap * sizeof *temps);
    if (!temps) {
        b->failed = true;
        return false;
    }
    k->temps = temps;
    k->tcap = cap;
    return true;
}

/* No room would be left behind the uop at b->at. */
static __attribute__((noinline, cold)) bool uops_grow(struct builder *b) {
    struct block *k = b->block;
    struct uop *uops = arena_grow(b->arena, k->uops, k->cap * sizeof *uops, k->cap * 2 * sizeof *uops);
    if (!uops) {
        b->failed = true;
        return false;
    }
    k->uops = uops;
    k->cap *= 2;
    b->at = uops + k->nuops;
    b->last = uops + k->cap - 1;
    return true;
}

/* An i64 is the sign-extension (zero-extension) of its low half; an i32 has its top bit clear (KNOWN_POSITIVE). */
enum known {
    KNOWN_SIGN = 1,
    KNOWN_ZERO = 2,
    KNOWN_POSITIVE = 4,
    KNOWN_BOTH = 3,
    KNOWN_CONST = 8,
    KNOWN_ASK = 16,
    KNOWN_POOL = 32 /* a wide constant */
};

/* What follows from the uop alone; KNOWN_ASK: known_of says. */
static const uint8_t known_by_op[UOP_COUNT] = {
    [UOP_load_s8] = KNOWN_SIGN,    [UOP_load_s16] = KNOWN_SIGN,   [UOP_load_s32] = KNOWN_SIGN,
    [UOP_sext8_i64] = KNOWN_SIGN,  [UOP_sext16_i64] = KNOWN_SIGN, [UOP_load_u32] = KNOWN_ZERO,
    [UOP_load_u8] = KNOWN_BOTH,    [UOP_load_u16] = KNOWN_BOTH,   [UOP_zext8_i64] = KNOWN_BOTH,
    [UOP_zext16_i64] = KNOWN_BOTH, [UOP_set_i64] = KNOWN_BOTH,    [UOP_set_i32] = KNOWN_BOTH,
    [UOP_const_i64] = KNOWN_ASK,   [UOP_const_i32] = KNOWN_ASK,   [UOP_sext32_i64] = KNOWN_ASK,
    [UOP_zext32_i64] = KNOWN_ASK,  [UOP_and_i64] = KNOWN_ASK,     [UOP_or_i64] = KNOWN_ASK,
    [UOP_xor_i64] = KNOWN_ASK,     [UOP_mins_i64] = KNOWN_ASK,    [UOP_maxs_i64] = KNOWN_ASK,
    [UOP_minu_i64] = KNOWN_ASK,    [UOP_maxu_i64] = KNOWN_ASK,    [UOP_shr_i64] = KNOWN_ASK,
    [UOP_sar_i64] = KNOWN_ASK,     [UOP_trunc_i32] = KNOWN_ASK,   [UOP_shr_i32] = KNOWN_ASK,
    [UOP_and_i32] = KNOWN_ASK,
};

static unsigned known_of_const(enum type t, uint64_t v) {
    if (t == T_I32) return KNOWN_CONST | ((int32_t)v >= 0 ? KNOWN_POSITIVE : 0);
    return KNOWN_CONST | (v == (uint64_t)(int32_t)v ? KNOWN_SIGN : 0u) | (v == (uint32_t)v ? KNOWN_ZERO : 0u);
}

/* Of temporaries that are operands, or of 0, of which nothing is known. */
static inline bool is_const(const struct builder *b, uint16_t temp) {
    return b->block->temps[temp].known & KNOWN_CONST;
}
static inline uint64_t const_of(const struct builder *b, uint16_t temp) {
    return (uint64_t)b->block->uops[b->block->temps[temp].def].imm;
}

static unsigned known_of(const struct builder *b, const struct uop *u) {
    const unsigned ka = b->block->temps[u->a].known, kb = b->block->temps[u->b].known;
    const uint64_t n = is_const(b, u->b) ? const_of(b, u->b) : 0; /* of shifts; 0 says nothing */
    switch ((enum uop_op)u->op) {
    case UOP_const_i64: return known_of_const(T_I64, (uint64_t)u->imm);
    case UOP_const_i32: return known_of_const(T_I32, (uint64_t)u->imm);
    case UOP_sext32_i64:
    case UOP_zext32_i64: return ka & KNOWN_POSITIVE ? KNOWN_BOTH : u->op == UOP_sext32_i64 ? KNOWN_SIGN : KNOWN_ZERO;
    case UOP_and_i64:
        if ((ka & KNOWN_BOTH) == KNOWN_BOTH || (kb & KNOWN_BOTH) == KNOWN_BOTH) return KNOWN_BOTH; /* below 2^31 */
        return (ka & kb & KNOWN_SIGN) | ((ka | kb) & KNOWN_ZERO);
    case UOP_or_i64:
    case UOP_xor_i64:
    case UOP_mins_i64:
    case UOP_maxs_i64:
    case UOP_minu_i64:
    case UOP_maxu_i64: return ka & kb & KNOWN_BOTH;
    case UOP_shr_i64: return (n & 63) > 32 ? KNOWN_BOTH : (n & 63) == 32 ? KNOWN_ZERO : 0;
    case UOP_sar_i64: return (n & 63) >= 32 ? KNOWN_SIGN : ka & KNOWN_BOTH;
    case UOP_trunc_i32: return (ka & KNOWN_BOTH) == KNOWN_BOTH ? KNOWN_POSITIVE : 0;
    case UOP_shr_i32: return n & 31 ? KNOWN_POSITIVE : 0;
    case UOP_and_i32: return (ka | kb) & KNOWN_POSITIVE;
    default: return 0;
    }
}

/* The temporary that the uop at b->at defines; 0: failed. */
static inline uint16_t temp_new(struct builder *b, enum type type, unsigned cells, unsigned known) {
    struct block *k = b->block;
    const uint32_t t = k->ntemps;
    if (t + cells > k->tcap && !temps_grow(b)) return 0;
    k->ntemps = t + cells;
    k->temps[t] = (struct temp){.def = k->nuops, .type = (uint8_t)type, .known = (uint8_t)known};
    return (uint16_t)t;
}

/* The uop at b->at stays. */
static inline bool advance(struct builder *b) {
    if (b->at == b->last && !uops_grow(b)) return false;
    b->block->nuops++;
    b->at++;
    return true;
}

/* Uops of which everything is known here: without result, and with one. */
static inline void keep_plain(struct builder *b, enum uop_op op, unsigned x, uint16_t a, uint64_t imm) {
    if (b->failed) return;
    *b->at = (struct uop){.op = (uint16_t)op, .a = a, .x = (uint16_t)x, .imm = (int64_t)imm};
    advance(b);
}
static inline uint16_t keep_value(struct builder *b, enum uop_op op, enum type type, unsigned cells, unsigned known,
                                  unsigned x, uint64_t imm) {
    uint16_t t = b->failed ? 0 : temp_new(b, type, cells, known);
    if (!t) return 0;
    *b->at = (struct uop){.op = (uint16_t)op, .dst = t, .x = (uint16_t)x, .imm = (int64_t)imm};
    return advance(b) ? t : 0;
}

bool builder_is_const(const struct builder *b, uint16_t temp, uint64_t *value) {
    if (b->failed || !is_const(b, temp)) return false;
    *value = const_of(b, temp);
    return true;
}

uint16_t build_const(struct builder *b, enum type type, uint64_t value) {
    bool wide = type == T_I64;
    if (!wide) value = (uint32_t)value;
    return keep_value(b, wide ? UOP_const_i64 : UOP_const_i32, wide ? T_I64 : T_I32, 1,
                      known_of_const(wide ? T_I64 : T_I32, value), 0, value);
}

/* By type: how a slot is read, and how a wide one is written; what a wide constant is. */
static const uint16_t gets_of[] = {
    [T_I32] = UOP_get_i32, [T_I64] = UOP_get_i64, [T_F64] = UOP_get_f64, [T_V128] = UOP_get_v128};
static const uint16_t wide_puts[] = {[T_V128] = UOP_put_v128};
static const uint16_t wide_consts[] = {[T_V128] = UOP_const_v128};

static bool pool_grow(struct builder *b) {
    struct block *k = b->block;
    const uint32_t cap = k->pool_cap ? 2 * k->pool_cap : 8 * TYPE_CELLS;
    uint64_t *pool = k->pool_cap ? arena_grow(b->arena, k->pool, k->pool_cap * sizeof *pool, cap * sizeof *pool)
                                 : arena_alloc_raw(b->arena, cap * sizeof *pool);
    if (!pool) return false;
    k->pool = pool;
    k->pool_cap = cap;
    return true;
}

/* What is there already is not entered again, whatever it is a part of. */
uint16_t build_const_wide(struct builder *b, enum type type, const uint64_t *cells) {
    struct block *k = b->block;
    const uint32_t n = type_info[type].cells;
    uint32_t at = 0;
    if (b->failed) return 0;
    while (at + n <= k->npool && memcmp(k->pool + at, cells, n * sizeof *cells)) at++;
    if (at + n > k->npool) {
        at = k->npool;
        if (at + n > k->pool_cap && !pool_grow(b)) {
            b->failed = true;
            return 0;
        }
        memcpy(k->pool + at, cells, n * sizeof *cells);
        k->npool = at + n;
    }
    return keep_value(b, (enum uop_op)wide_consts[type], type, n, KNOWN_POOL, 0, at);
}

/* What builder_take asks of a uop's kind, in one byte. */
enum taking {
    TAKE_PURE = 1,
    TAKE_COMM = 2,
    TAKE_COMPARES = 4,
    TAKE_END = 8,
    TAKE_EXTENDS = 16, /* sext32, zext32 */
    TAKE_ZERO = 32,    /* x + 0 is x; moves and address arithmetic lift to this */
    TAKE_ONES = 64,    /* x & -1 is x */
    TAKE_BRANCH = 128,
    TAKE_OR = 256,
    TAKE_SHIFTS_BACK = 512, /* shr_i64, sar_i64 */
    TAKE_WIDE = 1024
};
#define IS2(name, other) (IS(name, other##_i64) || IS(name, other##_i32))
#define ZERO(name)                                                                                                     \
    (IS2(name, add) || IS2(name, sub) || IS2(name, or) || IS2(name, xor) || IS2(name, shl) || IS2(name, shr) ||        \
     IS2(name, sar))
#define U(name, r, a, b, c, form, flags, meaning)                                                                      \
    [UOP_##name] = ((flags)&PURE ? TAKE_PURE : 0) | ((flags)&COMM ? TAKE_COMM : 0) | ((flags)&END ? TAKE_END : 0) |    \
                   (FORM(form, COND) || FORM(form, BRANCH) || FORM(form, EXITIF) ? TAKE_COMPARES : 0) |                \
                   (IS(name, sext32_i64) || IS(name, zext32_i64) ? TAKE_EXTENDS : 0) | (ZERO(name) ? TAKE_ZERO : 0) |  \
                   (IS(name, and_i64) ? TAKE_ONES : 0) | (FORM(form, BRANCH) ? TAKE_BRANCH : 0) |                      \
                   (IS2(name, or) ? TAKE_OR : 0) | (IS(name, shr_i64) || IS(name, sar_i64) ? TAKE_SHIFTS_BACK : 0) |   \
                   (SIZE_##r > 8 || SIZE_##a > 8 || SIZE_##b > 8 || SIZE_##c > 8 ? TAKE_WIDE : 0),
static const uint16_t takes[UOP_COUNT] = {
#include "core/uop.def"
};
#undef U
#define U(name, r, a, b, c, form, flags, meaning) [UOP_##name] = T_##r,
static const uint8_t results[UOP_COUNT] = {
#include "core/uop.def"
};
#undef U

static inline bool is_right_identity(unsigned is, uint64_t value) {
    return value == 0 ? is & TAKE_ZERO : value == UINT64_MAX && (is & TAKE_ONES);
}

static inline const struct uop *definition(const struct builder *b, uint16_t temp) {
    return &b->block->uops[b->block->temps[temp].def];
}

/* Shifts to the left and back are extensions, or an extension and a shift of what is left: how code without
   instructions for these narrows, and scales unsigned indices. */
static uint16_t fold_shifts(struct builder *b, const struct uop *u, uint64_t back) {
    const struct uop *d = definition(b, u->a);
    const bool sign = u->op == UOP_sar_i64;
    if (d->op != UOP_shl_i64 || !is_const(b, d->b)) return 0;
    const uint16_t x = d->a;
    const uint64_t n = const_of(b, d->b);
    if (n != back && !(n == 32 && back < 32 && back && !sign)) return 0;
    switch (n) {
    case 56: return build1(b, sign ? UOP_sext8_i64 : UOP_zext8_i64, x);
    case 48: return build1(b, sign ? UOP_sext16_i64 : UOP_zext16_i64, x);
    case 32: break;
    default: return 0;
    }
    const uint16_t low = build1(b, UOP_trunc_i32, x);
    if (n == back) return build1(b, sign ? UOP_sext32_i64 : UOP_zext32_i64, low);
    const uint16_t by = build_const(b, T_I64, n - back);
    return build2(b, UOP_shl_i64, build1(b, UOP_zext32_i64, low), by);
}

/* Shifts of one value (or of its low half, taken twice) in opposite directions, by its width together: *x rotated to
 *the left by n. The one to the left is *left. */
static bool is_rotation(const struct builder *b, uint16_t p, uint16_t q, bool wide, uint16_t *x, uint64_t *n,
                        uint16_t *left) {
    const struct uop *l = definition(b, p), *r = definition(b, q);
    const enum uop_op shl = wide ? UOP_shl_i64 : UOP_shl_i32, shr = wide ? UOP_shr_i64 : UOP_shr_i32;
    const bool swapped = l->op == shr;
    if (swapped) {
        const struct uop *t = l;
        l = r;
        r = t;
    }
    if (l->op != shl || r->op != shr || !is_const(b, l->b) || !is_const(b, r->b)) return false;
    if (l->a != r->a) {
        const struct uop *d = definition(b, l->a), *e = definition(b, r->a);
        if (d->op != UOP_trunc_i32 || e->op != UOP_trunc_i32 || d->a != e->a) return false;
    }
    *x = l->a;
    *n = const_of(b, l->b);
    *left = swapped ? q : p;
    return *n > 0 && *n < (wide ? 64 : 32) && *n + const_of(b, r->b) == (wide ? 64 : 32);
}

/* Rotations, as code without an instruction for them has them. Of a low half the shifts are extended, and so is the
   rotation: as what was shifted to the left is. */
static uint16_t fold_or(struct builder *b, const struct uop *u) {
    uint16_t x, left;
    uint64_t n;
    if (u->op == UOP_or_i32) {
        if (!is_rotation(b, u->a, u->b, false, &x, &n, &left)) return 0;
        return build2(b, UOP_rotl_i32, x, build_const(b, T_I32, n));
    }
    if (is_rotation(b, u->a, u->b, true, &x, &n, &left)) return build2(b, UOP_rotl_i64, x, build_const(b, T_I64, n));
    const struct uop *p = definition(b, u->a), *q = definition(b, u->b);
    if ((p->op != UOP_sext32_i64 && p->op != UOP_zext32_i64) || (q->op != UOP_sext32_i64 && q->op != UOP_zext32_i64))
        return 0;
    if (!is_rotation(b, p->a, q->a, false, &x, &n, &left)) return 0;
    const enum uop_op extension = left == p->a ? p->op : q->op;
    return build1(b, extension, build2(b, UOP_rotl_i32, x, build_const(b, T_I32, n)));
}

/* The cells of a constant; NULL if it is none. */
static const uint64_t *cells_of(const struct builder *b, uint16_t temp) {
    const struct block *k = b->block;
    const struct uop *d = &k->uops[k->temps[temp].def];
    if (k->temps[temp].known & KNOWN_POOL) return k->pool + d->imm;
    return is_const(b, temp) ? (const uint64_t *)&d->imm : NULL;
}

static __attribute__((noinline, cold)) uint16_t fold_wide(struct builder *b, const struct uop *u) {
    const uint64_t *va = cells_of(b, u->a), *vb = cells_of(b, u->b), *vc = cells_of(b, u->c);
    const enum type type = (enum type)results[u->op];
    uint64_t r[TYPE_CELLS] = {0};
    uint32_t flags = 0;
    if ((u->a && !va) || (u->b && !vb) || (u->c && !vc) || type == T_F32 || type == T_F64) return 0;
    uop_eval_wide(u->op, u->x, u->imm, r, va, vb, vc, &flags);
    return type_is_wide(type) ? build_const_wide(b, type, r) : build_const(b, type, r[0]);
}

/* A PURE uop with a constant operand: what it folds to, or 0. */
static uint16_t fold(struct builder *b, const struct uop *u, unsigned is) {
    if (is & TAKE_WIDE) return fold_wide(b, u);
    const bool ca = is_const(b, u->a), cb = is_const(b, u->b);
    const uint64_t va = ca ? const_of(b, u->a) : 0, vb = cb ? const_of(b, u->b) : 0;
    if ((ca || !u->a) && (cb || !u->b) && (is_const(b, u->c) || !u->c)) {
        if (results[u->op] != T_I64 && results[u->op] != T_I32) return 0;
        uint32_t flags = 0;
        const uint64_t vc = u->c ? const_of(b, u->c) : 0;
        return build_const(b, (enum type)results[u->op], uop_eval(u->op, u->x, u->imm, va, vb, vc, &flags));
    }
    if (cb && is_right_identity(is, vb)) return u->a;
    if (ca && (is & TAKE_COMM) && is_right_identity(is, va)) return u->b;
    return cb && (is & TAKE_SHIFTS_BACK) ? fold_shifts(b, u, vb) : 0;
}

/* An extension of a value that is extended already: the value itself. Result 0: not so. */
static uint16_t fold_extension(struct builder *b, const struct uop *u) {
    const struct temp *temps = b->block->temps;
    const struct uop *d = &b->block->uops[temps[u->a].def];
    if (!u->a || d->op != UOP_trunc_i32) return 0;
    return temps[d->a].known & (u->op == UOP_sext32_i64 ? KNOWN_SIGN : KNOWN_ZERO) ? d->a : 0;
}

static inline void swap_operands(struct uop *u) {
    uint16_t t = u->a;
    u->a = u->b;
    u->b = t;
}

/* Constants to the right, where hosts look for them; comparisons of 0 with unsigned values are for equality. */
static void turn_comparison(const struct builder *b, struct uop *u) {
    static const uint8_t mirrored[C_COUNT] = {C_EQ, C_NE, C_GTS, C_LES, C_GTU, C_LEU, C_GES, C_LTS, C_GEU, C_LTU};
    if (is_const(b, u->a) && u->b && !is_const(b, u->b)) {
        swap_operands(u);
        u->x = mirrored[u->x];
    }
    if ((u->x == C_GTU || u->x == C_LEU) && is_const(b, u->b) && const_of(b, u->b) == 0)
        u->x = u->x == C_GTU ? C_NE : C_EQ;
}

/* The result of a uop with wide values; it may be narrow. */
static __attribute__((noinline, cold)) uint16_t temp_new_wide(struct builder *b, enum type type) {
    return temp_new(b, type, type_info[type].cells, 0);
}

/* The uop at b->at is kept. */
INLINE uint16_t take_kept(struct builder *b, struct uop *u, unsigned is) {
    uint16_t t = 0;
    if ((is & TAKE_COMM) && is_const(b, u->a) && u->b && !is_const(b, u->b)) swap_operands(u);
    if (is & TAKE_COMPARES) turn_comparison(b, u);
    if (results[u->op] != T_N) {
        const unsigned known = known_by_op[u->op];
        if (__builtin_expect(is & TAKE_WIDE, 0))
            t = temp_new_wide(b, (enum type)results[u->op]);
        else
            t = temp_new(b, (enum type)results[u->op], 1, known & KNOWN_ASK ? known_of(b, u) : known);
        if (!t) return 0;
        u->dst = t;
    }
    b->ended |= is & TAKE_END;
    b->branched |= is & TAKE_BRANCH;
    return advance(b) ? t : 0;
}

/* There is something about a PURE uop's kind or operands that it may fold for. */
static __attribute__((noinline)) uint16_t take_folded(struct builder *b, struct uop *u, unsigned is, unsigned known) {
    uint16_t folded = 0;
    if ((known & (KNOWN_CONST | KNOWN_POOL)) && (folded = fold(b, u, is)) != 0) return folded;
    if ((is & TAKE_OR) && (folded = fold_or(b, u)) != 0) return folded;
    if (is & TAKE_EXTENDS) {
        if ((folded = fold_extension(b, u)) != 0) return folded;
        /* Either extension of a value whose top bit is clear is the other one; the zero-extension costs hosts
           nothing. */
        if (b->block->temps[u->a].known & KNOWN_POSITIVE) u->op = UOP_zext32_i64;
    }
    return take_kept(b, u, is);
}

uint16_t builder_take(struct builder *b) {
    if (b->failed) return 0;
    struct uop *u = b->at;
    const unsigned is = takes[u->op];
    if (is & TAKE_PURE) {
        const struct temp *temps = b->block->temps;
        const unsigned known = temps[u->a].known | temps[u->b].known | temps[u->c].known;
        if ((known & (KNOWN_CONST | KNOWN_POOL)) || (is & (TAKE_OR | TAKE_EXTENDS)))
            return take_folded(b, u, is, known);
    }
    return take_kept(b, u, is);
}

/* Code that compares itself with what it was made from, as a part of its first instruction. */
static __attribute__((noinline, cold)) void emit_guard(struct builder *b) {
    static const struct {
        enum uop_op op;
        unsigned size;
    } loads[] = {{UOP_load_64, 8}, {UOP_load_u32, 4}, {UOP_load_u16, 2}, {UOP_load_u8, 1}};
    const uint16_t pc = build_const(b, T_I64, b->block->pc);
    uint32_t at = 0;
    for (unsigned i = 0; i < sizeof loads / sizeof *loads; i++)
        for (; b->guard_size - at >= loads[i].size; at += loads[i].size) {
            uint64_t bytes = 0;
            memcpy(&bytes, b->guard + at, loads[i].size);
            const uint16_t now = build_load(b, loads[i].op, 0, pc, at);
            build_exitif(b, UOP_exitif_i64, C_NE, now, build_const(b, T_I64, bytes), EXIT_code_differs, 0);
        }
}

void builder_mark(struct builder *b, uint64_t pc, unsigned length) {
    b->pc = pc;
    b->next = pc + length;
    keep_plain(b, UOP_mark, length, 0, pc);
    b->block->ninsns++;
    b->block->bytes = (uint32_t)(b->next - b->block->pc);
    if (b->guard && b->block->ninsns == 1) emit_guard(b);
}

uint16_t builder_read(struct builder *b, unsigned slot) {
    if (b->failed) return 0;
    assert(slot < b->guest->nslots);
    const struct slot *s = &b->guest->slots[slot];
    uint16_t t = keep_value(b, (enum uop_op)gets_of[s->type], s->type, type_info[s->type].cells, 0, slot, 0);
    /* Host FP flags rise behind the builder's back: such a slot is read anew each time. */
    if (t && !(s->flags & SLOT_FP_FLAGS)) b->slot_temp[slot] = t;
    return t;
}

void build_put(struct builder *b, unsigned slot, uint16_t temp) {
    if (b->failed) return;
    assert(slot < b->guest->nslots && temp);
    const struct slot *s = &b->guest->slots[slot];
    keep_plain(b, s->type < T_FIRST_WIDE ? UOP_put : (enum uop_op)wide_puts[s->type], slot, temp, 0);
    if (!(s->flags & SLOT_FP_FLAGS)) b->slot_temp[slot] = temp;
}

void build_call(struct builder *b, uint64_t pc, uint64_t return_pc) {
    uint16_t r = build_const(b, T_I64, return_pc);
    builder_emit(b, (struct uop){.op = UOP_call, .b = r, .imm = (int64_t)pc});
}

void build_callind(struct builder *b, uint16_t target, uint64_t return_pc) {
    uint16_t r = build_const(b, T_I64, return_pc);
    builder_emit(b, (struct uop){.op = UOP_callind, .a = target, .b = r});
}

uint16_t build_helper(struct builder *b, unsigned number, uint16_t p, uint16_t q, uint16_t r) {
    assert(number < b->guest->nhelpers);
    const enum uop_op op = helper_types(b->guest, number)[0] == T_V128 ? UOP_helper_v128 : UOP_helper;
    uint16_t t = builder_emit(b, (struct uop){.op = op, .a = p, .b = q, .c = r, .aux = number});
    builder_forget(b, b->guest->helpers[number].effect.writes);
    return t;
}
