/* paging.c - from virtual to physical addresses, and what may be done there (privileged ISA 3.7, 4.3 - 4.6).
 *
 * Sv39, Sv48, Sv57 with superpages, Svnapot and (when menvcfg says so) Svpbmt; accessed and dirty bits are set by the
 * walk itself (Svadu) unless menvcfg leaves that to software (Svade), but not for those who only look. A result grants
 * nothing that has not been recorded yet (a page that is not dirty is not writable), and only rights of the kind asked
 * for: fetches and data can run under different privileges (MPRV). Memory protection applies to the page tables and to
 * the final address; its granule is four bytes, so page_size can be as little.
 */
#include "guest/riscv/csr.h"
#include "core/interface.h"
#include "mem/mem.h"
#include "mem/phys.h"

enum pte {
    PTE_V = 1 << 0,
    PTE_R = 1 << 1,
    PTE_W = 1 << 2,
    PTE_X = 1 << 3,
    PTE_U = 1 << 4,
    PTE_G = 1 << 5,
    PTE_A = 1 << 6,
    PTE_D = 1 << 7,
    PTE_PPN_SHIFT = 10,
    PTE_PBMT_SHIFT = 61
};
#define PTE_PPN      0xfffffffffffull
#define PTE_RESERVED (0x7full << 54)
#define PTE_N        (1ull << 63)
#define SATP_ASID    (0xffffull << SATP_ASID_SHIFT)

enum { SATP_ASID_SHIFT = 44 };
enum { PAGE_SHIFT = 12, VPN_BITS = 9, PHYSICAL_BITS = 56, NAPOT_BITS = 4 };

/* The range of a PMP entry: [*start, *end). Empty when the entry is off. */
static void pmp_range(const struct riscv_cpu *cpu, unsigned i, uint64_t *start, uint64_t *end) {
    uint64_t address = GET_AT(pmpaddr, i);
    *start = *end = 0;
    switch (GET_AT(pmpcfg, i) & PMP_A) {
    case 0: break;
    case PMP_TOR:
        *start = i ? GET_AT(pmpaddr, i - 1) << 2 : 0;
        *end = address << 2;
        if (*end < *start) *end = *start;
        break;
    case PMP_NA4:
        *start = address << 2;
        *end = *start + 4;
        break;
    default: { /* NAPOT: the number of low ones says how large */
        uint64_t low = address ^ (address + 1);
        *start = (address & ~low) << 2;
        *end = *start + ((low + 1) << 2);
        break;
    }
    }
}

unsigned riscv_pmp(const struct riscv_cpu *cpu, uint64_t physical, enum riscv_priv priv, uint64_t *unit) {
    for (unsigned i = 0; i < PMP_ENTRIES; i++) {
        uint64_t start, end;
        if (!(GET_AT(pmpcfg, i) & PMP_A)) continue;
        pmp_range(cpu, i, &start, &end);
        if (start == end) continue;
        /* Shrink the unit until the entry has all or nothing of it. */
        uint64_t at = physical & ~(*unit - 1);
        while (start < at + *unit && at < end && (start > at || end < at + *unit)) {
            *unit /= 2;
            at = physical & ~(*unit - 1);
        }
        if (physical - start < end - start)
            return priv == PRIV_M && !(GET_AT(pmpcfg, i) & PMP_L) ? PMP_R | PMP_W | PMP_X
                                                                  : GET_AT(pmpcfg, i) & (PMP_R | PMP_W | PMP_X);
    }
    return priv == PRIV_M ? PMP_R | PMP_W | PMP_X : 0;
}

enum riscv_priv riscv_data_priv(const struct riscv_cpu *cpu) {
    return GET(status_memory) & STATUS_MPRV ? (GET(status_stack) & STATUS_MPP) >> STATUS_MPP_SHIFT : GET(priv);
}

static void use(struct riscv_cpu *cpu, struct tlb *t) {
    mem_use(&cpu->c.mem[0], t, t->line, tlb_mask(t));
}

unsigned riscv_update_view(struct riscv_cpu *cpu) {
    /* M; U without and with MXR; S by SUM and MXR. */
    enum { VIEW_M, VIEW_U, VIEW_S = 3, VIEWS = VIEW_S + 4 };
    _Static_assert((int)VIEWS <= (int)TLB_VIEWS, "a view for every set of rights");
    enum riscv_priv priv = riscv_data_priv(cpu);
    unsigned sum = GET(status_memory) & STATUS_SUM ? 1 : 0, mxr = GET(status_memory) & STATUS_MXR ? 1 : 0;
    unsigned view = priv == PRIV_M ? VIEW_M : priv == PRIV_U ? VIEW_U + mxr : VIEW_S + sum + 2 * mxr;
    /* An address space is all of satp: what came from other tables is not used, even if they have the same ASID. What S
       mode sees without SUM are pages that are not U mode's, mostly the same global ones in all spaces. */
    const uint64_t satp = GET(satp), space = priv != PRIV_M && satp >> 60 ? satp : 0;
    const uint64_t common = space && priv == PRIV_S && !sum ? satp >> 60 : 0;
    if (view == cpu->c.soft.view && space == cpu->c.soft.space) return 0;
    cpu->c.soft.view = view;
    cpu->c.soft.space = space;
    if (!cpu->c.soft.views) return FIELD_FLUSH_TLB;
    use(cpu, tlb_views_select(cpu->c.soft.views, view, space, common));
    return 0;
}

