/* vee: --counted */
/* Counters: that they count instructions exactly, stop, can be set, and can be withheld. */
#include "bare.h"

static uint64_t unreadable(uint64_t unused) {
    CHECK(TRAPS(ILLEGAL, "rdcycle a0"));
    CHECK(TRAPS(ILLEGAL, "rdtime a0"));
    CHECK(TRAPS(ILLEGAL, "rdinstret a0"));
    CHECK(TRAPS(ILLEGAL, "csrr a0, hpmcounter3"));
    return unused;
}
static uint64_t readable(uint64_t unused) {
    CHECK(PASSES("rdcycle a0"));
    CHECK(TRAPS(ILLEGAL, "rdtime a0"));
    CHECK(PASSES("rdinstret a0"));
    CHECK(TRAPS(ILLEGAL, "csrw instret, a0"));
    return unused;
}
static uint64_t compared(uint64_t unused) {
    CHECK(PASSES("csrr a0, 0x14d")); /* stimecmp */
    return unused;
}
static uint64_t not_compared(uint64_t unused) {
    CHECK(TRAPS(ILLEGAL, "csrr a0, 0x14d"));
    return unused;
}

int main(void) {
    uint64_t a, b, c;
    __asm__ volatile("rdinstret %0\nnop\nnop\nrdinstret %1\nrdinstret %2" : "=&r"(a), "=&r"(b), "=&r"(c));
    CHECK(b == a + 3 && c == b + 1);
    /* Across a branch and a load, in and out of blocks. */
    __asm__ volatile("rdinstret %0\nj 1f\nnop\n1: ld zero, 0(sp)\nrdinstret %1" : "=&r"(a), "=&r"(b));
    CHECK(b == a + 3);
    /* A trap is no instruction; its handler's are counted. */
    __asm__ volatile("csrw minstret, %2\ncsrr %0, minstret\nnop\ncsrr %1, minstret"
                     : "=&r"(a), "=&r"(b)
                     : "r"(1000ull));
    CHECK(a == 1000 && b == 1002);
    WRITE(mcountinhibit, -1);
    CHECK(READ(mcountinhibit) == 5);
    a = READ(minstret), b = READ(mcycle);
    CHECK(READ(minstret) == a && READ(mcycle) == b);
    WRITE(minstret, 77);
    CHECK(READ(minstret) == 77);
    WRITE(mcountinhibit, 1);
    a = READ(minstret);
    CHECK(a >= 77 && a < 90 && READ(minstret) > a && READ(mcycle) == b);
    WRITE(mcountinhibit, 0);
    a = READ(mcycle);
    CHECK(a >= b && a < b + 10 && READ(mcycle) > a);
    WRITE(mhpmcounter3, 5);
    CHECK(READ(mhpmcounter3) == 0 && READ(mhpmevent31) == 0);

    WRITE(mcounteren, 0);
    WRITE(scounteren, -1);
    RUN(S, unreadable, 0);
    RUN(U, unreadable, 0);
    WRITE(mcounteren, 5);
    RUN(S, readable, 0);
    RUN(U, readable, 0);
    WRITE(scounteren, 0);
    RUN(S, readable, 0);
    RUN(U, unreadable, 0);
    WRITE(mcounteren, 2); /* time, with which S mode has a timer of its own if that is there */
    WRITE(menvcfg, 0);
    RUN(S, not_compared, 0);
    SET(menvcfg, 1ull << 63);
    RUN(S, compared, 0);
    WRITE(mcounteren, 0);
    RUN(S, not_compared, 0);
    CHECK(READ(time) - *MTIME < 10 || *MTIME - READ(time) < 10);
    return 0;
}
