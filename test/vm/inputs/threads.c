/* threads.c - a process with a thread, whose turns no tape holds. */
#include <pthread.h>
#include <stdio.h>

static void *other(void *arg) {
    return arg;
}

int main(void) {
    pthread_t t;
    if (pthread_create(&t, NULL, other, NULL) || pthread_join(t, NULL)) return 1;
    return puts("done") < 0;
}
