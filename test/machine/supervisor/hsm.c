/* vee: -smp 4 */
/* Harts start, stop, sleep and say so: with arguments, again and again, by each other, and two at once. */
#include "harts.h"

enum { HARTS = 4, AGAIN = 12, RACES = 40, SLEEPS = 8 };
enum task { COUNT, STAY, SLEEP, SLEEP_AND_FORGET, AWAKE_AGAIN, RACE, END };
enum { TASK_BITS = 8 };
static volatile uint64_t runs[HARTS], arguments[HARTS], woken[HARTS], release, successes;
static struct barrier barrier;

static void wait_for(uint64_t hart, enum hart_state state) {
    while (hart_state(hart) != state) {
    }
}

/* Asleep until there is an IPI, which is not taken. `type`: of the suspension. */
static void sleep(uint64_t hart, uint64_t type) {
    CLEAR(sip, 1 << SSI); /* one that came while it was stopped may be there still */
    SET(sie, 1 << SSI);
    show(&arguments[hart], type);
    CHECK(ERROR(HSM, 3, type, (uint64_t)hart_entry, AWAKE_AGAIN) == SUCCESS);
    CHECK(type == 0);
    CHECK(READ(sip) >> SSI & 1);
}
static void awake(uint64_t hart) {
    CLEAR(sip, 1 << SSI);
    CLEAR(sie, 1 << SSI);
    add(&woken[hart], 1);
}

static void race(void) {
    for (unsigned i = 0; i < RACES; i++) {
        meet(&barrier, 2);
        int64_t error = hart_start(3, COUNT);
        CHECK(error == SUCCESS || error == ALREADY_AVAILABLE);
        if (error == SUCCESS) add(&successes, 1);
    }
}

void hart_main(uint64_t hart, uint64_t argument) {
    CHECK(hart < HARTS && hart == hart_self());
    CHECK(READ(satp) == 0 && !(READ(sstatus) & SIE));
    switch ((enum task)(argument & ((1 << TASK_BITS) - 1))) {
    case COUNT:
        arguments[hart] = argument;
        add(&runs[hart], 1);
        break;
    case STAY:
        add(&runs[hart], 1);
        await(&release, 1);
        break;
    case SLEEP:
        sleep(hart, 0);
        awake(hart);
        break;
    case SLEEP_AND_FORGET: sleep(hart, 0x80000000); break;
    case AWAKE_AGAIN: awake(hart); break;
    case RACE:
        race();
        add(&runs[hart], 1);
        break;
    case END:
        wait_for(0, STOPPED);
        CHECK(hart_start(0, COUNT) == SUCCESS);
        await(&runs[0], 1);
        wait_for(0, STOPPED);
        finish(0);
    }
}

static void starts(void) {
    CHECK(hart_start(0, 0) == ALREADY_AVAILABLE);
    CHECK(hart_start(HARTS, 0) == INVALID_PARAM);
    CHECK(ERROR(HSM, 2, HARTS) == INVALID_PARAM);
    CHECK(ERROR(HSM, 0, 1, 0x50000000, 0) == INVALID_ADDRESS);
    for (uint64_t h = 1; h < HARTS; h++) CHECK(hart_state(h) == STOPPED);
    for (uint64_t i = 0; i < AGAIN; i++) {
        for (uint64_t h = 1; h < HARTS; h++)
            CHECK(hart_start(h, (i * HARTS + h) << TASK_BITS | 1ull << 63 | COUNT) == SUCCESS);
        for (uint64_t h = 1; h < HARTS; h++) {
            await(&runs[h], i + 1);
            CHECK(arguments[h] == ((i * HARTS + h) << TASK_BITS | 1ull << 63));
            enum hart_state state;
            while ((state = hart_state(h)) != STOPPED) CHECK(state == STARTED || state == STOP_PENDING);
        }
    }
}

/* One that runs cannot be started, nor one that is asleep; an IPI wakes the latter, but nothing one that has stopped.
 */
static void states(void) {
    for (uint64_t h = 1; h < HARTS; h++) CHECK(hart_start(h, STAY) == SUCCESS);
    for (uint64_t h = 1; h < HARTS; h++) {
        await(&runs[h], AGAIN + 1);
        CHECK(hart_state(h) == STARTED);
        CHECK(hart_start(h, COUNT) == ALREADY_AVAILABLE);
    }
    show(&release, 1);
    for (uint64_t h = 1; h < HARTS; h++) wait_for(h, STOPPED);
    for (uint64_t i = 0; i < SLEEPS; i++) {
        const uint64_t h = 1 + i % (HARTS - 1), before = woken[h];
        arguments[h] = 1;
        CHECK(hart_start(h, i & 1 ? SLEEP : SLEEP_AND_FORGET) == SUCCESS);
        wait_for(h, SUSPENDED);
        CHECK(arguments[h] == (i & 1 ? 0 : 0x80000000));
        CHECK(hart_start(h, COUNT) != SUCCESS);
        CHECK(woken[h] == before && hart_state(h) == SUSPENDED);
        CHECK(ERROR(IPI, 0, 1, h) == SUCCESS);
        wait_for(h, STOPPED);
        CHECK(see(&woken[h]) == before + 1);
        ERROR(IPI, 0, 1, h);
        CHECK(hart_state(h) == STOPPED);
        CHECK(hart_start(h, COUNT) == SUCCESS);
        wait_for(h, STOPPED);
        CHECK(ERROR(HSM, 2, h) == SUCCESS);
        CLEAR(sip, 1 << SSI);
    }
}

int main(void) {
    __asm__ volatile("mv tp, zero");
    starts();
    states();
    const uint64_t before = runs[3];
    runs[1] = runs[2] = 0;
    for (uint64_t h = 1; h < 3; h++) CHECK(hart_start(h, RACE) == SUCCESS);
    for (uint64_t h = 1; h < 3; h++) await(&runs[h], 1);
    for (uint64_t h = 1; h < HARTS; h++) wait_for(h, STOPPED);
    CHECK(successes >= 1 && runs[3] == before + successes);
    CHECK(hart_start(1, END) == SUCCESS);
    SBI(HSM, 1);
    return 1; /* a hart that has stopped goes on nowhere */
}