void riscv_forget(struct cpu *c, const uint64_t *address, const uint64_t *asid) {
    struct riscv_cpu *cpu = riscv_of(c);
    struct tlb_views *views = c->soft.views;
    /* Every mode that translates has the uppermost bit; an ASID leaves global mappings alone. */
    const uint64_t mask = 1ull << 63 | (asid ? SATP_ASID : 0);
    const uint64_t bits = 1ull << 63 | (asid ? *asid << SATP_ASID_SHIFT & SATP_ASID : 0);
    if (address)
        tlb_views_drop_page(views, mask, bits, !asid, *address);
    else
        use(cpu, tlb_views_drop(views, mask, bits, !asid));
}

unsigned riscv_drop_translations(struct riscv_cpu *cpu, const uint64_t *address, const uint64_t *asid) {
    if (!cpu->c.soft.views) return FIELD_FLUSH_TLB;
    riscv_forget(&cpu->c, address, asid);
    cpu->c.soft.remapped = address ? *address : UINT64_MAX;
    return FIELD_REMAP;
}

static const uint16_t page_fault[] = {EXIT_fault_fetch, EXIT_fault_read, EXIT_fault_write, EXIT_fault_read};
static const uint16_t access_fault[] = {EXIT_access_fetch, EXIT_access_read, EXIT_access_write, EXIT_access_read};

/** Rights of a leaf for an access under this privilege; A and D are not looked at. */
static unsigned leaf_rights(const struct riscv_cpu *cpu, uint64_t pte, enum riscv_priv priv) {
    unsigned rights = (pte & PTE_R ? PMP_R : 0) | (pte & PTE_W ? PMP_W : 0) | (pte & PTE_X ? PMP_X : 0);
    if ((pte & PTE_X) && (GET(status_memory) & STATUS_MXR)) rights |= PMP_R;
    if (priv == PRIV_U) return pte & PTE_U ? rights : 0;
    if (!(pte & PTE_U)) return rights;
    return GET(status_memory) & STATUS_SUM ? rights & ~(unsigned)PMP_X : 0;
}

/** Is the leaf at this level malformed: reserved bits, a superpage that is not aligned? */
static bool leaf_malformed(const struct riscv_cpu *cpu, uint64_t pte, unsigned level) {
    uint64_t ppn = pte >> PTE_PPN_SHIFT & PTE_PPN, pbmt = pte >> PTE_PBMT_SHIFT & 3;
    if (pte & PTE_RESERVED) return true;
    if (pbmt && (pbmt == 3 || !(GET(menvcfg) & ENVCFG_PBMTE))) return true;
    if (pte & PTE_N) return level != 0 || (ppn & 15) != 8; /* the one size that is defined: 64 KiB */
    return (ppn & ((1ull << level * VPN_BITS) - 1)) != 0;
}

struct leaf {
    uint64_t pte;
    uint64_t *at; /* host address of the entry */
    uint64_t physical;
    unsigned level;
    bool global; /* it, or a table above it */
};

/** Finds the leaf for an address; EXIT_none, or the exit to take. */
static uint32_t leaf_find(const struct riscv_cpu *cpu, uint64_t address, enum access access, struct leaf *leaf) {
    unsigned levels = 3 + (unsigned)((GET(satp) >> 60) - 8), width = PAGE_SHIFT + levels * VPN_BITS;
    uint64_t table = (GET(satp) & PTE_PPN) << PAGE_SHIFT;
    if ((uint64_t)((int64_t)(address << (64 - width)) >> (64 - width)) != address) return page_fault[access];
    leaf->global = false;
    for (unsigned level = levels; level-- > 0;) {
        uint64_t index = address >> (PAGE_SHIFT + level * VPN_BITS) & ((1u << VPN_BITS) - 1);
        uint64_t unit = 8;
        leaf->physical = table + index * 8;
        leaf->at = (uint64_t *)phys_ram(cpu->c.soft.phys, leaf->physical, 8);
        leaf->level = level;
        unsigned rights = access == ACCESS_LOOK ? PMP_R : riscv_pmp(cpu, leaf->physical, PRIV_S, &unit);
        if (!leaf->at || !(rights & PMP_R) || unit < 8) return access_fault[access];
        cpu_note(&cpu->c, PLACE_MEMORY, NOTE_READ);
        uint64_t pte = leaf->pte = __atomic_load_n(leaf->at, __ATOMIC_ACQUIRE);
        if (!(pte & PTE_V) || (pte & (PTE_R | PTE_W)) == PTE_W) return page_fault[access];
        leaf->global |= (pte & PTE_G) != 0;
        if (pte & (PTE_R | PTE_X)) return leaf_malformed(cpu, pte, level) ? page_fault[access] : EXIT_none;
        if (pte & (PTE_U | PTE_A | PTE_D | PTE_RESERVED | PTE_N | 3ull << PTE_PBMT_SHIFT)) return page_fault[access];
        table = (pte >> PTE_PPN_SHIFT & PTE_PPN) << PAGE_SHIFT;
    }
    return page_fault[access];
}

