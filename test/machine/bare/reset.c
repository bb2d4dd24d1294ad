/* stdin: 12345 */ /* vee: -smp 3 */
/* The machine resets itself, from every mode and by any hart, whatever the others do meanwhile, and begins as it did
 * the first time. What goes on is what has been typed: each boot takes one byte of it, and knows by that which one it
 * is.
 */
#include "bare.h"

enum { V = 1, R = 2, W = 4, X = 8, A = 64, D = 128 };
enum { RESET = 0x7777, HARTS = 3 };
#define FAR ((volatile uint64_t *)0x80700000) /* RAM that the program does not begin with */
static volatile uint64_t initialized = 0x1234, there;
static uint64_t table[512] __attribute__((aligned(4096)));
static uint32_t code[2];

/* It returns 1, until it is overwritten. */
__attribute__((noinline, aligned(16))) static uint64_t one(void) {
    uint64_t n;
    __asm__ volatile(".option push\n.option norvc\nli %0, 1\n.option pop" : "=r"(n));
    return n;
}
static void overwrite(void) {
    uint32_t *at = (uint32_t *)(void *)one;
    code[0] = 0x00700513; /* li a0, 7 */
    code[1] = 0x00008067; /* ret */
    at[0] = code[0];
    at[1] = code[1];
    __asm__ volatile("fence.i" ::: "memory");
}

static char typed(void) {
    while (!(UART[5] & 1)) continue;
    return (char)UART[0];
}

/* As it is when it is switched on, on any hart; some of it the start has set already. */
static void begins(void) {
    CHECK(READ(mie) == 0 && READ(mip) == 0 && READ(mideleg) == 0 && READ(medeleg) == 0 && READ(satp) == 0);
    CHECK(READ(mcounteren) == 0 && READ(sepc) == 0 && READ(scause) == 0 && READ(mcause) == 0 && READ(mepc) == 0);
    CHECK(!(READ(mstatus) & (MIE | SIE | MPRV | SUM | MXR | TVM)));
}

static void board_begins(void) {
    CHECK(*MTIME < 2000000);
    CHECK(initialized == 0x1234 && FAR[0] == 0 && FAR[511] == 0 && trapped.count == 0);
    CHECK(one() == 1);
    CHECK(UART[1] == 0 && UART[7] == 0 && RTC[4] == 0 && RTC[6] == 0);
    for (unsigned h = 0; h < HARTS; h++) CHECK(MSIP[h] == 0 && MTIMECMP[h] == -1ull);
    CHECK(PLIC[10] == 0 && PLIC[0x2000 / 4] == 0 && PLIC[0x200000 / 4] == 0 && PLIC[0x1000 / 4] == 0);
}

static void spoil(void) {
    overwrite();
    CHECK(one() == 7);
    initialized = 5;
    FAR[0] = FAR[511] = -1;
    UART[7] = 0x5a;
    UART[1] = 3;
    RTC[4] = 1;
    RTC[3] = 0x7fffffff;
    RTC[2] = 1;
    PLIC[10] = 7;
    PLIC[0x2000 / 4] = 1 << 10;
    PLIC[0x200000 / 4] = 1;
    MTIMECMP[0] = MTIMECMP[1] = 0;
    WRITE(medeleg, 0xb109);
    WRITE(mcounteren, 7);
    WRITE(sepc, 0x1000);
    WRITE(scause, 3);
    SET(mstatus, SUM | MXR);
}

static uint64_t reset(uint64_t unused) {
    *FINISHER = RESET;
    FAR[0] = 3; /* is not reached */
    check_failed(__LINE__, "reset");
    return unused;
}

/* S mode, where it is, by superpages. */
static void reset_with_paging(void) {
    table[0] = V | R | W | A | D;
    table[2] = 0x80000ull << 10 | V | R | W | X | A | D;
    WRITE(satp, 8ull << 60 | (uint64_t)table >> 12);
    RUN(S, reset, 0);
}

/* The others: 1 runs and 2 waits, or 2 asks for the reset. */
void other_hart(uint64_t hart) {
    begins();
    SET(mie, 1 << MSI);
    __asm__ volatile("amoadd.d.aqrl zero, %1, (%0)" ::"r"(&there), "r"(1ull) : "memory");
    for (volatile uint64_t n = 0; hart == 1; n++) FAR[64] = n;
    while (!(READ(mip) >> MSI & 1)) __asm__ volatile("wfi");
    spoil();
    reset(0);
}

int main(void) {
    begins();
    const char boot = typed();
    board_begins();
    while (there < HARTS - 1) continue;
    switch (boot) {
    case '1':
        spoil();
        reset(0);
        break;
    case '2':
        spoil();
        reset_with_paging();
        break;
    case '3': /* an interrupt is due at the same time, and would be taken */
        spoil();
        SET(mie, 1 << MTI);
        reset(0);
        break;
    case '4': /* by another hart, while this one waits */
        MSIP[2] = 1;
        for (;;) __asm__ volatile("wfi");
    default: CHECK(boot == '5');
    }
    print("five boots\n");
    return 0;
}
