/* What the translator decides by looking back over a block: values that live where a dead put would go, shifts that are
 * part of an addition, extensions that are not needed; and that scratch registers never run out. Each piece of code
 * runs on every tier and memory, and on each no block is refused but where that is asked for; registers and data at the
 * end are the interpreter's.
 */
#include "engine/rig.h"

static struct rig r;

static const char *const pieces[] = {
    /* Two results wanted after a comparison of registers without pins. */
    "sltu a6, s8, tp; xori s9, s8, 1356; add s10, s8, tp; sltu s11, tp, s8; sw a6, 0(a0); sw s9, 4(a0)",
    "slt s8, s9, s10; slt s9, s8, s10; sltu s10, s9, s8; sltiu s11, s10, 1; sltu t3, zero, s9; slti t4, s8, -1; sltiu "
    "t5, s9, 1",
    /* Zero on the left. */
    "sltu t3, zero, s8; slt t4, zero, s9; subw t5, zero, s10; sub t6, zero, s8; sub s8, zero, s8",
    "bge zero, s8, skip; addi a1, a1, 1; skip: blt zero, s9, over; addi a1, a1, 2; over: bltu zero, s10, out;"
    "addi a1, a1, 4; out: bgeu zero, s8, end; addi a1, a1, 8; end: sd a1, 0(a0)",
    /* Chains through one register, and through two in turn; the old value is wanted again, or not. */
    "slli a5, s8, 13; srli a4, s8, 51; or a5, a5, a4; xor a5, a5, s9; slli a4, a5, 32; srli a5, a5, 32; or a4, a4, a5;"
    "add a5, a4, s10; slli a3, a5, 17; srli a5, a5, 47; or a5, a5, a3; xor a4, a5, a4; sd a4, 0(a0); sd a5, 8(a0)",
    "addi a5, s8, 1; addi a5, a5, 2; sd a5, 0(a0); addi a5, a5, 3; addi a4, a5, 4; addi a5, a5, 5; add a5, a5, a4;"
    "sub a4, a5, a4; ld a5, 0(a0); add a4, a4, a5",
    /* Scaled additions: of itself, into itself, twice, of a constant, of narrow values. */
    "slli a5, a1, 3; add a5, a5, a0; ld a4, 0(a5); slli a4, a1, 2; add a4, a0, a4; lw a3, 0(a4); slli a1, a1, 1;"
    "add a1, a1, a1; slli s8, s8, 3; slli s9, s9, 2; add s8, s8, s9; slliw s9, s9, 1; addw s9, s9, s8",
    "slli s8, s8, 2; add s8, s8, s8; slliw s9, s9, 3; addw s9, s9, s9; slli t3, s10, 4; add t3, t3, s9;"
    "addi a5, zero, 5; slli a5, a5, 2; add a5, a5, s10; sh1add t4, s8, s9; sh2add t4, t4, t4; sh3add s8, s8, s8",
    /* Sums of words: extensions on the way, some of which are read whole. */
    "addw a5, s8, s9; addiw a4, a5, -1; addw a4, a4, a5; slliw a5, a4, 3; addw a5, a5, a4; sd a5, 0(a0)",
    "addw a5, s8, s9; addw a5, a5, s10; srliw a4, a5, 3; sraiw a3, a5, 7; add a5, a5, a4; subw a5, a5, a3; sw a5, "
    "0(a0);"
    "mulw a5, a5, a4; addiw a4, a5, 0; subw a3, zero, a4; rolw a2, a3, a5; lw a5, 0(a0); addw a5, a5, a2",
    "add.uw a5, s8, zero; addw a5, a5, s9; add.uw a4, a5, s10; slli.uw a3, a5, 2; sh2add.uw a2, a5, a0; addw a5, a5, "
    "a4",
    /* Division, shifts and long products want registers by name. */
    "mul a5, s8, s9; mulhu a4, s8, s9; add a4, a4, a5; divu a5, a4, s10; remu a3, a4, s10; sll a2, a5, a3; srl a5, a5, "
    "a3;"
    "mulhsu a4, a2, a5; div a3, a4, s8; rem s8, s9, a3; sra s9, s9, s8; mulh s10, s9, s8; xor a5, a5, s10",
    /* lr and sc: sums and exchanges, which are one instruction; what is not there at the lr; others between; addresses
       that differ; a second sc. */
    "lr.d a5, (a0); add a4, a5, s8; sc.d a3, a4, (a0); lr.d s8, (a0); add a4, s9, s8; sc.d s9, a4, (a0); ld a2, 0(a0)",
    "lr.w a5, (a0); addw a5, s8, a5; sc.w a5, a5, (a0); lr.w s8, (a0); add s9, s8, s10; sc.w s10, s9, (a0); ld a2, "
    "0(a0)",
    "lr.d a5, (a0); sc.d a4, s8, (a0); lr.w a3, (a0); addi a2, a3, 5; sc.w a3, a2, (a0); lr.d a1, (a0); sc.d a1, zero, "
    "(a0); sc.d s8, s9, (a0)",
    "lr.d a5, (a0); addi s8, s9, 0; add a4, a5, s8; sc.d a3, a4, (a0); lr.d a5, (a0); addi s9, s9, 1; add a4, a5, s9;"
    "sc.d a3, a4, (a0); lr.d a5, (a0); add a5, a5, a5; sc.d a3, a5, (a0); lr.d a5, (a0); sc.d a3, a5, (a0)",
    "lr.d a5, (a0); slli a4, s8, 2; add a4, a5, a4; sc.d a3, a4, (a0); slli a4, s8, 3; lr.w a5, (a0); add a4, a5, a4;"
    "sc.w a3, a4, (a0); lr.w a5, (a0); addw a4, a5, s8; sc.d a3, a4, (a0); lr.w a5, (a0); add.uw a4, a5, s8; sc.w a3, "
    "a4, (a0)",
    "addi a1, a0, 8; lr.d a5, (a0); sc.d a4, s8, (a1); lr.d a5, (a0); beq a5, s8, skip; add a5, a5, s9; skip: sc.d a4, "
    "a5, (a0); lr.d a5, (a0); sub a4, a5, s8; sc.d a3, a4, (a0); lr.d zero, (a0); sc.d zero, s9, (a0)",
    "fmv.d.x fa5, s8; fmv.d.x fa4, s9; lr.d a5, (a0); fsgnj.s fa3, fa5, fa4; sc.d a4, s10, (a0); lr.d a5, (a0);"
    "fadd.d fa3, fa5, fa4; add a5, a5, s8; sc.d a4, a5, (a0)",
    /* Floats among them. */
    "fcvt.d.l fa5, s8; fcvt.d.lu fa4, s9; fadd.d fa5, fa5, fa4; fmul.d fa4, fa5, fa5; fmadd.d ft3, fa4, fa5, fa5;"
    "fcvt.s.d fs2, ft3; fadd.s fs2, fs2, fs2; fcvt.d.s fs3, fs2; flt.d a5, fs3, ft3; feq.d a4, fa5, fa5; fsd fs3, "
    "0(a0);"
    "fcvt.l.d a3, fa5, rtz; fmv.x.d a2, ft3; add a5, a5, a4; add a2, a2, a3",
};

