/* stdin: any */
/* console.c - a machine that reads its console by polling and by interrupt, asleep in between, and looks at its clocks:
 * how long it waits comes from outside. */
#include "bare.h"

enum { DATA, IER, IIR, LCR, MCR, LSR };
enum { UART_SOURCE = 10, ENABLE = 0x2000 / 4, CONTEXT = 0x200000 / 4 };

static char got[256];
static volatile unsigned count;
static volatile uint64_t times[256], hash = 1;

static uint64_t receive(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f;
    CHECK(cause == (INTERRUPT | MEI));
    uint32_t claim = PLIC[CONTEXT + 1];
    while (UART[LSR] & 1) {
        times[count & 255] = *MTIME;
        got[count++ & 255] = (char)UART[DATA];
    }
    PLIC[CONTEXT + 1] = claim;
    return pc;
}

int main(void) {
    UART[IIR] = 1;
    while (count < 5)
        if (UART[LSR] & 1) got[count++] = (char)UART[DATA];
    on_trap = receive;
    PLIC[UART_SOURCE] = 1;
    PLIC[ENABLE] = 1 << UART_SOURCE;
    UART[IER] = 1;
    WRITE(mie, 1 << MEI);
    SET(mstatus, MIE);
    while (count < 40) __asm__ volatile("wfi");
    CLEAR(mstatus, MIE);
    for (unsigned i = 0; i < count; i++) hash = hash * 31 + (uint64_t)got[i] + times[i] + RTC[0];
    for (unsigned i = 0; i < 16; i++) UART[DATA] = (uint8_t)("0123456789abcdef"[hash >> 4 * i & 15]);
    UART[DATA] = '\n';
    for (unsigned i = 0; i < count; i++) UART[DATA] = (uint8_t)got[i];
    return 0;
}
