/* vee: -smp 4 */
/* Interrupts between harts: to some, by masks of every form; to all, to oneself; at once from all sides; and a token
 * that goes round while all others sleep. None is lost: who was told to look finds what it was told about.
 */
#include "harts.h"

enum { HARTS = 4, MESSAGES = 200, ROUNDS = 80 };
static volatile uint64_t inbox[HARTS], got[HARTS], sent[HARTS], token, done;
static struct barrier barrier;

static uint64_t taken(struct frame *f, uint64_t cause, uint64_t pc) {
    const uint64_t hart = f->x[4];
    CHECK(cause == (INTERRUPT | SSI) && hart < HARTS);
    CLEAR(sip, 1 << SSI); /* first: what comes from here on comes again */
    got[hart] += __atomic_exchange_n(&inbox[hart], 0, __ATOMIC_SEQ_CST);
    return pc;
}

/* Asleep until an interrupt has been taken; they are off outside. */
static void nap(void) {
    __asm__ volatile("wfi");
    SET(sstatus, SIE);
    CLEAR(sstatus, SIE);
}

static void send(uint64_t mask, uint64_t base) {
    for (uint64_t h = 0; h < HARTS; h++)
        if (base == -1ull || (h >= base && h - base < 64 && mask >> (h - base) & 1))
            add(&sent[h], 1), add(&inbox[h], 1);
    CHECK(ERROR(IPI, 0, mask, base) == SUCCESS);
}

static void storm(uint64_t hart) {
    uint64_t random = 88172645463325252ull + hart;
    for (unsigned i = 0; i < MESSAGES; i++) {
        const uint64_t base = random_of(&random) % HARTS;
        switch (random_of(&random) % 4) {
        case 0: send(random_of(&random), -1ull); break;
        case 1: send(1ull << hart, 0); break;
        case 2: send(1, base); break;
        default: send(random_of(&random) & ((1ull << (HARTS - base)) - 1), base); break;
        }
        if (i % 8 == 7) { /* some come together */
            CLEAR(sstatus, SIE);
            send(1ull << hart, 0), send(2, -1ull);
            SET(sstatus, SIE);
        }
    }
}

static void ring(uint64_t hart) {
    for (unsigned i = 0; i < ROUNDS; i++) {
        while (see(&token) != i * HARTS + hart) nap();
        show(&token, i * HARTS + hart + 1);
        CHECK(ERROR(IPI, 0, 1, (hart + 1) % HARTS) == SUCCESS);
    }
}

static void work(uint64_t hart) {
    SET(sie, 1 << SSI);
    meet(&barrier, HARTS);
    SET(sstatus, SIE);
    storm(hart);
    CLEAR(sstatus, SIE);
    meet(&barrier, HARTS); /* all is sent */
    while (got[hart] < sent[hart]) nap();
    CHECK(got[hart] == sent[hart] && inbox[hart] == 0);
    meet(&barrier, HARTS);
    ring(hart);
    add(&done, 1);
}

void hart_main(uint64_t hart, uint64_t argument) {
    CHECK(argument == 5);
    work(hart);
}

int main(void) {
    s_on_trap = taken;
    harts_begin(HARTS, 5);
    work(0);
    await(&done, HARTS);
    CHECK(token == HARTS * ROUNDS);
    harts_end(HARTS);
    CLEAR(sip, 1 << SSI);
    CHECK(ERROR(IPI, 0, 0xe, 0) == SUCCESS); /* to those that have stopped: nobody wakes */
    for (uint64_t h = 1; h < HARTS; h++) CHECK(hart_state(h) == STOPPED);
    CHECK(!(READ(sip) >> SSI & 1));
    return 0;
}
