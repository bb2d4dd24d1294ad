/* lowest.c - what is opened gets the lowest number that is free, whatever an emulator uses meanwhile: by one thread and
 * beside others, by every kind of path, with few and many descriptors open. Where none is free processes end as ever.
 */
#include "check.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int gate[2];

static void *wait_at_gate(void *unused) {
    char byte;
    (void)!read(gate[0], &byte, 1);
    return unused;
}

static int lowest(void) {
    int fd = 0;
    while (fcntl(fd, F_GETFD) >= 0) fd++;
    return fd;
}

static void by_paths(void) {
    struct open_how how = {.flags = O_RDONLY};
    const char *paths[] = {".",   "made", "/", "/dev/null", "/proc/self/status", "/proc/self/maps", "/proc/self/exe",
                           "link"};
    int next = lowest();
    CHECK_IS(open("made", O_CREAT | O_RDWR, 0600), next);
    CHECK_IS(symlink("made", "link"), 0);
    close(next);
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
        CHECK_IS(open(paths[i], O_RDONLY), next);
        const int second = lowest();
        CHECK_IS(syscall(SYS_openat2, AT_FDCWD, paths[i], &how, sizeof how), second);
        close(second);
        close(next);
    }
    CHECK_IS(unlink("link"), 0);
    CHECK_IS(unlink("made"), 0);
    CHECK_IS(open("made", O_CREAT | O_EXCL | O_RDWR, 0600), next);
    CHECK_IS(unlink("made"), 0);
    close(next);
}

static void few_and_many(void) {
    struct rlimit r;
    int made[1100], n = 0;
    by_paths();
    CHECK_IS(getrlimit(RLIMIT_NOFILE, &r), 0);
    for (int most = 900; most < 1100 && (rlim_t)most + 20 < r.rlim_cur; most += 33) {
        while (lowest() < most) made[n++] = dup(gate[0]);
        by_paths();
    }
    while (n) close(made[--n]);
}

/* Of processes that share memory: for an emulator they are threads. */
static void end_with_none_free(void) {
    struct rlimit before, few;
    static int n; /* vfork */
    int made[64], status;
    pid_t child;
    CHECK_IS(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)lowest() + 20;
    CHECK_IS(setrlimit(RLIMIT_NOFILE, &few), 0);
    while ((made[n] = dup(gate[0])) >= 0) n++;
    CHECK_IS(errno, EMFILE);
    if ((child = vfork()) == 0) _exit(3);
    CHECK_IS(waitpid(child, &status, 0), child);
    CHECK_IS(status, 3 << 8);
    if ((child = vfork()) == 0) {
        kill(getpid(), SIGTERM);
        _exit(4);
    }
    CHECK_IS(waitpid(child, &status, 0), child);
    CHECK_IS(status, SIGTERM);
    while (n) close(made[--n]);
    CHECK_IS(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void) {
    pthread_t thread;
    char folder[] = "/tmp/lowestXXXXXX";
    CHECK(mkdtemp(folder) && chdir(folder) == 0);
    CHECK_IS(pipe(gate), 0);
    few_and_many();
    end_with_none_free();
    CHECK_IS(pthread_create(&thread, NULL, wait_at_gate, NULL), 0);
    few_and_many();
    CHECK_IS(write(gate[1], "x", 1), 1);
    pthread_join(thread, NULL);
    CHECK_IS(rmdir(folder), 0);
    return done();
}
