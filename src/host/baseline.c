/* baseline.c - the one-pass translator's passes over a block: a look backwards, then one uop after the other.
 *
 * Backwards: last uses; puts that another put of the same slot follows with no exit between are dead; a result that is
 * put into a pinned slot, even by a dead put, is computed there if nothing is in the way; a uop whose only user can do
 * its work too is left to that; an extension of which the narrow half alone is read is its operand. Forwards: the
 * target selects code uop by uop. Nothing here knows the target's instructions.
 */
#include "host/baseline.h"
#include "core/uop_flags.h"
#include <assert.h>
#include <string.h>

static unsigned slot_size(const struct jit *j, unsigned slot) {
    return type_info[j->guest->slots[slot].type].size;
}

/* What is loaded and stored of a value that is in spill cells. */
static unsigned value_size(const struct jit *j, const struct value *v) {
    return 8u * type_info[j->block->temps[v - j->v].type].cells;
}

/* What the passes do with a uop, by its kind: one jump, which is guessed far better than a row of tests. */
enum kind {
    KIND_OTHER,
    KIND_MARK,
    KIND_PUT,
    KIND_GET,
    KIND_CONST,
    KIND_SHARES, /* a narrowing: the same register read narrower */
    KIND_EXTEND, /* sext32, zext32 */
    KIND_UNARY,  /* other PURE ones */
    KIND_BINARY,
    KIND_PURE
};
enum trait {
    TRAIT_LEAVES = 1, /* may leave */
    TRAIT_END = 2,
    TRAIT_KEPT = 4,   /* selected even if nobody wants the result */
    TRAIT_FP = 8,     /* the result's bank is BANK_FP */
    TRAIT_PASSES = 16 /* what is to become of the result may be said of the operand: unary, of one bank; a pin of a
                         narrow slot is for narrow values only, as C calls keep no more of it */
};
#define IN_FP(t)      ((int)BANK_OF_##t == (int)BANK_FP)
#define SHARES(name)  (IS(name, trunc_i32) || IS(name, low_f32) || IS(name, unbox_f32))
#define EXTENDS(name) (IS(name, sext32_i64) || IS(name, zext32_i64))
#define U(name, r, a, b, c, form, flags, meaning)                                                                      \
    [UOP_##name] = IS(name, mark)                          ? KIND_MARK                                                 \
                   : FORM(form, SLOT) && T_##r == T_N      ? KIND_PUT                                                  \
                   : FORM(form, SLOT)                      ? KIND_GET                                                  \
                   : FORM(form, CONST) || FORM(form, POOL) ? KIND_CONST                                                \
                   : SHARES(name)                          ? KIND_SHARES                                               \
                   : EXTENDS(name)                         ? KIND_EXTEND                                               \
                   : !((flags)&PURE)                       ? KIND_OTHER                                                \
                   : T_##a != T_N && T_##b == T_N          ? KIND_UNARY                                                \
                   : T_##b != T_N && T_##c == T_N          ? KIND_BINARY                                               \
                                                           : KIND_PURE,
static const uint8_t kinds[UOP_COUNT] = {
#include "core/uop.def"
};
#undef U
#define U(name, r, a, b, c, form, flags, meaning)                                                                      \
    [UOP_##name] =                                                                                                     \
        ((flags)&EXIT ? TRAIT_LEAVES : 0) | ((flags)&END ? TRAIT_END : 0) |                                            \
        (((flags) & (EXIT | EFFECT | FP)) && !((flags)&PURE) ? TRAIT_KEPT : 0) | (IN_FP(r) ? TRAIT_FP : 0) |           \
        (((flags)&PURE) && T_##a != T_N && T_##b == T_N && IN_FP(r) == IN_FP(a) && (SIZE_##r > 8) == (SIZE_##a > 8)    \
             ? TRAIT_PASSES                                                                                            \
             : 0),
static const uint8_t traits[UOP_COUNT] = {
#include "core/uop.def"
};
#undef U

/* What looking back needs again and again, where the compiler can keep it in registers. */
struct look {
    const struct uop *uops;
    struct value *v;
    const struct slot *slots;
    const uint8_t *pin_of;
    bool *dead;
    uint32_t *put;     /* by slot: the epoch in which it is put later; an exit begins a new one */
    uint32_t *touched; /* by slot: the last uop met that gets or puts it; valid where there is a hint for the slot */
    uint32_t epoch;
    uint32_t barrier; /* the last uop met over which a result must not go into its pin early */
};
#define INLINE static inline __attribute__((always_inline))

INLINE void note_narrow_use(struct value *v, uint32_t i) {
    if (v->last) {
        v->several = true;
        if (v->last >= i) return;
    }
    v->last = i;
}
INLINE void note_use(struct value *v, uint32_t i) {
    v->whole = true;
    note_narrow_use(v, i);
}

/* The only use of the uop's result may take over its work. */
static bool is_absorbed(struct jit *j, struct value *v, const struct uop *u) {
    if (v->several) return false;
    const struct uop *user = &j->block->uops[v->last];
    if (user->a != u->dst && user->b != u->dst) return false; /* but through a narrowing */
    if (user->c || !j->target->absorbs(j, user, u)) return false;
    return v->absorbed = !j->v[user->a].absorbed && !j->v[user->b].absorbed;
}

/* At the definition of a value that a put wants in slot `hint`: is it free from here to there, and does nothing leave
   between? Then what the value is made from by unary uops may be computed there, too. */
INLINE void decide_hint(const struct look *l, struct value *v, const struct uop *u, uint32_t i) {
    if (l->barrier < v->hint_at || l->touched[v->hint - 1] != v->hint_at) {
        v->hint = 0;
        return;
    }
    struct value *a = &l->v[u->a];
    if (!(traits[u->op] & TRAIT_PASSES) || a->last != i) return;
    a->hint = v->hint;
    a->hint_at = v->hint_at;
}

/* A dead put says that until the next one the slot's pin may hold anything: this value, for one. */
INLINE void look_at_put(struct look *l, const struct uop *u, uint32_t i) {
    struct value *v = &l->v[u->a];
    bool dead = l->put[u->x] == l->epoch;
    l->touched[u->x] = i;
    l->dead[i] = dead;
    if (!dead) {
        if (!(l->slots[u->x].flags & SLOT_FP_FLAGS)) l->put[u->x] = l->epoch;
        note_use(v, i);
    }
    if (l->pin_of[u->x] == NO_REG || (dead && v->hint)) return;
    v->hint = (uint16_t)(u->x + 1);
    v->hint_at = i;
}

INLINE struct value *look_at_result(const struct look *l, const struct uop *u) {
    struct value *v = &l->v[u->dst];
    v->root = u->dst; /* maybe another's, later */
    v->reg = NO_REG;
    v->bank = traits[u->op] & TRAIT_FP ? BANK_FP : BANK_INT;
    return v;
}

/* Uses are met before the definition, which adds what does not depend on them. Everything begins as zero. */
static void look_back(struct jit *j, struct look look) {
    struct look *const l = &look;
    const struct uop *u = l->uops + j->block->nuops;
    struct value *v, *a;
    for (uint32_t i = j->block->nuops; i-- > 0;) {
        switch ((enum kind)kinds[(--u)->op]) {
        case KIND_MARK: l->barrier = i; continue;
        case KIND_PUT: look_at_put(l, u, i); break;
        case KIND_CONST:
            v = look_at_result(l, u);
            v->is_const = true;
            v->constant = (uint64_t)u->imm;
            break;
        case KIND_GET:
            v = look_at_result(l, u);
            l->put[u->x] = 0;
            l->touched[u->x] = i;
            v->hint = 0;
            break;
        case KIND_SHARES:
            v = look_at_result(l, u);
            a = &l->v[u->a];
            if (v->last) note_narrow_use(a, v->last);
            a->several |= v->several;
            v->hint = 0;
            if (traits[u->op] & TRAIT_LEAVES) {
                l->epoch++;
                l->barrier = i;
            }
            break;
        case KIND_EXTEND:
            v = look_at_result(l, u);
            if (!v->last) break; /* a pure uop whose result nobody wants uses nothing */
            a = &l->v[u->a];
            if (v->whole) {
                note_use(a, i);
                if (v->hint) decide_hint(l, v, u, i);
                break;
            }
            v->needless = true; /* only the narrow half is read: it is its operand */
            note_use(a, v->last);
            a->several |= v->several;
            if (v->hint && !a->hint && l->barrier > v->hint_at) {
                a->hint = v->hint;
                a->hint_at = v->hint_at;
            }
            break;
        case KIND_UNARY:
            v = look_at_result(l, u);
            if (!v->last) break;
            note_use(&l->v[u->a], i);
            if (v->hint) decide_hint(l, v, u, i);
            break;
        case KIND_BINARY:
            v = look_at_result(l, u);
            if (!v->last) break;
            if (is_absorbed(j, v, u)) {
                note_use(&l->v[u->a], v->last);
                v->hint = 0;
                break;
            }
            note_use(&l->v[u->a], i);
            note_use(&l->v[u->b], i);
            if (v->hint) decide_hint(l, v, u, i);
            break;
        case KIND_PURE:
            if (!l->v[u->dst].last) {
                look_at_result(l, u);
                break;
            } /* fall through */
        case KIND_OTHER:
            v = look_at_result(l, u);
            if (traits[u->op] & (TRAIT_LEAVES | TRAIT_END)) {
                l->epoch++;
                if (v->hint) decide_hint(l, v, u, i);
                l->barrier = i;
            } else if (v->hint) {
                decide_hint(l, v, u, i);
            }
            if (u->a) note_use(&l->v[u->a], i);
            if (u->b) note_use(&l->v[u->b], i);
            if (u->c) note_use(&l->v[u->c], i);
            break;
        default: __builtin_unreachable(); /* saves a test of the table's value */
        }
    }
}

bool value_dies(struct jit *j, uint16_t t) {
    return value_of(j, t)->last <= j->at;
}

/* Registers and spill cells of values that have died are taken when they are needed: nothing is done when one dies. */
static bool is_dead(const struct jit *j, uint16_t t) {
    return j->v[t].last < j->at;
}

static bool is_free(const struct jit *j, enum bank bank, uint8_t r) {
    return !j->owner[bank][r] || is_dead(j, j->owner[bank][r]);
}

static bool has_place(struct jit *j, const struct value *v) {
    (void)j;
    return v->is_const || v->slot || v->spill;
}

static void free_reg(struct jit *j, struct value *v) {
    if (v->reg == NO_REG) return;
    j->owner[v->bank][v->reg] = 0;
    v->reg = NO_REG;
}

/* What is in the register, if anything, is dead. (Value 0 is nobody's.) */
static void evict_dead(struct jit *j, enum bank bank, uint8_t r) {
    j->v[j->owner[bank][r]].reg = NO_REG;
    j->owner[bank][r] = 0;
}

/* Stores a register to spill cells that nobody needs. */
static void spill(struct jit *j, enum bank bank, uint8_t r, uint16_t t) {
    const unsigned size = value_size(j, &j->v[t]);
    unsigned first = 0, end = 0; /* so far these are free */
    while (8 * (end - first) < size) {
        if (end == SPILLS) {
            jit_fail(j, EMIT_LARGE);
            return;
        }
        const bool is_free = end >= j->nspilled || is_dead(j, j->spilled[end]);
        end++;
        if (!is_free) first = end;
    }
    if (end > j->nspilled) j->nspilled = end;
    for (unsigned cell = first; cell < end; cell++) j->spilled[cell] = t;
    j->v[t].spill = (uint16_t)(first + 1);
    j->target->store(j, bank, (uint32_t)(offsetof(struct cpu, host.spill) + 8 * first), r, size);
}

static void evict(struct jit *j, enum bank bank, uint8_t r) {
    uint16_t t = j->owner[bank][r];
    if (!t) return;
    struct value *v = &j->v[t];
    if (v->last >= j->at && !has_place(j, v)) spill(j, bank, r, t);
    free_reg(j, v);
}

/* None is free: prefers one whose value is elsewhere too, then the one wanted latest. */
static uint8_t pick(struct jit *j, enum bank bank) {
    uint8_t best = NO_REG;
    uint64_t best_score = 0;
    const uint8_t *scratch = j->scratch[bank];
    for (uint8_t r; (r = *scratch) != NO_REG; scratch++) {
        if (j->locked[bank] >> r & 1) continue;
        const struct value *v = &j->v[j->owner[bank][r]];
        uint64_t score = 1 + v->last + (has_place(j, v) ? 1u << 20 : 0);
        if (score > best_score) {
            best_score = score;
            best = r;
        }
    }
    if (best == NO_REG) { /* a rule that wants more registers than there are: a bug */
        jit_fail(j, EMIT_REFUSED);
        return j->scratch[bank][0];
    }
    return best;
}

void take_reg(struct jit *j, enum bank bank, uint8_t r) {
    uint16_t t = j->owner[bank][r];
    if (t && j->v[t].last > j->at - 1 && !has_place(j, &j->v[t])) {
        const uint8_t *scratch = j->scratch[bank];
        for (uint8_t to; (to = *scratch) != NO_REG; scratch++) { /* a move is cheaper than a spill */
            if (to == r || !is_free(j, bank, to) || (j->locked[bank] >> to & 1)) continue;
            j->target->move(j, bank, to, r);
            j->owner[bank][r] = 0;
            j->owner[bank][to] = t;
            j->v[t].reg = to;
            if (j->locked[bank] >> r & 1) j->locked[bank] |= (uint16_t)(1u << to);
            t = 0;
            break;
        }
    }
    if (t) evict(j, bank, r);
    j->locked[bank] |= (uint16_t)(1u << r);
}

static __attribute__((noinline)) uint8_t temp_reg_evicted(struct jit *j, enum bank bank) {
    uint8_t r = pick(j, bank);
    evict(j, bank, r);
    j->locked[bank] |= (uint16_t)(1u << r);
    return r;
}

uint8_t temp_reg(struct jit *j, enum bank bank) {
    const unsigned locked = j->locked[bank];
    for (const uint8_t *scratch = j->scratch[bank]; *scratch != NO_REG; scratch++) {
        const uint8_t r = *scratch;
        if (locked >> r & 1 || !is_free(j, bank, r)) continue;
        evict_dead(j, bank, r);
        j->locked[bank] = (uint16_t)(locked | 1u << r);
        return r;
    }
    return temp_reg_evicted(j, bank);
}

INLINE uint8_t value_reg(struct jit *j, const struct value *v) {
    const uint8_t r = v->reg;
    if (r != NO_REG)
        j->locked[v->bank] |= (uint16_t)(1u << r);
    else if (v->slot && !v->is_const)
        return j->pin_of[v->slot - 1];
    return r;
}

uint8_t reg_now(struct jit *j, uint16_t t) {
    return value_reg(j, value_of(j, t));
}

bool in_memory(struct jit *j, uint16_t t, uint32_t *offset) {
    struct value *v = value_of(j, t);
    if (v->reg != NO_REG || v->is_const) return false;
    if (v->slot && j->pin_of[v->slot - 1] == NO_REG)
        *offset = j->guest->slots[v->slot - 1].offset;
    else if (!v->slot && v->spill)
        *offset = (uint32_t)(offsetof(struct cpu, host.spill) + 8 * (v->spill - 1u));
    else
        return false;
    return true;
}

void fetch_into(struct jit *j, uint16_t t, uint8_t r) {
    struct value *v = value_of(j, t);
    uint32_t offset;
    if (v->is_const)
        j->target->constant(j, v->bank, r, v->constant);
    else if (in_memory(j, t, &offset))
        j->target->load(j, v->bank, r, offset, v->slot ? slot_size(j, v->slot - 1u) : value_size(j, v));
    else
        j->target->move(j, v->bank, r, v->reg != NO_REG ? v->reg : j->pin_of[v->slot - 1]);
}

static void own(struct jit *j, struct value *v, uint8_t r) {
    v->reg = r;
    j->owner[v->bank][r] = (uint16_t)(v - j->v);
}

static __attribute__((noinline)) uint8_t bring(struct jit *j, uint16_t t) {
    struct value *v = value_of(j, t);
    uint32_t offset;
    const uint8_t r = temp_reg(j, v->bank);
    if (v->is_const)
        j->target->constant(j, v->bank, r, v->constant);
    else if (in_memory(j, t, &offset))
        j->target->load(j, v->bank, r, offset, v->slot ? slot_size(j, v->slot - 1u) : value_size(j, v));
    else
        jit_fail(j, EMIT_REFUSED); /* a value that is nowhere: the block was not checked */
    own(j, v, r);
    return r;
}

uint8_t use_reg(struct jit *j, uint16_t t) {
    const uint8_t r = value_reg(j, value_of(j, t));
    return r != NO_REG ? r : bring(j, t);
}

void def_in(struct jit *j, uint16_t t, uint8_t r) {
    evict(j, j->v[t].bank, r);
    own(j, &j->v[t], r);
}

/* The slot no longer holds what it is tied to. */
static void lose_slot(struct jit *j, unsigned slot) {
    struct value *v = &j->v[j->tied[slot]];
    j->tied[slot] = 0;
    if (v->slot == slot + 1) v->slot = v->other;
    v->other = 0;
}

/* A value that loses its only slot while it is still wanted goes to a scratch register. The caller need not have it
   there: nothing stays locked, as all slots may have to be left at once. */
static void untie(struct jit *j, unsigned slot) {
    uint16_t t = j->tied[slot];
    if (!t) return;
    struct value *v = &j->v[t];
    if (v->last > j->at && v->reg == NO_REG && !v->is_const && !v->spill && !v->other) {
        const uint16_t locked = j->locked[v->bank];
        j->tied[slot] = 0;
        uint8_t r = use_reg(j, t);
        uint8_t pin = j->pin_of[slot];
        if (r == pin) {
            r = temp_reg(j, v->bank);
            j->target->move(j, v->bank, r, pin);
            own(j, v, r);
        }
        j->locked[v->bank] = locked;
        v->slot = 0;
        return;
    }
    lose_slot(j, slot);
}

uint8_t def_scratch(struct jit *j, uint16_t t) {
    struct value *v = &j->v[t];
    uint8_t r = temp_reg(j, v->bank);
    own(j, v, r);
    return r;
}

/* The hinted pin, unless what the slot holds now is still wanted. */
static uint8_t def_pin(struct jit *j, uint16_t t) {
    struct value *v = &j->v[t];
    if (!v->hint) return NO_REG;
    unsigned slot = v->hint - 1u;
    uint16_t old = j->tied[slot];
    if (old && j->v[old].last > j->at && !j->v[old].other) return NO_REG;
    if (old) lose_slot(j, slot); /* rules read operands by the registers they already have */
    j->tied[slot] = t;
    v->slot = v->hint;
    return j->pin_of[slot];
}

uint8_t def_pin_free(struct jit *j, uint16_t t, uint8_t p, uint8_t q) {
    uint16_t hint = j->v[t].hint;
    if (!hint || j->pin_of[hint - 1] == p || j->pin_of[hint - 1] == q) return NO_REG;
    return def_pin(j, t);
}

void def_from(struct jit *j, uint16_t t, uint8_t r) {
    uint8_t pin = def_pin(j, t);
    if (pin == NO_REG)
        def_in(j, t, r);
    else
        j->target->move(j, j->v[t].bank, pin, r);
}

uint8_t def_reg(struct jit *j, uint16_t t) {
    struct value *v = &j->v[t];
    uint8_t pin = def_pin(j, t);
    if (pin != NO_REG) return pin;
    const struct uop *u = &j->block->uops[j->at];
    const uint16_t operands[3] = {u->a, u->b, u->c};
    for (unsigned n = 0; n < 3; n++) { /* the register of an operand that dies here */
        if (!operands[n]) continue;
        struct value *o = value_of(j, operands[n]);
        if (o->reg == NO_REG || o->bank != v->bank || o->last > j->at) continue;
        uint8_t r = o->reg;
        o->reg = NO_REG;
        own(j, v, r);
        return r;
    }
    return def_scratch(j, t);
}

void put_slot(struct jit *j, unsigned slot, uint16_t t) {
    struct value *v = value_of(j, t);
    uint16_t root = v->root;
    const uint8_t pin = j->pin_of[slot];
    untie(j, slot);
    const uint32_t offset = j->guest->slots[slot].offset;
    const unsigned size = slot_size(j, slot);
    if (v->is_const && v->bank == BANK_INT) {
        if (pin != NO_REG)
            j->target->constant(j, BANK_INT, pin, v->constant);
        else
            j->target->store_constant(j, offset, v->constant, size);
        return;
    }
    uint8_t r = use_reg(j, t);
    if (pin != NO_REG)
        j->target->move(j, v->bank, pin, r);
    else
        j->target->store(j, v->bank, offset, r, size);
    if (size < 8 || v->is_const || v->other) return;
    j->tied[slot] = root;
    if (v->slot && j->pin_of[v->slot - 1] != NO_REG) {
        v->other = (uint16_t)(slot + 1);
        return;
    }
    v->other = v->slot;
    v->slot = (uint16_t)(slot + 1);
    if (pin != NO_REG) free_reg(j, v);
}

void get_slot(struct jit *j, uint16_t t, unsigned slot) {
    struct value *v = &j->v[t];
    uint16_t old = j->tied[slot];
    if (old && j->v[old].last > j->at) { /* two live names for one slot: the later one gets a copy */
        uint8_t pin = j->pin_of[slot], r = temp_reg(j, v->bank);
        if (pin != NO_REG)
            j->target->move(j, v->bank, r, pin);
        else
            j->target->load(j, v->bank, r, j->guest->slots[slot].offset, slot_size(j, slot));
        own(j, v, r);
        return;
    }
    if (old) lose_slot(j, slot);
    j->tied[slot] = t;
    v->slot = (uint16_t)(slot + 1);
}

void leave_slots(struct jit *j, place_set written) {
    for (unsigned s = 0; written && s < j->guest->nslots; s++)
        if (set_has(written, j->guest->slots[s].place)) untie(j, s);
}

static bool is_plain_slot(const struct jit *j, const struct uop *u) {
    return !(j->guest->slots[u->x].flags & SLOT_FP_FLAGS);
}

static inline void select_uop(struct jit *j, const struct uop *u) {
    j->target->select(j, u);
    j->locked[0] = j->locked[1] = 0;
}

static inline void forward_put(struct jit *j, const struct uop *u) {
    if (j->dead[j->at] || j->tied[u->x] == value_of(j, u->a)->root) return; /* computed in place, or put back */
    if (is_plain_slot(j, u)) {
        put_slot(j, u->x, u->a);
        j->locked[0] = j->locked[1] = 0;
    } else {
        select_uop(j, u);
    }
}

static inline void forward_get(struct jit *j, const struct uop *u) {
    if (!j->v[u->dst].last) return;
    if (is_plain_slot(j, u)) {
        get_slot(j, u->dst, u->x);
        j->locked[0] = j->locked[1] = 0;
    } else {
        select_uop(j, u);
    }
}

static void go_forward(struct jit *j) {
    const struct uop *u = j->block->uops;
    const uint8_t *host = j->m->write + j->m->poll_entry; /* where the current instruction's code begins */
    uint8_t *mark = j->m->marks;
    struct value *v;
    for (uint32_t i = 0, n = j->block->nuops; i < n; i++, u++) {
        j->at = i;
        switch ((enum kind)kinds[u->op]) {
        case KIND_MARK:
            if (++j->insn) {
                mark = mark_put(mark_put(mark, (uint32_t)(j->p - host)), (uint32_t)(j->next - j->pc));
                host = j->p;
            }
            j->pc = (uint64_t)u->imm;
            j->next = j->pc + u->x;
            continue;
        case KIND_CONST: continue;
        case KIND_PUT: forward_put(j, u); break;
        case KIND_GET: forward_get(j, u); break;
        case KIND_SHARES:
            v = &j->v[u->dst];
            if (!v->last) break;
            v->root = j->v[u->a].root;
            select_uop(j, u);
            break;
        case KIND_EXTEND:
            v = &j->v[u->dst];
            if (v->needless)
                v->root = j->v[u->a].root;
            else if (v->last)
                select_uop(j, u);
            break;
        case KIND_UNARY:
        case KIND_BINARY:
        case KIND_PURE:
            v = &j->v[u->dst];
            if (v->last && !v->absorbed) select_uop(j, u);
            break;
        case KIND_OTHER:
            if (!u->dst || j->v[u->dst].last || (traits[u->op] & TRAIT_KEPT)) select_uop(j, u);
            break;
        default: __builtin_unreachable();
        }
        if (j->failed) return;
    }
    mark = mark_put(mark_put(mark, (uint32_t)(j->p - host)), (uint32_t)(j->next - j->pc));
    j->m->marks_size = (uint32_t)(mark - j->m->marks);
}

/* Far more than any block needs, so that single instructions need not check. */
static ptrdiff_t most_bytes(const struct block *k) {
    return (ptrdiff_t)k->nuops * 160 + 4096;
}

enum emit_result baseline_emit(struct emission *m, const struct target *target) {
    const struct block *k = m->block;
    const unsigned nslots = m->guest->nslots;
    struct jit jit, *j = &jit;
    j->m = m;
    j->target = target;
    j->block = k;
    j->guest = m->guest;
    j->p = m->write + m->at;
    j->limit = m->write + m->limit;
    memset(j->owner, 0, sizeof j->owner);
    j->locked[0] = j->locked[1] = 0;
    j->nspilled = 0;
    j->at = 0;
    j->cold = NULL;
    j->ncold = j->cold_cap = 0;
    j->failed = EMIT_OK;
    if (j->limit - j->p < most_bytes(k)) return EMIT_FULL;
    j->pin_of = target->pins(m);
    j->scratch[BANK_INT] = target->scratch(m, BANK_INT);
    j->scratch[BANK_FP] = target->scratch(m, BANK_FP);
    j->v = arena_alloc(m->arena, k->ntemps * sizeof *j->v);
    uint32_t *put = arena_alloc(m->arena, nslots * (sizeof *put + sizeof *j->tied));
    uint32_t *touched = arena_alloc_raw(m->arena, nslots * sizeof *touched);
    j->dead = arena_alloc_raw(m->arena, k->nuops);
    m->marks = arena_alloc_raw(m->arena, (k->ninsns + 1) * MARK_MOST);
    if (!j->v || !put || !touched || !j->dead || !m->marks || !j->pin_of) return EMIT_NO_MEMORY;
    j->tied = (uint16_t *)(put + nslots);
    look_back(j, (struct look){.uops = k->uops,
                               .v = j->v,
                               .slots = m->guest->slots,
                               .pin_of = j->pin_of,
                               .dead = j->dead,
                               .put = put,
                               .touched = touched,
                               .epoch = 1,
                               .barrier = UINT32_MAX});
    target->begin(j);
    j->insn = UINT32_MAX;
    go_forward(j);
    if (!j->failed) target->end(j);
    if (j->failed) return j->failed;
    assert(j->p - (m->write + m->at) <= most_bytes(k));
    m->end = (uint32_t)(j->p - m->write);
    return EMIT_OK;
}
