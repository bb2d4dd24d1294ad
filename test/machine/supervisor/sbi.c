/* stdin: xyz */ /* vee: --counted */
/* Every function of the supervisor binary interface: results, and errors for what is not there. */
#include "sbi.h"

extern char resumed[];
extern uint64_t resumed_with[2];
int64_t call_and_resume(uint64_t type, void *address, uint64_t argument);

enum { CONTEXT = 0x5afe };
static const uint64_t all = -1ull, most = ~1ull;

static void base(void) {
    CHECK(VALUE(BASE, 0) == 2 << 24);
    CHECK(VALUE(BASE, 1) > 11); /* no number of anybody else's */
    VALUE(BASE, 2);
    static const uint64_t there[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, BASE, TIME, IPI, RFENCE, HSM, SRST, DBCN, PMU};
    for (unsigned i = 0; i < sizeof there / sizeof *there; i++) CHECK(VALUE(BASE, 3, there[i]) == 1);
    static const uint64_t absent[] = {9,  15, 0x11, 0x53555350, 0x43505043, 0x4e41434c, 0x535441, 0x123456789abcdef,
                                      all};
    for (unsigned i = 0; i < sizeof absent / sizeof *absent; i++) {
        CHECK(VALUE(BASE, 3, absent[i]) == 0);
        CHECK(ERROR(absent[i], 0) == NOT_SUPPORTED);
    }
    CHECK(VALUE(BASE, 4) == 0 && VALUE(BASE, 5) == 0 && VALUE(BASE, 6) == 0);
    CHECK(ERROR(BASE, 7) == NOT_SUPPORTED);
    CHECK(ERROR(BASE, all) == NOT_SUPPORTED);
    CHECK(ERROR(BASE | 1ull << 32, 0) == NOT_SUPPORTED);
}

/* Everything but a0 and a1 stays as it is. */
static void registers(void) {
    uint64_t bad;
    __asm__ volatile("li a7, 0x10; li a6, 0; li a0, 1; li a1, 2; li a2, 3; li a3, 4; li a4, 5; li a5, 6\n"
                     "li t0, 7; li t1, 8; li t2, 9; li t3, 10; li t4, 11; li t5, 12; li t6, 13; ecall\n"
                     "addi a7, a7, -0x10; addi a2, a2, -3; addi a3, a3, -4; addi a4, a4, -5; addi a5, a5, -6\n"
                     "addi t0, t0, -7; addi t1, t1, -8; addi t2, t2, -9; addi t3, t3, -10; addi t4, t4, -11\n"
                     "addi t5, t5, -12; addi t6, t6, -13; or %0, a7, a6; or %0, %0, a2; or %0, %0, a3; or %0, %0, a4\n"
                     "or %0, %0, a5; or %0, %0, t0; or %0, %0, t1; or %0, %0, t2; or %0, %0, t3; or %0, %0, t4\n"
                     "or %0, %0, t5; or %0, %0, t6"
                     : "=&r"(bad)::"a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4", "t5",
                       "t6");
    CHECK(bad == 0);
}

/* What firmware sets up: traps come to S mode, counters and the timer can be used. */
static uint64_t skip(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f, (void)cause;
    return pc + 4;
}
static void environment(uint64_t hart, const uint8_t *tree) {
    CHECK(hart == 0);
    CHECK(tree && tree[0] == 0xd0 && tree[1] == 0x0d && tree[2] == 0xfe && tree[3] == 0xed);
    CHECK(READ(satp) == 0 && READ(sie) == 0 && READ(sip) == 0);
    CHECK(!(READ(sstatus) & SIE));
    s_on_trap = skip;
    DO(".word 0");
    CHECK(s_trapped.count == 1 && s_trapped.cause == ILLEGAL);
    load_word((void *)0x50000000);
    CHECK(s_trapped.count == 2 && s_trapped.cause == ACCESS_LOAD);
    store_word((void *)0x50000000, 0);
    CHECK(s_trapped.count == 3 && s_trapped.cause == ACCESS_STORE);
    DO("ebreak");
    CHECK(s_trapped.count == 4 && s_trapped.cause == BREAKPOINT);
    DO("csrr a0, mscratch");
    CHECK(s_trapped.count == 5 && s_trapped.cause == ILLEGAL);
    READ(cycle), READ(time), READ(instret), READ(0x14d);
    __asm__ volatile(".option push\n.option arch, +zicboz\ncbo.zero (%0)\n.option pop" ::"r"(mode_stack) : "memory");
    double d = 2;
    __asm__ volatile("fadd.d %0, %0, %0" : "+f"(d));
    CHECK(d == 4 && s_trapped.count == 5);
    s_on_trap = NULL;
}

