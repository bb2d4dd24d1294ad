/* select_control.c - state access, jumps, calls, exits, helpers, and the code out of line.
 *
 * Direct jumps are links: they lead to a stub until the engine patches them. A call pushes {guest return pc, host
 * return address} on the pairing stack and is a host call; a return compares the guest pc and is a host return.
 */
#include "host/x86_64/x86_64.h"
#include "mem/mem.h"

struct cold *cold_new(struct jit *j, enum cold_kind kind, uint32_t from) {
    if (j->ncold == j->cold_cap) {
        struct cold *all = arena_double(j->m->arena, j->cold, &j->cold_cap, sizeof *all);
        if (!all) {
            jit_fail(j, EMIT_NO_MEMORY);
            return NULL;
        }
        j->cold = all;
    }
    struct cold *c = &j->cold[j->ncold++];
    *c = (struct cold){.kind = (uint8_t)kind,
                       .from = {from, 0},
                       .at = j->at,
                       .pc = j->pc,
                       .ahead = j->m->counted ? insns_ahead(j) : 0};
    return c;
}

/* The jump whose rel32 is at `patch` becomes a link, and leads to its stub until then. */
static struct code_link *link_new(struct jit *j, uint64_t target, uint32_t patch) {
    struct emission *m = j->m;
    if (m->nlinks == m->link_cap) {
        struct code_link *all = arena_double(m->arena, m->links, &m->link_cap, sizeof *all);
        if (!all) {
            jit_fail(j, EMIT_NO_MEMORY);
            return NULL;
        }
        m->links = all;
    }
    struct code_link *l = &m->links[m->nlinks++];
    *l = (struct code_link){.target_pc = target, .patch = patch};
    return l;
}

/* Used where nothing is live in scratch: cold code and block ends. */
static void load_pc(struct jit *j, uint64_t pc) {
    mov_ri(j, RAX, pc);
}

void store_pc(struct jit *j, struct mem to, uint64_t pc) {
    if (pc == (uint64_t)(int32_t)pc) {
        mov_mi(j, W64, to, (int32_t)pc);
    } else {
        load_pc(j, pc);
        mov_mr(j, W64, to, RAX);
    }
}

/* The jump whose rel32 is at `patch` leads to `target`. */
static void link_jump(struct jit *j, uint32_t patch, uint64_t target) {
    bool back = target <= j->pc;
    if (target == j->block->pc) { /* the block itself: no stub needed */
        jump_fill(j, patch, back ? j->m->poll_entry : j->m->entry);
        return;
    }
    struct code_link *l = link_new(j, target, patch);
    if (l) l->back = back;
}

static void give_back(struct jit *j, uint32_t n) {
    if (n) alu_mi(j, ALU_ADD, W64, AT_CPU(count.budget), (int32_t)n);
}

static void select_branch(struct jit *j, const struct uop *u, bool w) {
    uint64_t target = (uint64_t)u->imm;
    uint32_t ahead = j->m->counted ? insns_ahead(j) : 0;
    select_compare(j, u, w);
    if (ahead) { /* what was not run is given back on the way */
        uint8_t *no = jcc_short(j, cc_of(u->x ^ 1));
        give_back(j, ahead);
        align_patch(j, 1);
        link_jump(j, jmp(j), target);
        short_here(j, no);
        return;
    }
    align_patch(j, 2);
    link_jump(j, jcc(j, cc_of(u->x)), target);
}

static void select_jump(struct jit *j, uint64_t target) {
    align_patch(j, 1);
    link_jump(j, jmp(j), target);
}

static void push_pc(struct jit *j, uint16_t temp) {
    uint64_t pc = value_of(j, temp)->constant;
    if (pc == (uint64_t)(int32_t)pc) {
        byte(j, 0x68);
        word32(j, (uint32_t)pc);
    } else {
        uint8_t t = temp_reg(j, BANK_INT);
        mov_ri(j, t, pc);
        prefix(j, 0x50 | (t & 7u), false, t);
    }
}

