/* x86_64.c - the x86-64 host: its table, moves for the allocator, patching, FP status. */
#include "host/x86_64/x86_64.h"
#include <assert.h>
#include "core/fp.h"
#include "core/uop_flags.h"
#include "base/os_x86_64.h"

static void x86_move(struct jit *j, enum bank bank, uint8_t to, uint8_t from) {
    if (to == from) return;
    if (bank == BANK_INT)
        mov_rr(j, W64, to, from);
    else
        op_rr(j, 0x0128, W32, to, from);
}

static void x86_load(struct jit *j, enum bank bank, uint8_t to, uint32_t offset, unsigned size) {
    if (bank == BANK_INT)
        mov_rm(j, size == 8, to, at_cpu(offset));
    else
        op_rm(j, size == 16 ? MOVUPS_LOAD : MOVQ_LOAD, W32, to, at_cpu(offset));
}

static void x86_store(struct jit *j, enum bank bank, uint32_t offset, uint8_t from, unsigned size) {
    if (bank == BANK_INT)
        mov_mr(j, size == 8, at_cpu(offset), from);
    else
        op_rm(j, size == 16 ? MOVUPS_STORE : MOVQ_STORE, W32, from, at_cpu(offset));
}

static void x86_constant(struct jit *j, enum bank bank, uint8_t to, uint64_t value) {
    if (bank == BANK_INT)
        mov_ri(j, to, value);
    else
        pool_load(j, to, (uint32_t)value);
}

static void x86_store_constant(struct jit *j, uint32_t offset, uint64_t value, unsigned size) {
    if (size == 4 || value == (uint64_t)(int32_t)value) {
        mov_mi(j, size == 8, at_cpu(offset), (int32_t)value);
    } else {
        mov_mi(j, W32, at_cpu(offset), (int32_t)value);
        mov_mi(j, W32, at_cpu(offset + 4), (int32_t)(value >> 32));
    }
}

/* Which file knows a uop, by its kind; what that one leaves to the others is tried with them all. */
enum { CONTROL, INT, MEM, FLOAT, VECTOR, KINDS };
#define FLOATING(t) (T_##t == T_F32 || T_##t == T_F64)
#define WIDE(t)     (SIZE_##t > 8)
#define U(name, r, a, b, c, form, flags, meaning)                                                                      \
    [UOP_##name] = FORM(form, MEM) ? MEM                                                                               \
                   : FORM(form, SLOT) || FORM(form, FRAME) || FORM(form, BRANCH) || FORM(form, TARGET) ||              \
                           FORM(form, EXIT) || FORM(form, EXITIF) || FORM(form, HELPER) || ((flags)&END) ||            \
                           UOP_##name == UOP_trunc_i32                                                                 \
                       ? CONTROL                                                                                       \
                   : WIDE(r) || WIDE(a)         ? VECTOR                                                               \
                   : FLOATING(r) || FLOATING(a) ? FLOAT                                                                \
                                                : INT,
static const uint8_t kinds[UOP_COUNT] = {
#include "core/uop.def"
};
#undef U

static void x86_select(struct jit *j, const struct uop *u) {
    static bool (*const select[KINDS])(struct jit *, const struct uop *) = {[CONTROL] = select_control,
                                                                            [INT] = select_int,
                                                                            [MEM] = select_mem,
                                                                            [FLOAT] = select_fp,
                                                                            [VECTOR] = select_vector};
    const unsigned kind = kinds[u->op];
    if (select[kind](j, u)) return;
    for (unsigned k = 0; k < KINDS; k++)
        if (k != kind && select[k](j, u)) return;
    select_call_c(j, u);
}

static void checked_select(struct jit *j, const struct uop *u) {
    const uint8_t *from = j->p;
    const uint32_t links = j->m->nlinks;
    x86_select(j, u);
    if (j->failed) return;
    x86_verify(j, u, from, j->p, 0);
    assert(j->m->nlinks == links || uop_info[u->op].flags & (UF_EXIT | UF_END));
}

static const uint8_t *x86_pins(const struct emission *m) {
    return m->write + X86_PIN_OF;
}

static const uint8_t *x86_scratch(const struct emission *m, enum bank bank) {
    return m->write + (bank == BANK_INT ? X86_SCRATCH_INT : X86_SCRATCH_FP);
}

#define TARGET(select_)                                                                                                \
    {                                                                                                                  \
        .move = x86_move, .load = x86_load, .store = x86_store, .constant = x86_constant,                              \
        .store_constant = x86_store_constant, .absorbs = x86_absorbs, .select = select_, .begin = control_begin,       \
        .end = control_end, .pins = x86_pins, .scratch = x86_scratch,                                                  \
    }
static const struct target x86_target = TARGET(x86_select), checked_target = TARGET(checked_select);

static enum emit_result x86_emit(struct emission *m) {
    return baseline_emit(m, m->check ? &checked_target : &x86_target);
}

static void x86_patch(uint8_t *write, uint32_t patch, uint32_t to) {
    uint32_t rel = to - (patch + 4);
    __atomic_store_n((uint32_t *)(void *)(write + patch), rel, __ATOMIC_RELEASE);
}

static void x86_relocate(uint8_t *code, const uint32_t *relocs, uint32_t n, uint32_t by, uint32_t links) {
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *at = code + (relocs[i] & ~RELOC_LINK);
        uint32_t word;
        memcpy(&word, at, 4);
        word += relocs[i] & RELOC_LINK ? links : -by;
        memcpy(at, &word, 4);
    }
}

