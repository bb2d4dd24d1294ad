/* main.c - a program without an operating system: it prints through the serial port, lets the timer interrupt it five
 * times while it sleeps, catches an exception of its own, and switches the computer off.
 *
 * The addresses are those of the machine's board (src/machine/board.def).
 */
#include <stdint.h>

#define UART     ((volatile uint8_t *)0x10000000)
#define MTIMECMP ((volatile uint64_t *)0x02004000)
#define MTIME    ((volatile uint64_t *)0x0200bff8)
#define FINISHER ((volatile uint32_t *)0x00100000)

enum { UART_DATA = 0, UART_STATUS = 5, UART_READY = 0x20 };
enum { TICKS_PER_SECOND = 10000000, FINISH_PASS = 0x5555, FINISH_FAIL = 0x3333 };
enum { CAUSE_BREAKPOINT = 3, IRQ_TIMER = 7, MIE_TIMER = 1 << IRQ_TIMER, MSTATUS_MIE = 1 << 3 };

static volatile unsigned beats, breakpoints;

static void print_char(char c) {
    while (!(UART[UART_STATUS] & UART_READY)) {
    }
    UART[UART_DATA] = (uint8_t)c;
}

static void print(const char *text) {
    for (; *text; text++) print_char(*text);
}

static void print_number(uint64_t n) {
    if (n >= 10) print_number(n / 10);
    print_char((char)('0' + n % 10));
}

static _Noreturn void finish(unsigned how) {
    *FINISHER = how;
    for (;;) __asm__ volatile("wfi");
}

/** Called by start.S; returns where the program goes on. */
uint64_t handle_trap(uint64_t cause, uint64_t pc) {
    if (cause == (1ull << 63 | IRQ_TIMER)) {
        beats++;
        *MTIMECMP += TICKS_PER_SECOND;
        return pc;
    }
    if (cause == CAUSE_BREAKPOINT) {
        breakpoints++;
        return pc + 4;
    }
    print("unexpected trap ");
    print_number(cause);
    print("\n");
    finish(FINISH_FAIL | 1 << 16);
}

int main(void) {
    uint64_t began = *MTIME;
    print("hello from a computer of its own\n");
    *MTIMECMP = began + TICKS_PER_SECOND;
    __asm__ volatile("csrs mie, %0; csrs mstatus, %1" ::"r"(MIE_TIMER), "r"(MSTATUS_MIE));
    for (unsigned seen = 0; seen < 5;) {
        __asm__ volatile("wfi");
        if (beats == seen) continue;
        seen = beats;
        print("beat ");
        print_number(seen);
        print("\n");
    }
    __asm__ volatile(".option push; .option norvc; ebreak; .option pop");
    print(breakpoints == 1 ? "caught a breakpoint\n" : "missed the breakpoint\n");
    print("seconds: ");
    print_number((*MTIME - began) / TICKS_PER_SECOND);
    print("\n");
    finish(breakpoints == 1 ? FINISH_PASS : FINISH_FAIL | 2 << 16);
}