/* After the callee's return: the guest pc is dropped, then on to the instruction after the call. */
static void landing(struct jit *j, uint64_t pc) {
    lea(j, W64, RSP, at_reg(RSP, 8));
    align_patch(j, 1);
    link_new(j, pc, jmp(j));
}

static void select_call(struct jit *j, const struct uop *u) {
    push_pc(j, u->b);
    align_patch(j, 1);
    byte(j, 0xe8);
    word32(j, 0);
    uint64_t target = (uint64_t)u->imm;
    link_jump(j, here(j) - 4, target);
    landing(j, value_of(j, u->b)->constant);
}

/* Targets are rounded down to the guest's alignment; shortcuts hold aligned ones only, so only misses need this. */
static void align_pc(struct jit *j, uint8_t r) {
    if (j->guest->pc_align > 1) alu_ri(j, ALU_AND, W64, r, -(int32_t)j->guest->pc_align);
}

/* Where in the cold code is filled in later. */
static struct mem at_cold(void) {
    return at_cache(X86_END);
}

/* Where pages are mapped one by one, what is on another page may be something else tomorrow: there is no lasting way
   there, only the jump TLB, which is dropped with the mapping. */
static bool pages_move(const struct jit *j) {
    for (unsigned k = 0; k < MEM_SPACES; k++)
        if (j->m->cpu->mem[k].kind == MEM_SOFT) return true;
    return false;
}

/* The line of the jump TLB for the pc in a: its address in the register returned, flags of whether it has that. */
static uint8_t jtlb_line(struct jit *j, uint8_t a) {
    unsigned align = (unsigned)__builtin_ctz(j->guest->pc_align);
    uint8_t t = a == RCX ? RDX : RCX;
    mov_rr(j, W32, t, a);
    shift_ri(j, SH_SHL, W32, t, 4 - align);
    alu_ri(j, ALU_AND, W32, t, (JTLB_LINES - 1) << 4);
    alu_rm(j, ALU_ADD, W64, t, AT_CPU(jumps.lines));
    op_rm(j, 0x3b, W64, a, at_reg(t, 0));
    return t;
}

static void select_callind(struct jit *j, const struct uop *u) {
    uint8_t a = use_reg(j, u->a);
    push_pc(j, u->b);
    if (pages_move(j)) { /* a cell would not know what is where now */
        uint8_t t = jtlb_line(j, a);
        struct cold *c = cold_new(j, COLD_CELL, jcc(j, CC_NE));
        op_rm(j, 0xff, false, 2, at_reg(t, 8));
        if (!c) return;
        c->reg = a;
        c->back = here(j);
        landing(j, value_of(j, u->b)->constant);
        return;
    }
    /* cmp a, [cell]; jne miss; call [cell + 8]: the cell lies in the cold code. */
    op_rm(j, 0x3b, W64, a, at_cold());
    uint32_t rel1 = here(j) - 4;
    struct cold *c = cold_new(j, COLD_CELL, jcc(j, CC_NE));
    op_rm(j, 0xff, false, 2, at_cold());
    uint32_t rel2 = here(j) - 4;
    struct code_link *l = link_new(j, 0, 0);
    if (!c || !l) return;
    l->cell = true;
    c->reg = a;
    c->from[1] = rel1;
    c->cell = rel2;
    c->back = here(j);
    c->link = (uint32_t)(l - j->m->links);
    landing(j, value_of(j, u->b)->constant);
}

static void dispatch(struct jit *j, const struct uop *u) {
    uint8_t a = use_reg(j, u->a), t = jtlb_line(j, a);
    struct cold *c = cold_new(j, COLD_LEAVE_AT, jcc(j, CC_NE));
    if (c) {
        c->reg = a;
        c->flag = true;
    }
    op_rm(j, 0xff, false, 4, at_reg(t, 8));
}

static void select_ret(struct jit *j, const struct uop *u) {
    uint8_t a = use_reg(j, u->a);
    op_rm(j, 0x3b, W64, a, at_reg(RSP, 8));
    struct cold *c = cold_new(j, COLD_MISS, jcc(j, CC_NE));
    if (c) c->reg = a;
    byte(j, 0xc3);
}

