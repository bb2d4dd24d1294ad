/* select_atomic.c - atomics inline, in every kind of memory space: one locked instruction, or a loop around one.
 *
 * The locked instruction is the last that may fault, and what the cpu notes of a reservation is written after it, so a
 * fault leaves the state as it was before. Left to the interpreter: addresses that are not aligned, and an sc whose
 * reservation is for another address, which happens when a trap or signal came between. Soft spaces: what the TLB has
 * not goes by a C call, as loads and stores do.
 *
 * An sc behind the lr of the same address in one block needs neither to compare the address nor to read the value that
 * was noted: nothing between can have changed either. If it stores a sum with the lr's value, or what does not depend
 * on that, both are one instruction.
 */
#include "host/x86_64/x86_64.h"
#include "mem/mem.h"

struct atomic {
    struct mem at;
    uint8_t spare; /* a scratch register, if it writes; nothing is allocated behind atomic_begin but by atomic_end */
    uint8_t line;  /* soft spaces: the TLB line */
    struct cold *slow;
    bool w, writes;
};

static bool expects_lr(struct jit *j, const struct uop *u) {
    return j->lr.address && j->lr.address == value_of(j, u->a)->root && j->lr.space == u->x && j->lr.imm == u->imm &&
           j->lr.size >= uop_mem_size(u->op);
}

/* The address may be wrong in two ways that the interpreter is asked about. */
static void check_address(struct jit *j, const struct uop *u, uint8_t r) {
    const bool sc = u->op == UOP_sc_64 || u->op == UOP_sc_32;
    if (sc && expects_lr(j, u)) return;
    op_rr8(j, 0xf6, 0, r); /* test imm8 */
    byte(j, uop_mem_size(u->op) - 1);
    cold_new(j, COLD_INTERPRET, jcc(j, CC_NE));
    if (!sc) return;
    alu_rm(j, ALU_CMP, W64, r, AT_CPU(reserve_address));
    cold_new(j, COLD_INTERPRET, jcc(j, CC_NE));
}

/* The operand in memory, its address checked. What was locked before stays so: one register at most. */
static void atomic_begin(struct jit *j, const struct uop *u, bool writes, struct atomic *a) {
    const unsigned locked = j->locked[BANK_INT];
    const enum mem_kind kind = (enum mem_kind)mem_view_of(j, u)->kind;
    *a = (struct atomic){.w = uop_mem_size(u->op) == 8, .writes = writes, .spare = NO_REG, .line = NO_REG};
    if (kind == MEM_SOFT) {
        uint8_t t;
        if (u->b) store_arg(j, 2, u->b);
        if (u->c) store_arg(j, 3, u->c);
        soft_address(j, u, &t, &a->line);
        check_address(j, u, t);
        a->slow = soft_check(j, u, writes, HOST_CALL_ATOMIC, t, a->line);
        a->at = at_reg(t, 0);
        a->spare = a->line;
        return;
    }
    a->at = space_address(j, u);
    if (a->at.base == NO_REG || a->at.disp) {
        const bool gs = a->at.gs;
        uint8_t t = temp_reg(j, BANK_INT);
        a->at.gs = false;
        lea(j, W64, t, a->at);
        a->at = at_reg(t, 0);
        a->at.gs = gs;
        only_lock(j, BANK_INT, locked | 1u << t);
    }
    check_address(j, u, a->at.base);
    if (writes) a->spare = temp_reg(j, BANK_INT);
}

/* The slow path, if there is one, comes back here with the old value in r. */
static void atomic_end(struct jit *j, const struct uop *u, const struct atomic *a, uint8_t r) {
    if (a->slow) {
        a->slow->reg2 = r;
        a->slow->back = here(j);
    }
    if (a->writes) j->drained = true;
    if (u->dst && j->v[u->dst].last) def_from(j, u->dst, r);
}

static void lock_rm(struct jit *j, uint32_t op, const struct atomic *a, uint8_t reg) {
    byte(j, 0xf0);
    op_rm(j, op, a->w, reg, a->at);
}

/* What is in the register is an old value, of 32 bits perhaps. */
static void extend_old(struct jit *j, const struct uop *u, const struct atomic *a, uint8_t r) {
    if (!a->w && j->v[u->dst].last) op_rr(j, 0x63, W64, r, r);
}

