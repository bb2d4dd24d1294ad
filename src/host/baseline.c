/* baseline.c - the one-pass translator's passes over a block: a look backwards, then one uop after the other.
 *
 * Backwards: last uses; puts that another put of the same slot follows with no exit between are dead; a result that is
 * put into a pinned slot right after is computed there; a uop whose only user can do its work too is left to that.
 * Forwards: the target selects code uop by uop. Nothing here
 * knows the target's instructions.
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

/* A narrowing is the same register read narrower. */
static bool shares_place(enum uop_op op) {
    return op == UOP_trunc_i32 || op == UOP_low_f32 || op == UOP_unbox_f32;
}

/* Besides the uops that say so: targets leave to the interpreter when a narrow value is not boxed. */
static bool may_leave(const struct uop *u) {
    return (uop_info[u->op].flags & UF_EXIT) || u->op == UOP_unbox_f32;
}

static bool is_unary_pure(const struct uop *u) {
    return (uop_info[u->op].flags & UF_PURE) && u->a && !u->b && !u->c && !shares_place(u->op);
}

/* Lets the definition of t, and of what it is made from by unary uops, write the pin of slot s. */
static void give_hint(struct jit *j, uint16_t t, unsigned s, uint32_t put_at) {
    for (;;) {
        struct value *v = &j->v[t];
        if (v->root != t || v->is_const || v->hint || v->def + 6 < put_at) return;
        for (uint32_t i = v->def + 1; i < put_at; i++) {
            const struct uop *u = &j->block->uops[i];
            const struct uop_info *info = &uop_info[u->op];
            bool slot_form = info->form == FORM_SLOT;
            if (may_leave(u) || (slot_form && u->x == s) || u->op == UOP_mark) return;
        }
        const struct uop *d = &j->block->uops[v->def];
        if (uop_info[d->op].form == FORM_SLOT) return;
        v->hint = (uint16_t)(s + 1);
        if (!is_unary_pure(d)) return;
        uint16_t a = j->v[d->a].root;
        if (j->v[a].last != v->def || j->v[a].bank != v->bank || a != d->a) return;
        put_at = v->def;
        t = a;
    }
}

static inline void note_use(struct jit *j, uint16_t t, uint32_t i) {
    if (!t) return;
    struct value *v = &j->v[t], *r = &j->v[v->root];
    v->several |= v->last != 0;
    r->several |= r->last != 0;
    if (v->last < i) v->last = i;
    if (r->last < i) r->last = i;
}

/* The only use of the uop's result may take over its work. */
static bool is_absorbed(struct jit *j, const struct uop *u) {
    struct value *v = &j->v[u->dst];
    if (v->several || v->root != u->dst || j->v[u->a].is_const) return false;
    const struct uop *user = &j->block->uops[v->last];
    if (user->c || !j->target->absorbs(j, user, u)) return false;
    return v->absorbed = !j->v[user->a].absorbed && !j->v[user->b].absorbed;
}

static void look_back(struct jit *j) {
    const struct block *k = j->block;
    uint32_t *later = arena_alloc(j->m->arena, (j->guest->nslots + 1) * sizeof *later), epoch = 1;
    uint32_t *puts = arena_alloc_raw(j->m->arena, k->nuops * sizeof *puts), nputs = 0;
    if (!later || !puts) {
        j->give_up = true;
        return;
    }
    for (uint32_t i = 0; i < k->nuops; i++) {
        const struct uop *u = &k->uops[i];
        if (!u->dst) continue;
        struct value *v = &j->v[u->dst];
        *v = (struct value){.def = i, .root = u->dst, .reg = NO_REG, .bank = (uint8_t)bank_of(k->types[u->dst])};
        if (u->op == UOP_const_i64 || u->op == UOP_const_i32) {
            v->is_const = true;
            v->constant = (uint64_t)u->imm;
        } else if (shares_place(u->op)) {
            v->root = j->v[u->a].root;
        }
    }
    for (uint32_t i = k->nuops; i-- > 0;) {
        const struct uop *u = &k->uops[i];
        const struct uop_info *info = &uop_info[u->op];
        if (u->op == UOP_put) {
            if (later[u->x] == epoch) {
                j->dead[i] = true;
                continue;
            }
            if (!(j->guest->slots[u->x].flags & SLOT_FP_FLAGS)) later[u->x] = epoch;
            if (j->pin_of[u->x] != NO_REG) puts[nputs++] = i;
        } else if (info->form == FORM_SLOT) {
            later[u->x] = 0;
        }
        if (may_leave(u) || (info->flags & UF_END)) epoch++;
        /* A pure uop whose result nobody wants uses nothing. */
        if (u->dst && !j->v[u->dst].last && (info->flags & UF_PURE)) continue;
        if (u->dst && (info->flags & UF_PURE) && !u->c && is_absorbed(j, u)) {
            note_use(j, u->a, j->v[u->dst].last);
            continue;
        }
        note_use(j, u->a, i);
        note_use(j, u->b, i);
        note_use(j, u->c, i);
    }
    while (nputs--) give_hint(j, k->uops[puts[nputs]].a, k->uops[puts[nputs]].x, puts[nputs]);
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

static void release(struct jit *j, uint16_t t) {
    if (!t) return;
    struct value *v = value_of(j, t);
    if (v->last > j->at) return;
    if (v->absorbed) release(j, j->block->uops[v->def].a);
    free_reg(j, v);
    if (!v->spill) return;
    j->spills |= 1ull << (v->spill - 1);
    v->spill = 0;
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
        if (j->dead[i]) continue;
        if (u->dst && !j->v[u->dst].last && !(uop_info[u->op].flags & (UF_EXIT | UF_EFFECT | UF_FP))) continue;
        if (u->dst && (j->v[u->dst].is_const || j->v[u->dst].absorbed)) continue;
        target->select(j, u);
        uop_done(j, u);
    }
    if (m->nmarks) m->marks[m->nmarks - 1].host_end = (uint32_t)(j->p - m->write) - m->poll_entry;
    if (!j->give_up) target->end(j);
    if (j->give_up) return EMIT_GIVE_UP;
    m->end = (uint32_t)(j->p - m->write);
    return EMIT_OK;
}
