/* Threads: results, mutexes, conditions, barriers, semaphores, read-write locks, keys, thread-local variables, once,
 * spin locks, many threads one after another. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "patient.h"

enum { THREADS = 6, ROUNDS = 2000 };

static _Thread_local long own = 17;
static long shared, spun;
static atomic_long counted;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_spinlock_t spin;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_barrier_t barrier;
static pthread_key_t key;
static int inits, destroyed;

static void init(void) {
    inits++;
}

static void destroy(void *value) {
    __atomic_add_fetch(&destroyed, (int)(long)value, __ATOMIC_SEQ_CST);
}

static void *work(void *arg) {
    long id = (long)arg, serial = 0;
    own += id;
    pthread_once(&once, init);
    pthread_setspecific(key, (void *)(id + 1));
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        shared += id;
        pthread_mutex_unlock(&mutex);
        pthread_spin_lock(&spin);
        spun++;
        pthread_spin_unlock(&spin);
        atomic_fetch_add_explicit(&counted, 1, memory_order_relaxed);
    }
    for (int i = 0; i < 20; i++) serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
    return (void *)(own * 1000 + serial * 0 + (pthread_getspecific(key) == (void *)(id + 1)));
}

static void basics(void) {
    pthread_t t[THREADS];
    pthread_key_create(&key, destroy);
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (long i = 0; i < THREADS; i++)
        if (pthread_create(&t[i], NULL, work, (void *)i)) puts("cannot create");
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(t[i], &result);
        printf("%ld ", (long)result);
    }
    printf("\nshared %ld spun %ld counted %ld inits %d destroyed %d own %ld\n", shared, spun, (long)counted, inits,
           destroyed, own);
}

/* ---- a queue between two threads */

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t more, less;
    int items[8], count;
} queue = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER, {0}, 0};

static void *produce(void *arg) {
    (void)arg;
    for (int i = 1; i <= 5000; i++) {
        pthread_mutex_lock(&queue.mutex);
        while (queue.count == 8) pthread_cond_wait(&queue.less, &queue.mutex);
        queue.items[queue.count++] = i;
        pthread_cond_signal(&queue.more);
        pthread_mutex_unlock(&queue.mutex);
    }
    return NULL;
}

static void conditions(void) {
    pthread_t t;
    long sum = 0;
    pthread_create(&t, NULL, produce, NULL);
    for (int got = 0; got < 5000;) {
        pthread_mutex_lock(&queue.mutex);
        while (!queue.count) pthread_cond_wait(&queue.more, &queue.mutex);
        while (queue.count) sum += queue.items[--queue.count], got++;
        pthread_cond_signal(&queue.less);
        pthread_mutex_unlock(&queue.mutex);
    }
    pthread_join(t, NULL);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 2000000;
    if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
    pthread_mutex_lock(&queue.mutex);
    int timed = pthread_cond_timedwait(&queue.more, &queue.mutex, &soon);
    pthread_mutex_unlock(&queue.mutex);
    printf("sum %ld timed out %d\n", sum, timed == ETIMEDOUT);
}

/* ---- semaphores and read-write locks */

static sem_t ping, pong;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static long a, b, torn;

static void *answer(void *arg) {
    for (int i = 0; i < 1000; i++) {
        sem_wait(&ping);
        ++*(long *)arg;
        sem_post(&pong);
    }
    return NULL;
}

static void *read_both(void *arg) {
    (void)arg;
    for (int i = 0; i < 3000; i++) {
        pthread_rwlock_rdlock(&lock);
        if (a != b) __atomic_add_fetch(&torn, 1, __ATOMIC_SEQ_CST);
        pthread_rwlock_unlock(&lock);
    }
    return NULL;
}

static void semaphores(void) {
    pthread_t t, r[2];
    long answers = 0;
    sem_init(&ping, 0, 0);
    sem_init(&pong, 0, 0);
    pthread_create(&t, NULL, answer, &answers);
    for (int i = 0; i < 1000; i++) {
        sem_post(&ping);
        sem_wait(&pong);
    }
    pthread_join(t, NULL);
    for (int i = 0; i < 2; i++) pthread_create(&r[i], NULL, read_both, NULL);
    for (int i = 0; i < 3000; i++) {
        pthread_rwlock_wrlock(&lock);
        a++;
        b++;
        pthread_rwlock_unlock(&lock);
    }
    for (int i = 0; i < 2; i++) pthread_join(r[i], NULL);
    printf("answers %ld a %ld torn %ld\n", answers, a, torn);
}

/* ---- many, one after another: what a thread uses is given back */

static void *nothing(void *arg) {
    return arg;
}

static void many(void) {
    int made = 0;
    for (long i = 0; i < 600; i++) {
        pthread_t t;
        void *result = NULL;
        pthread_attr_t small;
        pthread_attr_init(&small);
        pthread_attr_setstacksize(&small, 65536);
        if (pthread_create(&t, i % 2 ? &small : NULL, nothing, (void *)i)) break;
        pthread_join(t, &result);
        made += result == (void *)i;
    }
    printf("made %d tid %d\n", made, gettid() == getpid());
}

int main(void) {
    basics();
    conditions();
    semaphores();
    many();
    return 0;
}