static unsigned taken;
static uint64_t timer_taken(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f;
    CHECK(cause == (INTERRUPT | STI));
    CHECK(ERROR(TIME, 0, all) == SUCCESS);
    CHECK(!(READ(sip) >> STI & 1));
    taken++;
    return pc;
}
static void timer(void) {
    CHECK(ERROR(TIME, 1, 0) == NOT_SUPPORTED);
    CHECK(!(READ(sip) >> STI & 1));
    CHECK(ERROR(TIME, 0, 0) == SUCCESS); /* it is past that */
    CHECK(READ(sip) >> STI & 1);
    CHECK(ERROR(TIME, 0, READ(time) + 100000) == SUCCESS);
    CHECK(!(READ(sip) >> STI & 1));
    uint64_t began = READ(time);
    s_on_trap = timer_taken;
    SET(sie, 1 << STI);
    CHECK(ERROR(TIME, 0, began + 1000) == SUCCESS);
    SET(sstatus, SIE);
    while (!taken) __asm__ volatile("wfi");
    CHECK(READ(time) >= began + 1000);
    CHECK(ERROR(0, 0, READ(time)) == SUCCESS); /* version 0.1 */
    CHECK(taken == 2);
    CLEAR(sstatus, SIE);
    CLEAR(sie, 1 << STI);
    s_on_trap = NULL;
}

static uint64_t ipi_taken(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f;
    CHECK(cause == (INTERRUPT | SSI));
    CLEAR(sip, 1 << SSI);
    taken++;
    return pc;
}
static void ipi(void) {
    uint64_t mask[2] = {1, 0};
    CHECK(ERROR(IPI, 1) == NOT_SUPPORTED);
    CHECK(ERROR(IPI, 0, 0, 0) == SUCCESS); /* to nobody */
    CHECK(ERROR(IPI, 0, 0, 12345) == SUCCESS);
    CHECK(ERROR(IPI, 0, 1ull << 63, 0) == INVALID_PARAM);
    CHECK(ERROR(IPI, 0, 1, 12345) == INVALID_PARAM);
    CHECK(ERROR(IPI, 0, 3, most) == INVALID_PARAM);
    CHECK(!(READ(sip) >> SSI & 1));
    CHECK(ERROR(IPI, 0, 1, 0) == SUCCESS);
    CHECK(READ(sip) >> SSI & 1);
    CLEAR(sip, 1 << SSI);
    CHECK(ERROR(3, 0) == 0);
    CHECK(ERROR(4, 0, (uint64_t)mask) == SUCCESS);
    CHECK(READ(sip) >> SSI & 1);
    CHECK(ERROR(3, 0) == 1);
    CHECK(!(READ(sip) >> SSI & 1));
    CHECK(ERROR(4, 0, 0x50000000) != SUCCESS);
    taken = 0;
    s_on_trap = ipi_taken;
    SET(sie, 1 << SSI);
    SET(sstatus, SIE);
    CHECK(ERROR(IPI, 0, 0, all) == SUCCESS); /* all there are, whatever the mask */
    CHECK(taken == 1);
    CLEAR(sstatus, SIE);
    CLEAR(sie, 1 << SSI);
    s_on_trap = NULL;
}

