/* Physical memory protection: every way to give a range, priorities, rights by mode, locks, four-byte granules. */
#include "bare.h"

static uint64_t area[1024] __attribute__((aligned(8192)));
enum { READS = 1, WRITES = 2, RUNS = 4, TOR = 1 << 3, NA4 = 2 << 3, NAPOT = 3 << 3, LOCK = 1 << 7 };

static uint64_t return_to_caller(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)cause, (void)pc;
    return f->x[1];
}

static uint64_t rights(uint64_t at) {
    uint64_t can = 0, before = trapped.count;
    uint32_t v = 0x8082;
    __asm__ volatile(".option push\n.option norvc\nlw %0, 0(%1)\n.option pop" : "+r"(v) : "r"(at) : "memory");
    if (trapped.count == before)
        can |= READS;
    else
        CHECK(trapped.cause == ACCESS_LOAD && trapped.value == at);
    before = trapped.count;
    v = 0x8082;
    __asm__ volatile(".option push\n.option norvc\nsw %0, 0(%1)\n.option pop" ::"r"(v), "r"(at) : "memory");
    if (trapped.count == before)
        can |= WRITES;
    else
        CHECK(trapped.cause == ACCESS_STORE && trapped.value == at);
    before = trapped.count;
    on_trap = return_to_caller;
    ((void (*)(void))at)();
    on_trap = NULL;
    if (trapped.count == before)
        can |= RUNS;
    else
        CHECK(trapped.cause == ACCESS_FETCH && trapped.pc == at);
    return can;
}
static uint64_t rights_at(enum mode mode, unsigned index) {
    return mode == M ? rights((uint64_t)&area[index]) : RUN(mode, rights, &area[index]);
}

static void config(unsigned entry, uint64_t address, unsigned how) {
    uint64_t shift = entry % 4 * 8;
    switch (entry) {
    case 0: WRITE(pmpaddr0, address); break;
    case 1: WRITE(pmpaddr1, address); break;
    default: WRITE(pmpaddr2, address); break;
    }
    CLEAR(pmpcfg0, 0xffull << shift);
    SET(pmpcfg0, (uint64_t)how << shift);
}

static void ranges(enum mode mode) {
    uint64_t word = (uint64_t)area >> 2;
    for (unsigned i = 0; i < 1024; i++) area[i] = 0x8082;
    __asm__ volatile("fence.i");
    for (unsigned r = 0; r < 8; r++) {
        if ((r & 3) == WRITES) continue;    /* reserved */
        config(0, word | 0x1ff, NAPOT | r); /* 4 KiB */
        CHECK(rights_at(mode, 0) == r && rights_at(mode, 511) == r && rights_at(mode, 512) == 7);
        config(0, word | 7, NAPOT | r); /* 64 bytes */
        CHECK(rights_at(mode, 0) == r && rights_at(mode, 7) == r && rights_at(mode, 8) == 7);
        config(0, word + 2, NA4 | r);
        CHECK(rights_at(mode, 0) == 7 && rights_at(mode, 1) == r && rights_at(mode, 2) == 7);
        config(0, word + 2, 0);
        config(1, word + 6, TOR | r); /* [1, 3) */
        CHECK(rights_at(mode, 0) == 7 && rights_at(mode, 1) == r && rights_at(mode, 2) == r && rights_at(mode, 3) == 7);
        config(0, word + 8, 0); /* upside down: empty */
        CHECK(rights_at(mode, 1) == 7 && rights_at(mode, 3) == 7);
        config(1, 0, 0);
    }
    /* The lowest entry wins. */
    config(0, word | 7, NAPOT | READS);
    config(1, word | 0x1ff, NAPOT);
    CHECK(rights_at(mode, 0) == READS && rights_at(mode, 8) == 0 && rights_at(mode, 512) == 7);
    config(0, 0, 0);
    config(1, 0, 0);
}

static uint64_t wide(uint64_t at) {
    uint64_t before = trapped.count;
    load_word((void *)at);
    return trapped.count - before;
}

static uint64_t wide_store(uint64_t at) {
    uint64_t before = trapped.count;
    store_word((void *)at, 0);
    return trapped.count - before;
}

static char *const at = (char *)area;

static void aligned(void) {
    /* An aligned access is one: the first entry that has some of its bytes must have all, whatever the rights. */
    area[0] = area[1] = 0x1111111122222222;
    for (unsigned word = 0; word < 2; word++)
        for (unsigned how = 0; how < 2; how++) {
            config(0, ((uint64_t)area >> 2) + word, NA4 | (how ? READS | WRITES : 0));
            CHECK(RUN(S, wide, at) == 1 && trapped.cause == ACCESS_LOAD && trapped.value == (uint64_t)at);
            CHECK(RUN(S, wide_store, at) == 1 && trapped.cause == ACCESS_STORE && trapped.value == (uint64_t)at);
            CHECK(RUN(S, wide, at + 8) == 0);
            CHECK(wide((uint64_t)at) == 1); /* M mode as well, although it is not locked */
        }
}

