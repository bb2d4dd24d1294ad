/* csr.c - reading and writing control and status registers.
 *
 * csr.def has the registers, state.h the fields behind them with the bits that software can change; what is here is
 * the registers that are more than a field. Every write yields the actions that its change asks for; riscv_help_csr
 * asks the engine for them, or drops them when translated code can simply go on.
 */
#include "guest/riscv/csr.h"
#include "core/interface.h"
#include "riscv_isa.h"
#include <stdio.h>

#define FIELDS_OF struct riscv_cpu
const struct field riscv_fields[RISCV_FIELD_COUNT] = {FIELDS_RAW_TABLE(RISCV_FIELDS)};
FIELDS_WHOLE(struct riscv_cpu, {0}, FIELDS_INIT(RISCV_FIELDS));

/* Which accesses of a CSR are legal at all: see guards in csr.def. */
enum csr_access { EITHER, WRITES };
enum { NOTHING = 0, ACTIONS = FIELD_RETRANSLATE | FIELD_FLUSH_TLB | FIELD_RECHECK | FIELD_REMAP };

#define STATUS_SD         (1ull << 63)
#define STATUS_UXL        (2ull << 32)
#define STATUS_SXL        (2ull << 34)
#define SSTATUS_WRITE     ((uint64_t)(STATUS_SIE | STATUS_SPIE | STATUS_SPP | STATUS_FS | STATUS_SUM | STATUS_MXR))
#define SSTATUS_READ      (SSTATUS_WRITE | STATUS_UXL | STATUS_SD)
#define LETTER(name, ...) | 1ull << (#name[0] - 'a')
#define MISA              (2ull << 62 RISCV_LETTERS(LETTER) LETTER(s) LETTER(u))

/** The bits of `mask` from `to`, the others from `from`. */
static uint64_t mix(uint64_t from, uint64_t to, uint64_t mask) {
    return (from & ~mask) | (to & mask);
}

static unsigned put(struct riscv_cpu *cpu, enum riscv_field which, unsigned index, uint64_t value) {
    const struct field *f = &riscv_fields[which];
    uint64_t old = riscv_get(cpu, which, index), new = mix(old, value, f->write_mask);
    if (new == old) return 0;
    riscv_set(cpu, which, index, new);
    return f->flags & ACTIONS;
}
#define PUT(name)  put(cpu, RISCV_FIELD_##name, 0, v)
#define MASK(name) riscv_fields[RISCV_FIELD_##name].write_mask

static unsigned fp_write(struct riscv_cpu *cpu, uint64_t flags, uint64_t frm) {
    cpu_set_fp_flags(&cpu->c, flags & 31);
    return put(cpu, RISCV_FIELD_frm, 0, frm) | put(cpu, RISCV_FIELD_fs, 0, FS_DIRTY);
}

/* sstatus has nothing of status_trap: it is neither read nor written there. */
static uint64_t status_read(const struct riscv_cpu *cpu, uint64_t mask) {
    const uint64_t trap = mask & MASK(status_trap) ? GET(status_trap) : 0;
    const uint64_t v = GET(status_ie) | GET(status_stack) | GET(status_memory) | trap | STATUS_UXL | STATUS_SXL |
                       (uint64_t)GET(fs) << STATUS_FS_SHIFT | (GET(fs) == FS_DIRTY ? STATUS_SD : 0);
    return v & mask;
}

static unsigned status_write(struct riscv_cpu *cpu, uint64_t v, uint64_t mask) {
    const bool trap = mask & MASK(status_trap);
    uint64_t old = status_read(cpu, trap ? UINT64_MAX : ~MASK(status_trap));
    v = mix(old, v, mask);
    if ((v & STATUS_MPP) >> STATUS_MPP_SHIFT == 2) v = mix(v, old, STATUS_MPP); /* no such privilege */
    return PUT(status_ie) | PUT(status_stack) | PUT(status_memory) | (trap ? PUT(status_trap) : 0) |
           put(cpu, RISCV_FIELD_fs, 0, v >> STATUS_FS_SHIFT) | riscv_update_view(cpu);
}

