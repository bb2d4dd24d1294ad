/* The lock that knows its owner: one at a time, nobody starves, a stranger can tell who has it. */
#include "base/lock.h"
#include "base/os.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { THREADS = 5, ROUNDS = 20000 };

static struct lock lock;
static uint64_t inside, turns[THREADS + 1], worst;
static uint32_t stop;

static void *worker(void *arg) {
    uint32_t self = (uint32_t)(uintptr_t)arg;
    for (int i = 0; i < ROUNDS; i++) {
        lock_take(&lock, self, 0);
        if (inside++ || !lock_held(&lock, self)) worst++;
        turns[self]++;
        inside--;
        lock_release(&lock);
    }
    return NULL;
}

static void one_at_a_time(void **state) {
    (void)state;
    pthread_t t[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&t[i], NULL, worker, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
    for (int i = 1; i <= THREADS; i++) assert_int_equal(turns[i], ROUNDS);
    assert_int_equal(worst, 0);
    assert_int_equal(lock.word, 0);
    assert_int_equal(lock.hungry, 0);
}

/* Gives the lock up for a moment only, again and again. */
static void *greedy(void *arg) {
    lock_take(&lock, 7, 0);
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        for (int i = 0; i < 3000; i++) __asm__ volatile("" ::: "memory");
        lock_release(&lock);
        lock_take(&lock, 7, 0);
    }
    lock_release(&lock);
    return arg;
}

static void nobody_starves(void **state) {
    (void)state;
    pthread_t t[2];
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&t[i], NULL, greedy, NULL), 0);
    for (int i = 0; i < 200; i++) { /* the test's time limit is what would tell */
        lock_take(&lock, 1, 0);
        assert_true(lock_held(&lock, 1));
        lock_release(&lock);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    assert_int_equal(lock.word, 0);
}

/* What a process that shared the memory may leave behind when it is killed. */
static void left_behind(void **state) {
    (void)state;
    lock = (struct lock){.word = 3};
    assert_true(lock_held(&lock, 3));
    assert_false(lock_held(&lock, 2));
    lock.word |= LOCK_WAITED;
    assert_true(lock_held(&lock, 3));
    lock_release(&lock);
    /* One that was killed while it was hungry, whenever: it delays the others once, a little. */
    for (uint32_t hungry = 1; hungry; hungry <<= 1) {
        lock.hungry = hungry;
        uint64_t began = os_nanoseconds();
        for (int i = 0; i < 1000; i++) {
            lock_take(&lock, 2, 0);
            assert_true(lock_held(&lock, 2));
            lock_release(&lock);
        }
        assert_true(os_nanoseconds() - began < 200000000); /* each time 2 ms would be 2 s */
        assert_int_equal(lock.hungry, 0);
    }
    lock = (struct lock){.word = 3 | LOCK_WAITED};
    assert_false(lock_take(&lock, 2, 1000000));
    assert_false(lock_take_from(&lock, 4, 2));
    assert_true(lock_take_from(&lock, 3, 2));
    assert_true(lock_held(&lock, 2));
    lock_release(&lock);
    assert_int_equal(lock_owner(&lock), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(nobody_starves),
        cmocka_unit_test(left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
