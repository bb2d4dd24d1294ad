/* stdin: ping!pong */
/* The serial port and the interrupt controller: registers, loop-back, sending and receiving by interrupt and by
 * polling, claims and completions, thresholds, priorities, both contexts.
 */
#include "bare.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };
enum { UART_SOURCE = 10, PRIORITY = 0, PENDING = 0x1000 / 4, ENABLE = 0x2000 / 4, CONTEXT = 0x200000 / 4 };
#define ENABLE_OF(c)    (PLIC[ENABLE + (c)*0x80 / 4])
#define THRESHOLD_OF(c) (PLIC[CONTEXT + (c)*0x1000 / 4])
#define CLAIM_OF(c)     (PLIC[CONTEXT + (c)*0x1000 / 4 + 1])

static char got[16];
static volatile unsigned count;

static void registers(void) {
    UART[SCR] = 0x5a;
    CHECK(UART[SCR] == 0x5a);
    UART[MCR] = 0x1a; /* looped back: nothing comes from outside */
    CHECK((UART[LSR] & 0x60) == 0x60);
    CHECK(UART[IIR] == 1);
    UART[LCR] = 0x83;
    UART[DATA] = 0x34, UART[IER] = 0x12; /* the divisor */
    CHECK(UART[DATA] == 0x34 && UART[IER] == 0x12);
    UART[LCR] = 0x03;
    CHECK(UART[IER] == 0 && UART[LCR] == 0x03);
    UART[IIR] = 1; /* FIFO on */
    CHECK(UART[IIR] == 0xc1);
    CHECK((UART[MSR] & 0xf0) == 0x90);
    UART[DATA] = 'x', UART[DATA] = 'y';
    CHECK((UART[LSR] & 1) && UART[DATA] == 'x' && UART[DATA] == 'y' && !(UART[LSR] & 1));
    UART[DATA] = 'z';
    UART[IIR] = 3; /* empty it */
    CHECK(!(UART[LSR] & 1));
    UART[MCR] = 0x0b;
}

/* "Transmitter empty" by way of the controller, looked at by hand. */
static void sending(void) {
    CHECK(!(PLIC[PENDING] >> UART_SOURCE & 1));
    UART[IER] = 2;
    CHECK(PLIC[PENDING] >> UART_SOURCE & 1);
    CHECK(!(READ(mip) >> MEI & 1)); /* not enabled yet */
    ENABLE_OF(0) = 1 << UART_SOURCE | 1;
    CHECK(ENABLE_OF(0) == 1 << UART_SOURCE);
    CHECK(!(READ(mip) >> MEI & 1)); /* priority 0 means never */
    PLIC[PRIORITY + UART_SOURCE] = 3;
    CHECK(READ(mip) >> MEI & 1);
    CHECK(!(READ(mip) >> SEI & 1));
    THRESHOLD_OF(0) = 3;
    CHECK(!(READ(mip) >> MEI & 1));
    THRESHOLD_OF(0) = 2;
    CHECK(READ(mip) >> MEI & 1);
    CHECK(CLAIM_OF(0) == UART_SOURCE);
    CHECK(!(READ(mip) >> MEI & 1) && CLAIM_OF(0) == 0);
    CHECK((UART[IIR] & 0xf) == 2 && (UART[IIR] & 0xf) == 1); /* reading acknowledges */
    CLAIM_OF(0) = UART_SOURCE;
    CHECK(!(READ(mip) >> MEI & 1));
    UART[DATA] = '\n'; /* sent at once: empty again */
    CHECK(READ(mip) >> MEI & 1);
    CHECK(CLAIM_OF(0) == UART_SOURCE);
    CLAIM_OF(0) = UART_SOURCE;
    CHECK(!(READ(mip) >> MEI & 1)); /* that it is empty is said once */
    UART[DATA] = '\n';
    CHECK(READ(mip) >> MEI & 1);
    CHECK(CLAIM_OF(0) == UART_SOURCE);
    UART[DATA] = '\n'; /* while it is claimed: asks again when that is completed */
    CHECK(!(READ(mip) >> MEI & 1));
    CLAIM_OF(0) = UART_SOURCE;
    CHECK(READ(mip) >> MEI & 1);
    UART[IER] = 0;
    CHECK(!(READ(mip) >> MEI & 1));
    CHECK(PLIC[PRIORITY + UART_SOURCE] == 3);
    PLIC[PRIORITY + UART_SOURCE] = -1;
    CHECK(PLIC[PRIORITY + UART_SOURCE] == 7);
    CHECK(TRAPS(ACCESS_LOAD, "li a0, 0xc000000\nld a1, 0(a0)"));
    CHECK(TRAPS(ACCESS_STORE, "li a0, 0xc000000\nsb a1, 0(a0)"));
}