/* On csrrs and csrrc of mip, only the software part of SEIP takes part: see riscv_help_csr. */
static unsigned mip_write(struct riscv_cpu *cpu, uint64_t v, uint64_t mask) {
    if (GET(menvcfg) & ENVCFG_STCE) mask &= ~(1ull << IRQ_STI);
    return put(cpu, RISCV_FIELD_mip, 0, mix(GET(mip), v, mask));
}

static unsigned satp_write(struct riscv_cpu *cpu, uint64_t v) {
    unsigned mode = v >> 60;
    if (mode != 0 && (mode < 8 || mode > 10)) return 0; /* Bare, Sv39, Sv48, Sv57 */
    return PUT(satp) | riscv_update_view(cpu);
}

unsigned riscv_update_cbo(struct riscv_cpu *cpu) {
    uint64_t have = GET(priv) == PRIV_M ? UINT64_MAX : GET(menvcfg), old = GET(cbo);
    if (GET(priv) == PRIV_U) have &= GET(senvcfg);
    LET(cbo, (have & ENVCFG_CBZE ? CBO_ZERO : 0) | (have & ENVCFG_CBCFE ? CBO_CLEAN : 0) |
                 (have & ENVCFG_CBIE ? CBO_INVAL : 0));
    return GET(cbo) == old ? 0 : FIELD_RETRANSLATE;
}

static unsigned envcfg_write(struct riscv_cpu *cpu, enum riscv_field which, uint64_t old, uint64_t v) {
    if ((v & ENVCFG_CBIE) == 2 << 4) v = mix(v, old, ENVCFG_CBIE);
    return put(cpu, which, 0, v) | riscv_update_cbo(cpu);
}

static uint64_t clock_read(struct riscv_cpu *cpu, enum counter which) {
    const struct interface *interface = cpu->c.interface;
    cpu_note(&cpu->c, PLACE_OUTSIDE, NOTE_READ);
    if (interface && interface->counter) return interface->counter(cpu->c.self, &cpu->c, which);
    return cpu_count(&cpu->c) - 1;
}

uint64_t riscv_random(struct riscv_cpu *cpu, uint64_t mask, uint64_t with, uint64_t without) {
    const struct interface *interface = cpu->c.interface;
    cpu_note(&cpu->c, PLACE_OUTSIDE, NOTE_READ);
    if (!interface || !interface->random) return without;
    return (interface->random(cpu->c.self, &cpu->c) & mask) | with;
}

/* Counters by their bit in mcountinhibit: 0 mcycle, 2 minstret. A running one is stored as its distance from the clock.
   A value written is what the next instruction reads, one tick later. */
static uint64_t counter_clock(struct riscv_cpu *cpu, unsigned bit) {
    if (GET(mcountinhibit) >> bit & 1) return 0;
    return clock_read(cpu, bit ? COUNTER_INSTRUCTIONS : COUNTER_CYCLES);
}
static uint64_t counter_read(struct riscv_cpu *cpu, unsigned bit) {
    return (bit ? GET(minstret) : GET(mcycle)) + counter_clock(cpu, bit);
}
static unsigned counter_write(struct riscv_cpu *cpu, unsigned bit, uint64_t v) {
    bool runs = !(GET(mcountinhibit) >> bit & 1);
    if (runs) v -= counter_clock(cpu, bit) + 1;
    if (bit)
        LET(minstret, v);
    else
        LET(mcycle, v);
    return 0;
}
static unsigned inhibit_write(struct riscv_cpu *cpu, uint64_t v) {
    uint64_t cycle = counter_read(cpu, 0), instret = counter_read(cpu, 2), old = GET(mcountinhibit);
    PUT(mcountinhibit);
    if ((old ^ GET(mcountinhibit)) & 1) counter_write(cpu, 0, cycle);
    if ((old ^ GET(mcountinhibit)) & 4) counter_write(cpu, 2, instret);
    return 0;
}

