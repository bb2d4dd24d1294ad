/* select_mem.c - loads and stores for each kind of memory space, and the addresses of atomics.
 *
 * Direct, window and linear spaces: one host instruction, which may fault; the instruction is then interpreted. Soft
 * spaces: the TLB line inline, the walk in C. A load's result is written by its last instruction, and a store is its
 * last instruction, so a fault leaves the state as it was before.
 */
#include "host/x86_64/x86_64.h"
#include "mem/mem.h"

const struct mem_view *mem_view_of(const struct jit *j, const struct uop *u) {
    return &j->m->cpu->mem[u->x];
}

/* Of an address nothing is needed any more but this register, beside what was locked before. */
static struct mem at_last(struct jit *j, unsigned locked, uint8_t r) {
    only_lock(j, BANK_INT, locked | 1u << r);
    return at_reg(r, 0);
}

/* Address a + imm as one memory operand, without any check. Locks one register at most. */
static struct mem plain_address(struct jit *j, const struct uop *u) {
    const struct value *v = value_of(j, u->a);
    const unsigned locked = j->locked[BANK_INT];
    if (v->is_const) {
        uint64_t address = v->constant + (uint64_t)u->imm;
        if (address == (uint64_t)(int32_t)address)
            return (struct mem){.base = NO_REG, .index = NO_REG, .disp = (int32_t)address};
        uint8_t t = temp_reg(j, BANK_INT);
        uint64_t page = address & ~0x7ffull;
        mov_ri(j, t, page);
        return at_reg(t, (int32_t)(address - page));
    }
    uint8_t a = use_reg(j, u->a);
    if (u->imm == (int32_t)u->imm) return at_reg(a, (int32_t)u->imm);
    uint8_t t = temp_reg(j, BANK_INT);
    mov_ri(j, t, (uint64_t)u->imm);
    alu_rr(j, ALU_ADD, W64, t, a);
    return at_last(j, locked, t);
}

/* Window: anything at or above the limit is left to the interpreter, which reports it. */
static struct mem window_address(struct jit *j, const struct uop *u) {
    uint64_t limit = mem_view_of(j, u)->limit;
    const unsigned locked = j->locked[BANK_INT];
    struct mem m = plain_address(j, u);
    uint8_t t = temp_reg(j, BANK_INT);
    lea(j, W64, t, m);
    only_lock(j, BANK_INT, locked | 1u << t);
    uint8_t s = temp_reg(j, BANK_INT);
    mov_rr(j, W64, s, t);
    shift_ri(j, SH_SHR, W64, s, (unsigned)__builtin_ctzll(limit));
    cold_new(j, COLD_INTERPRET, jcc(j, CC_NE));
    only_lock(j, BANK_INT, locked | 1u << t);
    return (struct mem){.base = t, .index = NO_REG, .gs = true};
}

#define AT_VIEW(u, member)                                                                                             \
    at_cpu((uint32_t)(offsetof(struct cpu, mem) + (u)->x * sizeof(struct mem_view) + offsetof(struct mem_view, member)))

/* The line of the address in t, in a register that it locks. */
static uint8_t soft_line(struct jit *j, const struct uop *u, uint8_t t) {
    uint8_t s = temp_reg(j, BANK_INT);
    mov_rr(j, W64, s, t);
    shift_ri(j, SH_SHR, W64, s, TLB_PAGE_SHIFT - TLB_LINE_SHIFT);
    alu_rm(j, ALU_AND, W64, s, AT_VIEW(u, mask));
    alu_rm(j, ALU_ADD, W64, s, AT_VIEW(u, lines));
    return s;
}

void soft_address(struct jit *j, const struct uop *u, uint8_t *t, uint8_t *s) {
    const unsigned locked = j->locked[BANK_INT];
    struct mem m = plain_address(j, u);
    *t = temp_reg(j, BANK_INT);
    lea(j, W64, *t, m);
    only_lock(j, BANK_INT, locked | 1u << *t);
    *s = soft_line(j, u, *t);
}