/* One character for each interrupt, with two there: what is left asks again. */
static void one_by_one(void) {
    UART[IIR] = 3;
    UART[MCR] = 0x1b;
    UART[DATA] = 'x', UART[DATA] = 'y';
    UART[IER] = 1;
    CHECK(CLAIM_OF(0) == UART_SOURCE && UART[DATA] == 'x');
    CLAIM_OF(0) = UART_SOURCE;
    CHECK(CLAIM_OF(0) == UART_SOURCE && UART[DATA] == 'y');
    CLAIM_OF(0) = UART_SOURCE;
    CHECK(CLAIM_OF(0) == 0);
    /* Programs that never read IIR look at this only. */
    UART[IER] = 2;
    CHECK(CLAIM_OF(0) == UART_SOURCE && UART[LSR] == 0x60);
    CLAIM_OF(0) = UART_SOURCE;
    CHECK(CLAIM_OF(0) == 0);
    /* Both reasons: the one behind the other shows when that is dealt with. */
    UART[DATA] = 'z';
    UART[IER] = 3;
    CHECK(CLAIM_OF(0) == UART_SOURCE && (UART[IIR] & 0xf) == 4);
    while (UART[LSR] & 1) CHECK(UART[DATA] == 'z');
    CLAIM_OF(0) = UART_SOURCE;
    CHECK(CLAIM_OF(0) == UART_SOURCE && (UART[IIR] & 0xf) == 2);
    CLAIM_OF(0) = UART_SOURCE;
    CHECK(CLAIM_OF(0) == 0);
    UART[IER] = 0;
    UART[MCR] = 0x0b;
}

static uint64_t receive(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f;
    unsigned context = cause == (INTERRUPT | MEI) ? 0 : 1;
    CHECK(cause == (INTERRUPT | MEI) || cause == (INTERRUPT | SEI));
    CHECK(CLAIM_OF(context) == UART_SOURCE);
    CHECK((UART[IIR] & 0xf) == 4);
    got[count] = (char)UART[DATA];
    count++;
    CLAIM_OF(context) = UART_SOURCE;
    if (count == 3) {
        UART[IER] = 0;
    }
    return pc;
}

static uint64_t asleep_in_s(uint64_t unused) {
    SET(sie, 1 << SEI);
    SET(sstatus, SIE);
    UART[IER] = 1;
    while (count < 3) __asm__ volatile("wfi");
    CLEAR(sstatus, SIE);
    return unused;
}

int main(void) {
    registers();
    sending();
    one_by_one();
    /* By interrupt, in M mode: three characters. */
    on_trap = receive;
    WRITE(mie, 1 << MEI);
    SET(mstatus, MIE);
    UART[IER] = 1;
    while (count < 3) __asm__ volatile("wfi");
    CLEAR(mstatus, MIE);
    CHECK(got[0] == 'p' && got[1] == 'i' && got[2] == 'n');
    /* By polling: two. */
    on_trap = NULL;
    ENABLE_OF(0) = 0;
    for (unsigned i = 0; i < 2; i++) {
        while (!(UART[LSR] & 1)) {
        }
        got[i] = (char)UART[DATA];
    }
    CHECK(got[0] == 'g' && got[1] == '!');
    /* By interrupt, in S mode: three more. */
    count = 0;
    s_on_trap = receive;
    WRITE(mideleg, 1 << SEI);
    ENABLE_OF(1) = 1 << UART_SOURCE;
    RUN(S, asleep_in_s, 0);
    CHECK(got[0] == 'p' && got[1] == 'o' && got[2] == 'n');
    while (!(UART[LSR] & 1)) {
    }
    CHECK(UART[DATA] == 'g');
    for (unsigned i = 0; i < 1000; i++) CHECK(!(UART[LSR] & 1)); /* the end */
    print("pong\n");
    return 0;
}