static uint64_t pmpcfg_read(const struct riscv_cpu *cpu, unsigned first) {
    uint64_t v = 0;
    for (unsigned i = 8; i-- > 0;) v = v << 8 | GET_AT(pmpcfg, first + i);
    return v;
}
static unsigned pmpcfg_write(struct riscv_cpu *cpu, unsigned first, uint64_t v) {
    unsigned actions = 0;
    for (unsigned i = first; i < first + 8; i++, v >>= 8) {
        uint64_t entry = v & 0xff;
        if ((entry & (PMP_R | PMP_W)) == PMP_W) entry &= ~(uint64_t)PMP_W; /* reserved */
        if (!(GET_AT(pmpcfg, i) & PMP_L)) actions |= put(cpu, RISCV_FIELD_pmpcfg, i, entry);
    }
    return actions;
}
static unsigned pmpaddr_write(struct riscv_cpu *cpu, unsigned i, uint64_t v) {
    if (GET_AT(pmpcfg, i) & PMP_L) return 0;
    if (i + 1 < PMP_ENTRIES && (GET_AT(pmpcfg, i + 1) & (PMP_L | PMP_A)) == (PMP_L | PMP_TOR)) return 0;
    return put(cpu, RISCV_FIELD_pmpaddr, i, v);
}

static unsigned pmpcfg_put(struct riscv_cpu *cpu, unsigned i, uint64_t v) {
    const unsigned first = i & ~7u, shift = 8 * (i - first);
    return pmpcfg_write(cpu, first, mix(pmpcfg_read(cpu, first), v << shift, 0xffull << shift));
}

/* Fields that are a CSR, or a part of one, change as that does. A process has no others than user code names: its cpu
   stays in user mode. */
bool riscv_set_field(struct cpu *c, unsigned field, unsigned index, uint64_t v, unsigned *actions) {
    struct riscv_cpu *cpu = riscv_of(c);
    *actions = 0;
    if (!riscv_fields[field].write_mask || (riscv_fields[field].class != CLASS_GPR && !c->soft.phys)) return false;
    switch ((enum riscv_field)field) {
    case RISCV_FIELD_x:
        if (!index) return false;
        break;
    case RISCV_FIELD_cbo: return false; /* follows from others */
    case RISCV_FIELD_priv:
        if (v != PRIV_U && v != PRIV_S && v != PRIV_M) return true;
        *actions = riscv_enter_priv(cpu, (enum riscv_priv)v) | FIELD_RECHECK;
        return true;
    case RISCV_FIELD_status_stack:
        *actions = status_write(cpu, v, STATUS_SPIE | STATUS_MPIE | STATUS_SPP | STATUS_MPP);
        return true;
    case RISCV_FIELD_status_memory: *actions = status_write(cpu, v, STATUS_MPRV | STATUS_SUM | STATUS_MXR); return true;
    case RISCV_FIELD_mip: *actions = mip_write(cpu, v, UINT64_MAX); return true;
    case RISCV_FIELD_satp: *actions = satp_write(cpu, v); return true;
    case RISCV_FIELD_menvcfg: *actions = envcfg_write(cpu, RISCV_FIELD_menvcfg, GET(menvcfg), v); return true;
    case RISCV_FIELD_senvcfg: *actions = envcfg_write(cpu, RISCV_FIELD_senvcfg, GET(senvcfg), v); return true;
    case RISCV_FIELD_mcountinhibit: *actions = inhibit_write(cpu, v); return true;
    case RISCV_FIELD_pmpcfg: *actions = pmpcfg_put(cpu, index, v); return true;
    case RISCV_FIELD_pmpaddr: *actions = pmpaddr_write(cpu, index, v); return true;
    default: break;
    }
    *actions = put(cpu, (enum riscv_field)field, index, v);
    return true;
}

static bool counter_allowed(const struct riscv_cpu *cpu, unsigned bit) {
    if (GET(priv) == PRIV_M) return true;
    if (!(GET(mcounteren) >> bit & 1)) return false;
    return GET(priv) == PRIV_S || (GET(scounteren) >> bit & 1);
}

/** Is stimecmp given to S mode? */
static bool timecmp_allowed(const struct riscv_cpu *cpu) {
    return GET(priv) == PRIV_M || ((GET(menvcfg) & ENVCFG_STCE) && (GET(mcounteren) & 2));
}