static void leave_with(struct jit *j, uint64_t pc, uint32_t kind, uint64_t value, bool has_value) {
    store_pc(j, AT_CPU(pc), pc);
    mov_mi(j, W32, AT_CPU(exit.kind), (int32_t)kind);
    if (has_value) store_pc(j, AT_CPU(exit.value), value);
    jmp_to(j, X86_LEAVE);
}

static void select_exit(struct jit *j, const struct uop *u) {
    uint64_t pc = exit_info[u->x].when == EXIT_BEFORE ? j->pc : j->next;
    if (u->a) store_whole(j, offsetof(struct cpu, exit.value), u->a);
    leave_with(j, pc, u->x, (uint64_t)u->imm, !u->a);
}

static void select_exitif(struct jit *j, const struct uop *u, bool w) {
    select_compare(j, u, w);
    struct cold *c = cold_new(j, COLD_EXIT, jcc(j, cc_of(u->x)));
    if (!c) return;
    c->exit_kind = u->aux;
    c->value = (uint64_t)u->imm;
    c->pc = exit_info[u->aux].when == EXIT_BEFORE ? j->pc : j->next;
}

static void check_exit(struct jit *j) {
    alu_mi(j, ALU_CMP, W32, AT_CPU(exit.kind), 0);
    struct cold *c = cold_new(j, COLD_EXIT, jcc(j, CC_NE));
    if (c) c->exit_kind = EXIT_none; /* the function has said it */
}

static void select_helper(struct jit *j, const struct uop *u) {
    const struct helper *h = &j->guest->helpers[u->aux];
    j->lr.address = 0; /* it may drop reservations, and store */
    j->drained = false;
    const uint16_t operands[3] = {u->a, u->b, u->c};
    for (unsigned n = 0; n < 3; n++)
        if (operands[n]) store_arg(j, n + 1, operands[n]);
    leave_slots(j, h->effect.writes);
    if (h->exits || set_has(h->effect.reads, PLACE_PC)) {
        if (j->pc == (uint64_t)(int32_t)j->pc) {
            mov_mi(j, W64, AT_CPU(pc), (int32_t)j->pc);
        } else {
            uint8_t t = temp_reg(j, BANK_INT);
            mov_ri(j, t, j->pc);
            mov_mr(j, W64, AT_CPU(pc), t);
        }
    }
    x86_call(j, HOST_CALL_HELPER, u->aux, true);
    if (h->exits) check_exit(j);
    load_result(j, u->dst);
}

void select_call_c(struct jit *j, const struct uop *u) {
    const uint16_t operands[3] = {u->a, u->b, u->c};
    for (unsigned n = 0; n < 3; n++)
        if (operands[n]) store_arg(j, n + 1, operands[n]);
    x86_call(j, uop_is_wide((enum uop_op)u->op) ? HOST_CALL_EVAL_WIDE : HOST_CALL_EVAL, u->op | (uint64_t)u->x << 16,
             false);
    load_result(j, u->dst);
}

/* The frame pointer: in the pin of the slot that is cpu->frame, if there is one. */
static uint8_t frame_reg(struct jit *j) {
    for (unsigned s = 0; s < j->guest->nslots; s++)
        if (j->guest->slots[s].offset == offsetof(struct cpu, frame) && j->pin_of[s] != NO_REG) return j->pin_of[s];
    uint8_t t = temp_reg(j, BANK_INT);
    mov_rm(j, W64, t, AT_CPU(frame));
    return t;
}

static void select_getf(struct jit *j, const struct uop *u) {
    uint8_t f = frame_reg(j), to = def_reg(j, u->dst);
    struct mem m = at_reg(f, (int32_t)(8 * u->imm));
    switch ((enum uop_op)u->op) {
    case UOP_getf_i64: mov_rm(j, W64, to, m); break;
    case UOP_getf_i32: mov_rm(j, W32, to, m); break;
    case UOP_getf_f64: op_rm(j, 0xf3017e, W32, to, m); break;
    case UOP_getf_v128: op_rm(j, MOVUPS_LOAD, W32, to, m); break;
    default: op_rm(j, 0x66016e, W32, to, m); break;
    }
}

