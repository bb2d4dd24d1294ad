/* vee: -smp 3 */
/* Tables that one hart changes while others use them, announced by remote fences of every form: by address, by range,
 * by address space, or for all. Who has heard that a change was announced sees it. Each of the others goes from one of
 * three address spaces to the next without a fence of its own.
 */
#include "harts.h"

enum { HARTS = 3, SPACES = 3, SLOTS = 4, STRIDE = 7, VALUES = 8, ROUNDS = 500, LOOKS = 16 };
static table roots[SPACES], middles[SPACES], pages[SPACES], others[SPACES];
static volatile uint64_t values[SPACES][SLOTS][VALUES][512] __attribute__((aligned(4096)));
/* In use: every value from `announced` on that a slot has ever had may be seen. */
static volatile uint64_t announced[SPACES][SLOTS], done, stop, looks[HARTS], changed;

static uint64_t asid_of(unsigned space) {
    return space * 5 + 1;
}
static volatile uint64_t *slot_at(unsigned slot) {
    return (volatile uint64_t *)(WINDOW + slot * STRIDE * 4096ull);
}

static void look(unsigned space, unsigned slot) {
    WRITE(satp, space_satp(roots[space], asid_of(space)));
    const uint64_t before = see(&announced[space][slot]);
    const uint64_t seen = slot_at(slot)[slot * 8];
    __asm__ volatile("fence rw, rw" ::: "memory");
    const uint64_t after = see(&announced[space][slot]);
    CHECK(seen >= before && seen <= after + 1);
}

void hart_main(uint64_t hart, uint64_t argument) {
    uint64_t random = 99 + hart;
    (void)argument;
    while (!see(&stop)) {
        const uint64_t r = random_of(&random);
        for (unsigned i = 0; i < LOOKS; i++) look((unsigned)(r >> 8 & 0xff) % SPACES, (unsigned)(r + i) % SLOTS);
        add(&looks[hart], 1);
    }
    add(&done, 1);
}

/* The pages of a space in two tables, of which one is in use: what is above a page changes, too. */
static void other_table(unsigned space) {
    uint64_t *now = middles[space][0] == pte(pages[space], PTE_V) ? pages[space] : others[space];
    uint64_t *next = now == pages[space] ? others[space] : pages[space];
    for (unsigned i = 0; i < 512; i++) next[i] = now[i];
    __asm__ volatile("fence rw, rw" ::: "memory");
    __atomic_store_n(&middles[space][0], pte(next, PTE_V), __ATOMIC_RELEASE);
}

static void change(unsigned space, unsigned slot, uint64_t value, uint64_t kind) {
    uint64_t *now = middles[space][0] == pte(pages[space], PTE_V) ? pages[space] : others[space];
    volatile uint64_t *to = values[space][slot][value % VALUES];
    const uint64_t at = (uint64_t)slot_at(slot), asid = asid_of(space);
    to[slot * 8] = value;
    if (kind == 0) {
        other_table(space);
        now = middles[space][0] == pte(pages[space], PTE_V) ? pages[space] : others[space];
    }
    __atomic_store_n(&now[slot * STRIDE], pte(to, PTE_DATA), __ATOMIC_RELEASE);
    __asm__ volatile("fence rw, rw" ::: "memory");
    switch (kind) {
    case 0: CHECK(ERROR(RFENCE, 2, 7, 0, 0, -1ull, asid) == SUCCESS); break;
    case 1: CHECK(ERROR(RFENCE, 1, 7, 0, at, 4096) == SUCCESS); break;
    case 2: CHECK(ERROR(RFENCE, 2, 7, 0, at, 4096, asid) == SUCCESS); break;
    case 3: CHECK(ERROR(RFENCE, 1, 0, -1ull, 0, 0) == SUCCESS); break;
    case 4: CHECK(ERROR(RFENCE, 1, 3, 1, at - 4096 * STRIDE, 4096 * (STRIDE + 1)) == SUCCESS); break;
    case 5: CHECK(ERROR(RFENCE, 2, 6, 0, at, 4096 * 600, asid) == SUCCESS); break;
    case 6: /* two at a time, one hart at a time */
        CHECK(ERROR(RFENCE, 2, 1, 1, at, 1, asid) == SUCCESS);
        CHECK(ERROR(RFENCE, 1, 1, 2, 0, -1ull) == SUCCESS);
        break;
    default: CHECK(ERROR(RFENCE, 1, 6, 0, WINDOW, 1 << 21) == SUCCESS); break;
    }
    if (kind >= 4) __asm__ volatile("sfence.vma %0, %1" ::"r"(at), "r"(asid));
    show(&announced[space][slot], value);
}

int main(void) {
    uint64_t random = 4711;
    for (unsigned s = 0; s < SPACES; s++) {
        space_make(roots[s], middles[s], pages[s]);
        for (unsigned i = 0; i < SLOTS; i++) pages[s][i * STRIDE] = pte(values[s][i][0], PTE_DATA);
    }
    harts_begin(HARTS, 0);
    WRITE(satp, space_satp(roots[0], asid_of(0)));
    for (uint64_t i = 0; i < ROUNDS; i++) {
        const uint64_t r = random_of(&random);
        const unsigned space = (r & 0xff) % SPACES, slot = (r >> 8 & 0xff) % SLOTS;
        look(space, slot);
        change(space, slot, announced[space][slot] + 1, r >> 16 & 7);
        look(space, slot);
        if (i % 16 == 0) /* the others have come to what is there now */
            for (unsigned h = 1; h < HARTS; h++) await(&looks[h], see(&looks[h]) + 2);
    }
    show(&stop, 1);
    await(&done, HARTS - 1);
    harts_end(HARTS);
    CHECK(s_trapped.count == 0);
    return 0;
}
