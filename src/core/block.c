/* block.c - building blocks: appending uops, folding constants, forwarding what was put into a slot to later gets.
 *
 * Folding uses uop_eval, so a folded uop cannot disagree with the interpreter. FP uops are never folded (flags).
 * A small lattice tells which i64 values are the sign- or zero-extension of their low half already, so that the
 * extensions that 32-bit guest instructions ask for again and again vanish.
 */
#include "core/guest.h"
#include "core/uop.h"
#include "base/arena.h"
#include <assert.h>
#include <string.h>

struct block *block_make(struct arena *arena, uint64_t pc, uint64_t ctx) {
    struct block *k = arena_alloc(arena, sizeof *k);
    if (!k) return NULL;
    *k = (struct block){.pc = pc, .ctx = ctx, .cap = 128, .ntemps = 1, .tcap = 128};
    k->uops = arena_alloc_raw(arena, k->cap * sizeof *k->uops);
    k->types = arena_alloc_raw(arena, k->tcap);
    return k->uops && k->types ? k : NULL;
}

void builder_init(struct builder *b, struct block *block, struct arena *arena, const struct guest *guest) {
    *b = (struct builder){.block = block, .arena = arena, .guest = guest, .ctx = block->ctx, .pc = block->pc};
    b->slot_temp = arena_alloc(arena, (guest->nslots + 1) * sizeof *b->slot_temp);
    b->def_of = arena_alloc_raw(arena, block->tcap * sizeof *b->def_of);
    b->known = arena_alloc_raw(arena, block->tcap);
    b->failed = !b->slot_temp || !b->def_of || !b->known;
}

void builder_forget(struct builder *b) {
    if (b->slot_temp) memset(b->slot_temp, 0, b->guest->nslots * sizeof *b->slot_temp);
}

static uint16_t temp_new(struct builder *b, enum type type) {
    struct block *k = b->block;
    if (k->ntemps >= BLOCK_MAX_TEMPS) {
        b->failed = true;
        return 0;
    }
    if (k->ntemps == k->tcap) {
        uint8_t *types = arena_grow(b->arena, k->types, k->tcap, k->tcap * 2);
        uint32_t *defs = arena_grow(b->arena, b->def_of, k->tcap * sizeof *defs, k->tcap * 2 * sizeof *defs);
        uint8_t *known = arena_grow(b->arena, b->known, k->tcap, k->tcap * 2);
        if (!types || !defs || !known) {
            b->failed = true;
            return 0;
        }
        k->types = types;
        b->def_of = defs;
        b->known = known;
        k->tcap *= 2;
    }
    k->types[k->ntemps] = (uint8_t)type;
    return (uint16_t)k->ntemps++;
}

/* An i64 is the sign-extension (zero-extension) of its low half; an i32 has its top bit clear (KNOWN_POSITIVE). */
enum known { KNOWN_SIGN = 1, KNOWN_ZERO = 2, KNOWN_POSITIVE = 4 };

static unsigned known_of_const(enum type t, uint64_t v) {
    if (t == T_I32) return (int32_t)v >= 0 ? KNOWN_POSITIVE : 0;
    return (v == (uint64_t)(int32_t)v ? KNOWN_SIGN : 0u) | (v == (uint32_t)v ? KNOWN_ZERO : 0u);
}

