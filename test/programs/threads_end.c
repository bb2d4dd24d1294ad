/* How threads end: cancellation and its handlers, detached ones, robust and other mutexes of the dead, the first thread
 * before the others, exit while others run. */
/* status: 5 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "patient.h"

static int cleaned;
static pthread_mutex_t robust, checked;

static void clean(void *arg) {
    cleaned += (int)(long)arg;
}

static void *sleeper(void *arg) {
    (void)arg;
    pthread_cleanup_push(clean, (void *)1);
    pthread_cleanup_push(clean, (void *)10);
    for (;;) pause();
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *spinner(void *arg) {
    volatile long *n = arg;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (;;) ++*n;
    return NULL;
}

static void *patient(void *arg) {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    while (!__atomic_load_n((int *)arg, __ATOMIC_SEQ_CST)) usleep(100);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    pthread_testcancel();
    return (void *)1;
}

static void cancellation(void) {
    pthread_t t;
    void *result;
    volatile long n = 0;
    int go = 0;
    pthread_create(&t, NULL, sleeper, NULL);
    usleep(2000);
    pthread_cancel(t);
    pthread_join(t, &result);
    printf("sleeper %d cleaned %d\n", result == PTHREAD_CANCELED, cleaned);
    pthread_create(&t, NULL, spinner, (void *)&n);
    while (!n) usleep(100);
    pthread_cancel(t);
    pthread_join(t, &result);
    printf("spinner %d\n", result == PTHREAD_CANCELED);
    pthread_create(&t, NULL, patient, &go);
    pthread_cancel(t);
    usleep(1000);
    __atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
    pthread_join(t, &result);
    printf("patient %d\n", result == PTHREAD_CANCELED);
}

static void *keeper(void *arg) {
    pthread_mutex_lock(arg);
    return NULL;
}

static void dead_owners(void) {
    pthread_t t;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &attributes);
    pthread_create(&t, NULL, keeper, &robust);
    pthread_join(t, NULL);
    int r = pthread_mutex_lock(&robust);
    printf("robust %d", r == EOWNERDEAD);
    printf(" consistent %d", pthread_mutex_consistent(&robust));
    printf(" unlock %d", pthread_mutex_unlock(&robust));
    printf(" again %d\n", pthread_mutex_lock(&robust));
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&checked, &attributes);
    pthread_mutex_lock(&checked);
    printf("deadlock %d", pthread_mutex_lock(&checked) == EDEADLK);
    pthread_mutex_unlock(&checked);
    printf(" not mine %d\n", pthread_mutex_unlock(&checked) == EPERM);
}

static void *waiter(void *arg) {
    int r = pthread_mutex_lock(&robust);
    *(int *)arg = r;
    if (r == EOWNERDEAD) pthread_mutex_consistent(&robust);
    pthread_mutex_unlock(&robust);
    return NULL;
}

static void *holder(void *arg) {
    pthread_mutex_lock(&robust);
    __atomic_store_n((int *)arg, 1, __ATOMIC_SEQ_CST);
    usleep(3000);
    return NULL; /* while somebody waits for it */
}

static void waited_for(void) {
    pthread_t a, b;
    int held = 0, result = -1;
    pthread_mutex_unlock(&robust);
    pthread_create(&a, NULL, holder, &held);
    while (!__atomic_load_n(&held, __ATOMIC_SEQ_CST)) usleep(100);
    pthread_create(&b, NULL, waiter, &result);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    printf("waited %d\n", result == EOWNERDEAD);
}

static void *detached(void *arg) {
    __atomic_add_fetch((int *)arg, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void *last(void *arg) {
    pthread_t first = (pthread_t)arg;
    pthread_join(first, NULL); /* the first thread can be waited for */
    usleep(2000);
    puts("the first has ended");
    fflush(stdout);
    pthread_t t;
    volatile long n = 0;
    pthread_create(&t, NULL, spinner, (void *)&n);
    while (!n) usleep(100);
    exit(5);
}

int main(void) {
    pthread_t t;
    static int done;
    pthread_attr_t apart;
    cancellation();
    dead_owners();
    waited_for();
    pthread_attr_init(&apart);
    pthread_attr_setdetachstate(&apart, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < 20; i++) pthread_create(&t, &apart, detached, &done);
    while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) < 20) usleep(100);
    puts("detached");
    fflush(stdout);
    pthread_create(&t, NULL, last, (void *)pthread_self());
    pthread_exit(NULL);
}