struct cold *soft_check(struct jit *j, const struct uop *u, bool write, enum host_call call, uint8_t t, uint8_t s) {
    uint32_t tag = write ? offsetof(struct tlb_line, write) : offsetof(struct tlb_line, read);
    alu_rm(j, ALU_XOR, W64, t, at_reg(s, (int32_t)tag));
    alu_ri(j, ALU_CMP, W64, t, (int32_t)(4096 - uop_mem_size(u->op)));
    struct cold *c = cold_new(j, COLD_CALL, jcc(j, CC_A));
    if (c) {
        c->op = u->op;
        c->value = u->op | (uint64_t)u->x << 16;
        c->reg = t;
        c->mem = at_reg(s, (int32_t)tag);
        c->call = (uint8_t)call;
    }
    alu_rm(j, ALU_ADD, W64, t, at_reg(s, offsetof(struct tlb_line, host)));
    return c;
}

struct mem space_address(struct jit *j, const struct uop *u) {
    switch ((enum mem_kind)mem_view_of(j, u)->kind) {
    case MEM_DIRECT: return plain_address(j, u);
    case MEM_WINDOW: return window_address(j, u);
    case MEM_LINEAR: {
        struct mem m = plain_address(j, u);
        m.gs = true;
        return m;
    }
    default: /* no memory at all: the interpreter says so */ cold_new(j, COLD_INTERPRET, jmp(j)); return at_reg(RAX, 0);
    }
}

static void emit_load(struct jit *j, enum uop_op op, uint8_t to, struct mem m) {
    switch (op) {
    case UOP_load_u8: op_rm(j, 0x01b6, W32, to, m); break;
    case UOP_load_s8: op_rm(j, 0x01be, W64, to, m); break;
    case UOP_load_u16: op_rm(j, 0x01b7, W32, to, m); break;
    case UOP_load_s16: op_rm(j, 0x01bf, W64, to, m); break;
    case UOP_load_u32: mov_rm(j, W32, to, m); break;
    case UOP_load_s32: op_rm(j, 0x63, W64, to, m); break;
    case UOP_load_64: mov_rm(j, W64, to, m); break;
    case UOP_load_f32: op_rm(j, 0x66016e, W32, to, m); break;
    case UOP_load_v128: op_rm(j, MOVUPS_LOAD, W32, to, m); break;
    default: op_rm(j, 0xf3017e, W32, to, m); break;
    }
}

static void emit_store(struct jit *j, enum uop_op op, uint8_t from, struct mem m) {
    switch (op) {
    case UOP_store_8: op_rm8(j, 0x88, from, m); break;
    case UOP_store_16: op_rm(j, 0x660089, W32, from, m); break;
    case UOP_store_32: mov_mr(j, W32, m, from); break;
    case UOP_store_64: mov_mr(j, W64, m, from); break;
    case UOP_store_f32: op_rm(j, 0x66017e, W32, from, m); break;
    case UOP_store_v128: op_rm(j, MOVUPS_STORE, W32, from, m); break;
    default: op_rm(j, 0x6601d6, W32, from, m); break;
    }
}

static bool is_scratch(const struct jit *j, uint8_t r) {
    const uint8_t *scratch = j->scratch[BANK_INT];
    while (*scratch != NO_REG && *scratch != r) scratch++;
    return *scratch == r;
}

/* Where values are used that loads yield, others wait for them: the address goes to memory by way of what the line adds
   to it, and nobody waits for the tag. */
