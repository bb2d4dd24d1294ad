/* plic.c - the platform-level interrupt controller: 95 sources, two contexts a cpu (2 h: in M mode, 2 h + 1: in S
 * mode). Registers of contexts that are not there read as 0 and ignore writes.
 *
 *   0x000000 + 4 s            priority of source s (0 .. 7)
 *   0x001000 + 4 w            pending, 32 sources a word
 *   0x002000 + 0x80 c + 4 w   enabled, by context
 *   0x200000 + 0x1000 c       threshold of context c
 *   0x200004 + 0x1000 c       claim (read), complete (write)
 *
 * A wire that goes up is a request, which is pending when no earlier one is claimed; one that comes down before the
 * claim takes it back. A wire that just stays up asks no second time: programs for this kind of board complete an
 * interrupt without having dealt with its reason. So devices drop their wire for a moment when they have something to
 * say anew. Pin c interrupts context c. Registers are 4 bytes wide.
 */
#include "machine/board.h"
#include "machine/tree.h"

enum { SOURCES = 96, WORDS = SOURCES / 32, CONTEXTS = 2 * CPUS_MOST, PRIORITY_MASK = 7, SIZE = 0x600000 };
enum { PRIORITY = 0, PENDING = 0x1000, ENABLE = 0x2000, ENABLE_STEP = 0x80, CONTEXT = 0x200000, CONTEXT_STEP = 0x1000 };

#define PLIC_FIELDS(FIELD, ARRAY)                                                                                      \
    ARRAY(uint32_t, priority, SOURCES, RESOURCE, 0, 0, 0, PRIORITY_MASK)                                               \
    ARRAY(uint32_t, asked, WORDS, RESOURCE, 0, 0, 0, 0)                                                                \
    ARRAY(uint32_t, claimed, WORDS, RESOURCE, 0, 0, 0, 0)                                                              \
    ARRAY(uint32_t, enable, WORDS *CONTEXTS, RESOURCE, 0, 0, 0, UINT32_MAX)                                            \
    ARRAY(uint32_t, threshold, CONTEXTS, RESOURCE, 0, 0, 0, PRIORITY_MASK)

struct plic {
    FIELDS_STRUCT(PLIC_FIELDS)
};
#define FIELDS_OF struct plic
static const struct field fields[] = {FIELDS_TABLE(PLIC_FIELDS)};
FIELDS_WHOLE(struct plic, FIELDS_INIT(PLIC_FIELDS));

static uint32_t pending(const struct plic *p, unsigned word) {
    return p->asked[word] & ~p->claimed[word];
}

/** The source with the highest priority above `over` that is enabled for the context, or 0. */
static unsigned best(const struct plic *p, unsigned context, uint32_t over) {
    unsigned found = 0;
    for (unsigned w = 0; w < WORDS; w++)
        for (uint32_t bits = pending(p, w) & p->enable[context * WORDS + w]; bits; bits &= bits - 1) {
            unsigned s = w * 32 + (unsigned)__builtin_ctz(bits);
            if (p->priority[s] <= over) continue;
            found = s;
            over = p->priority[s];
        }
    return found;
}

/* Where an offset leads: a register of 32 bits, which the struct has as it is. */
static uint32_t *plain(struct plic *p, unsigned contexts, uint64_t offset) {
    if (offset < PENDING) return offset / 4 < SOURCES ? &p->priority[offset / 4] : NULL;
    if (offset >= ENABLE && offset < ENABLE + contexts * ENABLE_STEP) {
        unsigned context = (unsigned)(offset - ENABLE) / ENABLE_STEP, word = (unsigned)(offset % ENABLE_STEP) / 4;
        return word < WORDS ? &p->enable[context * WORDS + word] : NULL;
    }
    if (offset >= CONTEXT && offset < CONTEXT + contexts * CONTEXT_STEP && offset % CONTEXT_STEP == 0)
        return &p->threshold[(offset - CONTEXT) / CONTEXT_STEP];
    return NULL;
}

/** Is this the claim register of a context? */
static bool claims(uint64_t offset, unsigned contexts, unsigned *context) {
    *context = (unsigned)((offset - CONTEXT) / CONTEXT_STEP);
    return offset >= CONTEXT && offset < CONTEXT + contexts * CONTEXT_STEP && offset % CONTEXT_STEP == 4;
}

static bool read(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                 uint64_t *value) {
    struct plic *p = state;
    const unsigned contexts = 2 * board_cpus(host);
    unsigned context;
    (void)region;
    if (size != 4 || offset % 4) return false;
    const uint32_t *at = plain(p, contexts, offset);
    *value = 0;
    if (at) {
        *value = *at;
    } else if (offset >= PENDING && offset < PENDING + WORDS * 4) {
        *value = pending(p, (unsigned)(offset - PENDING) / 4);
    } else if (claims(offset, contexts, &context)) {
        unsigned s = best(p, context, 0); /* claims do not look at the threshold */
        *value = s;
        if (s) {
            p->claimed[s / 32] |= 1u << s % 32;
            p->asked[s / 32] &= ~(1u << s % 32);
        }
    }
    return true;
}

static bool write(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                  uint64_t value) {
    struct plic *p = state;
    const unsigned contexts = 2 * board_cpus(host);
    unsigned context;
    (void)region;
    if (size != 4 || offset % 4) return false;
    uint32_t *at = plain(p, contexts, offset);
    if (at >= p->enable && at < p->enable + WORDS * CONTEXTS) {
        *at = (uint32_t)value & ((at - p->enable) % WORDS ? UINT32_MAX : ~1u); /* there is no source 0 */
    } else if (at) {
        if (offset != PRIORITY) *at = (uint32_t)value & PRIORITY_MASK;
    } else if (claims(offset, contexts, &context) && value < SOURCES) {
        /* Completing what the context could not have claimed is ignored. */
        if (p->enable[context * WORDS + value / 32] >> value % 32 & 1) p->claimed[value / 32] &= ~(1u << value % 32);
    }
    return true;
}

static void wire(void *state, struct device_host *host, unsigned pin, bool level) {
    struct plic *p = state;
    (void)host;
    p->asked[pin / 32] = (p->asked[pin / 32] & ~(1u << pin % 32)) | (uint32_t)level << pin % 32;
}

static uint64_t update(void *state, struct device_host *host) {
    const struct plic *p = state;
    for (unsigned c = 0; c < 2 * board_cpus(host); c++) board_pin(host, c, best(p, c, p->threshold[c]) != 0);
    return UINT64_MAX;
}

static void describe(struct tree *tree, const struct device_host *host) {
    (void)host;
    tree_flag(tree, "interrupt-controller");
    tree_cell(tree, "#interrupt-cells", 1);
    tree_cell(tree, "#address-cells", 0);
    tree_cell(tree, "riscv,ndev", SOURCES - 1);
}

const struct device device_plic = {
    .name = "plic",
    .size = SIZE,
    .state_size = sizeof(struct plic),
    .fields = fields,
    .nfields = sizeof fields / sizeof *fields,
    .read = read,
    .write = write,
    .update = update,
    .wire = wire,
    .node = "plic",
    .compatible = "sifive,plic-1.0.0 riscv,plic0",
    .describe = describe,
};
