/* Instructions that cannot be done, and devices that want to be heard: whatever tier runs, the state is that before the
 * instruction, or that behind it, exactly. Random programs over pages of which one is protected at random are run by
 * the interpreter and by the others, and everything is compared.
 */
#include "engine/rig.h"

/* ---- devices */

static struct rig one;

static struct {
    uint64_t pc, a1, count;
    unsigned n;
} asked;
static enum answer note_poll(struct rig *r) {
    if (r->cpu->exit.kind != EXIT_poll) return ANSWER_STOP;
    asked.pc = r->cpu->pc;
    asked.a1 = r->x[A1];
    asked.count = cpu_count(r->cpu);
    asked.n++;
    return ANSWER_RESUME;
}

/* What a device asks for while it is written to comes before the next instruction. */
static void devices_are_heard_at_once(void **state) {
    (void)state;
    static const struct {
        const char *store;
        unsigned writes;
    } stores[] = {{"cbo.zero (a0)", 8}, {"sd a2, 0(a0)", 1}, {"sb a2, 3(a0)", 1}, {"fsw fa0, 8(a0)", 1}};
    for (unsigned k = 0; k < rig_tier_count(); k++)
        for (unsigned counted = 0; counted < 2; counted++)
            for (unsigned i = 0; i < sizeof stores / sizeof *stores; i++) {
                char text[200];
                rig_make(&one, RIG_SOFT, &(struct engine_config){.tier = rig_tiers[k], .counted = counted});
                snprintf(text, sizeof text, "addi a1, a1, 1; %s; next: addi a1, a1, 2; addi a1, a1, 4; ecall",
                         stores[i].store);
                rig_code(&one, RIG_CODE, text);
                one.device_wishes = true;
                one.answer = note_poll;
                for (unsigned round = 1; round < 5; round++) {
                    rig_reset(&one);
                    one.x[A0] = RIG_DEVICE;
                    asked.n = 0;
                    if (counted) cpu_grant(one.cpu, 100);
                    rig_done(&one, RIG_CODE);
                    assert_int_equal(asked.n, 1);
                    assert_int_equal(asked.pc, rig_label(&one, "next"));
                    assert_int_equal(asked.a1, 1);
                    if (counted) assert_int_equal(asked.count, 2);
                    if (counted) assert_int_equal(cpu_count(one.cpu), 4);
                    assert_int_equal(one.x[A1], 7);
                    assert_int_equal(one.device_writes, stores[i].writes);
                }
                rig_free(&one);
            }
}

/* ---- random programs */

enum { PAGES = 6, DATA = RIG_DATA + RIG_PAGE, MOST = 60, BASES = 4, PROGRAMS = 400, STARTS_EACH = 6 };
/* Before the first page and behind the last nothing may be read. */

static uint64_t roll(uint64_t n) {
    static uint64_t random = 0x9e3779b97f4a7c15;
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return (random >> 11) % n;
}

static uint32_t i_type(unsigned opcode, unsigned funct3, unsigned rd, unsigned rs1, uint32_t imm) {
    return opcode | rd << 7 | funct3 << 12 | rs1 << 15 | imm << 20;
}
static uint32_t r_type(unsigned opcode, unsigned funct3, unsigned funct7, unsigned rd, unsigned rs1, unsigned rs2) {
    return opcode | rd << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | funct7 << 25;
}
static uint32_t s_type(unsigned opcode, unsigned funct3, unsigned rs1, unsigned rs2, uint32_t imm) {
    return opcode | (imm & 31) << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | imm >> 5 << 25;
}
static uint32_t b_type(unsigned funct3, unsigned rs1, unsigned rs2, int32_t d) {
    uint32_t u = (uint32_t)d;
    return 0x63 | (u >> 11 & 1) << 7 | (u >> 1 & 15) << 8 | funct3 << 12 | rs1 << 15 | rs2 << 20 | (u >> 5 & 63) << 25 |
           (u >> 12 & 1) << 31;
}

/* Registers: the bases hold addresses, s0 counts loops, others are anybody's. */
static const uint8_t bases[BASES] = {S1, S2, SP, A5};
static unsigned base(void) {
    return bases[roll(BASES)];
}
static unsigned any(void) {
    static const uint8_t all[] = {A0, A1, A2, A3, A4, A6, A7, S3, S4, 28, 29, 30, 31, 5, 6, 7, 0};
    return all[roll(sizeof all)];
}
static uint32_t displacement(void) {
    return (uint32_t)(roll(3) ? roll(64) * 8 : roll(4096)) & 0xfff;
}

