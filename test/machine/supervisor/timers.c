/* vee: -smp 4 */
/* Each hart has a timer of its own, by a call and by its register; time goes forward whoever looks at it. */
#include "harts.h"

enum { HARTS = 4, TICKS = 10, LOOKS = 300 };
static volatile uint64_t ticks[HARTS], due[HARTS], latest, done;
static struct barrier barrier;

static void set_timer(uint64_t hart, uint64_t at, bool by_register) {
    due[hart] = at;
    if (by_register)
        WRITE(0x14d, at);
    else
        CHECK(ERROR(TIME, 0, at) == SUCCESS);
}

static uint64_t taken(struct frame *f, uint64_t cause, uint64_t pc) {
    const uint64_t hart = f->x[4], now = READ(time);
    CHECK(cause == (INTERRUPT | STI) && hart < HARTS);
    CHECK(now >= due[hart]);
    ticks[hart]++;
    set_timer(hart, ticks[hart] < TICKS ? now + 20 * (hart + 1) : -1ull, ticks[hart] & 1);
    CHECK(!(READ(sip) >> STI & 1) || READ(time) >= due[hart]);
    return pc;
}

/* What one hart has seen of the time is past for all that hear of it. */
static void look(void) {
    for (unsigned i = 0; i < LOOKS; i++) {
        uint64_t seen = see(&latest), now = READ(time);
        CHECK(now >= seen);
        while (now > seen &&
               !__atomic_compare_exchange_n(&latest, &seen, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        }
    }
}

static void work(uint64_t hart) {
    const uint64_t began = READ(time);
    SET(sie, 1 << STI);
    set_timer(hart, -1ull, false);
    meet(&barrier, HARTS);
    set_timer(hart, READ(time) + 100, hart & 1);
    SET(sstatus, SIE);
    if (hart & 2) { /* busy */
        await(&ticks[hart], TICKS);
        CLEAR(sstatus, SIE);
    } else { /* asleep */
        for (;;) {
            CLEAR(sstatus, SIE);
            if (ticks[hart] == TICKS) break;
            __asm__ volatile("wfi");
            SET(sstatus, SIE);
        }
    }
    CHECK(READ(time) >= began + 100 + (TICKS - 1) * 20 * (hart + 1));
    CHECK(!(READ(sip) >> STI & 1));
    meet(&barrier, HARTS);
    for (unsigned h = 0; h < HARTS; h++) CHECK(ticks[h] == TICKS);
    look();
    add(&done, 1);
}

void hart_main(uint64_t hart, uint64_t argument) {
    (void)argument;
    work(hart);
}

int main(void) {
    s_on_trap = taken;
    harts_begin(HARTS, 0);
    work(0);
    await(&done, HARTS);
    harts_end(HARTS);
    return 0;
}