static void select_putf(struct jit *j, const struct uop *u) {
    uint8_t f = frame_reg(j);
    struct mem m = at_reg(f, (int32_t)(8 * u->imm)), high = at_reg(f, (int32_t)(8 * u->imm + 4));
    const struct value *v = value_of(j, u->a);
    enum type t = j->block->temps[u->a].type;
    if (v->is_const && (t == T_I32 ? v->constant <= INT32_MAX : v->constant == (uint64_t)(int32_t)v->constant)) {
        mov_mi(j, W64, m, (int32_t)v->constant);
        return;
    }
    uint8_t a = use_reg(j, u->a);
    if (t == T_I32 || t == T_F32) {
        if (t == T_I32)
            mov_mr(j, W32, m, a);
        else
            op_rm(j, 0x66017e, W32, a, m);
        mov_mi(j, W32, high, 0);
    } else if (t == T_F64) {
        op_rm(j, 0x6601d6, W32, a, m);
    } else {
        mov_mr(j, W64, m, a);
    }
}

static void select_putf_wide(struct jit *j, const struct uop *u) {
    uint8_t f = frame_reg(j), a = use_reg(j, u->a);
    op_rm(j, MOVUPS_STORE, W32, a, at_reg(f, (int32_t)(8 * u->imm)));
}

/* The accrued FP flags are the field's and MXCSR's together; a put leaves them in the field alone. */
static void get_fp_flags(struct jit *j, uint16_t dst) {
    uint8_t t = temp_reg(j, BANK_INT), s = temp_reg(j, BANK_INT);
    op_rm(j, 0x01ae, false, 3, AT_CPU(host.fpcsr)); /* stmxcsr */
    mov_rm(j, W32, t, AT_CPU(host.fpcsr));
    alu_ri(j, ALU_AND, W32, t, 0x3f);
    lea(j, W64, s, at_cache(X86_FP_FLAGS));
    op_rm(j, 0x01b6, W32, t, (struct mem){.base = s, .index = t});
    alu_rm(j, ALU_OR, W32, t, AT_CPU(fp_flags));
    def_from(j, dst, t);
}

static void select_get(struct jit *j, const struct uop *u) {
    if (j->guest->slots[u->x].flags & SLOT_FP_FLAGS)
        get_fp_flags(j, u->dst);
    else
        get_slot(j, u->dst, u->x);
}

static void select_put(struct jit *j, const struct uop *u) {
    put_slot(j, u->x, u->a);
    if (!(j->guest->slots[u->x].flags & SLOT_FP_FLAGS)) return;
    mov_mi(j, W32, AT_CPU(host.fpcsr), 0x1f80);
    op_rm(j, 0x01ae, false, 2, AT_CPU(host.fpcsr)); /* ldmxcsr */
}

bool select_control(struct jit *j, const struct uop *u) {
    switch ((enum uop_op)u->op) {
    case UOP_nop: return true;
    case UOP_get_i64:
    case UOP_get_i32:
    case UOP_get_f64:
    case UOP_get_v128: select_get(j, u); return true;
    case UOP_put:
    case UOP_put_v128: select_put(j, u); return true;
    case UOP_getf_i64:
    case UOP_getf_i32:
    case UOP_getf_f64:
    case UOP_getf_f32:
    case UOP_getf_v128: select_getf(j, u); return true;
    case UOP_putf: select_putf(j, u); return true;
    case UOP_putf_v128: select_putf_wide(j, u); return true;
    case UOP_trunc_i32: return true; /* the same register */
    case UOP_br_i64: select_branch(j, u, W64); return true;
    case UOP_br_i32: select_branch(j, u, W32); return true;
    case UOP_jump: select_jump(j, (uint64_t)u->imm); return true;
    case UOP_jumpind: dispatch(j, u); return true;
    case UOP_call: select_call(j, u); return true;
    case UOP_callind: select_callind(j, u); return true;
    case UOP_ret: select_ret(j, u); return true;
    case UOP_exit: select_exit(j, u); return true;
    case UOP_exitif_i64: select_exitif(j, u, W64); return true;
    case UOP_exitif_i32: select_exitif(j, u, W32); return true;
    case UOP_helper:
    case UOP_helper_v128: select_helper(j, u); return true;
    default: return false;
    }
}