/* A mapping of one page of 1 GiB and one of 4 KiB that is changed. */
static uint64_t tables[3][512] __attribute__((aligned(4096)));
static uint64_t words[2][512] __attribute__((aligned(4096)));
static void fences(void) {
    const uint64_t page = 0xcf, at = 1ull << 30; /* V R W X A D */
    for (unsigned f = 0; f < 3; f++) {
        CHECK(ERROR(RFENCE, f, 1, 0, 0, all) == SUCCESS);
        CHECK(ERROR(RFENCE, f, 0, all, 0x1000, 0x1000) == SUCCESS);
        CHECK(ERROR(RFENCE, f, 0, 0) == SUCCESS);
        CHECK(ERROR(RFENCE, f, 1ull << 40, 0) == INVALID_PARAM);
        CHECK(ERROR(RFENCE, f, 1, 12345) == INVALID_PARAM);
    }
    for (unsigned f = 3; f < 8; f++) CHECK(ERROR(RFENCE, f, 1, 0) == NOT_SUPPORTED);
    words[0][0] = 1, words[1][0] = 2;
    tables[0][0] = page; /* devices */
    tables[0][2] = 0x80000000 >> 2 | page;
    tables[0][1] = (uint64_t)tables[1] >> 2 | 1;
    tables[1][0] = (uint64_t)tables[2] >> 2 | 1;
    WRITE(satp, 8ull << 60 | (uint64_t)tables[0] >> 12);
    for (unsigned i = 0; i < 10; i++) {
        tables[2][0] = (uint64_t)words[i & 1] >> 2 | page;
        if (i & 2)
            CHECK(ERROR(RFENCE, 1, 1, 0, at, 4096) == SUCCESS);
        else if (i & 4)
            CHECK(ERROR(RFENCE, 2, 1, 0, 0, all, 0) == SUCCESS);
        else
            CHECK(ERROR(6, 0, 0, 0, all) == SUCCESS);
        CHECK(load_word((void *)at) == words[i & 1][0]);
    }
    WRITE(satp, 0);
    __asm__ volatile("sfence.vma");
    /* code, at the same place */
    static uint32_t code[2] __attribute__((aligned(8))) = {0, 0x8082 /* ret */};
    for (uint32_t i = 1; i < 9; i++) {
        code[0] = i << 20 | 0x513; /* li a0, i */
        CHECK((i & 1 ? ERROR(RFENCE, 0, 1, 0) : ERROR(5, 0, 0)) == SUCCESS);
        CHECK(((uint64_t(*)(void))code)() == i);
    }
}

static void harts(void) {
    CHECK(VALUE(HSM, 2, 0) == 0);
    CHECK(ERROR(HSM, 2, 4096) == INVALID_PARAM);
    CHECK(ERROR(HSM, 2, all) == INVALID_PARAM);
    CHECK(ERROR(HSM, 0, 0, 0x80200000, 0) == ALREADY_AVAILABLE);
    CHECK(ERROR(HSM, 0, 4096, 0x80200000, 0) == INVALID_PARAM);
    CHECK(ERROR(HSM, 4) == NOT_SUPPORTED);
    for (uint64_t type = 1; type < 1ull << 31; type = type * 2 + 1) CHECK(ERROR(HSM, 3, type, 0, 0) == INVALID_PARAM);
    CHECK(ERROR(HSM, 3, 0x80000001, 0x80200000, 0) == INVALID_PARAM);
    CHECK(ERROR(HSM, 3, 0x80000000, 0x50000000, 0) == INVALID_ADDRESS);
    /* Asleep until the timer wakes it, which need not be taken. */
    uint64_t began = READ(time);
    SET(sie, 1 << STI);
    ERROR(TIME, 0, began + 10000);
    CHECK(ERROR(HSM, 3, 0, 0, 0) == SUCCESS);
    CHECK(READ(time) >= began + 10000 && READ(sip) >> STI & 1);
    CHECK(ERROR(HSM, 3, 0, 0, 0) == SUCCESS); /* it is awake */
    CHECK(VALUE(HSM, 2, 0) == 0);
    began = READ(time);
    ERROR(TIME, 0, began + 10000);
    SET(sstatus, SIE | SUM);
    CLEAR(sstatus, SIE);
    CHECK(call_and_resume(0x80000000, resumed, CONTEXT) == 1);
    CHECK(resumed_with[0] == 0 && resumed_with[1] == CONTEXT);
    CHECK(READ(time) >= began + 10000 && READ(satp) == 0 && !(READ(sstatus) & SIE));
    ERROR(TIME, 0, all);
    CLEAR(sie, 1 << STI);
}

