/* vee: --counted */
/* Machine interrupts: the software interrupt's wire, the timer, vectors, priorities, and enabling one by one. */
#include "bare.h"

static uint64_t order[8];
static unsigned taken;

static uint64_t quiet(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f;
    if (!(cause & INTERRUPT)) return pc + 4;
    if (taken < 8) order[taken] = cause & 63;
    taken++;
    switch (cause & 63) {
    case MSI: *MSIP = 0; break;
    case MTI: *MTIMECMP = -1; break;
    default: CLEAR(mip, 1 << (cause & 63)); break;
    }
    return pc;
}

static void software(void) {
    taken = 0;
    WRITE(mie, 0);
    SET(mstatus, MIE);
    *MSIP = 1;
    CHECK(READ(mip) >> MSI & 1);
    CHECK(taken == 0);
    SET(mie, 1 << MSI);
    CHECK(taken == 1 && order[0] == MSI);
    CHECK(!(READ(mip) >> MSI & 1));
    /* Software cannot clear the wire, nor set it. */
    SET(mip, 1 << MSI);
    CHECK(!(READ(mip) >> MSI & 1));
    /* The interrupt comes right after the store. */
    *MSIP = 1;
    __asm__ volatile("" ::: "memory");
    CHECK(taken == 2);
    CLEAR(mstatus, MIE);
}

static void exactly_after_the_store(void) {
    extern char after_the_store[];
    taken = 0;
    SET(mstatus, MIE);
    SET(mie, 1 << MSI);
    __asm__ volatile(".option push\n.option norvc\n"
                     "li a1, 1\n"
                     "sw a1, 0(%0)\n"
                     ".globl after_the_store\nafter_the_store: addi a1, a1, 1\n"
                     ".option pop" ::"r"(MSIP)
                     : "a1", "memory");
    CHECK(taken == 1 && trapped.pc == (uint64_t)after_the_store);
    CLEAR(mstatus, MIE);
}

static void timer(void) {
    taken = 0;
    WRITE(mie, 1 << MTI);
    *MTIMECMP = *MTIME + 50;
    CHECK(!(READ(mip) >> MTI & 1));
    SET(mstatus, MIE);
    uint64_t before = *MTIME;
    while (!*(volatile unsigned *)&taken && *MTIME < before + 1000) {
    }
    CHECK(taken == 1 && order[0] == MTI);
    CHECK(*MTIME >= before + 40 && *MTIME < before + 100);
    CLEAR(mstatus, MIE);
}

static void priorities(void) {
    taken = 0;
    WRITE(mie, 0xaaa);
    WRITE(mideleg, 0);
    *MTIMECMP = 0;
    *MSIP = 1;
    WRITE(mip, 1 << SSI | 1 << STI | 1 << SEI);
    CHECK((READ(mip) & 0xfff) == (1 << SSI | 1 << STI | 1 << SEI | 1 << MSI | 1 << MTI));
    SET(mstatus, MIE);
    CHECK(taken == 5);
    CHECK(order[0] == MSI && order[1] == MTI && order[2] == SEI && order[3] == SSI && order[4] == STI);
    CHECK((READ(mip) & 0xfff) == 0);
    CLEAR(mstatus, MIE);
}

static void vectored(void) {
    WRITE(mtvec, (uint64_t)m_vectors | 1);
    CHECK(READ(mtvec) == ((uint64_t)m_vectors | 1));
    WRITE(mie, 1 << MSI | 1 << SSI);
    SET(mstatus, MIE);
    m_vector = 0;
    __asm__ volatile("sw %1, 0(%0)" ::"r"(MSIP), "r"(1) : "t5", "t6", "memory");
    CHECK(m_vector == MSI);
    __asm__ volatile("csrs mip, %0" ::"r"(1 << SSI) : "t5", "t6", "memory");
    CHECK(m_vector == SSI);
    /* Exceptions go to the base. */
    m_vector = 0;
    uint64_t before = trapped.count;
    DO("ebreak");
    CHECK(trapped.count == before + 1 && m_vector == 0);
    CLEAR(mstatus, MIE);
    WRITE(mtvec, (uint64_t)m_entry);
}

int main(void) {
    on_trap = quiet;
    software();
    exactly_after_the_store();
    timer();
    priorities();
    vectored();
    return 0;
}