const uint8_t x86_nop5[5] = {0x0f, 0x1f, 0x44, 0, 0};

void control_begin(struct jit *j) {
    struct emission *m = j->m;
    while (here(j) & 15) byte(j, 0xcc);
    m->poll_entry = here(j);
    j->pc = j->block->pc;
    j->insn = UINT32_MAX; /* insns_ahead: all of them */
    j->lr.address = 0;
    j->drained = false;
    j->stored = 0;
    j->sc_done = 0;
    alu_mi(j, ALU_CMP, W32, AT_CPU(poll), 0);
    j->poll = jcc(j, CC_NE);
    nops(j, (8 - here(j)) & 7);
    m->entry = here(j);
    for (unsigned i = 0; m->switchable && i < sizeof x86_nop5; i++) byte(j, x86_nop5[i]);
    if (!m->counted) return;
    alu_mi(j, ALU_SUB, W64, AT_CPU(count.budget), (int32_t)j->block->ninsns);
    struct cold *c = cold_new(j, COLD_LEAVE_AT, jcc(j, CC_S));
    if (c) {
        c->value = j->block->pc;
        c->ahead = j->block->ninsns;
    }
}

static void fill(struct jit *j, uint32_t rel) {
    if (rel) jump_fill(j, rel, here(j));
}

/* Into the register that is to have it. */
static void cold_result(struct jit *j, const struct cold *c) {
    if (c->op == UOP_load_v128)
        op_rm(j, MOVUPS_LOAD, W32, c->reg2, AT_CPU(wide[0]));
    else if (c->flag)
        op_rm(j, 0xf3017e, W32, c->reg2, AT_CPU(host.result));
    else
        mov_rm(j, W64, c->reg2, AT_CPU(host.result));
}

/* What a store was about to write, to where C looks for it: in a register, a constant, or in memory. The address has
   been put there already, so its register is free. */
static void cold_value(struct jit *j, const struct cold *c) {
    const uint16_t temp = j->block->uops[c->at].b;
    const enum type type = j->block->temps[temp].type;
    const struct value *v = value_of(j, temp);
    const struct mem to = AT_CPU(host.args[2]), high = at_cpu((uint32_t)offsetof(struct cpu, host.args[2]) + 4);
    uint8_t r = c->reg2;
    if (c->call != HOST_CALL_WRITE || c->op == UOP_store_v128) return;
    if (v->bank == BANK_FP) {
        op_rm(j, MOVQ_STORE, W32, r, to);
        if (type == T_F32) mov_mi(j, W32, high, 0);
        return;
    }
    if (r == NO_REG) {
        r = c->reg;
        if (v->is_const)
            mov_ri(j, r, v->constant);
        else
            mov_rm(j, type == T_I32 ? W32 : W64, r, at_cpu(c->cell));
    }
    mov_mr(j, type == T_I32 ? W32 : W64, to, r);
    if (type == T_I32) mov_mi(j, W32, high, 0);
}

/* Of soft memory, where most code out of line is for accesses: what C is to know is the immediate of an instruction
   that does nothing, behind the call. False: it does not fit. */
static bool cold_access(struct jit *j, const struct cold *c) {
    uint32_t word;
    if (!pages_move(j) || !access_word(c->op, (unsigned)(c->value >> 16), c->ahead, c->pc - j->block->pc, &word))
        return false;
    if (c->mem.base != NO_REG) alu_rm(j, ALU_XOR, W64, c->reg, c->mem); /* the address again */
    mov_mr(j, W64, AT_CPU(host.args[1]), c->reg);
    cold_value(j, c);
    call_to(j, X86_ACCESS);
    byte(j, 0xa9); /* test eax, word */
    word32(j, word);
    if (c->call != HOST_CALL_WRITE) cold_result(j, c);
    jmp_to(j, c->back);
    return true;
}

