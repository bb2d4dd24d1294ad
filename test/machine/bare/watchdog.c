/* Traps that lead to where there is no memory, and so trap there for ever, are no end while a timer of M mode runs:
 * that gets the program out of them, however long it takes.
 */
#include "bare.h"

extern char run_back[];
static uint64_t barks;

static uint64_t bark(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f, (void)pc;
    CHECK(cause == (INTERRUPT | MTI));
    barks++;
    MTIMECMP[0] = ~0ull;
    SET(mstatus, MPP);
    return (uint64_t)run_back; /* as if the function had returned */
}

static uint64_t get_lost(uint64_t argument) {
    DO(".word 0");
    return argument;
}

int main(void) {
    on_trap = bark;
    WRITE(pmpaddr0, -1ull);
    WRITE(pmpcfg0, 0x1f);
    WRITE(medeleg, 1 << ILLEGAL | 1 << ACCESS_FETCH);
    WRITE(stvec, 0x50000000);
    SET(mie, 1 << MTI);
    for (uint64_t ticks = 10; ticks <= 10000; ticks *= 10) {
        const uint64_t began = *MTIME;
        MTIMECMP[0] = began + ticks;
        RUN(S, get_lost, 0);
        CHECK(*MTIME >= began + ticks);
    }
    CHECK(barks == 4 && trapped.count == 4 && s_trapped.count == 0);
    return 0;
}
