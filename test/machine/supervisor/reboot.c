/* stdin: 12345 */ /* vee: -smp 3 */
/* Reboots of a kernel's: cold and warm, by its first hart and by another one, which firmware has started. What has been
 * typed goes on, and each boot takes one byte of it: so it knows which one it is.
 */
#include "sbi.h"

enum { SHUTDOWN, COLD, WARM, RUNS = 0, STOPPED = 1 };
static volatile uint64_t initialized = 0x1234, there, type;
static uint8_t stacks[2][4096] __attribute__((aligned(16)));

/* With a0 the hart and a1 its stack. */
__attribute__((naked)) static void other(void) {
    __asm__ volatile("mv sp, a1\nj other_begins");
}
void other_begins(uint64_t hart) {
    __asm__ volatile("amoadd.d.aqrl zero, %1, (%0)" ::"r"(&there), "r"(1ull) : "memory");
    while (!type || hart == 1) continue;
    SBI(SRST, 0, type);
    for (;;) continue;
}

static char typed(void) {
    static char byte;
    while (VALUE(DBCN, 1, 1, (uint64_t)&byte) == 0) continue;
    return byte;
}

static void start_others(void) {
    for (uint64_t h = 1; h < 3; h++) {
        CHECK(VALUE(HSM, 2, h) == STOPPED);
        CHECK(ERROR(HSM, 0, h, (uint64_t)other, (uint64_t)stacks[h - 1] + sizeof *stacks) == SUCCESS);
    }
    while (there < 2) continue;
    CHECK(VALUE(HSM, 2, 2) == RUNS);
}

int main(uint64_t hart, const uint8_t *tree) {
    const char boot = typed();
    CHECK(hart == 0 && tree && tree[0] == 0xd0 && tree[1] == 0x0d);
    CHECK(initialized == 0x1234 && there == 0 && type == 0 && s_trapped.count == 0);
    CHECK(READ(sie) == 0 && READ(sip) == 0 && READ(satp) == 0 && READ(time) < 2000000);
    CHECK(ERROR(SRST, 0, 3, 0) == INVALID_PARAM && ERROR(SRST, 0, COLD, 2) == INVALID_PARAM);
    CHECK(VALUE(HSM, 2, 1) == STOPPED && VALUE(HSM, 2, 2) == STOPPED);
    initialized = 5;
    CHECK(ERROR(TIME, 0, 0) == SUCCESS && ERROR(IPI, 0, 7, 0) == SUCCESS);
    SET(sie, 1 << STI | 1 << SSI);
    switch (boot) {
    case '1': SBI(SRST, 0, COLD); break; /* the others have not been started */
    case '2':
        start_others();
        SBI(SRST, 0, WARM);
        break;
    case '3': /* by another hart, while this one waits */
        start_others();
        SBI(TIME, 0, -1ull);
        type = WARM;
        for (;;) __asm__ volatile("wfi");
    case '4': /* while this one runs */
        start_others();
        type = COLD;
        for (;;) continue;
    default: CHECK(boot == '5'); return 0;
    }
    CHECK(!"reset");
}