static void cold_call(struct jit *j, struct cold *c) {
    bool mem_op = uop_info[c->op].form == FORM_MEM;
    if (mem_op && cold_access(j, c)) return;
    struct mem args[3] = {AT_CPU(host.args[1]), AT_CPU(host.args[2]), AT_CPU(host.args[3])};
    if (mem_op) {
        if (c->mem.base != NO_REG) alu_rm(j, ALU_XOR, W64, c->reg, c->mem); /* the address again */
        mov_mr(j, W64, args[0], c->reg);
        cold_value(j, c);
    } else {
        const uint8_t regs[3] = {c->reg, c->size, c->cell == NO_REG ? NO_REG : (uint8_t)c->cell};
        for (unsigned n = 0; n < 3; n++) {
            if (regs[n] == NO_REG) break;
            if (uop_info[c->op].a == T_F64) {
                op_rm(j, 0x6601d6, W32, regs[n], args[n]);
            } else if (uop_info[c->op].a == T_F32) {
                mov_mi(j, W64, args[n], 0);
                op_rm(j, 0x66017e, W32, regs[n], args[n]);
            } else {
                mov_mr(j, W64, args[n], regs[n]);
            }
        }
    }
    mov_mi(j, W64, AT_CPU(host.args[0]), (int32_t)c->value);
    mov_mr(j, W64, AT_CPU(host.save[0]), RAX);
    if (mem_op && c->ahead) mov_mi(j, W64, AT_CPU(count.ahead), (int32_t)c->ahead);
    mov_ri(j, RAX, c->call);
    call_to(j, X86_CALL);
    uint32_t failed = 0;
    if (mem_op) {
        if (c->ahead) mov_mi(j, W64, AT_CPU(count.ahead), 0);
        alu_mi(j, ALU_CMP, W32, AT_CPU(exit.kind), 0);
        failed = jcc(j, CC_NE);
    }
    if (c->call != HOST_CALL_WRITE) cold_result(j, c);
    jmp_to(j, c->back);
    if (failed) {
        fill(j, failed);
        give_back(j, c->ahead);
        store_pc(j, AT_CPU(pc), c->pc);
        jmp_to(j, X86_LEAVE);
    }
}

/* The result in reg is a NaN. inf * 0 must raise NV, which x86 does not do when a quiet NaN is added; the factors are
   in reg2 and size. */
static void cold_fma(struct jit *j, const struct cold *c) {
    const uint8_t factors[2] = {c->reg2, c->size};
    for (unsigned n = 0; n < 2; n++) {
        struct mem to = at_cpu((uint32_t)(offsetof(struct cpu, host.args) + 8 * (n + 1)));
        if (!c->flag) mov_mi(j, W64, to, 0);
        op_rm(j, c->flag ? 0x6601d6 : 0x66017e, W32, factors[n], to);
    }
    mov_mi(j, W64, AT_CPU(host.args[0]), c->flag);
    mov_mr(j, W64, AT_CPU(host.save[0]), RAX);
    mov_ri(j, RAX, HOST_CALL_FMA_NAN);
    call_to(j, X86_CALL);
    op_rm(j, 0x0128, W32, c->reg, constant_at(c->flag ? K_NAN64 : K_NAN32));
    jmp_to(j, c->back);
}

static bool leads_to_another_page(const struct jit *j, uint64_t target) {
    return ((target ^ j->block->pc) >> TLB_PAGE_SHIFT) != 0 && pages_move(j);
}

/* For X86_LINK. */
static void link_number(struct jit *j, uint32_t number) {
    byte(j, 0xb8); /* mov eax, number */
    reloc_new(j, here(j) | RELOC_LINK);
    word32(j, number);
}