/* A register with the operand: its own, or `spare` where it is copied to. */
static uint8_t operand_reg(struct jit *j, uint16_t t, uint8_t spare) {
    const struct value *v = value_of(j, t);
    if (!v->is_const && v->reg == NO_REG && v->slot && j->pin_of[v->slot - 1] != NO_REG) return j->pin_of[v->slot - 1];
    fetch_into(j, t, spare);
    return spare;
}

/* How the value stored comes from the old one and the operand: an instruction, or the greater or smaller of both. */
struct modify {
    bool choice;
    uint8_t alu, keep; /* enum alu; enum cc: the old value stays if it compares so */
};
static bool modify_of(enum uop_op op, struct modify *m) {
    switch (op) {
    case UOP_amo_add_64:
    case UOP_amo_add_32: *m = (struct modify){.alu = ALU_ADD}; return true;
    case UOP_amo_and_64:
    case UOP_amo_and_32: *m = (struct modify){.alu = ALU_AND}; return true;
    case UOP_amo_or_64:
    case UOP_amo_or_32: *m = (struct modify){.alu = ALU_OR}; return true;
    case UOP_amo_xor_64:
    case UOP_amo_xor_32: *m = (struct modify){.alu = ALU_XOR}; return true;
    case UOP_amo_min_64:
    case UOP_amo_min_32: *m = (struct modify){.choice = true, .keep = CC_L}; return true;
    case UOP_amo_max_64:
    case UOP_amo_max_32: *m = (struct modify){.choice = true, .keep = CC_G}; return true;
    case UOP_amo_minu_64:
    case UOP_amo_minu_32: *m = (struct modify){.choice = true, .keep = CC_B}; return true;
    case UOP_amo_maxu_64:
    case UOP_amo_maxu_32: *m = (struct modify){.choice = true, .keep = CC_A}; return true;
    default: return false;
    }
}

/* One instruction: nobody wants the old value, or it is that of a sum or an exchange. */
static void select_single(struct jit *j, const struct uop *u, bool exchange, enum alu alu) {
    struct atomic a;
    atomic_begin(j, u, true, &a);
    if (exchange || j->v[u->dst].last) {
        fetch_into(j, u->b, a.spare);
        if (exchange)
            op_rm(j, 0x87, a.w, a.spare, a.at); /* locks by itself */
        else
            lock_rm(j, 0x01c1, &a, a.spare);
        extend_old(j, u, &a, a.spare);
    } else {
        lock_rm(j, (unsigned)alu << 3 | 1, &a, operand_reg(j, u->b, a.spare));
    }
    atomic_end(j, u, &a, a.spare);
}

/* A loop: the value that was read is stored anew if it is still there. The operand is read in each turn from where no
   scratch register is needed for it. */
static void select_loop(struct jit *j, const struct uop *u, const struct modify *m) {
    struct atomic a;
    const struct value *v = value_of(j, u->b);
    const bool pinned = !v->is_const && v->slot && j->pin_of[v->slot - 1] != NO_REG;
    const bool small = v->is_const && (v->constant == (uint64_t)(int32_t)v->constant);
    const uint8_t pin = pinned ? j->pin_of[v->slot - 1] : NO_REG;
    const int32_t imm = (int32_t)v->constant;
    const struct mem memory = AT_CPU(host.args[2]);
    take_reg(j, BANK_INT, RAX);
    if (!pinned && !small) store_arg(j, 2, u->b);
    atomic_begin(j, u, true, &a);
    mov_rm(j, a.w, RAX, a.at);
    const uint8_t *again = j->p;
    if (m->choice) {
        if (pinned)
            mov_rr(j, W64, a.spare, pin);
        else if (small)
            mov_ri(j, a.spare, v->constant);
        else
            mov_rm(j, W64, a.spare, memory);
        alu_rr(j, ALU_CMP, a.w, RAX, a.spare);
        op_rr(j, 0x0140 | m->keep, a.w, a.spare, RAX);
    } else {
        mov_rr(j, W64, a.spare, RAX);
        if (pinned)
            alu_rr(j, (enum alu)m->alu, a.w, a.spare, pin);
        else if (small)
            alu_ri(j, (enum alu)m->alu, a.w, a.spare, imm);
        else
            alu_rm(j, (enum alu)m->alu, a.w, a.spare, memory);
    }
    lock_rm(j, 0x01b1, &a, a.spare);
    byte(j, 0x70u | CC_NE);
    byte(j, (unsigned)(again - (j->p + 1)));
    extend_old(j, u, &a, RAX);
    atomic_end(j, u, &a, RAX);
}