/* The rows as functions, and a table of them. */
_Static_assert(PMP_ENTRIES == 16, "there are as many registers as entries");
#define CONDITION(reads, condition, access)     condition
#define ACCESS(reads, condition, access)        access
#define CSR(number, name, guard, get, set, ...) CSRS(number, 1, name, 0, guard, get, set, )
#define CSRS(first, count, name, base, guard, get, set, ...)                                                           \
    static bool allows_##name(const struct riscv_cpu *cpu, unsigned number) {                                          \
        (void)cpu, (void)number;                                                                                       \
        return GUARD_##guard(CONDITION);                                                                               \
    }                                                                                                                  \
    static uint64_t read_##name(struct riscv_cpu *cpu, unsigned i) {                                                   \
        (void)cpu, (void)i;                                                                                            \
        return get;                                                                                                    \
    }                                                                                                                  \
    static unsigned write_##name(struct riscv_cpu *cpu, unsigned i, uint64_t v) {                                      \
        (void)cpu, (void)i, (void)v;                                                                                   \
        return set;                                                                                                    \
    }
#include "guest/riscv/csr.def"

struct csr {
    const char *name;
    uint16_t first, count, base;
    uint8_t access; /* enum csr_access */
    /** May it be accessed, if the privilege is enough? */
    bool (*allows)(const struct riscv_cpu *cpu, unsigned number);
    uint64_t (*read)(struct riscv_cpu *cpu, unsigned i);
    unsigned (*write)(struct riscv_cpu *cpu, unsigned i, uint64_t v);
};
static const struct csr csr_rows[CSR_ROWS] = {
#define CSR(number, name, guard, ...)                                                                                  \
    [CSR_ROW_##name] = {#name, number, 1, 0, GUARD_##guard(ACCESS), allows_##name, read_##name, write_##name},
#define CSRS(first, count, name, base, guard, ...)                                                                     \
    [CSR_ROW_##name] = {#name, first, count, base, GUARD_##guard(ACCESS), allows_##name, read_##name, write_##name},
#include "guest/riscv/csr.def"
};
static const uint8_t csr_row_of[1 << 12] = {
#define CSR(number, name, ...)        [number] = 1 + CSR_ROW_##name,
#define CSRS(first, count, name, ...) [(first)...(first) + (count)-1] = 1 + CSR_ROW_##name,
#include "guest/riscv/csr.def"
};

/** The row of a CSR, or NULL. */
static const struct csr *csr_find(unsigned number) {
    unsigned row = number < 1 << 12 ? csr_row_of[number] : 0;
    return row ? &csr_rows[row - 1] : NULL;
}

int riscv_csr_helper(unsigned number, bool writes) {
    const struct csr *csr = csr_find(number);
    if (!csr || (csr->access == WRITES && !writes)) return -1;
    return HELPER_CSR + 2 * (int)(csr - csr_rows) + writes;
}

bool riscv_csr_name(unsigned number, char *text, size_t size) {
    const struct csr *csr = csr_find(number);
    if (!csr) return false;
    if (csr->count == 1)
        snprintf(text, size, "%s", csr->name);
    else
        snprintf(text, size, "%s%u", csr->name, number - csr->first + csr->base);
    return true;
}

static bool csr_allowed(const struct riscv_cpu *cpu, const struct csr *csr, unsigned number, bool write) {
    if (write ? number >> 10 == 3 : csr->access == WRITES) return false;
    return GET(priv) >= (number >> 8 & 3) && csr->allows(cpu, number);
}

uint64_t riscv_help_csr(struct cpu *c, uint64_t a, uint64_t b, uint64_t bits) {
    struct riscv_cpu *cpu = riscv_of(c);
    unsigned number = a & 0xfff;
    bool writes = a & CSR_WANTS_WRITE;
    const struct csr *csr = csr_find(number);
    if (!csr || !csr_allowed(cpu, csr, number, writes)) {
        cpu_exit(c, EXIT_illegal, bits);
        return 0;
    }
    uint64_t old = csr->read(cpu, number - csr->first);
    if (!writes) return old;
    /* A wire that is up must not end up in the bit that software owns. */
    uint64_t base = csr->first == 0x344 ? mix(old, GET(mip), 1ull << IRQ_SEI) : old;
    enum riscv_csr_op op = a >> CSR_OP_SHIFT & 3;
    uint64_t value = op == CSR_WRITE ? b : op == CSR_SET ? base | b : base & ~b;
    unsigned actions = csr->write(cpu, number - csr->first, value);
    if (actions == FIELD_RECHECK && riscv_interrupt(cpu) < 0) actions = 0;
    if (actions) cpu_ask(c, actions);
    return old;
}