static void x86_empty_cell(uint8_t *write, uint32_t cell, uint64_t execute) {
    const uint64_t words[2] = {1, execute + X86_EMPTY};
    memcpy(write + cell, words, sizeof words);
}

static uint64_t x86_variant(void) {
    uint64_t bits = 0;
    const bool *has = (const bool *)&x86_features;
    for (unsigned k = 0; k < sizeof x86_features / sizeof *has; k++) bits |= (uint64_t)has[k] << k;
    return bits;
}

static void x86_fill_cell(uint8_t *write, uint32_t cell, uint64_t pc, const void *code) {
    uint64_t *words = (uint64_t *)(void *)(write + cell);
    if (words[0] != 1) return;
    __atomic_store_n(&words[1], (uint64_t)(uintptr_t)code, __ATOMIC_RELEASE);
    __atomic_store_n(&words[0], pc, __ATOMIC_RELEASE);
}

/* Both entries are 8-aligned with at least 8 bytes of code, so five bytes fit and are stored in one piece. */
static void entry_set(uint8_t *write, uint32_t entry, const uint8_t bytes[5]) {
    uint64_t word;
    memcpy(&word, write + entry, 8);
    memcpy(&word, bytes, 5);
    __atomic_store_n((uint64_t *)(void *)(write + entry), word, __ATOMIC_RELEASE);
}

static void redirect_one(uint8_t *write, uint32_t entry, uint32_t to) {
    const uint32_t rel = to - (entry + 5);
    uint8_t jump[5] = {0xe9};
    memcpy(jump + 1, &rel, sizeof rel);
    entry_set(write, entry, jump);
}

static void x86_redirect(uint8_t *write, uint32_t poll_entry, uint32_t entry, uint32_t to) {
    redirect_one(write, poll_entry, to);
    redirect_one(write, entry, to);
}

/* What control_begin emits: the five bytes of each are within its first instruction. */
static void x86_restore(uint8_t *write, uint32_t poll_entry, uint32_t entry) {
    const uint32_t poll = (uint32_t)(offsetof(struct cpu, poll) - CPU_BIAS);
    uint8_t compare[5] = {0x83, 0xbd};
    memcpy(compare + 2, &poll, 3);
    entry_set(write, poll_entry, compare);
    entry_set(write, entry, x86_nop5);
}

uint32_t x86_fp_flags(uint32_t s) {
    return (s & 1 ? FP_NV : 0) | (s & 4 ? FP_DZ : 0) | (s & 8 ? FP_OF : 0) | (s & 16 ? FP_UF : 0) |
           (s & 32 ? FP_NX : 0);
}

static uint32_t x86_take_fp_flags(struct cpu *cpu) {
    uint32_t flags = x86_fp_flags(cpu->host.fpcsr & 0x3f);
    cpu->host.fpcsr &= ~0x3fu;
    return flags;
}

static void x86_cpu_init(struct cpu *cpu) {
    cpu->host.fpcsr = 0x1f80; /* everything masked, round to nearest, no flags */
    cpu->host.vee_fpcsr = 0x1f80;
    for (unsigned k = 0; k < MEM_SPACES; k++)
        if (cpu->mem[k].kind == MEM_WINDOW || cpu->mem[k].kind == MEM_LINEAR) {
            os_gs_base(cpu->mem[k].base);
            return;
        }
}

static const struct host x86_host = {
    .name = "x86_64",
    .machine = 62,
    .dispatch = X86_RESUME,
    .prepare = x86_prepare,
    .emit = x86_emit,
    .state = x86_state,
    .enter = x86_enter,
    .leave_from_call = x86_leave_from_call,
    .patch = x86_patch,
    .fill_cell = x86_fill_cell,
    .redirect = x86_redirect,
    .restore = x86_restore,
    .leave_from_fault = x86_leave_from_fault,
    .fault_register = x86_fault_register,
    .fault_pc = x86_fault_pc,
    .fault_cpu = x86_fault_cpu,
    .fault_pair = x86_fault_pair,
    .take_fp_flags = x86_take_fp_flags,
    .cpu_init = x86_cpu_init,
    .relocate = x86_relocate,
    .empty_cell = x86_empty_cell,
    .variant = x86_variant,
};
const struct host *const host_native = &x86_host;