static void cold_cell(struct jit *j, struct cold *c) {
    /* The cell: {pc, code}, aligned. Empty: {1, X86_EMPTY}. */
    uint32_t enter = here(j);
    jump_fill(j, c->from[0], enter);
    if (pages_move(j)) { /* there is none: the frame by hand */
        mov_rr(j, W64, RAX, c->reg);
        lea(j, W64, RCX, at_cache(c->back));
        prefix(j, 0x50 | RCX, false, RCX);
        jmp_to(j, X86_LOOK);
        return;
    }
    op_rm(j, 0x83, W64, 7, at_cold()); /* cmp qword [cell], 1 */
    uint32_t rel = here(j) - 4;
    byte(j, 1);
    uint8_t *filled = jcc_short(j, CC_E);
    mov_rr(j, W64, RAX, c->reg);
    call_to(j, X86_DISPATCH);
    jmp_to(j, c->back);
    short_here(j, filled);
    /* First time: the frame by hand, then leave, so that the loop fills the cell. */
    mov_rr(j, W64, RAX, c->reg);
    align_pc(j, RAX);
    mov_mr(j, W64, AT_CPU(pc), RAX);
    lea(j, W64, RAX, at_cache(c->back));
    prefix(j, 0x50, false, RAX);
    link_number(j, j->m->first_link + c->link + 1);
    jmp_to(j, X86_LINK);
    while (here(j) & 15) byte(j, 0xcc);
    uint32_t cell = here(j);
    word64(j, 1);
    word64(j, (uint64_t)(uintptr_t)(j->m->execute + X86_EMPTY)); /* a target may be 1 before it is aligned */
    jump_fill(j, c->from[1], cell);
    jump_fill(j, c->cell, cell + 8);
    uint32_t v = cell - (rel + 5); /* one byte of immediate follows */
    memcpy(j->m->write + rel, &v, 4);
    j->m->links[c->link].patch = cell;
    j->m->links[c->link].stub = enter;
}

/* Division by 0 and -1, as uop.def says: quotients -1 and -a, remainders a and 0. */
static void cold_divide(struct jit *j, const struct cold *c) {
    bool w = c->flag2;
    test_rr(j, w, c->reg, c->reg);
    uint8_t *zero = jcc_short(j, CC_E);
    if (c->flag)
        mov_ri(j, RDX, 0);
    else
        op_rr(j, 0xf7, w, 3, RAX);
    jmp_to(j, c->back);
    short_here(j, zero);
    if (c->flag)
        mov_rr(j, w, RDX, RAX);
    else
        alu_ri(j, ALU_OR, w, RAX, -1);
    jmp_to(j, c->back);
}

void pool_load(struct jit *j, uint8_t to, uint32_t at) {
    const uint64_t *v = j->block->pool + at;
    if (!(v[0] | v[1])) {
        op_rr(j, 0x0157, W32, to, to); /* xorps */
    } else if ((v[0] & v[1]) == UINT64_MAX) {
        op_rr(j, 0x660176, W32, to, to); /* pcmpeqd */
    } else {
        op_rm(j, MOVUPS_LOAD, W32, to, at_cold());
        struct cold *c = cold_new(j, COLD_POOL, here(j) - 4);
        if (c) c->value = at;
    }
}

/* The pool, if anything is loaded from it. */
static void cold_pool(struct jit *j) {
    uint32_t pool = 0;
    for (uint32_t i = 0; i < j->ncold; i++) { /* there may be none, nor a list */
        const struct cold *c = &j->cold[i];
        if (c->kind != COLD_POOL) continue;
        if (!pool) {
            while (here(j) & 15) byte(j, 0xcc);
            pool = here(j);
            for (uint32_t n = 0; n < j->block->npool; n++) word64(j, j->block->pool[n]);
        }
        jump_fill(j, c->from[0], pool + 8 * (uint32_t)c->value);
    }
}