/* Mostly at the base of the lr before, so that many succeed. */
static unsigned reserved;
static uint32_t memory_access(void) {
    static const uint8_t atomics[] = {0, 1, 4, 8, 12, 16, 20, 24, 28};
    switch (roll(8)) {
    case 0:
    case 1:
    case 2: return i_type(0x03, (unsigned)roll(7), any(), base(), displacement());
    case 3:
    case 4: return s_type(0x23, (unsigned)roll(4), base(), any(), displacement());
    case 5: return i_type(0x07, 2 + (unsigned)roll(2), (unsigned)roll(32), base(), displacement());
    case 6: return s_type(0x27, 2 + (unsigned)roll(2), base(), (unsigned)roll(32), displacement());
    default:
        switch (roll(4)) {
        case 0: return r_type(0x2f, 2 + (unsigned)roll(2), 2 << 2, any(), reserved = base(), 0); /* lr */
        case 1:
            return r_type(0x2f, 2 + (unsigned)roll(2), 3 << 2, any(), roll(4) && reserved ? reserved : base(), any());
        case 2: return roll(4) ? 0 : i_type(0x0f, 2, 0, base(), (unsigned)roll(2) ? 4 : 1); /* cbo.zero, cbo.clean */
        default: return r_type(0x2f, 2 + (unsigned)roll(2), atomics[roll(9)] << 2, any(), base(), any());
        }
    }
}

static uint32_t plain(void) {
    static const uint8_t fp[] = {0x01, 0x05, 0x09, 0x0d, 0x00, 0x04, 0x08, 0x0c}; /* add, sub, mul, div .d and .s */
    switch (roll(10)) {
    case 8:
    case 9: return i_type(0x13, 0, any(), any(), 0); /* mv */
    case 0: return r_type(0x33, (unsigned)roll(8), 0, any(), any(), any());
    case 1: return r_type(0x33, (unsigned)roll(8), 1, any(), any(), any()); /* mul, div, rem */
    case 2: return r_type(0x3b, 0, 0x20, any(), any(), any());              /* subw */
    case 3: {                                                               /* a base moves a little */
        unsigned moved = base();
        return i_type(0x13, 0, moved, moved, (uint32_t)(roll(64) * 8 - 256) & 0xfff);
    }
    case 4: return r_type(0x53, 7, fp[roll(8)], (unsigned)roll(32), (unsigned)roll(32), (unsigned)roll(32));
    case 5: return r_type(0x53, 0, 0x79, (unsigned)roll(32), any(), 0); /* fmv.d.x */
    case 6: return i_type(0x73, 2, any(), 0, 1);                        /* csrrs fflags */
    default: return i_type(0x13, 0, any(), any(), (uint32_t)roll(4096));
    }
}