static void soft_load(struct jit *j, const struct uop *u) {
    const unsigned locked = j->locked[BANK_INT];
    const struct value *v = value_of(j, u->a);
    uint8_t t;
    if (u->imm || v->is_const) {
        struct mem m = plain_address(j, u);
        t = temp_reg(j, BANK_INT);
        lea(j, W64, t, m);
        only_lock(j, BANK_INT, locked | 1u << t);
    } else {
        t = use_reg(j, u->a);
    }
    const uint8_t s = soft_line(j, u, t);
    const bool wanted = j->v[u->dst].last, fp = j->v[u->dst].bank == BANK_FP;
    uint8_t to = wanted ? def_reg(j, u->dst) : fp ? temp_reg(j, BANK_FP) : NO_REG;
    /* Until then its own register serves, unless that is a pin, which only the last instruction may write. */
    const uint8_t r = !fp && to != NO_REG && to != t && is_scratch(j, to) ? to : temp_reg(j, BANK_INT);
    if (to == NO_REG) to = r;
    mov_rr(j, W64, r, t);
    alu_rm(j, ALU_XOR, W64, r, at_reg(s, offsetof(struct tlb_line, read)));
    alu_ri(j, ALU_CMP, W64, r, (int32_t)(4096 - uop_mem_size(u->op)));
    struct cold *c = cold_new(j, COLD_CALL, jcc(j, CC_A));
    if (c) {
        c->op = u->op;
        c->value = u->op | (uint64_t)u->x << 16;
        c->reg = t;
        c->mem = (struct mem){.base = NO_REG, .index = NO_REG};
        c->call = HOST_CALL_READ;
        c->reg2 = to;
        c->flag = fp;
    }
    mov_rm(j, W64, s, at_reg(s, offsetof(struct tlb_line, add)));
    emit_load(j, u->op, to, (struct mem){.base = t, .index = s});
    if (c) c->back = here(j);
}

static void select_load(struct jit *j, const struct uop *u) {
    if (mem_view_of(j, u)->kind == MEM_SOFT) {
        soft_load(j, u);
        return;
    }
    struct mem m = space_address(j, u);
    if (j->v[u->dst].last)
        emit_load(j, u->op, def_reg(j, u->dst), m);
    else /* nobody wants the value, but the access may fault */
        emit_load(j, u->op, temp_reg(j, j->v[u->dst].bank), m);
}

static bool store_constant(struct jit *j, const struct uop *u, struct mem m) {
    const struct value *v = value_of(j, u->b);
    if (!v->is_const || v->constant != (uint64_t)(int32_t)v->constant) return false;
    switch ((enum uop_op)u->op) {
    case UOP_store_32: mov_mi(j, W32, m, (int32_t)v->constant); return true;
    case UOP_store_64: mov_mi(j, W64, m, (int32_t)v->constant); return true;
    case UOP_store_8:
        op_rm_imm(j, 0xc6, W32, 0, m, 1);
        byte(j, (uint8_t)v->constant);
        return true;
    case UOP_store_16:
        op_rm_imm(j, 0x6600c7, W32, 0, m, 2);
        byte(j, (uint8_t)v->constant);
        byte(j, (uint8_t)(v->constant >> 8));
        return true;
    default: return false;
    }
}

/* The bytes that this store and those of the instructions behind it put next to each other, lowest first, if they have
   all been loaded as bytes: how code that may assume no alignment moves a word. 0, 4 or 8 of them; *at: where to. */
static unsigned moved_bytes(const struct jit *j, const struct uop *u, uint16_t bytes[8], int64_t *at) {
    const struct uop *end = j->block->uops + j->block->nuops;
    unsigned n = 0;
    int64_t low = u->imm, low4 = 0;
    uint32_t set = 0, set4 = 0;
    for (const struct uop *p = u; n < 8; n++, p += 2) {
        if (p + 2 > end || p->op != UOP_store_8 || p->a != u->a || p->x != u->x) break;
        const int64_t d = p->imm - u->imm;
        if (d < -7 || d > 7 || definition_of(j, p->b)->op != UOP_load_u8) break;
        if (p->imm < low) low = p->imm;
        set |= 1u << (d + 7);
        if (n == 3) set4 = set, low4 = low;
        if (p[1].op != UOP_mark) {
            n++;
            break;
        }
    }
    if (n == 8 && set >> (low - u->imm + 7) == 0xff)
        *at = low;
    else if (n >= 4 && set4 >> (low4 - u->imm + 7) == 0xf)
        *at = low4, n = 4;
    else
        return 0;
    for (unsigned k = 0; k < n; k++) bytes[u[2 * k].imm - *at] = u[2 * k].b;
    return n;
}