static void select_cas(struct jit *j, const struct uop *u) {
    struct atomic a;
    take_reg(j, BANK_INT, RAX);
    atomic_begin(j, u, true, &a);
    fetch_into(j, u->b, RAX);
    lock_rm(j, 0x01b1, &a, operand_reg(j, u->c, a.spare));
    extend_old(j, u, &a, RAX);
    atomic_end(j, u, &a, RAX);
}

/* ---- lr and sc as one instruction */

/* The operand behind narrowings and extensions that come after the lr (u): the same low half. What comes before may be
   all that is left of it. */
static uint16_t low_half_of(const struct jit *j, const struct uop *u, uint16_t t) {
    for (;;) {
        const struct uop *d = definition_of(j, t);
        if (d < u) return t;
        if (d->op != UOP_trunc_i32 && d->op != UOP_sext32_i64 && d->op != UOP_zext32_i64) return t;
        t = d->a;
    }
}

/* Is the temporary's value there at the lr already (u): computed before, a constant, or what a slot holds until then?
 */
static bool is_there(const struct jit *j, const struct uop *u, uint16_t t) {
    const struct uop *d = definition_of(j, t);
    if (j->v[t].absorbed) return false;
    if (d < u || j->v[t].is_const) return true;
    if (d->op != UOP_get_i64) return false;
    for (const struct uop *p = u; p < d; p++)
        if (p->op == UOP_put && p->x == d->x) return false;
    return true;
}

/* The sc of this lr, if nothing between them leaves or touches memory. */
static const struct uop *sc_of(const struct jit *j, const struct uop *u) {
    const enum uop_op sc = u->op == UOP_lr_64 ? UOP_sc_64 : UOP_sc_32;
    for (const struct uop *p = u + 1, *end = j->block->uops + j->block->nuops; p < end; p++) {
        if (p->op == sc) return p->a == u->a && p->x == u->x && p->imm == u->imm ? p : NULL;
        const struct uop_info *info = &uop_info[p->op];
        const bool plain = info->form == FORM_SLOT && !(j->guest->slots[p->x].flags & SLOT_FP_FLAGS);
        if (info->flags & (UF_EXIT | UF_END)) return NULL; /* PURE ones, too */
        if (!plain && p->op != UOP_mark && info->form != FORM_CONST && !(info->flags & UF_PURE)) return NULL;
    }
    return NULL;
}

/* Does the sc store the value of lr plus something, or something else altogether, which is there at the lr? Then that
   is *operand. */
static bool is_sum_or_exchange(const struct jit *j, const struct uop *u, const struct uop *sc, uint16_t *operand,
                               bool *exchange) {
    const bool w = u->op == UOP_lr_64;
    const uint16_t stored = w ? sc->b : low_half_of(j, u, sc->b);
    const struct uop *d = definition_of(j, stored);
    *operand = sc->b;
    *exchange = is_there(j, u, sc->b);
    if (*exchange) return true;
    if (d->op != UOP_add_i64 && (w || d->op != UOP_add_i32)) return false;
    const uint16_t p = w ? d->a : low_half_of(j, u, d->a), q = w ? d->b : low_half_of(j, u, d->b);
    if (p != u->dst && q != u->dst) return false;
    *operand = p == u->dst ? q : p;
    return is_there(j, u, *operand);
}

static void fetch_at_lr(struct jit *j, const struct uop *u, uint16_t t, uint8_t r) {
    const struct uop *d = definition_of(j, t);
    if (d < u || j->v[t].is_const)
        fetch_into(j, t, r);
    else if (j->pin_of[d->x] != NO_REG)
        mov_rr(j, W64, r, j->pin_of[d->x]);
    else
        mov_rm(j, W64, r, at_cpu(j->guest->slots[d->x].offset));
}

/* At the lr everything is done; the sc says that it has succeeded. If this faults, lr and sc are interpreted, or code
   of their own. */