static void console(void) {
    static char text[] = "text\n", got[8];
    CHECK(VALUE(DBCN, 0, 5, (uint64_t)text, 0) == 5);
    CHECK(VALUE(DBCN, 0, 0, (uint64_t)text, 0) == 0);
    CHECK(ERROR(DBCN, 0, 5, (uint64_t)text, 1) == INVALID_PARAM);
    CHECK(ERROR(DBCN, 0, 5, 0x50000000, 0) == INVALID_PARAM);
    CHECK(ERROR(DBCN, 0, 5, 0x10000000, 0) == INVALID_PARAM); /* a device is no memory */
    CHECK(ERROR(DBCN, 0, 1ull << 40, (uint64_t)text, 0) == INVALID_PARAM);
    CHECK(ERROR(DBCN, 0, all, (uint64_t)text, 0) == INVALID_PARAM);
    CHECK(ERROR(DBCN, 1, 1, 0x1000, 0) == INVALID_PARAM); /* nor is a ROM, to be written */
    CHECK(VALUE(DBCN, 1, 0, 0, 0) == 0);
    CHECK(VALUE(DBCN, 1, 1, (uint64_t)got, 0) == 1 && got[0] == 'x' && got[1] == 0);
    CHECK(ERROR(2, 0) == 'y');
    CHECK(VALUE(DBCN, 1, 8, (uint64_t)got, 0) == 1 && got[0] == 'z' && got[1] == 0);
    CHECK(VALUE(DBCN, 1, 8, (uint64_t)got, 0) == 0);
    CHECK(ERROR(2, 0) == -1);
    CHECK(VALUE(DBCN, 2, 0x100 | 'b') == 0);
    CHECK(ERROR(1, 0, '\n') == 0);
    CHECK(ERROR(DBCN, 3) == NOT_SUPPORTED);
}