/* Moves a word as bytes, in any order: loads, then stores, of which now and then one is something else. */
static unsigned move_bytes(uint32_t *code) {
    static const uint8_t registers[8] = {A0, A1, 28, A2, S3, 5, A6, 30};
    const unsigned size = roll(3) ? 8 : 4, from = base(), to = base();
    const uint32_t at = (uint32_t)roll(64) * 8, source = (uint32_t)roll(512);
    uint8_t order[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    for (unsigned k = size; roll(2) && k-- > 1;) {
        const unsigned other = (unsigned)roll(k + 1);
        const uint8_t t = order[k];
        order[k] = order[other];
        order[other] = t;
    }
    for (unsigned k = 0; k < size; k++) code[k] = i_type(0x03, 4, registers[k], from, (source + k) & 0xfff);
    for (unsigned k = 0; k < size; k++)
        code[size + k] = s_type(0x23, 0, to, registers[order[k]], (at + order[k]) & 0xfff);
    switch (roll(6)) {
    case 0: code[roll(2 * size)] = i_type(0x13, 0, to, to, 1); break;
    case 1: code[size + roll(size)] = s_type(0x23, (unsigned)roll(4), to, any(), at); break;
    case 2: code[size - 1] = i_type(0x13, 0, registers[roll(size)], any(), 7); break;
    default: break;
    }
    return 2 * size;
}

/* lr, a sum or something else, sc: of one address, mostly. */
static unsigned read_modify(uint32_t *code) {
    const unsigned wide = (unsigned)roll(2), at = base(), old = any(), new = any();
    unsigned n = 0;
    code[n++] = r_type(0x2f, 2 + wide, 2 << 2, old, at, 0);
    if (roll(4) == 0) code[n++] = plain();
    if (roll(3)) code[n++] = r_type(roll(3) ? 0x33 : 0x3b, 0, 0, new, old, any());
    if (roll(4) == 0) code[n++] = plain();
    code[n++] = r_type(0x2f, 2 + (roll(8) ? wide : !wide), 3 << 2, any(), roll(8) ? at : base(), new);
    return n;
}

/* Blocks of accesses and arithmetic; branches go forwards, but for one that counts s0 down; an ecall at the end. */
static unsigned generate(uint32_t *code) {
    unsigned n = 5 + (unsigned)roll(MOST - 10), back = (unsigned)roll(n);
    for (unsigned i = 0; i < n; i++) {
        uint32_t bits = 0;
        if (roll(20) == 0 && i + 16 < n) {
            i += move_bytes(code + i) - 1;
            continue;
        }
        if (roll(20) == 0 && i + 5 < n) {
            i += read_modify(code + i) - 1;
            continue;
        }
        while (!bits) bits = roll(3) ? memory_access() : plain();
        if (roll(8) == 0) bits = b_type((unsigned)roll(2) * 4, any(), any(), 4 * (1 + (int)roll(n - i)));
        code[i] = bits;
    }
    code[n++] = i_type(0x13, 0, S0, S0, 0xfff);
    code[n] = b_type(1, S0, 0, -4 * (int)(n - back));
    n++;
    code[n++] = 0x73;
    return n;
}

/* ---- runs that are compared */

static const struct variant {
    enum tier tier;
    bool counted;
} variants[] = {{TIER_INTERP, true}, {TIER_BASELINE, true}, {TIER_BASELINE, false}, {TIER_AUTO, false}};
enum { VARIANTS = sizeof variants / sizeof *variants };
static struct rig rigs[VARIANTS];

struct start {
    uint64_t x[32], f[32];
    unsigned page;  /* that is protected */
    bool read_only; /* otherwise nothing may be done there */
};

struct outcome {
    uint64_t kind, value, pc, count, flags, frm, fs, reserved, reserve_value, x[32], f[32];
};

static uint8_t fresh[PAGES * RIG_PAGE];

static void protect(struct rig *r, const struct start *s, bool on) {
    uint64_t at = DATA + (uint64_t)s->page * RIG_PAGE;
    struct riscv_cpu *cpu = riscv_of(r->cpu);
    if (!r->soft) {
        int rights = !on ? PROT_READ | PROT_WRITE : s->read_only ? PROT_READ : PROT_NONE;
        assert_int_equal(mprotect(rig_host(r, at), RIG_PAGE, rights), 0);
        return;
    }
    cpu->raw_pmpcfg[0] = on ? PMP_A | (s->read_only ? PMP_R : 0) : 0;
    cpu->raw_pmpaddr[0] = at >> 2 | 0x1ff;
    cpu->raw_pmpcfg[1] = PMP_A | PMP_R | PMP_W | PMP_X;
    cpu->raw_pmpaddr[1] = UINT64_MAX >> 10;
    cpu_flush_mapping(r->cpu);
}

static void run(struct rig *r, const struct start *s, bool counted, struct outcome *o) {
    struct riscv_cpu *cpu = riscv_of(r->cpu);
    rig_reset(r);
    memcpy(cpu->raw_x, s->x, sizeof cpu->raw_x);
    memcpy(cpu->raw_f, s->f, sizeof cpu->raw_f);
    memcpy(rig_host(r, DATA), fresh, sizeof fresh);
    protect(r, s, true);
    if (counted) cpu_grant(r->cpu, 100000);
    rig_run(r, RIG_CODE);
    protect(r, s, false);
    *o = (struct outcome){.kind = r->cpu->exit.kind,
                          .value = r->cpu->exit.kind == EXIT_syscall ? 0 : r->cpu->exit.value,
                          .pc = r->cpu->pc,
                          .count = counted ? cpu_count(r->cpu) : 0,
                          .flags = r->cpu->fp_flags,
                          .frm = cpu->raw_frm,
                          .fs = cpu->raw_fs,
                          .reserved = r->cpu->reserve_address,
                          .reserve_value = r->cpu->reserve_address == UINT64_MAX ? 0 : r->cpu->reserve_value};
    memcpy(o->x, cpu->raw_x, sizeof o->x);
    memcpy(o->f, cpu->raw_f, sizeof o->f);
}

static void random_start(struct start *s, enum rig_memory memory) {
    for (unsigned i = 0; i < 32; i++) {
        s->x[i] = i && roll(2) ? roll(UINT64_MAX) : roll(16) * (i != 0);
        s->f[i] = roll(2) ? 0x3ff0000000000000 + (roll(1000) << 40) : 0xffffffff3f800000 + roll(1000);
    }
    for (unsigned i = 0; i < BASES; i++) /* mostly aligned; edges of pages are within reach */
        s->x[bases[i]] = DATA + roll(PAGES * RIG_PAGE / 8) * 8 + (roll(6) == 0) * roll(8);
    if (memory != RIG_DIRECT && roll(30) == 0) s->x[bases[roll(BASES)]] = roll(UINT64_MAX);
    s->x[S0] = 1 + roll(4);
    s->page = (unsigned)roll(PAGES);
    s->read_only = roll(2);
}

static unsigned faults, ends; /* how many runs ended so */

static void compare(unsigned program, unsigned v, const struct outcome *is, const struct outcome *should) {
    const uint64_t *p = (const uint64_t *)is, *q = (const uint64_t *)should;
    for (unsigned i = 0; i < sizeof *is / 8; i++)
        if (p[i] != q[i] && (i != 3 || variants[v].counted))
            fail_msg("program %u, tier %d, counted %d, soft %d: word %u of the outcome is 0x%lx, not 0x%lx; exit %s at "
                     "0x%lx, not %s at 0x%lx",
                     program, variants[v].tier, variants[v].counted, rigs[v].soft, i, p[i], q[i],
                     exit_info[is->kind].name, is->pc, exit_info[should->kind].name, should->pc);
    if (memcmp(rig_host(&rigs[v], DATA), rig_host(&rigs[0], DATA), sizeof fresh))
        fail_msg("program %u, tier %d, soft %d: memory", program, variants[v].tier, rigs[v].soft);
}

/* The interpreter and variants from `first` to below `end`. */
static void run_programs(enum rig_memory memory, unsigned first, unsigned end) {
    bool soft = memory == RIG_SOFT;
    for (unsigned v = 0; v < end; v = v ? v + 1 : first) {
        rig_make(
            &rigs[v], v || soft ? memory : RIG_WINDOW,
            &(struct engine_config){.tier = variants[v].tier, .counted = variants[v].counted, .cache_size = 4 << 20});
        if (soft) continue; /* what is around the pages */
        assert_int_equal(mprotect(rig_host(&rigs[v], RIG_DATA), RIG_PAGE, PROT_NONE), 0);
        assert_int_equal(mprotect(rig_host(&rigs[v], DATA + PAGES * RIG_PAGE), RIG_PAGE, PROT_NONE), 0);
    }
    for (unsigned program = 0; program < PROGRAMS; program++) {
        uint32_t code[MOST];
        unsigned n = generate(code);
        for (unsigned v = 0; v < end; v = v ? v + 1 : first) {
            memcpy(rig_host(&rigs[v], RIG_CODE), code, 4 * n);
            if (soft)
                engine_written(rigs[v].engine, RIG_CODE, sizeof code);
            else
                engine_invalidate(rigs[v].engine, RIG_CODE, sizeof code);
        }
        for (unsigned k = 0; k < STARTS_EACH; k++) {
            struct start s;
            struct outcome reference, o;
            random_start(&s, memory);
            for (unsigned i = 0; i < sizeof fresh; i += 8) {
                uint64_t word = (i + k) * 0x9e3779b97f4a7c15u;
                memcpy(fresh + i, &word, 8);
            }
            run(&rigs[0], &s, true, &reference);
            faults += reference.kind != EXIT_syscall;
            ends += reference.kind == EXIT_syscall;
            for (unsigned v = first; v < end; v++) {
                run(&rigs[v], &s, variants[v].counted, &o);
                compare(program, v, &o, &reference);
            }
        }
    }
    for (unsigned v = 0; v < end; v = v ? v + 1 : first) rig_free(&rigs[v]);
}

static void every_tier_faults_in_the_same_state(void **state) {
    (void)state;
    if (!host_native) return;
    faults = ends = 0;
    run_programs(RIG_WINDOW, 1, VARIANTS);
    run_programs(RIG_SOFT, 1, VARIANTS);
    run_programs(RIG_DIRECT, 1, 2);
    run_programs(RIG_DIRECT, 3, 4);
    /* Both happen often, or the programs are no good. */
    assert_true(faults > PROGRAMS * STARTS_EACH && ends > PROGRAMS * STARTS_EACH / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_are_heard_at_once),
        cmocka_unit_test(every_tier_faults_in_the_same_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
