/* baseline.c - the one-pass translator's passes over a block: a look backwards, then one uop after the other.
 *
 * Backwards: last uses; puts that another put of the same slot follows with no exit between are dead; a result that is
 * put into a pinned slot, even by a dead put, is computed there if nothing is in the way; a uop whose only user can do
 * its work too is left to that; an extension of which the narrow half alone is read is its operand. Forwards: the
 * target selects code uop by uop. Nothing here knows the target's instructions.
 */
#include "host/baseline.h"
#include <assert.h>
#include <string.h>

static enum bank bank_of(enum type t) {
    return t == T_F32 || t == T_F64 ? BANK_FP : BANK_INT;
}
static unsigned slot_size(const struct jit *j, unsigned slot) {
    return j->guest->slots[slot].type == T_I32 ? 4 : 8;
}

/* What the passes ask of a uop's kind, in one byte. */
enum trait {
    TRAIT_LEAVES = 1, /* may leave; targets leave to the interpreter when a narrow value is not boxed */
    TRAIT_PURE = 2,
    TRAIT_END = 4,
    TRAIT_KEPT = 8,    /* selected even if nobody wants the result */
    TRAIT_SHARES = 16, /* a narrowing: the same register read narrower */
    TRAIT_CONST = 32,
    TRAIT_GET = 64,
    TRAIT_SPECIAL = 128 /* mark or put */
};
enum { PURE = UF_PURE, COMM = UF_COMM, FP = UF_FP, EXIT = UF_EXIT, EFFECT = UF_EFFECT, END = UF_END, HAND = UF_HAND };
#define IS(name, other) (UOP_##name == UOP_##other)
#define SHARES(name)    (IS(name, trunc_i32) || IS(name, low_f32) || IS(name, unbox_f32))
#define SPECIAL(name)   (IS(name, mark) || IS(name, put))
#define U(name, r, a, b, c, form, flags, meaning)                                                                      \
    [UOP_##name] = (((flags)&EXIT) || IS(name, unbox_f32) ? TRAIT_LEAVES : 0) | ((flags)&PURE ? TRAIT_PURE : 0) |      \
                   ((flags)&END ? TRAIT_END : 0) | ((flags) & (EXIT | EFFECT | FP) ? TRAIT_KEPT : 0) |                 \
                   (SHARES(name) ? TRAIT_SHARES : 0) | (FORM_##form == FORM_CONST ? TRAIT_CONST : 0) |                 \
                   (FORM_##form == FORM_SLOT && !SPECIAL(name) ? TRAIT_GET : 0) | (SPECIAL(name) ? TRAIT_SPECIAL : 0),
static const uint8_t traits[UOP_COUNT] = {
#include "core/uop.def"
};
#undef U

static inline void note_narrow_use(struct jit *j, uint16_t t, uint32_t i) {
    struct value *v = &j->v[t]; /* of temporary 0, too: nobody looks */
    v->several |= v->last != 0;
    if (v->last < i) v->last = i;
}
static inline void note_use(struct jit *j, uint16_t t, uint32_t i) {
    note_narrow_use(j, t, i);
    j->v[t].whole = true;
}

/* An extension of which only the narrow half is read is its operand. */
static bool is_needless(const struct value *v, const struct uop *u) {
    return (u->op == UOP_sext32_i64 || u->op == UOP_zext32_i64) && !v->whole;
}

/* The only use of the uop's result may take over its work. */
static bool is_absorbed(struct jit *j, const struct uop *u) {
    struct value *v = &j->v[u->dst];
    if (v->several || j->v[u->a].is_const) return false;
    const struct uop *user = &j->block->uops[v->last];
    if (user->a != u->dst && user->b != u->dst) return false; /* but through a narrowing */
    if (user->c || !j->target->absorbs(j, user, u)) return false;
    return v->absorbed = !j->v[user->a].absorbed && !j->v[user->b].absorbed;
}

/* At the definition of a value that a put wants in slot `hint`: is it free from here to there, and does nothing leave
   between? Then what the value is made from by unary uops may be computed there, too. */
static inline void decide_hint(struct jit *j, struct value *v, const struct uop *u, uint32_t i, const uint32_t *touched,
                               uint32_t barrier) {
    if (v->hint_barrier != barrier || touched[v->hint - 1] != v->hint_at) {
        v->hint = 0;
        return;
    }
    if (u->b || !u->a || (traits[u->op] & (TRAIT_PURE | TRAIT_SHARES)) != TRAIT_PURE) return;
    struct value *a = &j->v[u->a];
    if (a->last != i || a->bank != v->bank || a->is_const) return;
    a->hint = v->hint;
    a->hint_at = v->hint_at;
    a->hint_barrier = barrier;
}

static void look_back(struct jit *j) {
    const struct block *k = j->block;
    const unsigned nslots = j->guest->nslots;
    uint32_t *later = arena_alloc(j->m->arena, 2 * nslots * sizeof *later), epoch = 1;
    uint32_t *touched = later + nslots, barrier = 1;
    if (!later) {
        j->give_up = true;
        return;
    }
    j->v[0] = (struct value){.reg = NO_REG};
    for (uint32_t i = 0; i < k->nuops; i++) {
        const struct uop *u = &k->uops[i];
        if (!u->dst) continue;
        const unsigned is = traits[u->op];
        j->v[u->dst] = (struct value){.def = i,
                                      .root = is & TRAIT_SHARES ? j->v[u->a].root : u->dst, /* maybe more, later */
                                      .reg = NO_REG,
                                      .bank = (uint8_t)bank_of(k->types[u->dst]),
                                      .is_const = is & TRAIT_CONST,
                                      .constant = (uint64_t)u->imm};
    }
    for (uint32_t i = k->nuops; i-- > 0;) {
        const struct uop *u = &k->uops[i];
        const unsigned is = traits[u->op];
        if (is & TRAIT_SPECIAL) {
            if (u->op == UOP_mark) {
                barrier++;
                continue;
            }
            /* A dead put says that until the next one the slot's pin may hold anything: this value, for one. */
            struct value *v = &j->v[u->a];
            bool dead = later[u->x] == epoch, pinned = j->pin_of[u->x] != NO_REG && !v->is_const && v->root == u->a;
            touched[u->x] = i;
            j->dead[i] = dead;
            if (!dead) {
                if (!(j->guest->slots[u->x].flags & SLOT_FP_FLAGS)) later[u->x] = epoch;
                note_use(j, u->a, i);
            }
            if (!pinned || (dead && v->hint)) continue;
            v->hint = (uint16_t)(u->x + 1);
            v->hint_at = i;
            v->hint_barrier = barrier;
            continue;
        }
        struct value *v = &j->v[u->dst];
        if (is & TRAIT_GET) {
            later[u->x] = 0;
            touched[u->x] = i;
            v->hint = 0;
            continue;
        }
        if (is & (TRAIT_LEAVES | TRAIT_END)) {
            epoch++;
            if (v->hint) decide_hint(j, v, u, i, touched, barrier);
            barrier++;
        }
        if (is & TRAIT_PURE) {
            if (is & TRAIT_SHARES) {
                if (v->last) note_narrow_use(j, u->a, v->last);
                j->v[u->a].several |= v->several;
                v->hint = 0;
                continue;
            }
            if (!v->last) continue; /* a pure uop whose result nobody wants uses nothing */
            if (is_needless(v, u)) {
                struct value *a = &j->v[u->a];
                v->needless = true;
                note_use(j, u->a, v->last);
                a->several |= v->several;
                if (v->hint && !a->hint && !a->is_const && v->hint_barrier == barrier) {
                    a->hint = v->hint;
                    a->hint_at = v->hint_at;
                    a->hint_barrier = barrier;
                }
                continue;
            }
            if (u->b && !u->c && is_absorbed(j, u)) {
                note_use(j, u->a, v->last);
                v->hint = 0;
                continue;
            }
        }
        note_use(j, u->a, i);
        note_use(j, u->b, i);
        note_use(j, u->c, i);
        if (v->hint && !(is & TRAIT_LEAVES)) decide_hint(j, v, u, i, touched, barrier);
    }
}

bool value_dies(struct jit *j, uint16_t t) {
    return value_of(j, t)->last <= j->at;
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

static void evict(struct jit *j, enum bank bank, uint8_t r) {
    uint16_t t = j->owner[bank][r];
    if (!t) return;
    struct value *v = &j->v[t];
    if (v->last >= j->at && !has_place(j, v)) {
        if (!j->spills) {
            j->give_up = true;
        } else {
            unsigned cell = (unsigned)__builtin_ctzll(j->spills);
            j->spills &= j->spills - 1;
            v->spill = (uint16_t)(cell + 1);
            j->target->store(j, bank, (uint32_t)(offsetof(struct cpu, spill) + 8 * cell), r, 8);
        }
    }
    free_reg(j, v);
}

/* Prefers a free register, then one whose value is elsewhere too, then the one wanted latest. */
static uint8_t pick(struct jit *j, enum bank bank) {
    uint8_t best = NO_REG;
    uint64_t best_score = 0;
    for (unsigned n = 0; n < MAX_SCRATCH; n++) {
        uint8_t r = j->target->scratch[bank][n];
        if (r == NO_REG) break;
        if (j->locked[bank] >> r & 1) continue;
        uint16_t t = j->owner[bank][r];
        if (!t) return r;
        const struct value *v = &j->v[t];
        uint64_t score = 1 + v->last + (has_place(j, v) ? 1u << 20 : 0);
        if (score > best_score) {
            best_score = score;
            best = r;
        }
    }
    if (best == NO_REG) {
        j->give_up = true;
        return j->target->scratch[bank][0];
    }
    return best;
}

void take_reg(struct jit *j, enum bank bank, uint8_t r) {
    uint16_t t = j->owner[bank][r];
    if (t && j->v[t].last > j->at - 1 && !has_place(j, &j->v[t])) {
        for (unsigned n = 0; n < MAX_SCRATCH; n++) { /* a move is cheaper than a spill */
            uint8_t to = j->target->scratch[bank][n];
            if (to == NO_REG) break;
            if (to == r || j->owner[bank][to] || (j->locked[bank] >> to & 1)) continue;
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

uint8_t temp_reg(struct jit *j, enum bank bank) {
    uint8_t r = pick(j, bank);
    evict(j, bank, r);
    j->locked[bank] |= (uint16_t)(1u << r);
    return r;
}

uint8_t reg_now(struct jit *j, uint16_t t) {
    struct value *v = value_of(j, t);
    uint8_t r = v->reg;
    if (r == NO_REG && v->slot && !v->is_const) return j->pin_of[v->slot - 1];
    if (r != NO_REG) j->locked[v->bank] |= (uint16_t)(1u << r);
    return r;
}

bool in_memory(struct jit *j, uint16_t t, uint32_t *offset) {
    struct value *v = value_of(j, t);
    if (v->reg != NO_REG || v->is_const) return false;
    if (v->slot && j->pin_of[v->slot - 1] == NO_REG)
        *offset = j->guest->slots[v->slot - 1].offset;
    else if (!v->slot && v->spill)
        *offset = (uint32_t)(offsetof(struct cpu, spill) + 8 * (v->spill - 1u));
    else
        return false;
    return true;
}

void fetch_into(struct jit *j, uint16_t t, uint8_t r) {
    struct value *v = value_of(j, t);
    uint32_t offset;
    if (v->is_const)
        j->target->constant(j, r, v->constant);
    else if (in_memory(j, t, &offset))
        j->target->load(j, v->bank, r, offset, v->slot ? slot_size(j, v->slot - 1u) : 8);
    else
        j->target->move(j, v->bank, r, v->reg != NO_REG ? v->reg : j->pin_of[v->slot - 1]);
}

static void own(struct jit *j, struct value *v, uint8_t r) {
    v->reg = r;
    j->owner[v->bank][r] = (uint16_t)(v - j->v);
}

uint8_t use_reg(struct jit *j, uint16_t t) {
    uint8_t r = reg_now(j, t);
    if (r != NO_REG) return r;
    struct value *v = value_of(j, t);
    uint32_t offset;
    r = temp_reg(j, v->bank);
    if (v->is_const)
        j->target->constant(j, r, v->constant);
    else if (in_memory(j, t, &offset))
        j->target->load(j, v->bank, r, offset, v->slot ? slot_size(j, v->slot - 1u) : 8);
    else
        j->give_up = true; /* a value that is nowhere: the block was not checked */
    own(j, v, r);
    return r;
}

void def_in(struct jit *j, uint16_t t, uint8_t r) {
    evict(j, j->v[t].bank, r);
    own(j, &j->v[t], r);
}

/* A value that loses its slot while it is still wanted goes to a scratch register. */
static void untie(struct jit *j, unsigned slot) {
    uint16_t t = j->tied[slot];
    if (!t) return;
    j->tied[slot] = 0;
    struct value *v = &j->v[t];
    if (v->last > j->at && v->reg == NO_REG && !v->is_const && !v->spill) {
        uint8_t r = use_reg(j, t);
        uint8_t pin = j->pin_of[slot];
        if (r == pin) {
            r = temp_reg(j, v->bank);
            j->target->move(j, v->bank, r, pin);
            own(j, v, r);
        }
    }
    v->slot = 0;
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
    if (old && j->v[old].last > j->at) return NO_REG;
    if (old) j->v[old].slot = 0; /* it dies here; rules read operands by the registers they already have */
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
    uint8_t pin = j->pin_of[slot];
    uint32_t offset = j->guest->slots[slot].offset;
    unsigned size = slot_size(j, slot);
    if (j->tied[slot] == root && v->slot == slot + 1) return; /* computed in place, or a put of what was got */
    untie(j, slot);
    if (v->is_const) {
        if (pin != NO_REG && v->bank == BANK_INT)
            j->target->constant(j, pin, v->constant);
        else
            j->target->store_constant(j, offset, v->constant, size);
        return;
    }
    uint8_t r = use_reg(j, t);
    if (pin != NO_REG)
        j->target->move(j, v->bank, pin, r);
    else
        j->target->store(j, v->bank, offset, r, size);
    if (!v->slot && size == 8) {
        j->tied[slot] = root;
        v->slot = (uint16_t)(slot + 1);
        if (pin != NO_REG) free_reg(j, v);
    }
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
    if (old) j->v[old].slot = 0;
    j->tied[slot] = t;
    v->slot = (uint16_t)(slot + 1);
}

void leave_pins(struct jit *j) {
    for (unsigned s = 0; s < j->guest->nslots; s++) untie(j, s);
}

static inline void release(struct jit *j, uint16_t t) {
    if (!t) return;
    struct value *v = value_of(j, t);
    if (v->last > j->at) return;
    free_reg(j, v);
    if (!v->spill) return;
    j->spills |= 1ull << (v->spill - 1);
    v->spill = 0;
}

void absorbed_done(struct jit *j, uint16_t t) {
    release(j, t);
}

/* What died in this uop gives its register and its spill cell back. Only operands die, and results nobody wants. */
static void uop_done(struct jit *j, const struct uop *u) {
    release(j, u->a);
    release(j, u->b);
    release(j, u->c);
    release(j, u->dst);
    j->locked[0] = j->locked[1] = 0;
}

enum emit_result baseline_emit(struct emission *m, const struct target *target) {
    const struct block *k = m->block;
    struct jit *j = arena_alloc(m->arena, sizeof *j);
    if (!j) return EMIT_GIVE_UP;
    *j = (struct jit){.m = m, .target = target, .block = k, .guest = m->guest, .spills = UINT64_MAX};
    j->p = m->write + m->at;
    j->limit = m->write + m->limit;
    j->v = arena_alloc_raw(m->arena, k->ntemps * sizeof *j->v);
    j->pin_of = target->pins(m);
    j->tied = arena_alloc(m->arena, (m->guest->nslots + 1) * sizeof *j->tied);
    j->dead = arena_alloc(m->arena, k->nuops);
    m->marks = arena_alloc_raw(m->arena, (k->ninsns + 1) * sizeof *m->marks);
    if (!j->v || !j->pin_of || !j->tied || !j->dead || !m->marks) return EMIT_GIVE_UP;
    /* Far more than any block needs, so that single instructions need not check. */
    if (j->limit - j->p < (ptrdiff_t)(k->nuops * 160 + 4096)) return EMIT_FULL;
    look_back(j);
    target->begin(j);
    j->insn = UINT32_MAX;
    for (uint32_t i = 0; i < k->nuops && !j->give_up; i++) {
        const struct uop *u = &k->uops[i];
        j->at = i;
        if (u->op == UOP_mark) {
            if (m->nmarks) m->marks[m->nmarks - 1].host_end = (uint32_t)(j->p - m->write) - m->poll_entry;
            m->marks[m->nmarks++] = (struct pc_mark){.guest_off = (uint32_t)((uint64_t)u->imm - k->pc)};
            j->insn++;
            j->pc = (uint64_t)u->imm;
            j->next = j->pc + u->x;
            continue;
        }
        if (u->dst) {
            const struct value *v = &j->v[u->dst];
            if (v->is_const || v->absorbed || (!v->last && !(traits[u->op] & TRAIT_KEPT))) continue;
            if (v->needless || (traits[u->op] & TRAIT_SHARES)) j->v[u->dst].root = j->v[u->a].root;
            if (v->needless) continue;
        } else if (j->dead[i]) {
            continue;
        }
        target->select(j, u);
        uop_done(j, u);
    }
    if (m->nmarks) m->marks[m->nmarks - 1].host_end = (uint32_t)(j->p - m->write) - m->poll_entry;
    if (!j->give_up) target->end(j);
    if (j->give_up) return EMIT_GIVE_UP;
    m->end = (uint32_t)(j->p - m->write);
    return EMIT_OK;
}