/** Sets the accessed and dirty bits, or leaves that to software; EXIT_retranslate when the entry changed under our
 * hands: look again. */
static uint32_t leaf_mark(const struct riscv_cpu *cpu, struct leaf *leaf, enum access access) {
    uint64_t marked = leaf->pte | PTE_A | (access == ACCESS_WRITE ? PTE_D : 0), unit = 8;
    if (marked == leaf->pte) return EXIT_none;
    if (!(GET(menvcfg) & ENVCFG_ADUE)) return page_fault[access];
    if (!(riscv_pmp(cpu, leaf->physical, PRIV_S, &unit) & PMP_W)) return access_fault[access];
    cpu_note(&cpu->c, PLACE_MEMORY, NOTE_WRITE);
    if (!__atomic_compare_exchange_n(leaf->at, &leaf->pte, marked, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return EXIT_retranslate;
    leaf->pte = marked;
    const struct interface *interface = cpu->c.interface;
    if (interface && interface->walk_wrote) interface->walk_wrote(cpu->c.self, leaf->physical, sizeof marked);
    return EXIT_none;
}

/** Grants what both the mapping and memory protection allow, of the kind asked for. */
static void grant(const struct riscv_cpu *cpu, unsigned rights, enum riscv_priv priv, enum access access,
                  struct walk *w) {
    if (access == ACCESS_LOOK) return;
    rights &= riscv_pmp(cpu, w->physical, priv, &w->page_size);
    w->read = access != ACCESS_FETCH && (rights & PMP_R);
    w->write = access != ACCESS_FETCH && (rights & PMP_W);
    w->execute = access == ACCESS_FETCH && (rights & PMP_X);
    bool allowed = access == ACCESS_FETCH ? w->execute : access == ACCESS_READ ? w->read : w->write;
    if (!allowed) w->fault = access_fault[access];
}

void riscv_walk(struct cpu *c, uint64_t address, enum access access, struct walk *w) {
    struct riscv_cpu *cpu = riscv_of(c);
    static const unsigned wanted[] = {PMP_X, PMP_R, PMP_W};
    enum riscv_priv priv = access == ACCESS_FETCH ? (enum riscv_priv)GET(priv) : riscv_data_priv(cpu);
    *w = (struct walk){.physical = address, .page_size = 1ull << PAGE_SHIFT, .fault = EXIT_none};
    if (priv == PRIV_M || GET(satp) >> 60 == 0) {
        if (address >> PHYSICAL_BITS)
            w->fault = access_fault[access];
        else
            grant(cpu, PMP_R | PMP_W | PMP_X, priv, access, w);
        return;
    }
    struct leaf leaf;
    unsigned rights = 0;
    do {
        w->fault = leaf_find(cpu, address, access, &leaf);
        if (w->fault) return;
        if (access == ACCESS_LOOK) break;
        rights = leaf_rights(cpu, leaf.pte, priv);
        w->fault = rights & wanted[access] ? leaf_mark(cpu, &leaf, access) : page_fault[access];
    } while (w->fault == EXIT_retranslate);
    if (w->fault) return;
    if (!(leaf.pte & PTE_D)) rights &= ~(unsigned)PMP_W;
    unsigned shift = PAGE_SHIFT + leaf.level * VPN_BITS;
    uint64_t ppn = leaf.pte >> PTE_PPN_SHIFT & PTE_PPN;
    if (leaf.pte & PTE_N) {
        shift += NAPOT_BITS;
        ppn &= ~15ull;
    }
    w->page_size = w->mapping = 1ull << shift;
    w->global = leaf.global;
    w->physical = ppn << PAGE_SHIFT | (address & (w->page_size - 1));
    grant(cpu, rights, priv, access, w);
}
