/* vee: --counted */
/* The calendar clock: it goes with time, and its alarm ends a wait, through the interrupt controller. */
#include "bare.h"

enum { SECOND = 1000000000, SOURCE = 11 };
enum { LOW, HIGH, ALARM_LOW, ALARM_HIGH, ENABLE, CLEAR_ALARM, IS_SET, CLEAR_INTERRUPT };
static volatile uint32_t *const claim = PLIC + 0x200004 / 4;

static uint64_t now(void) {
    uint64_t low = RTC[LOW];
    return (uint64_t)RTC[HIGH] << 32 | low;
}

static uint64_t answer(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f;
    CHECK(cause == (INTERRUPT | MEI));
    CHECK(*claim == SOURCE);
    RTC[CLEAR_INTERRUPT] = 1;
    *claim = SOURCE;
    return pc;
}

int main(void) {
    uint64_t began = now(), ticks = *MTIME;
    CHECK(began / SECOND == 1000000000);
    PLIC[SOURCE] = 1;
    PLIC[0x2000 / 4] = 1 << SOURCE;
    on_trap = answer;
    WRITE(mie, 1 << MEI);
    SET(mstatus, MIE);
    RTC[ENABLE] = 1;
    RTC[ALARM_HIGH] = (began + 3ull * SECOND) >> 32;
    RTC[ALARM_LOW] = (uint32_t)(began + 3ull * SECOND);
    CHECK(RTC[IS_SET] == 1 && trapped.count == 0);
    __asm__ volatile("wfi" ::: "memory");
    CHECK(trapped.count == 1 && RTC[IS_SET] == 0);
    CHECK(now() - began >= 3ull * SECOND && now() - began < 3ull * SECOND + 5000);
    CHECK(*MTIME - ticks >= 30000000 && *MTIME - ticks < 30000050);
    on_trap = NULL;
    /* Its registers are words, and nothing else. */
    CHECK(TRAPS(ACCESS_LOAD, "li a0, 0x101000\n ld a1, 0(a0)"));
    return 0;
}
