/* vee: -smp 3 */
/* Atomic instructions of several harts on the same words, which two of three reach by other addresses: nothing is lost,
 * everybody who succeeds is the only one; a lock keeps out; what is released is seen.
 */
#include "harts.h"

enum { HARTS = 3, ROUNDS = 1500, PAGES = 2 };
static table roots[HARTS], middles[HARTS], pages[HARTS];
static struct {
    volatile uint64_t sum, low, high, bits, flips, most, least, counted, exchanged, lock, plain[2], flag, data, done;
    volatile uint32_t halves[2], counted_half;
    volatile uint64_t x[64], y[64], seen[64][2];
} words __attribute__((aligned(4096)));
static struct barrier barrier;

#define AMO(op, at, operand)                                                                                           \
    ({                                                                                                                 \
        uint64_t amo_old;                                                                                              \
        __asm__ volatile(op " %0, %2, (%1)" : "=r"(amo_old) : "r"(at), "r"(operand) : "memory");                       \
        amo_old;                                                                                                       \
    })

/* Adds by lr and sc. */
static uint64_t count(volatile uint64_t *at) {
    uint64_t old, new, failed;
    __asm__ volatile("1: lr.d.aq %0, (%3); addi %1, %0, 1; sc.d.rl %2, %1, (%3); bnez %2, 1b"
                     : "=&r"(old), "=&r"(new), "=&r"(failed)
                     : "r"(at)
                     : "memory");
    return old;
}
static void count_half(volatile uint32_t *at) {
    uint64_t new, failed;
    __asm__ volatile("1: lr.w %0, (%2); addiw %0, %0, 3; sc.w %1, %0, (%2); bnez %1, 1b"
                     : "=&r"(new), "=&r"(failed)
                     : "r"(at)
                     : "memory");
}

static void work(uint64_t hart, typeof(words) *w) {
    uint64_t random = 12345 + hart, last = 0, mine = 0;
    meet(&barrier, HARTS);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        AMO("amoadd.d", &w->sum, i + hart);
        AMO("amoadd.w.aqrl", &w->halves[0], 1ull << 31 | 1); /* 2^32 of them would be seen in the other half */
        AMO("amoor.d", &w->bits, 1ull << (i * HARTS + hart) % 64);
        AMO("amoxor.d.rl", &w->flips, 1ull << hart | 1ull << 63);
        const uint64_t value = random_of(&random);
        AMO("amomaxu.d", &w->most, value * HARTS + hart);
        CHECK(w->most >= value * HARTS + hart);
        AMO("amomin.d", &w->least, -(int64_t)value);
        CHECK((int64_t)w->least <= -(int64_t)value);
        const uint64_t number = count(&w->counted);
        CHECK(i == 0 || number > last);
        last = number;
        count_half(&w->counted_half);
        /* exchanged: every number goes in and out once */
        mine += i * HARTS + hart + 1;
        mine -= AMO("amoswap.d.aqrl", &w->exchanged, i * HARTS + hart + 1);
        /* a lock by lr and sc, around words that are not atomic */
        if (i % 4 == 0) {
            uint64_t busy;
            do
                __asm__ volatile("lr.d.aq %0, (%1); bnez %0, 1f; sc.d %0, %2, (%1); 1:"
                                 : "=&r"(busy)
                                 : "r"(&w->lock), "r"(hart + 1)
                                 : "memory");
            while (busy);
            CHECK(w->plain[0] == w->plain[1]);
            w->plain[0] = w->plain[0] + 1;
            w->plain[1] = w->plain[1] + 1;
            CHECK(w->lock == hart + 1);
            __asm__ volatile("amoswap.d.rl zero, zero, (%0)" ::"r"(&w->lock) : "memory");
        }
    }
    AMO("amoadd.d", &w->low, mine);
    meet(&barrier, HARTS);
}

/* Two that each write and then look at what the other has written: with fences between, not both see nothing. */
static void store_and_look(uint64_t hart, typeof(words) *w) {
    for (unsigned i = 0; i < 64 && hart < 2; i++) {
        volatile uint64_t *own = hart ? &w->x[i] : &w->y[i], *other = hart ? &w->y[i] : &w->x[i];
        *own = 1;
        __asm__ volatile("fence rw, rw" ::: "memory");
        w->seen[i][hart] = *other + 1;
    }
    meet(&barrier, HARTS);
    for (unsigned i = 0; i < 64; i++) CHECK(w->seen[i][0] + w->seen[i][1] > 2);
}

/* A store of another hart takes the reservation away: hart 0 reserves, hart 1 stores, and then hart 0 tries. */
static void reservations(uint64_t hart, typeof(words) *w) {
    for (uint64_t i = 1; i <= 8 && hart < 2; i++) {
        if (hart == 1) {
            await(&w->flag, 2 * i - 1);
            w->data = 1000 + i;
            show(&w->flag, 2 * i);
            continue;
        }
        uint64_t failed, number = 2 * i - 1;
        /* The loop between them loads only: that may lose the reservation, but not gain it. */
        __asm__ volatile("lr.d.aqrl zero, (%2); fence rw, rw; sd %1, 0(%3); addi %1, %1, 1\n"
                         "1: ld t0, 0(%3); bne t0, %1, 1b; fence rw, rw; sc.d.aqrl %0, zero, (%2)"
                         : "=&r"(failed), "+&r"(number)
                         : "r"(&w->data), "r"(&w->flag)
                         : "memory", "t0");
        CHECK(failed && w->data == 1000 + i);
    }
    meet(&barrier, HARTS);
}

static void run(uint64_t hart) {
    table *root = &roots[hart], *page = &pages[hart];
    space_make(*root, middles[hart], *page);
    for (unsigned i = 0; i < PAGES; i++) (*page)[hart * 8 + i] = pte((uint8_t *)&words + 4096 * i, PTE_DATA);
    WRITE(satp, space_satp(*root, hart));
    __asm__ volatile("sfence.vma");
    typeof(words) *w = hart ? (void *)(WINDOW + hart * 8 * 4096) : &words;
    work(hart, w);
    store_and_look(hart, w);
    reservations(hart, w);
    add(&w->done, 1);
}

void hart_main(uint64_t hart, uint64_t argument) {
    (void)argument;
    run(hart);
}

int main(void) {
    words.least = 0;
    harts_begin(HARTS, 0);
    run(0);
    await(&words.done, HARTS);
    harts_end(HARTS);
    const uint64_t all = HARTS * ROUNDS;
    CHECK(words.sum == HARTS * (ROUNDS * (ROUNDS - 1ull) / 2) + ROUNDS * (HARTS * (HARTS - 1ull) / 2));
    CHECK(words.halves[0] == (uint32_t)((1ull << 31 | 1) * all) && words.halves[1] == 0);
    CHECK(words.bits == -1ull && words.flips == (ROUNDS & 1 ? 7 : 0));
    CHECK(words.counted == all && words.counted_half == 3 * all);
    CHECK(words.low == words.exchanged);
    CHECK(words.plain[0] == (all + 3) / 4 && words.plain[1] == words.plain[0]);
    return 0;
}
