/* thunk.c - code that is made once per cache: entering, leaving, calling C, dispatching by guest pc, and constants.
 *
 * Everything is position-independent, or relative to the cache's start, and reaches C through cpu->host.calls only.
 */
#include "host/x86_64/x86_64.h"
#include <assert.h>
#include <xmmintrin.h>

const uint8_t x86_gpr_pins[GPR_PINS] = {RBX, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15};
const uint8_t x86_xmm_pins[XMM_PINS] = {4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t saved[] = {RBX, RBP, R12, R13, R14, R15};

/* Which slots are in registers: the one list that thunks, translator and state map come from. */
struct pin {
    uint16_t slot;
    uint8_t reg;
};
enum { PINS = GPR_PINS + XMM_PINS };
_Static_assert((int)PINS <= (int)HOST_PINS, "entries of the state map");

static unsigned pins_of(const struct guest *g, struct pin pins[PINS]) {
    unsigned n = 0;
    for (unsigned i = 0; g->pins && i < GPR_PINS && g->pins[i] != 0xffff; i++)
        pins[n++] = (struct pin){g->pins[i], x86_gpr_pins[i]};
    for (unsigned i = 0; g->fp_pins && i < XMM_PINS && g->fp_pins[i] != 0xffff; i++)
        pins[n++] = (struct pin){g->fp_pins[i], x86_xmm_pins[i]};
    return n;
}

uint32_t x86_state(const struct guest *guest, struct state_entry *entries, uint16_t *of_slot) {
    struct pin pins[PINS];
    const unsigned n = pins_of(guest, pins);
    for (unsigned i = 0; i < n; i++) {
        entries[i] =
            (struct state_entry){.kind = STATE_REGISTER, .type = guest->slots[pins[i].slot].type, .at = pins[i].reg};
        of_slot[pins[i].slot] = (uint16_t)(i + 1);
    }
    return n;
}

static void pins_move(struct jit *j, bool load) {
    struct pin pins[PINS];
    const unsigned n = pins_of(j->guest, pins);
    for (unsigned i = 0; i < n; i++) {
        const struct slot *s = &j->guest->slots[pins[i].slot];
        const uint32_t narrow = load ? MOVQ_LOAD : MOVQ_STORE, wide = load ? MOVUPS_LOAD : MOVUPS_STORE;
        if (type_info[s->type].bank == BANK_INT)
            op_rm(j, load ? 0x8b : 0x89, W64, pins[i].reg, at_cpu(s->offset));
        else
            op_rm(j, s->type == T_V128 ? wide : narrow, false, pins[i].reg, at_cpu(s->offset));
    }
}

/* Scratch registers around a call, but rax and what C functions keep: vector registers have 16 bytes each from save[4]
   on, by number, others 8 behind them. */
static void scratch_move(struct jit *j, bool load) {
    enum { VECTORS = 4, OTHERS = VECTORS + 2 * HOST_REGS };
    const uint8_t *r = j->m->write + X86_SCRATCH_INT;
    unsigned other = OTHERS;
    for (; *r != NO_REG; r++)
        if (*r == RCX || *r == RDX || *r == RSI || *r == RDI || (*r >= R8 && *r <= R11))
            op_rm(j, load ? 0x8b : 0x89, W64, *r, at_cpu((uint32_t)(offsetof(struct cpu, host.save) + 8 * other++)));
    for (r = j->m->write + X86_SCRATCH_FP; *r != NO_REG; r++)
        op_rm(j, load ? MOVUPS_LOAD : MOVUPS_STORE, false, *r,
              at_cpu((uint32_t)(offsetof(struct cpu, host.save[VECTORS]) + 16 * *r)));
    _Static_assert(OTHERS + 8 <= sizeof((struct cpu *)0)->host.save / 8, "rcx, rdx, rsi, rdi, r8 to r11");
}
static void ldmxcsr(struct jit *j, struct mem m) {
    op_rm(j, 0x01ae, false, 2, m);
}
static void stmxcsr(struct jit *j, struct mem m) {
    op_rm(j, 0x01ae, false, 3, m);
}
static void push(struct jit *j, uint8_t r) {
    prefix(j, 0x50 | (r & 7u), false, r);
}
static void pop(struct jit *j, uint8_t r) {
    prefix(j, 0x58 | (r & 7u), false, r);
}

/* void enter(struct cpu *cpu, const void *code) */
static void emit_enter(struct jit *j) {
    for (unsigned i = 0; i < sizeof saved; i++) push(j, saved[i]);
    lea(j, W64, CPU, at_reg(RDI, CPU_BIAS));
    mov_rr(j, W64, RAX, RSI);
    mov_mr(j, W64, AT_CPU(host.sp), RSP);
    stmxcsr(j, AT_CPU(host.vee_fpcsr));
    ldmxcsr(j, AT_CPU(host.fpcsr));
    mov_rm(j, W64, RSP, AT_CPU(jumps.pair_sp));
    pins_move(j, true);
    op_rr(j, 0xff, false, 4, RAX); /* jmp *rax */
}

/* With the pins stored. */
static void emit_leave_settled(struct jit *j) {
    mov_mr(j, W64, AT_CPU(jumps.pair_sp), RSP);
    mov_rm(j, W64, RSP, AT_CPU(host.sp));
    stmxcsr(j, AT_CPU(host.fpcsr));
    ldmxcsr(j, AT_CPU(host.vee_fpcsr));
    for (unsigned i = sizeof saved; i-- > 0;) pop(j, saved[i]);
    byte(j, 0xc3);
}

static void emit_leave(struct jit *j) {
    pins_move(j, false);
    emit_leave_settled(j);
}

/* eax: the function's number; its operands are in cpu->host.args. Runs on the C stack and keeps every register, but
   takes pins from memory afterwards, where the function may have changed them. */
static void emit_call(struct jit *j) {
    static const uint8_t arg_regs[4] = {RSI, RDX, RCX, R8};
    scratch_move(j, false);
    pins_move(j, false);
    mov_mr(j, W64, AT_CPU(host.save[1]), RSP);
    mov_rm(j, W64, RSP, AT_CPU(host.sp));
    stmxcsr(j, AT_CPU(host.fpcsr));
    ldmxcsr(j, AT_CPU(host.vee_fpcsr));
    alu_ri(j, ALU_SUB, W64, RSP, 8); /* six registers and a return address are above: 16-aligned at the call */
    lea(j, W64, RDI, at_reg(CPU, -CPU_BIAS));
    for (unsigned i = 0; i < 4; i++)
        mov_rm(j, W64, arg_regs[i], at_cpu((uint32_t)(offsetof(struct cpu, host.args) + 8 * i)));
    mov_rr(j, W32, RAX, RAX);
    mov_rm(j, W64, R9, AT_CPU(host.calls));
    op_rm(j, 0xff, false, 2, (struct mem){.base = R9, .index = RAX, .scale = 3});
    mov_mr(j, W64, AT_CPU(host.result), RAX);
    ldmxcsr(j, AT_CPU(host.fpcsr));
    mov_rm(j, W64, RSP, AT_CPU(host.save[1]));
    pins_move(j, true);
    scratch_move(j, true);
    mov_rm(j, W64, RAX, AT_CPU(host.save[0]));
    byte(j, 0xc3);
}

/* The line of the jump TLB for the pc in rax: its address in rcx. Where it holds another one: elsewhere. */
static void emit_dispatch(struct jit *j, uint32_t elsewhere) {
    unsigned align = (unsigned)__builtin_ctz(j->guest->pc_align);
    if (align) alu_ri(j, ALU_AND, W64, RAX, -(int32_t)j->guest->pc_align);
    mov_rr(j, W32, RCX, RAX);
    shift_ri(j, SH_SHL, W32, RCX, 4 - align);
    alu_ri(j, ALU_AND, W32, RCX, (JTLB_LINES - 1) << 4);
    alu_rm(j, ALU_ADD, W64, RCX, AT_CPU(jumps.lines));
    op_rm(j, 0x3b, W64, RAX, at_reg(RCX, 0));
    uint8_t *miss = jcc_short(j, CC_NE);
    op_rm(j, 0xff, false, 4, at_reg(RCX, 8));
    short_here(j, miss);
    jmp_to(j, elsewhere);
}

/* The pc in rax goes to C, which yields the address of host code, or 0. Nothing but pins is live. */
static void emit_look(struct jit *j) {
    alu_ri(j, ALU_AND, W64, RAX, -(int32_t)j->guest->pc_align);
    mov_mr(j, W64, AT_CPU(pc), RAX);
    mov_mr(j, W64, AT_CPU(host.args[1]), RAX);
    mov_ri(j, RAX, HOST_CALL_LOOK);
    call_to(j, X86_CALL);
    mov_rm(j, W64, RAX, AT_CPU(host.result));
    test_rr(j, W64, RAX, RAX);
    uint8_t *none = jcc_short(j, CC_E);
    op_rr(j, 0xff, false, 4, RAX);
    short_here(j, none);
    jmp_to(j, X86_LEAVE);
}

/* The return address says what is to be done. */
static void emit_access(struct jit *j) {
    mov_mr(j, W64, AT_CPU(host.save[0]), RAX);
    mov_rm(j, W64, RAX, at_reg(RSP, 0));
    mov_mr(j, W64, AT_CPU(host.args[0]), RAX);
    mov_ri(j, RAX, HOST_CALL_ACCESS);
    jmp_to(j, X86_CALL);
}

/* During a C call the top of the pairing stack is its return address. */
void x86_leave_from_call(struct cpu *cpu, const uint8_t *execute) {
    const uint64_t leave = (uint64_t)(uintptr_t)(execute + X86_LEAVE);
    memcpy((void *)(uintptr_t)cpu->host.save[1], &leave, sizeof leave);
}

static void pad_to(struct jit *j, uint32_t offset) {
    assert(here(j) <= offset);
    while (here(j) < offset) byte(j, 0xcc);
}

/* What the translator reads again and again: each slot's pin, and the scratch registers. */
static void list_registers(const struct guest *guest, uint8_t *write) {
    static const uint8_t by_name[] = {RAX, RCX, RDX}, vectors[] = {0, 1, 2, 3};
    struct pin pins[PINS];
    const unsigned n = pins_of(guest, pins);
    unsigned gprs = 0;
    uint8_t *ints = write + X86_SCRATCH_INT, *fps = write + X86_SCRATCH_FP;
    assert(guest->nslots <= X86_SLOTS);
    memset(write + X86_PIN_OF, NO_REG, X86_END - X86_PIN_OF);
    for (unsigned i = 0; i < n; i++) {
        write[X86_PIN_OF + pins[i].slot] = pins[i].reg;
        gprs += type_info[guest->slots[pins[i].slot].type].bank == BANK_INT;
    }
    const unsigned xmms = n - gprs;
    memcpy(ints, by_name, sizeof by_name);
    memcpy(ints + sizeof by_name, x86_gpr_pins + gprs, GPR_PINS - gprs);
    memcpy(fps, vectors, sizeof vectors);
    memcpy(fps + sizeof vectors, x86_xmm_pins + xmms, XMM_PINS - xmms);
}

uint32_t x86_prepare(const struct guest *guest, uint8_t *write, uint8_t *execute, uint32_t limit) {
    static const uint64_t constants[K_COUNT][2] = {
        [K_SIGN64] = {0x8000000000000000u, 0}, [K_ABS64] = {0x7fffffffffffffffu, 0},
        [K_SIGN32] = {0x80000000u, 0},         [K_ABS32] = {0x7fffffffu, 0},
        [K_BOX32] = {0xffffffff00000000u, 0},  [K_NAN64] = {0x7ff8000000000000u, 0},
        [K_NAN32] = {0x7fc00000u, 0},          [K_TWO63] = {0x43e0000000000000u, 0},
        [K_TWO32] = {0x41f0000000000000u, 0},  [K_MINUS1] = {0xbff0000000000000u, 0},
        [K_TWO63F] = {0x5f000000u, 0},         [K_TWO32F] = {0x4f800000u, 0},
        [K_MINUS1F] = {0xbf800000u, 0},
    };
    struct emission m = {.guest = guest, .write = write, .execute = execute, .limit = limit};
    struct jit j = {.m = &m, .guest = guest, .p = write};
    list_registers(guest, write);
    emit_enter(&j);
    pad_to(&j, X86_LEAVE);
    emit_leave(&j);
    pad_to(&j, X86_CALL);
    emit_call(&j);
    pad_to(&j, X86_DISPATCH);
    emit_dispatch(&j, X86_LEAVE_AT);
    pad_to(&j, X86_MISS);
    mov_rm(&j, W64, RSP, AT_CPU(jumps.pair_base));
    jmp_to(&j, X86_DISPATCH);
    pad_to(&j, X86_LEAVE_SETTLED);
    emit_leave_settled(&j);
    pad_to(&j, X86_EMPTY);
    mov_ri(&j, RAX, 1);
    jmp_to(&j, X86_MISS);
    pad_to(&j, X86_LINK);
    mov_rm(&j, W64, RCX, AT_CPU(jumps.routes));
    mov_rm(&j, W64, RCX, (struct mem){.base = RCX, .index = RAX, .scale = 3});
    test_rr(&j, W64, RCX, RCX);
    uint8_t *none = jcc_short(&j, CC_E);
    op_rr(&j, 0xff, false, 4, RCX);
    short_here(&j, none);
    mov_mr(&j, W64, AT_CPU(jumps.site), RAX);
    jmp_to(&j, X86_LEAVE);
    pad_to(&j, X86_LEAVE_AT);
    mov_mr(&j, W64, AT_CPU(pc), RAX);
    jmp_to(&j, X86_LEAVE);
    pad_to(&j, X86_RESUME);
    mov_rm(&j, W64, RAX, AT_CPU(pc));
    jmp_to(&j, X86_DISPATCH);
    pad_to(&j, X86_LOOK);
    emit_look(&j);
    pad_to(&j, X86_MISS_SOFT);
    mov_rm(&j, W64, RSP, AT_CPU(jumps.pair_base));
    emit_dispatch(&j, X86_LOOK);
    pad_to(&j, X86_ACCESS);
    emit_access(&j);
    pad_to(&j, X86_CONSTANTS);
    memcpy(j.p, constants, sizeof constants);
    for (uint32_t i = 0; i < 64; i++) write[X86_FP_FLAGS + i] = (uint8_t)x86_fp_flags(i);
    return X86_END;
}

#ifdef __clang__
/* Its sanitizer looks in front of a function for its type, where code that was made here has none, or no memory at all.
 */
__attribute__((no_sanitize("function")))
#endif
void x86_enter(struct cpu *cpu, const uint8_t *execute, const void *code) {
    void (*enter)(struct cpu *, const void *);
    const uint8_t *at = execute + X86_ENTER;
    memcpy(&enter, &at, sizeof enter);
    const uint64_t bottom[2] = {(uint64_t)(uintptr_t)(execute + X86_EMPTY), 1};
    memcpy(cpu->jumps.pair_base, bottom, sizeof bottom);
    enter(cpu, code);
}

void x86_call(struct jit *j, enum host_call function, uint64_t what, bool may_exit) {
    mov_mi(j, W64, AT_CPU(host.args[0]), (int32_t)what);
    if (j->m->counted && may_exit) {
        /* The function may ask for the exact instruction count. */
        if (insns_ahead(j)) mov_mi(j, W64, AT_CPU(count.ahead), (int32_t)insns_ahead(j));
    }
    mov_mr(j, W64, AT_CPU(host.save[0]), RAX);
    mov_ri(j, RAX, function);
    call_to(j, X86_CALL);
    if (j->m->counted && may_exit && insns_ahead(j)) mov_mi(j, W64, AT_CPU(count.ahead), 0);
}

void store_arg(struct jit *j, unsigned n, uint16_t temp) {
    if (j->block->temps[temp].type == T_V128) {
        const uint16_t locked = j->locked[BANK_FP]; /* as below */
        op_rm(j, MOVUPS_STORE, false, use_reg(j, temp), at_cpu((uint32_t)offsetof(struct cpu, wide[n])));
        j->locked[BANK_FP] = locked;
        return;
    }
    store_whole(j, (uint32_t)(offsetof(struct cpu, host.args) + 8 * n), temp);
}

void store_whole(struct jit *j, uint32_t offset, uint16_t temp) {
    struct mem to = at_cpu(offset), high = at_cpu(offset + 4);
    struct value *v = value_of(j, temp);
    enum type t = j->block->temps[temp].type;
    if (v->is_const && (t == T_I32 ? v->constant <= INT32_MAX : v->constant == (uint64_t)(int32_t)v->constant)) {
        mov_mi(j, W64, to, (int32_t)v->constant);
        return;
    }
    const uint16_t locked = j->locked[v->bank]; /* the register is read here only, and there may be three operands */
    uint8_t r = use_reg(j, temp);
    j->locked[v->bank] = locked;
    if (v->bank == BANK_FP) {
        op_rm(j, MOVQ_STORE, false, r, to);
        if (t == T_F32) mov_mi(j, W32, high, 0); /* values are zero-extended in C */
    } else if (t == T_I32) {
        mov_mr(j, W32, to, r);
        mov_mi(j, W32, high, 0);
    } else {
        mov_mr(j, W64, to, r);
    }
}

void load_result(struct jit *j, uint16_t temp) {
    if (!temp || !j->v[temp].last) return;
    uint8_t r = def_reg(j, temp);
    if (j->block->temps[temp].type == T_V128)
        op_rm(j, MOVUPS_LOAD, false, r, AT_CPU(wide[0]));
    else if (j->v[temp].bank == BANK_FP)
        op_rm(j, MOVQ_LOAD, false, r, AT_CPU(host.result));
    else
        mov_rm(j, W64, r, AT_CPU(host.result));
}
