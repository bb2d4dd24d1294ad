/* check.h - for programs that test themselves: CHECK says where it failed and goes on; main ends with `return done();`.
 * The programs run on the host, too, so that Linux itself says whether a test is right. */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned checks_failed;

#define CHECK(e)                                                                                                       \
    do {                                                                                                               \
        if (!(e)) {                                                                                                    \
            printf("%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #e, errno);                                           \
            checks_failed++;                                                                                           \
        }                                                                                                              \
    } while (0)
#define CHECK_IS(e, expected)                                                                                          \
    do {                                                                                                               \
        long check_got = (long)(e), check_want = (long)(expected);                                                     \
        if (check_got != check_want) {                                                                                 \
            printf("%s:%d: %s is %ld, not %ld (errno %d)\n", __FILE__, __LINE__, #e, check_got, check_want, errno);    \
            checks_failed++;                                                                                           \
        }                                                                                                              \
    } while (0)
/* The call fails with this errno. */
#define CHECK_FAILS(e, error)                                                                                          \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        long check_got = (long)(e);                                                                                    \
        if (check_got != -1 || errno != (error)) {                                                                     \
            printf("%s:%d: %s is %ld with errno %d, not %d\n", __FILE__, __LINE__, #e, check_got, errno, (error));     \
            checks_failed++;                                                                                           \
        }                                                                                                              \
    } while (0)

static inline int done(void) {
    fflush(stdout);
    return checks_failed != 0;
}

/** Returns once this process's (first thread's) state has been "sleeping" for 20 ms: it waits for something. */
static inline void until_it_waits(pid_t pid) {
    char path[32], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    for (int asleep = 0; asleep < 20; usleep(1000)) {
        FILE *f = fopen(path, "r");
        if (!f) return;
        const char *end = fgets(text, sizeof text, f) ? strrchr(text, ')') : NULL;
        fclose(f);
        asleep = end && end[2] == 'S' ? asleep + 1 : 0;
    }
}

/** Status of a child that runs this function. */
static inline int child_status(void (*run)(void)) {
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        run();
        fflush(stdout);
        _exit(checks_failed ? 99 : 0);
    }
    while (waitpid(pid, &status, 0) < 0) continue;
    return status;
}

#endif