/* The low byte of a value into that of a register; the first one clears the others. */
static void gather_byte(struct jit *j, uint8_t r, uint16_t t, bool first) {
    const struct value *v = value_of(j, t);
    uint32_t offset;
    if (!first) shift_ri(j, SH_SHL, W32, r, 8);
    if (in_memory(j, t, &offset))
        op_rm8(j, first ? 0x01b6 : 0x8a, r, at_cpu(offset));
    else
        op_rr8(j, first ? 0x01b6 : 0x8a, r, v->reg != NO_REG ? v->reg : j->pin_of[v->slot - 1]);
}

/* Stored at once: a wide load behind them, which is what they are for, would wait for eight stores to be done. If this
   faults the first one is interpreted, and the others are code of their own. */
static bool store_together(struct jit *j, const struct uop *u) {
    uint16_t bytes[8];
    int64_t at;
    const enum mem_kind kind = (enum mem_kind)mem_view_of(j, u)->kind;
    if (u[1].op != UOP_mark || u[2].op != UOP_store_8 || (kind != MEM_DIRECT && kind != MEM_WINDOW)) return false;
    const unsigned n = moved_bytes(j, u, bytes, &at);
    if (!n) return false;
    uint8_t r = temp_reg(j, BANK_INT);
    for (unsigned k = 4; k-- > 0;) gather_byte(j, r, bytes[n - 4 + k], k == 3);
    if (n == 8) {
        uint8_t t = temp_reg(j, BANK_INT);
        for (unsigned k = 4; k-- > 0;) gather_byte(j, t, bytes[k], k == 3);
        shift_ri(j, SH_SHL, W64, r, 32);
        alu_rr(j, ALU_OR, W64, r, t);
        unlock_reg(j, BANK_INT, t);
    }
    const struct uop whole = {.op = n == 8 ? UOP_store_64 : UOP_store_32, .a = u->a, .x = u->x, .imm = at};
    emit_store(j, whole.op, r, space_address(j, &whole));
    j->stored = j->at + 2 * (n - 1);
    return true;
}

/* Of a store that crosses pages of which one may not be written, processors may do a part if it is wider than 8 bytes
   (guard.S): the interpreter does all or nothing. One register more than what is locked already is free after it. */
static inline __attribute__((always_inline)) struct mem within_page(struct jit *j, const struct uop *u, struct mem m) {
    struct mem offset = m;
    if (u->op != UOP_store_v128) return m;
    offset.gs = false;
    uint8_t t = temp_reg(j, BANK_INT);
    lea(j, W32, t, offset);
    alu_ri(j, ALU_AND, W32, t, 4095);
    alu_ri(j, ALU_CMP, W32, t, (int32_t)(4096 - SIZE_V128));
    cold_new(j, COLD_INTERPRET, jcc(j, CC_A));
    unlock_reg(j, BANK_INT, t);
    return m;
}

/* The slow path finds the value where it is now, and puts it where C looks (cold_value). */
static void soft_store(struct jit *j, const struct uop *u) {
    const struct value *v = value_of(j, u->b);
    const bool immediate = v->is_const && v->constant == (uint64_t)(int32_t)v->constant && u->op <= UOP_store_64;
    uint8_t t, s;
    uint32_t offset = 0;
    soft_address(j, u, &t, &s);
    uint8_t b = immediate ? NO_REG : reg_now(j, u->b);
    if (b == NO_REG && v->bank == BANK_FP) b = use_reg(j, u->b);
    if (b == NO_REG && !v->is_const && !in_memory(j, u->b, &offset)) jit_fail(j, EMIT_REFUSED);
    struct cold *c = soft_check(j, u, true, HOST_CALL_WRITE, t, s);
    if (c) {
        c->reg2 = b;
        c->cell = offset;
    }
    if (immediate) {
        store_constant(j, u, at_reg(t, 0));
    } else {
        if (b == NO_REG) fetch_into(j, u->b, b = s); /* which is no longer needed */
        emit_store(j, u->op, b, at_reg(t, 0));
    }
    if (c) c->back = here(j);
}