static const uint64_t values[] = {
    0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0x123456789abcdef0, INT64_MAX, 1ull << 63, UINT64_MAX};
enum { VALUES = sizeof values / sizeof *values };

static void start(unsigned n) {
    rig_reset(&r);
    for (unsigned i = 3; i < 32; i++) r.x[i] = values[(n / (i % 5 + 1) + i * (n + 1)) % VALUES];
    r.x[A0] = RIG_DATA;
    r.x[A1] = n % 8;
    cpu_grant(r.cpu, 1000);
}

struct outcome {
    uint64_t x[32], f[32], data[4];
    uint32_t flags;
};
static void note(struct outcome *o) {
    memset(o, 0, sizeof *o);
    memcpy(o->x, r.x, sizeof o->x);
    memcpy(o->f, riscv_of(r.cpu)->raw_f, sizeof o->f);
    memcpy(o->data, rig_host(&r, RIG_DATA), sizeof o->data);
    o->flags = r.cpu->fp_flags;
}

enum { PIECES = sizeof pieces / sizeof *pieces, STARTS = 40 };
static struct outcome expected[PIECES][STARTS];

static void piece_by_piece(unsigned tier, enum rig_memory memory, bool counted, unsigned refuse) {
    rig_make(&r, memory, &(struct engine_config){.tier = rig_tiers[tier], .counted = counted, .refuse = refuse});
    for (unsigned p = 0; p < PIECES; p++) {
        const uint64_t at = RIG_CODE + p * 0x100;
        char text[1200];
        snprintf(text, sizeof text, "%s; ecall", pieces[p]);
        r.nlabels = 0;
        rig_code(&r, at, text);
        for (unsigned n = 0; n < STARTS; n++) {
            struct outcome o;
            memset(rig_host(&r, RIG_DATA), (int)n, 64);
            start(n);
            rig_done(&r, at);
            note(&o);
            if (rig_tiers[tier] == TIER_INTERP && memory == RIG_WINDOW && !counted && !refuse) expected[p][n] = o;
            if (memcmp(&o, &expected[p][n], sizeof o))
                fail_msg("piece %u, start %u, tier %u, memory %u", p, n, tier, memory);
        }
    }
#ifndef VEE_POISON
    if (!refuse) assert_int_equal(engine_stats(r.engine).refused, 0);
#endif
    rig_free(&r);
}

static void results(void **state) {
    (void)state;
    for (unsigned tier = 0; tier < rig_tier_count(); tier++)
        for (enum rig_memory memory = RIG_WINDOW; memory < RIG_DIRECT; memory++)
            for (unsigned counted = 0; counted < 2; counted++)
                for (unsigned refuse = 0; refuse < 3; refuse++) piece_by_piece(tier, memory, counted, refuse);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(results)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
