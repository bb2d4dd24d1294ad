/* x86_64.h - what the files of host/x86_64 share: register convention, thunks at the cache's start, cold code.
 *
 *   rbp        the cpu (biased: see CPU_BIAS)  rsp  the pairing stack
 *   rax rcx rdx, xmm0-xmm3                     scratch
 *   rbx rsi rdi r8-r15, xmm4-xmm15             pins: the guest's hottest slots, in the order of guest->pins; what is
 * left over is scratch, too gs         base of MEM_WINDOW and MEM_LINEAR spaces
 *
 * Pins of scarce encodings come first. x86-64 needs rax, rcx and rdx for division, long multiplication, shifts and
 * compare-exchange; eleven pins and three scratch registers lose less than twelve and two.
 */
#ifndef HOST_X86_64_X86_64_H
#define HOST_X86_64_X86_64_H

#include "host/x86_64/emit.h"

/* Constants, 16 bytes each, from X86_CONSTANTS on. */
enum x86_constant {
    K_SIGN64,
    K_ABS64,
    K_SIGN32,
    K_ABS32,
    K_BOX32,
    K_NAN64,
    K_NAN32,
    K_TWO63,
    K_TWO32,
    K_MINUS1,
    K_TWO63F,
    K_TWO32F,
    K_MINUS1F,
    K_COUNT
};
static inline struct mem constant_at(enum x86_constant k) {
    return at_cache(X86_CONSTANTS + 16 * (uint32_t)k);
}

enum { GPR_PINS = 11, XMM_PINS = 12 };
extern const uint8_t x86_gpr_pins[GPR_PINS];
extern const uint8_t x86_xmm_pins[XMM_PINS];

/* Out-of-line code, emitted after the block. */
enum cold_kind {
    COLD_CELL,      /* miss of an inline cache */
    COLD_LEAVE_AT,  /* leave with pc = value, or what is in reg (flag) */
    COLD_EXIT,      /* leave with exit kind and value */
    COLD_INTERPRET, /* leave: the current instruction is to be interpreted */
    COLD_NAN,       /* a NaN result becomes the canonical one */
    COLD_FMA,       /* likewise, and inf * 0 raises its flag whatever is added to it */
    COLD_CALL,      /* C call, then back */
    COLD_MISS,      /* return address mispredicted: target in reg */
    COLD_DIVIDE,    /* division by 0 or -1 */
    COLD_POOL       /* no code: what is loaded from the block's pool, from cell `value` on */
};
struct cold {
    uint8_t kind, reg, reg2, size;
    uint8_t call; /* COLD_CALL: enum host_call */
    bool flag, flag2;
    uint16_t op;
    uint32_t from[2]; /* rel32s that lead here */
    uint32_t back;    /* offset to go on at */
    uint32_t at;      /* index of the uop that it belongs to */
    uint32_t ahead;   /* instructions to give back */
    uint32_t link;    /* COLD_CELL: link number in this emission */
    uint32_t cell;    /* COLD_CELL */
    uint32_t exit_kind;
    uint64_t pc, value;
    struct mem mem;
};
struct cold *cold_new(struct jit *j, enum cold_kind kind, uint32_t from);

/* verify.c */
/** Ends the process if the code from `from` to `to`, which may go on at `back`, does what the uop's row does not say.
 */
void x86_verify(const struct jit *j, const struct uop *u, const uint8_t *from, const uint8_t *to, uint32_t back);

/* thunk.c */
uint32_t x86_prepare(const struct guest *guest, uint8_t *write, uint8_t *execute, uint32_t limit);
uint32_t x86_state(const struct guest *guest, struct state_entry *entries, uint16_t *of_slot);
void x86_enter(struct cpu *cpu, const uint8_t *execute, const void *code);
void x86_leave_from_call(struct cpu *cpu, const uint8_t *execute);
/** Emits a C call of an enum host_call function: operands must be in cpu->host.args[1..3]; `what` goes to args[0]. All
    registers are kept but for pins that the function writes in memory; the result is in cpu->host.result. */
void x86_call(struct jit *j, enum host_call function, uint64_t what, bool may_exit);
void store_arg(struct jit *j, unsigned n, uint16_t temp);
/** Stores a value to 8 bytes of the cpu as C has it: narrow ones zero-extended, whatever the register has above. */
void store_whole(struct jit *j, uint32_t offset, uint16_t temp);
void load_result(struct jit *j, uint16_t temp);

/** Compares operands a and b of u; the flags are then for cc_of(u->x). */
void select_compare(struct jit *j, const struct uop *u, bool w);
/** Of struct target. */
bool x86_absorbs(const struct jit *j, const struct uop *user, const struct uop *definition);
/* select_*.c: each selects the uops of its kind, false for those it does not know. */
bool select_int(struct jit *j, const struct uop *u);
bool select_fp(struct jit *j, const struct uop *u);
bool select_mem(struct jit *j, const struct uop *u);
bool select_atomic(struct jit *j, const struct uop *u);
bool select_vector(struct jit *j, const struct uop *u);
bool select_control(struct jit *j, const struct uop *u);
/** Loads the wide constant at that place of the block's pool. */
void pool_load(struct jit *j, uint8_t to, uint32_t at);
void control_begin(struct jit *j);
extern const uint8_t x86_nop5[5];
void control_end(struct jit *j);
/** The meaning called in C: for every uop without a rule. */
void select_call_c(struct jit *j, const struct uop *u);
/** Stores a guest pc (or another guest constant that moves with the image): the one place that emits them. */
void store_pc(struct jit *j, struct mem to, uint64_t pc);

/* select_mem.c: addresses of memory uops. Of locks, one register at most may be locked before, and stays so. */
const struct mem_view *mem_view_of(const struct jit *j, const struct uop *u);
/** Of spaces that are not soft. Locks one register. */
struct mem space_address(struct jit *j, const struct uop *u);
/** Soft: the address in t, the line's address in s, both locked. */
void soft_address(struct jit *j, const struct uop *u, uint8_t *t, uint8_t *s);
/** Then: the host address in t if the tag matches, else off to the C call. No allocation from here to where c->back
    leads. */
struct cold *soft_check(struct jit *j, const struct uop *u, bool write, enum host_call call, uint8_t t, uint8_t s);

/** MXCSR's sticky bits as fp.h flags. */
uint32_t x86_fp_flags(uint32_t mxcsr);
/* features.c */
struct x86_features {
    bool avx, fma, sse41, popcnt, bmi1, bmi2, lzcnt;
};
/** Of this computer. Code depends on them, so who changes them (tests) does so before an engine is made. */
extern struct x86_features x86_features;
/** What the processor says, by leaf and register, and which registers the system saves. */
struct x86_cpuid {
    uint32_t leaf_1_ecx, leaf_7_ebx, leaf_80000001_ecx;
    uint64_t xcr0;
};
struct x86_features x86_features_of(const struct x86_cpuid *c);

/* signal.c */
uint64_t x86_fault_pc(void *ucontext);
struct cpu *x86_fault_cpu(void *ucontext);
bool x86_fault_pair(void *ucontext, void *address, struct cpu *cpu);
void x86_leave_from_fault(void *ucontext, const uint8_t *execute);
void x86_fault_register(const void *ucontext, enum bank bank, unsigned reg, uint64_t cells[TYPE_CELLS]);

#endif
