/* vee: -smp 3 */
/* Code that one hart writes and others run: announced by remote fence.i, by a flag and the fence.i of who runs it, and
 * by pages with other code in the same place. Who has heard that it was announced runs no older one.
 */
#include "harts.h"

enum { HARTS = 3, ROUNDS = 240, FUNCTIONS = 4 };
enum place { REMOTE, OWN, PAGES, PLACES }; /* how each place is announced */
typedef uint64_t function(void);
static uint32_t code[PLACES][2][1024] __attribute__((aligned(4096)));
static table root, middle, pages;
static volatile uint64_t announced[PLACES][FUNCTIONS], stop, done, calls[HARTS];

/* li a0, value; ret: with a jump over something else in front, so that it is more than one piece of code */
static void write_code(uint32_t *at, unsigned number, uint32_t value) {
    __atomic_store_n(&at[number * 8 + 2], value << 20 | 0x513, __ATOMIC_RELAXED);
}
static void make_code(uint32_t *at) {
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        at[f * 8] = 0x0080006f; /* j 8 */
        at[f * 8 + 1] = 0;
        write_code(at, f, 0);
        at[f * 8 + 3] = 0x8067; /* ret */
    }
}
static function *function_at(enum place place, unsigned number) {
    return place == PAGES ? (function *)(WINDOW + number * 32) : (function *)&code[place][0][number * 8];
}

/* Runs it: what it says is as old as what was announced before at most. */
static void run(enum place place, unsigned number) {
    const uint64_t before = see(&announced[place][number]);
    if (place == OWN) __asm__ volatile("fence.i" ::: "memory");
    const uint64_t value = function_at(place, number)();
    __asm__ volatile("fence rw, rw" ::: "memory");
    CHECK(value >= before && value <= see(&announced[place][number]) + 1);
}

static void enter_space(void) {
    WRITE(satp, space_satp(root, 3));
    __asm__ volatile("sfence.vma");
    __asm__ volatile("fence.i");
}

void hart_main(uint64_t hart, uint64_t argument) {
    uint64_t random = 77 + hart;
    (void)argument;
    enter_space();
    while (!see(&stop)) {
        const uint64_t r = random_of(&random);
        for (unsigned i = 0; i < 12; i++) run((r + i) % PLACES, (unsigned)(r >> 4) % FUNCTIONS);
        add(&calls[hart], 1);
    }
    add(&done, 1);
}

static void change(enum place place, unsigned number, uint32_t value) {
    if (place == PAGES) { /* a page that nobody executes, with all that is in the other one */
        uint32_t *next = code[PAGES][pages[0] == pte(code[PAGES][0], PTE_CODE)];
        for (unsigned f = 0; f < FUNCTIONS; f++)
            write_code(next, f, f == number ? value : (uint32_t)announced[PAGES][f]);
        __asm__ volatile("fence rw, rw" ::: "memory");
        CHECK(ERROR(RFENCE, 0, 7, 0) == SUCCESS); /* what was executed there before */
        __atomic_store_n(&pages[0], pte(next, PTE_CODE), __ATOMIC_RELEASE);
        __asm__ volatile("fence rw, rw" ::: "memory");
        CHECK(value & 1 ? ERROR(RFENCE, 1, 7, 0, WINDOW, 4096) == SUCCESS
                        : ERROR(RFENCE, 2, 0, -1ull, 0, -1ull, 3) == SUCCESS);
    } else {
        write_code(code[place][0], number, value);
        __asm__ volatile("fence rw, rw" ::: "memory");
        if (place == REMOTE) CHECK(ERROR(RFENCE, 0, value & 1 ? 7 : 0, value & 1 ? 0 : -1ull) == SUCCESS);
    }
    show(&announced[place][number], value);
}

int main(void) {
    uint64_t random = 1234567;
    for (unsigned p = 0; p < PLACES; p++) make_code(code[p][0]), make_code(code[p][1]);
    space_make(root, middle, pages);
    pages[0] = pte(code[PAGES][0], PTE_CODE);
    __asm__ volatile("fence.i");
    enter_space();
    harts_begin(HARTS, 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        const uint64_t r = random_of(&random);
        const enum place place = (r & 0xff) % PLACES;
        const unsigned number = (r >> 8 & 0xff) % FUNCTIONS;
        run(place, number);
        change(place, number, (uint32_t)announced[place][number] + 1);
        run(place, number);
        if (i % 16 == 0)
            for (unsigned h = 1; h < HARTS; h++) await(&calls[h], see(&calls[h]) + 2);
    }
    show(&stop, 1);
    await(&done, HARTS - 1);
    harts_end(HARTS);
    CHECK(s_trapped.count == 0);
    return 0;
}