static void cold_one(struct jit *j, struct cold *c) {
    if (c->kind == COLD_CELL) {
        cold_cell(j, c);
        return;
    }
    fill(j, c->from[0]);
    switch ((enum cold_kind)c->kind) {
    case COLD_LEAVE_AT:
        give_back(j, c->ahead);
        if (c->flag && pages_move(j)) {
            mov_rr(j, W64, RAX, c->reg);
            jmp_to(j, X86_LOOK);
            break;
        }
        if (c->flag) {
            mov_rr(j, W64, RAX, c->reg);
            align_pc(j, RAX);
            mov_mr(j, W64, AT_CPU(pc), RAX);
        } else {
            store_pc(j, AT_CPU(pc), c->value);
        }
        jmp_to(j, X86_LEAVE);
        break;
    case COLD_EXIT:
        give_back(j, c->ahead);
        if (c->exit_kind != EXIT_none) {
            leave_with(j, c->pc, c->exit_kind, c->value, true);
        } else {
            if (c->flag) store_pc(j, AT_CPU(pc), c->pc);
            jmp_to(j, X86_LEAVE);
        }
        break;
    case COLD_INTERPRET:
        give_back(j, c->ahead);
        leave_with(j, c->pc, EXIT_interpret, 0, false);
        break;
    case COLD_NAN:
        op_rm(j, 0x0128, W32, c->reg, constant_at(c->flag ? K_NAN64 : K_NAN32));
        jmp_to(j, c->back);
        break;
    case COLD_FMA: cold_fma(j, c); break;
    case COLD_CALL:
        fill(j, c->from[1]);
        if (uop_info[c->op].form != FORM_MEM) fill(j, c->link);
        cold_call(j, c);
        break;
    case COLD_MISS:
        mov_rr(j, W64, RAX, c->reg);
        jmp_to(j, pages_move(j) ? X86_MISS_SOFT : X86_MISS);
        break;
    case COLD_DIVIDE: cold_divide(j, c); break;
    case COLD_CELL:
    case COLD_POOL: break;
    }
}

static void checked_cold(struct jit *j, struct cold *c) {
    const uint8_t *from = j->p;
    const struct uop *u = &j->block->uops[c->at];
    cold_one(j, c);
    if (u->op != UOP_mark && c->kind != COLD_CELL) x86_verify(j, u, from, j->p, c->back); /* a cell is data, too */
}

/* The engine knows where a link leads: the stub says which one it is. */
static void link_stub(struct jit *j, struct code_link *l, uint32_t number) {
    l->stub = here(j);
    fill(j, l->patch);
    if (leads_to_another_page(j, l->target_pc)) { /* by its line of the jump TLB, which holds for what is mapped now */
        const struct mem line = at_reg(RCX, (int32_t)(l->target_pc / j->guest->pc_align % JTLB_LINES * 16));
        const bool narrow = l->target_pc == (uint64_t)(int32_t)l->target_pc;
        mov_rm(j, W64, RCX, AT_CPU(jumps.lines));
        if (narrow) {
            alu_mi(j, ALU_CMP, W64, line, (int32_t)l->target_pc);
        } else {
            load_pc(j, l->target_pc);
            op_rm(j, 0x3b, W64, RAX, line);
        }
        uint8_t *miss = jcc_short(j, CC_NE);
        op_rm(j, 0xff, false, 4, at_reg(RCX, line.disp + 8));
        short_here(j, miss);
        if (narrow) load_pc(j, l->target_pc);
        jmp_to(j, X86_LOOK);
    } else {
        link_number(j, number);
        jmp_to(j, X86_LINK);
    }
}

void control_end(struct jit *j) {
    struct emission *m = j->m;
    m->hot_end = m->lookup = here(j);
    fill(j, j->poll);
    load_pc(j, j->block->pc);
    jmp_to(j, X86_LEAVE_AT);
    for (uint32_t i = 0; i < m->nlinks; i++)
        if (!m->links[i].cell) link_stub(j, &m->links[i], m->first_link + i + 1);
    for (uint32_t i = 0; i < j->ncold; i++) {
        if (m->check)
            checked_cold(j, &j->cold[i]);
        else
            cold_one(j, &j->cold[i]);
    }
    if (j->block->npool) cold_pool(j);
}