static unsigned known_of(const struct builder *b, const struct uop *u) {
    const unsigned ka = u->a ? b->known[u->a] : 0, kb = u->b ? b->known[u->b] : 0, both = KNOWN_SIGN | KNOWN_ZERO;
    uint64_t n = 0;
    bool by_const = u->b && builder_is_const(b, u->b, &n);
    switch ((enum uop_op)u->op) {
    case UOP_const_i64: return known_of_const(T_I64, (uint64_t)u->imm);
    case UOP_const_i32: return known_of_const(T_I32, (uint64_t)u->imm);
    case UOP_load_s8:
    case UOP_load_s16:
    case UOP_load_s32:
    case UOP_sext8_i64:
    case UOP_sext16_i64: return KNOWN_SIGN;
    case UOP_load_u32: return KNOWN_ZERO;
    case UOP_load_u8:
    case UOP_load_u16:
    case UOP_zext8_i64:
    case UOP_zext16_i64:
    case UOP_set_i64:
    case UOP_set_i32: return both;
    case UOP_sext32_i64:
    case UOP_zext32_i64: return ka & KNOWN_POSITIVE ? both : u->op == UOP_sext32_i64 ? KNOWN_SIGN : KNOWN_ZERO;
    case UOP_and_i64:
        if ((ka & both) == both || (kb & both) == both) return both; /* below 2^31 */
        return (ka & kb & KNOWN_SIGN) | ((ka | kb) & KNOWN_ZERO);
    case UOP_or_i64:
    case UOP_xor_i64:
    case UOP_mins_i64:
    case UOP_maxs_i64:
    case UOP_minu_i64:
    case UOP_maxu_i64: return ka & kb & both;
    case UOP_shr_i64: return by_const && (n & 63) > 32 ? both : by_const && (n & 63) == 32 ? KNOWN_ZERO : 0;
    case UOP_sar_i64: return by_const && (n & 63) >= 32 ? KNOWN_SIGN : ka & both;
    case UOP_trunc_i32: return (ka & both) == both ? KNOWN_POSITIVE : 0;
    case UOP_shr_i32: return by_const && n & 31 ? KNOWN_POSITIVE : 0;
    case UOP_and_i32: return (ka | kb) & KNOWN_POSITIVE;
    default: return 0;
    }
}

/* An extension of a value that is extended already: the value itself. Result 0: not so. */
static uint16_t fold_extension(struct builder *b, const struct uop *u) {
    if ((u->op != UOP_sext32_i64 && u->op != UOP_zext32_i64) || !u->a) return 0;
    const struct uop *d = &b->block->uops[b->def_of[u->a]];
    if (d->op != UOP_trunc_i32) return 0;
    return b->known[d->a] & (u->op == UOP_sext32_i64 ? KNOWN_SIGN : KNOWN_ZERO) ? d->a : 0;
}

/* Keeps the uop at builder_next. There is always room for one more. */
static uint16_t keep(struct builder *b) {
    struct block *k = b->block;
    if (b->failed) return 0;
    struct uop *u = builder_next(b);
    const struct uop_info *info = &uop_info[u->op];
    if (info->result != T_N) {
        uint16_t t = temp_new(b, info->result);
        if (!t) return 0;
        u->dst = t;
        b->def_of[t] = k->nuops;
        b->known[t] = (uint8_t)known_of(b, u);
    }
    if (info->flags & UF_END) b->ended = true;
    if (k->nuops + 1 == k->cap) {
        struct uop *uops = arena_grow(b->arena, k->uops, k->cap * sizeof *uops, k->cap * 2 * sizeof *uops);
        if (!uops) {
            b->failed = true;
            return 0;
        }
        u = uops + k->nuops;
        k->uops = uops;
        k->cap *= 2;
    }
    k->nuops++;
    return u->dst;
}

static inline uint16_t keep_uop(struct builder *b, enum uop_op op, unsigned x, uint16_t a, uint64_t imm) {
    struct uop *u = builder_next(b);
    u->op = (uint16_t)op;
    u->dst = 0;
    u->a = a;
    u->b = u->c = 0;
    u->x = (uint16_t)x;
    u->aux = 0;
    u->imm = (int64_t)imm;
    return keep(b);
}

bool builder_is_const(const struct builder *b, uint16_t temp, uint64_t *value) {
    if (b->failed || !temp) return false;
    const struct uop *d = &b->block->uops[b->def_of[temp]];
    if (d->op != UOP_const_i64 && d->op != UOP_const_i32) return false;
    *value = (uint64_t)d->imm;
    return true;
}

uint16_t build_const(struct builder *b, enum type type, uint64_t value) {
    bool wide = type == T_I64;
    return keep_uop(b, wide ? UOP_const_i64 : UOP_const_i32, 0, 0, wide ? value : (uint32_t)value);
}

