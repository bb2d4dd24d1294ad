/* riscv.c - the guest table of riscv: slots, pins, and the glue to what is generated from *.isa. */
#include "guest/riscv/riscv.h"
#include "guest/riscv/csr.h"
#include "guest/riscv/lift.h"

#define X(n)                                                                                                           \
    { "x" #n, FIELD_OFFSET(struct riscv_cpu, x) + 8 * (n), T_I64, 0, RISCV_PLACE(x) }
#define F(n)                                                                                                           \
    { "f" #n, FIELD_OFFSET(struct riscv_cpu, f) + 8 * (n), T_F64, 0, RISCV_PLACE(f) }
#define EIGHT(M, a, b, c, d, e, f, g, h) M(a), M(b), M(c), M(d), M(e), M(f), M(g), M(h)
#define THIRTY_TWO(M)                                                                                                  \
    EIGHT(M, 0, 1, 2, 3, 4, 5, 6, 7), EIGHT(M, 8, 9, 10, 11, 12, 13, 14, 15),                                          \
        EIGHT(M, 16, 17, 18, 19, 20, 21, 22, 23), EIGHT(M, 24, 25, 26, 27, 28, 29, 30, 31)

static const struct slot slots[SLOT_COUNT] = {
    THIRTY_TWO(X),
    THIRTY_TWO(F),
    [SLOT_FFLAGS] = {"fflags", offsetof(struct cpu, fp_flags), T_I32, SLOT_FP_FLAGS, PLACE_FP_FLAGS},
    [SLOT_FRM] = {"frm", FIELD_OFFSET(struct riscv_cpu, frm), T_I32, 0, RISCV_PLACE(frm)},
    [SLOT_FS] = {"fs", FIELD_OFFSET(struct riscv_cpu, fs), T_I32, 0, RISCV_PLACE(fs)},
    [SLOT_ACTIONS] = {"actions", offsetof(struct cpu, actions), T_I32, 0, PLACE_ACTIONS},
};

/* By how often compiled code names them: a5 a4 sp a0 a3 s0 a2 a1 s1 s2 s3 s4 a6 s5 a7 s6 t1 s7 t3 ra t4 s8 s9 s10 ...
 */
static const uint16_t pins[] = {15, 14, 2,  10, 13, 8,  12, 11, 9,  18, 19, 20, 16, 21, 17, 22,
                                6,  23, 28, 1,  29, 24, 25, 26, 27, 30, 7,  5,  31, 3,  4,  0xffff};
/* fa5 fa4 fa0 fa3 fa1 fa2 ft0 fa6 fa7 fs0 fs1 ft1 ft2 ft3 fs2 ... */
#define PIN(n) (SLOT_F + (n))
static const uint16_t fp_pins[] = {PIN(15), PIN(14), PIN(10), PIN(13), PIN(11), PIN(12), PIN(0),  PIN(16), PIN(17),
                                   PIN(8),  PIN(9),  PIN(1),  PIN(2),  PIN(3),  PIN(18), PIN(19), PIN(4),  PIN(5),
                                   PIN(20), PIN(21), PIN(6),  PIN(7),  PIN(28), PIN(29), PIN(22), PIN(23), PIN(30),
                                   PIN(31), PIN(24), PIN(25), PIN(26), PIN(27), 0xffff};

static void reset(struct cpu *cpu) {
    fields_reset(cpu, riscv_fields, RISCV_FIELD_COUNT);
}

static uint64_t context(const struct cpu *cpu) {
    const struct riscv_cpu *pack_from = (const struct riscv_cpu *)cpu;
    uint64_t pack_ctx = 0;
    unsigned pack_shift = CTX_GUEST_SHIFT;
    RISCV_FIELDS(FIELDS_PACK_FIELD, FIELDS_PACK_ARRAY)
    return pack_ctx;
}

/* Reads the instruction at `bytes`; returns its length, or 0 if it is not all there. Lengths above 4 are reserved:
   their first 4 bytes are taken, and are illegal. */
static unsigned read_instruction(const uint8_t *bytes, size_t avail, uint32_t *bits) {
    if (avail < 4) {
        if (avail < 2) return 0;
        *bits = bytes[0] | (uint32_t)bytes[1] << 8;
        return (*bits & 3) == 3 ? 0 : 2;
    }
    uint32_t word = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    unsigned wide = (word & 3) == 3; /* no branch: nobody could guess it */
    *bits = word & (0xffffu | (0u - wide));
    return 2 + 2 * wide;
}

static unsigned lift(struct builder *b, const uint8_t *bytes, size_t avail) {
    uint32_t bits;
    unsigned length = read_instruction(bytes, avail, &bits);
    if (!length) return 0;
    builder_mark(b, b->pc, length);
    riscv_lift_row(b, riscv_decode(bits), bits);
    return length;
}

static unsigned disassemble(char *text, size_t size, uint64_t pc, const uint8_t *bytes, size_t avail,
                            const void *unit) {
    (void)unit;
    uint32_t bits = 0;
    unsigned length = read_instruction(bytes, avail, &bits);
    if (length) {
        isa_disassemble(&riscv_isa, bits, length, pc, text, size);
        return length;
    }
    if (avail < 2) { /* the rest of it is out of reach */
        snprintf(text, size, ".byte 0x%02x", bytes[0]);
        return 1;
    }
    snprintf(text, size, ".2byte 0x%04x", bits);
    return 2;
}

/* The list of extensions, as device trees have it. */
#define LETTER_NAME(name, probe)      #name
#define EXTENSION_NAME(of, name, ...) "_" #name

const struct guest guest_riscv = {
    .name = "riscv64",
    .isa = "rv64" RISCV_LETTERS(LETTER_NAME) RISCV_EXTENSIONS(EXTENSION_NAME),
    .mmu = "riscv,sv57",
    .cpu_size = sizeof(struct riscv_cpu),
    .fields = riscv_fields,
    .nfields = RISCV_FIELD_COUNT,
    .slots = slots,
    .nslots = SLOT_COUNT,
    .pins = pins,
    .fp_pins = fp_pins,
    .helpers = riscv_helpers,
    .nhelpers = HELPER_COUNT,
    .pc_align = 2,
    .explicit_coherence = true,
    .reset = reset,
    .set_field = riscv_set_field,
    .context = context,
    .lift = lift,
    .disassemble = disassemble,
    .walk = riscv_walk,
    .forget = riscv_forget,
    .enter_trap = riscv_enter_trap,
    .take_interrupt = riscv_take_interrupt,
    .wakes = riscv_wakes,
    .set_line = riscv_set_line,
    .tick = riscv_tick,
    .trap_names = &riscv_trap_names,
    .effects = &riscv_effects,
};