static void straddling(void) {
    /* Others are several: each part counts for itself. */
    area[0] = area[1] = 0x1111111122222222;
    uint64_t before = trapped.count;
    config(0, ((uint64_t)area >> 2) + 2, NA4 | READS);
    CHECK(RUN(S, wide, at + 4) == 0);
    CHECK(RUN(S, wide_store, at + 4) == 1 && trapped.cause == ACCESS_STORE);
    config(0, ((uint64_t)area >> 2) + 2, NA4);
    CHECK(RUN(S, wide, at + 4) == 1 && trapped.cause == ACCESS_LOAD);
    config(0, 0, 0);
    CHECK(area[0] == 0x1111111122222222 && area[1] == 0x1111111122222222); /* all or nothing */
    config(0, ((uint64_t)area >> 2) + 1, NA4);
    CHECK(RUN(S, rights, area) != 0);
    CHECK(trapped.count > before);
    area[0] = 0x8082;
    config(0, 0, 0);
}

static uint64_t zero_block(uint64_t at) {
    uint64_t before = trapped.count;
    __asm__ volatile("cbo.zero (%0)" ::"r"(at) : "memory");
    return trapped.count - before;
}

/* A block of which a part cannot be written is left alone. */
static void blocks(void) {
    for (unsigned i = 0; i < 8; i++) area[i] = i + 1;
    SET(menvcfg, 1 << 7);
    config(0, (((uint64_t)area >> 2) + 8) | 3, NAPOT | READS); /* the second half */
    CHECK(RUN(S, zero_block, at) == 1 && trapped.cause == ACCESS_STORE);
    for (unsigned i = 0; i < 8; i++) CHECK(area[i] == i + 1);
    config(0, 0, 0);
    CHECK(RUN(S, zero_block, at + 8) == 0 && area[0] == 0 && area[7] == 0);
    area[0] = 0x8082;
}

static uint64_t nothing(uint64_t unused) {
    return unused;
}
static uint64_t to_m(struct frame *f, uint64_t cause, uint64_t pc) {
    extern char run_back[];
    (void)f, (void)cause, (void)pc;
    SET(mstatus, MPP);
    return (uint64_t)run_back;
}

static void locks(void) {
    uint64_t word = (uint64_t)area >> 2;
    CHECK(rights_at(M, 0) == 7);
    config(0, word | 7, NAPOT | READS);
    CHECK(rights_at(M, 0) == 7 && rights_at(S, 0) == READS);
    config(1, word + 16, 0);
    config(2, word + 20, TOR | READS | RUNS | LOCK);
    CHECK(rights_at(M, 8) == (READS | RUNS));
    config(0, word | 7, NAPOT | READS | LOCK);
    CHECK(rights_at(M, 0) == READS);
    /* A locked entry does not change any more, nor does the address below a locked TOR. */
    uint64_t config_was = READ(pmpcfg0);
    WRITE(pmpcfg0, 0);
    WRITE(pmpaddr0, 0);
    WRITE(pmpaddr1, 0);
    WRITE(pmpaddr2, 0);
    CHECK((READ(pmpcfg0) & 0xff00ff) == (config_was & 0xff00ff));
    CHECK(READ(pmpaddr0) == (word | 7) && READ(pmpaddr1) == word + 16 && READ(pmpaddr2) == word + 20);
    CHECK(rights_at(M, 0) == READS);
}

int main(void) {
    CHECK(READ(pmpcfg0) == 0);
    WRITE(pmpaddr0, -1);
    CHECK(READ(pmpaddr0) == (1ull << 54) - 1);
    WRITE(pmpcfg0, 0x62); /* bits 5 and 6 do not exist; writable without readable is reserved */
    CHECK(READ(pmpcfg0) == 0);
    CHECK(TRAPS(ILLEGAL, "csrr a0, 0x3a1"));
    ranges(S);
    ranges(U);
    aligned();
    straddling();
    blocks();
    locks();
    /* Without any entry that matches, S and U mode have nothing. */
    WRITE(pmpcfg2, 0);
    on_trap = to_m;
    uint64_t before = trapped.count;
    RUN(S, nothing, 0);
    CHECK(trapped.count == before + 1 && trapped.cause == ACCESS_FETCH && trapped.pc == (uint64_t)nothing);
    return 0;
}