/* x+0, x|0, x^0, x<<0 and their like are the operand itself; moves and address arithmetic lift to these. */
static bool is_right_identity(enum uop_op op, uint64_t value) {
    switch (op) {
    case UOP_add_i64:
    case UOP_sub_i64:
    case UOP_or_i64:
    case UOP_xor_i64:
    case UOP_shl_i64:
    case UOP_shr_i64:
    case UOP_sar_i64:
    case UOP_add_i32:
    case UOP_sub_i32:
    case UOP_or_i32:
    case UOP_xor_i32:
    case UOP_shl_i32:
    case UOP_shr_i32:
    case UOP_sar_i32: return value == 0;
    case UOP_and_i64: return value == UINT64_MAX;
    default: return false;
    }
}

static bool fold(struct builder *b, const struct uop *u, uint16_t *result) {
    const struct uop_info *info = &uop_info[u->op];
    if (!(info->flags & UF_PURE) || info->form == FORM_CONST) return false;
    uint64_t va = 0, vb = 0, vc = 0;
    bool ca = !u->a || builder_is_const(b, u->a, &va), cb = !u->b || builder_is_const(b, u->b, &vb);
    bool cc = !u->c || builder_is_const(b, u->c, &vc);
    if (ca && cb && cc && (info->result == T_I64 || info->result == T_I32)) {
        uint32_t flags = 0;
        *result = build_const(b, info->result, uop_eval(u->op, u->x, u->imm, va, vb, vc, &flags));
        return true;
    }
    if (u->b && cb && is_right_identity(u->op, vb)) {
        *result = u->a;
        return true;
    }
    if (u->a && ca && (info->flags & UF_COMM) && is_right_identity(u->op, va)) {
        *result = u->b;
        return true;
    }
    return false;
}

uint16_t builder_take(struct builder *b) {
    uint16_t folded;
    if (b->failed) return 0;
    struct uop *u = builder_next(b);
    if (uop_info[u->op].flags & UF_PURE) {
        if (fold(b, u, &folded) || (folded = fold_extension(b, u))) return folded;
        /* Either extension of a value whose top bit is clear is the other one; the zero-extension costs hosts nothing.
         */
        if (u->op == UOP_sext32_i64 && b->known[u->a] & KNOWN_POSITIVE) u->op = UOP_zext32_i64;
    }
    uint64_t value;
    if ((uop_info[u->op].flags & UF_COMM) && u->a && u->b && builder_is_const(b, u->a, &value) &&
        !builder_is_const(b, u->b, &value)) {
        uint16_t t = u->a; /* constants to the right, where hosts look for them */
        u->a = u->b;
        u->b = t;
    }
    return keep(b);
}

void builder_mark(struct builder *b, uint64_t pc, unsigned length) {
    b->pc = pc;
    b->next = pc + length;
    keep_uop(b, UOP_mark, length, 0, pc);
    b->block->ninsns++;
    b->block->bytes = (uint32_t)(b->next - b->block->pc);
}

uint16_t build_get(struct builder *b, unsigned slot) {
    if (b->failed) return 0;
    assert(slot < b->guest->nslots);
    if (b->slot_temp[slot]) return b->slot_temp[slot];
    const struct slot *s = &b->guest->slots[slot];
    enum uop_op op = s->type == T_F64 ? UOP_get_f64 : s->type == T_I32 ? UOP_get_i32 : UOP_get_i64;
    uint16_t t = keep_uop(b, op, slot, 0, 0);
    /* Host FP flags rise behind the builder's back: such a slot is read anew each time. */
    if (t && !(s->flags & SLOT_FP_FLAGS)) b->slot_temp[slot] = t;
    return t;
}

void build_put(struct builder *b, unsigned slot, uint16_t temp) {
    if (b->failed) return;
    assert(slot < b->guest->nslots && temp);
    keep_uop(b, UOP_put, slot, temp, 0);
    if (!b->failed && !(b->guest->slots[slot].flags & SLOT_FP_FLAGS)) b->slot_temp[slot] = temp;
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
    uint16_t t = builder_emit(b, (struct uop){.op = UOP_helper, .a = p, .b = q, .c = r, .aux = number});
    if (b->guest->helpers[number].effects & HELPER_WRITES) builder_forget(b);
    return t;
}
