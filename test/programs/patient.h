/* patient.h - for programs that are about something else than how much one call does: reads, writes, memory and threads
 * as if what is there were always read at once, what fits were written at once, nobody were interrupted without a
 * handler, and memory refused only if there is none. So they say the same where calls do as little as Linux lets them
 * (vee --disturb). To be included behind all other headers. */
#ifndef PATIENT_H
#define PATIENT_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENT static inline __attribute__((unused))
/** A call for what is left behind the first n bytes, made until there are as many as wanted, or no more. */
#define PATIENT_WHOLE(size, call, more)                                                                                \
    ({                                                                                                                 \
        size_t n = 0;                                                                                                  \
        ssize_t r = (call), first = r;                                                                                 \
        for (; r > 0; r = (call)) {                                                                                    \
            n += (size_t)r;                                                                                            \
            if (n >= (size) || !(more)) break;                                                                         \
        }                                                                                                              \
        first > 0 ? (ssize_t)n : first;                                                                                \
    })
/** A call that is made some times if it is refused in this way. */
#define PATIENT_AGAIN(call, refused)                                                                                   \
    ({                                                                                                                 \
        __typeof__(call) result_ = (call);                                                                             \
        for (int tries_ = 0; tries_ < 5 && (refused); tries_++) result_ = (call);                                      \
        result_;                                                                                                       \
    })

PATIENT bool patient_more(int fd) {
    int more = 0;
    return ioctl(fd, FIONREAD, &more) == 0 && more > 0;
}

PATIENT ssize_t patient_read(int fd, void *to, size_t size) {
    return PATIENT_WHOLE(size, read(fd, (char *)to + n, size - n), patient_more(fd));
}

PATIENT ssize_t patient_write(int fd, const void *from, size_t size) {
    return PATIENT_WHOLE(size, write(fd, (const char *)from + n, size - n), true);
}

PATIENT ssize_t patient_pread(int fd, void *to, size_t size, off_t at) {
    return PATIENT_WHOLE(size, pread(fd, (char *)to + n, size - n, at + (off_t)n), true);
}

PATIENT ssize_t patient_pwrite(int fd, const void *from, size_t size, off_t at) {
    return PATIENT_WHOLE(size, pwrite(fd, (const char *)from + n, size - n, at + (off_t)n), true);
}

PATIENT void *patient_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset) {
    return PATIENT_AGAIN(mmap(at, size, prot, flags, fd, offset), result_ == MAP_FAILED && errno == ENOMEM);
}

PATIENT int patient_create(pthread_t *thread, const pthread_attr_t *how, void *(*start)(void *), void *with) {
    return PATIENT_AGAIN(pthread_create(thread, how, start, with), result_ == EAGAIN);
}

PATIENT int patient_wait(const sigset_t *set, siginfo_t *info) {
    return PATIENT_AGAIN(sigwaitinfo(set, info), result_ < 0 && errno == EINTR);
}

PATIENT int patient_system(const char *command) {
    return PATIENT_AGAIN(system(command), WIFEXITED(result_) && WEXITSTATUS(result_) == 127);
}

PATIENT FILE *patient_popen(const char *command, const char *how) {
    return PATIENT_AGAIN(popen(command, how), !result_ && errno == ENOMEM);
}

PATIENT int patient_spawn(pid_t *pid, const char *path, char *const argv[], char *const envp[]) {
    return PATIENT_AGAIN(posix_spawnp(pid, path, NULL, NULL, argv, envp), result_ == ENOMEM);
}

#define read           patient_read
#define write          patient_write
#define pread          patient_pread
#define pwrite         patient_pwrite
#define mmap           patient_mmap
#define mremap(...)    PATIENT_AGAIN((mremap)(__VA_ARGS__), result_ == MAP_FAILED && errno == ENOMEM)
#define pthread_create patient_create
#define sigwaitinfo    patient_wait
#define system         patient_system
#define popen          patient_popen

#endif