static void soft_store_wide(struct jit *j, const struct uop *u) {
    uint8_t t, s;
    store_arg(j, 2, u->b);
    soft_address(j, u, &t, &s);
    const uint8_t b = use_reg(j, u->b);
    struct cold *c = soft_check(j, u, true, HOST_CALL_WRITE, t, s);
    emit_store(j, u->op, b, at_reg(t, 0));
    if (c) c->back = here(j);
}

static void select_store(struct jit *j, const struct uop *u) {
    if (mem_view_of(j, u)->kind == MEM_SOFT) {
        if (u->op == UOP_store_v128)
            soft_store_wide(j, u);
        else
            soft_store(j, u);
        return;
    }
    struct value *v = value_of(j, u->b);
    if (v->is_const && v->constant == (uint64_t)(int32_t)v->constant && u->op <= UOP_store_64) {
        store_constant(j, u, space_address(j, u));
        return;
    }
    if (mem_view_of(j, u)->kind == MEM_WINDOW) { /* needs two scratch registers itself: the value comes last */
        struct mem m = within_page(j, u, space_address(j, u));
        uint8_t b = reg_now(j, u->b);
        emit_store(j, u->op, b == NO_REG ? use_reg(j, u->b) : b, m);
        return;
    }
    uint8_t b = use_reg(j, u->b);
    emit_store(j, u->op, b, within_page(j, u, space_address(j, u)));
}

static void call_atomic(struct jit *j, const struct uop *u) {
    j->drained = false;
    uint8_t a = use_reg(j, u->a);
    if (u->imm) {
        uint8_t t = temp_reg(j, BANK_INT);
        mov_ri(j, t, (uint64_t)u->imm);
        alu_rr(j, ALU_ADD, W64, t, a);
        a = t;
    }
    mov_mr(j, W64, AT_CPU(host.args[1]), a);
    if (u->b) store_arg(j, 2, u->b);
    if (u->c) store_arg(j, 3, u->c);
    x86_call(j, HOST_CALL_ATOMIC, u->op | (uint64_t)u->x << 16, true);
    op_rm_imm(j, 0x83, W32, 7, AT_CPU(exit.kind), 1);
    byte(j, 0);
    struct cold *c = cold_new(j, COLD_EXIT, jcc(j, CC_NE));
    if (c) {
        c->exit_kind = EXIT_none; /* already said */
        c->flag = true;           /* but not where */
    }
    load_result(j, u->dst);
}

bool select_mem(struct jit *j, const struct uop *u) {
    switch ((enum uop_op)u->op) {
    case UOP_load_u8:
    case UOP_load_s8:
    case UOP_load_u16:
    case UOP_load_s16:
    case UOP_load_u32:
    case UOP_load_s32:
    case UOP_load_64:
    case UOP_load_f32:
    case UOP_load_f64:
    case UOP_load_v128: select_load(j, u); return true;
    case UOP_store_8:
        if (j->at <= j->stored) return true;
        if (store_together(j, u)) {
            j->drained = false;
            return true;
        } /* fall through */
    case UOP_store_16:
    case UOP_store_32:
    case UOP_store_64:
    case UOP_store_f32:
    case UOP_store_f64:
    case UOP_store_v128:
        j->drained = false;
        select_store(j, u);
        return true;
    case UOP_fence:
        /* Only store-load ordering is not there by itself: predecessor has W (x bit 4), successor R (bit 1). Behind an
           atomic there is no earlier store that is not done. */
        if (!(u->x & 0x10) || !(u->x & 2) || j->drained) return true;
        j->drained = true;
        byte(j, 0xf0); /* lock or dword [rsp], 0 */
        op_rm_imm(j, 0x83, W32, 1, at_reg(RSP, 0), 1);
        byte(j, 0);
        return true;
    default:
        if (uop_info[u->op].form != FORM_MEM) return false;
        if (!select_atomic(j, u)) call_atomic(j, u);
        return true;
    }
}