static void counters(void) {
    enum { CYCLES = 1, INSTRUCTIONS = 2, FIRMWARE = 0xf0000, CLEAR_IT = 2, AUTO_START = 4 };
    uint64_t n = VALUE(PMU, 0), cycles = 99, firmware = 99;
    CHECK(n >= 3 && n <= 64);
    for (uint64_t i = 0; i < n; i++) {
        struct sbi_result r = SBI(PMU, 1, i);
        if (r.error == SUCCESS && r.value >> 63) firmware = i;
        if (r.error == SUCCESS && (r.value & 0xfff) == 0xc00) cycles = i;
    }
    CHECK(cycles == 0 && firmware == n - 1);
    CHECK(ERROR(PMU, 1, n) == INVALID_PARAM);
    CHECK(ERROR(PMU, 1, all) == INVALID_PARAM);
    const uint64_t every = (1ull << n) - 1;
    CHECK(ERROR(PMU, 2, 0, every, 0, 3, 0) == NOT_SUPPORTED); /* cache references */
    CHECK(ERROR(PMU, 2, 0, every, 0, 0, 0) == NOT_SUPPORTED);
    CHECK(ERROR(PMU, 2, 0, every, 0, 0x20000, 7) == NOT_SUPPORTED);
    CHECK(ERROR(PMU, 2, 0, every << 1, 0, CYCLES, 0) == INVALID_PARAM);
    CHECK(ERROR(PMU, 2, all, 1, 0, CYCLES, 0) == INVALID_PARAM);
    CHECK(ERROR(PMU, 2, 0, 4, 0, CYCLES, 0) == NOT_SUPPORTED);
    /* instret: stands, is started with a value, counts, stops */
    CHECK(VALUE(PMU, 2, 0, every, CLEAR_IT, INSTRUCTIONS, 0) == 2);
    CHECK(READ(instret) == 0 && READ(instret) == 0);
    CHECK(ERROR(PMU, 3, 0, 4, 1, 1000) == SUCCESS);
    uint64_t a = READ(instret), b = READ(instret);
    CHECK(a >= 1000 && a < 1100 && b > a);
    CHECK(ERROR(PMU, 3, 2, 1, 0, 0) == ALREADY_STARTED);
    CHECK(ERROR(PMU, 4, 2, 1, 0) == SUCCESS);
    CHECK(READ(instret) == READ(instret) && READ(instret) >= b);
    CHECK(ERROR(PMU, 4, 2, 1, 0) == ALREADY_STOPPED);
    CHECK(VALUE(PMU, 2, 0, every, CLEAR_IT | AUTO_START, CYCLES, 0) == 0);
    CHECK(READ(cycle) < 100);
    /* firmware's: calls that set the timer */
    uint64_t c = VALUE(PMU, 2, 0, every, CLEAR_IT, FIRMWARE | 5, 0);
    CHECK(VALUE(PMU, 1, c) >> 63);
    CHECK(VALUE(PMU, 5, c) == 0);
    ERROR(TIME, 0, all);
    CHECK(VALUE(PMU, 5, c) == 0);
    CHECK(ERROR(PMU, 3, c, 1, 1, 10) == SUCCESS);
    ERROR(TIME, 0, all), ERROR(TIME, 0, all);
    CHECK(VALUE(PMU, 5, c) == 12);
    CHECK(VALUE(PMU, 6, c) == 0);
    uint64_t d = VALUE(PMU, 2, 0, every, AUTO_START, FIRMWARE | 6, 0); /* another one: IPIs sent */
    CHECK(d != c);
    ERROR(IPI, 0, 1, 0);
    CLEAR(sip, 1 << SSI);
    CHECK(VALUE(PMU, 5, d) == 1);
    CHECK(ERROR(PMU, 4, 0, 1ull << c | 1ull << d, 1) == SUCCESS);
    ERROR(TIME, 0, all);
    CHECK(VALUE(PMU, 5, c) == 12);
    CHECK(ERROR(PMU, 2, 0, every, 0, FIRMWARE | 21, 0) == NOT_SUPPORTED);
    CHECK(ERROR(PMU, 2, 0, every, 0, FIRMWARE | 65535, 0) == NOT_SUPPORTED);
    CHECK(ERROR(PMU, 5, 0) == INVALID_PARAM);
    CHECK(ERROR(PMU, 5, n) == INVALID_PARAM);
    CHECK(ERROR(PMU, 6, 2) == INVALID_PARAM);
    CHECK(ERROR(PMU, 3, 0, 0, 0, 0) == INVALID_PARAM);
    CHECK(ERROR(PMU, 3, n, 1, 0, 0) == INVALID_PARAM);
    CHECK(ERROR(PMU, 3, c, 1, 2, 0) == NO_SHMEM);
    CHECK(ERROR(PMU, 4, c, 1, 2) == NO_SHMEM);
    CHECK(ERROR(PMU, 7, (uint64_t)tables, 0, 0) == NOT_SUPPORTED);
}

static void reset(void) {
    CHECK(ERROR(SRST, 1, 0, 0) == NOT_SUPPORTED);
    CHECK(ERROR(SRST, 0, 3, 0) == INVALID_PARAM);
    CHECK(ERROR(SRST, 0, 0xf0000000, 0) == INVALID_PARAM);
    CHECK(ERROR(SRST, 0, 0, 2) == INVALID_PARAM);
    CHECK(ERROR(SRST, 0, 0, 0xe0000000) == INVALID_PARAM);
    SBI(SRST, 0, 0, 0); /* status 0: good */
    CHECK(0 && "it is still there");
}

int main(uint64_t hart, const uint8_t *tree) {
    environment(hart, tree);
    base();
    registers();
    timer();
    ipi();
    fences();
    harts();
    console();
    counters();
    reset();
    return 1;
}
