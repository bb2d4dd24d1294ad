/* stdin: any */
/* console.c - a machine that reads its console by polling, by interrupt while it sleeps, and by interrupt while it
 * computes and a timer interrupts it, too; and looks at its clocks. How long it waits and when a byte is there comes
 * from outside. What it has computed, and after how many instructions each interrupt came, is in what it prints. */
#include "bare.h"

enum { DATA, IER, IIR, LCR, MCR, LSR };
enum { UART_SOURCE = 10, ENABLE = 0x2000 / 4, CONTEXT = 0x200000 / 4, PERIOD = 100 /* of the timer */ };

static char got[256];
static volatile unsigned count, ticks;
static volatile uint64_t hash = 1, computed = 1;

static void note(uint64_t what) {
    hash = hash * 31 + what;
}

static uint64_t interrupted(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f;
    CHECK(cause == (INTERRUPT | MEI) || cause == (INTERRUPT | MTI));
    note(READ(minstret));
    note(computed + pc + *MTIME);
    if (cause == (INTERRUPT | MTI)) {
        *MTIMECMP = *MTIME + PERIOD;
        ticks++;
        return pc;
    }
    uint32_t claim = PLIC[CONTEXT + 1];
    while (UART[LSR] & 1) got[count++ & 255] = (char)UART[DATA];
    PLIC[CONTEXT + 1] = claim;
    return pc;
}

int main(void) {
    UART[IIR] = 1;
    while (count < 5)
        if (UART[LSR] & 1) got[count++] = (char)UART[DATA];
    on_trap = interrupted;
    PLIC[UART_SOURCE] = 1;
    PLIC[ENABLE] = 1 << UART_SOURCE;
    UART[IER] = 1;
    WRITE(mie, 1 << MEI);
    SET(mstatus, MIE);
    while (count < 8) __asm__ volatile("wfi");
    *MTIMECMP = *MTIME + PERIOD;
    SET(mie, 1 << MTI);
    while (count < 40 || ticks < 20) computed = computed * 6364136223846793005u + 1442695040888963407u;
    CLEAR(mstatus, MIE);
    for (unsigned i = 0; i < count; i++) note((uint64_t)got[i]);
    note(RTC[0]);
    CHECK(ticks >= 20);
    for (unsigned i = 0; i < 16; i++) UART[DATA] = (uint8_t)("0123456789abcdef"[hash >> 4 * i & 15]);
    UART[DATA] = '\n';
    for (unsigned i = 0; i < count; i++) UART[DATA] = (uint8_t)got[i];
    return 0;
}