static bool select_lr_sc(struct jit *j, const struct uop *u) {
    const enum mem_kind kind = (enum mem_kind)mem_view_of(j, u)->kind;
    struct atomic a;
    uint16_t operand;
    bool exchange;
    if (kind != MEM_DIRECT && kind != MEM_WINDOW) return false; /* in C an lr would fault where only an sc may */
    const struct uop *sc = sc_of(j, u);
    if (!sc || !is_sum_or_exchange(j, u, sc, &operand, &exchange)) return false;
    atomic_begin(j, u, true, &a);
    fetch_at_lr(j, u, operand, a.spare);
    if (exchange)
        op_rm(j, 0x87, a.w, a.spare, a.at);
    else
        lock_rm(j, 0x01c1, &a, a.spare);
    extend_old(j, u, &a, a.spare);
    /* The next locked instruction waits for all stores: one that changes nothing is left out. */
    alu_mi(j, ALU_CMP, W64, AT_CPU(reserve_address), -1);
    uint8_t *none = jcc_short(j, CC_E);
    mov_mi(j, W64, AT_CPU(reserve_address), -1);
    short_here(j, none);
    atomic_end(j, u, &a, a.spare);
    j->lr.address = 0;
    j->sc_done = (uint32_t)(sc - j->block->uops);
    return true;
}

static void select_lr(struct jit *j, const struct uop *u) {
    if (select_lr_sc(j, u)) return;
    struct atomic a;
    const uint16_t address = value_of(j, u->a)->root;
    uint8_t to = temp_reg(j, BANK_INT), at;
    atomic_begin(j, u, false, &a);
    op_rm(j, a.w ? 0x8b : 0x63, W64, to, a.at);
    at = a.at.base;
    if (a.line != NO_REG) { /* the guest's address again */
        alu_rm(j, ALU_SUB, W64, at, at_reg(a.line, offsetof(struct tlb_line, host)));
        alu_rm(j, ALU_XOR, W64, at, at_reg(a.line, offsetof(struct tlb_line, read)));
    }
    mov_mr(j, W64, AT_CPU(reserve_address), at);
    mov_mr(j, W64, AT_CPU(reserve_value), to);
    atomic_end(j, u, &a, to);
    j->lr = (struct noted){.address = address, .value = u->dst, .space = u->x, .size = a.w ? 8 : 4, .imm = u->imm};
}

static void select_sc(struct jit *j, const struct uop *u) {
    struct atomic a;
    if (j->at == j->sc_done) {
        if (j->v[u->dst].last) mov_ri(j, def_reg(j, u->dst), 0);
        return;
    }
    take_reg(j, BANK_INT, RAX);
    atomic_begin(j, u, true, &a);
    const struct value *noted = expects_lr(j, u) && j->v[j->lr.value].last ? &j->v[j->lr.value] : NULL;
    uint8_t value = NO_REG;
    if (noted && noted->reg != NO_REG)
        value = noted->reg;
    else if (noted && noted->slot)
        value = j->pin_of[noted->slot - 1];
    if (value != NO_REG)
        mov_rr(j, W64, RAX, value);
    else
        mov_rm(j, W64, RAX, AT_CPU(reserve_value));
    lock_rm(j, 0x01b1, &a, operand_reg(j, u->b, a.spare));
    if (j->v[u->dst].last) {
        op_rr8(j, 0x0190 | CC_NE, 0, RAX);
        op_rr8(j, 0x01b6, RAX, RAX);
    }
    mov_mi(j, W64, AT_CPU(reserve_address), -1);
    atomic_end(j, u, &a, RAX);
    j->lr.address = 0;
}

bool select_atomic(struct jit *j, const struct uop *u) {
    struct modify m;
    if (mem_view_of(j, u)->kind == MEM_NONE) { /* the interpreter says so */
        cold_new(j, COLD_INTERPRET, jmp(j));
        if (j->v[u->dst].last) def_reg(j, u->dst);
        return true;
    }
    switch ((enum uop_op)u->op) {
    case UOP_amo_swap_64:
    case UOP_amo_swap_32: select_single(j, u, true, ALU_ADD); return true;
    case UOP_cas_64:
    case UOP_cas_32: select_cas(j, u); return true;
    case UOP_lr_64:
    case UOP_lr_32: select_lr(j, u); return true;
    case UOP_sc_64:
    case UOP_sc_32: select_sc(j, u); return true;
    default:
        if (!modify_of((enum uop_op)u->op, &m)) return false;
        if (!m.choice && (m.alu == ALU_ADD || !j->v[u->dst].last))
            select_single(j, u, false, (enum alu)m.alu);
        else
            select_loop(j, u, &m);
        return true;
    }
}
