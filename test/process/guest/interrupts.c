/* interrupts.c - signals against waiting calls: what is restarted, what is not, and that none is lost on the way. */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t handled;
static void handler(int s) {
    handled += s > 0;
}

static void install(int s, int flags) {
    struct sigaction a = {.sa_handler = handler, .sa_flags = flags};
    CHECK_IS(sigaction(s, &a, NULL), 0);
}

/* A child that sends this signal once its parent waits, and something into the pipe once it waits again. */
static pid_t sender(int signal, int fd) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid) return pid;
    until_it_waits(getppid());
    kill(getppid(), signal);
    if (fd >= 0) {
        until_it_waits(getppid());
        if (write(fd, "x", 1) != 1) _exit(1);
    }
    _exit(0);
}

static void reap(pid_t pid) {
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    CHECK_IS(status, 0);
}

static void restarted(void) {
    int fds[2], status;
    char c;
    CHECK_IS(pipe(fds), 0);
    for (int restart = 0; restart < 2; restart++) {
        handled = 0;
        install(SIGUSR1, restart ? SA_RESTART : 0);
        pid_t pid = sender(SIGUSR1, fds[1]);
        errno = 0;
        CHECK_IS(read(fds[0], &c, 1), restart ? 1 : -1);
        CHECK_IS(errno, restart ? 0 : EINTR);
        CHECK_IS(handled, 1);
        if (!restart) CHECK_IS(read(fds[0], &c, 1), 1);
        reap(pid);
        handled = 0;
        pid = sender(SIGUSR1, fds[1]);
        errno = 0;
        pid_t got = waitpid(pid, &status, 0);
        CHECK_IS(got, restart ? pid : -1);
        CHECK_IS(errno, restart ? 0 : EINTR);
        CHECK_IS(handled, 1);
        if (!restart) reap(pid);
        CHECK_IS(read(fds[0], &c, 1), 1);
    }
}

/* Never restarted, whatever the handler says; sleeping tells the time that was left. */
static void never(void) {
    struct timespec wait = {5, 0}, left = {0};
    install(SIGUSR1, SA_RESTART);
    pid_t pid = sender(SIGUSR1, -1);
    CHECK_FAILS(nanosleep(&wait, &left), EINTR);
    CHECK(left.tv_sec == 4);
    reap(pid);
    pid = sender(SIGUSR1, -1);
    CHECK_FAILS(poll(NULL, 0, 5000), EINTR);
    reap(pid);
    pid = sender(SIGUSR1, -1);
    CHECK_FAILS(select(0, NULL, NULL, NULL, &(struct timeval){5, 0}), EINTR);
    reap(pid);
    pid = sender(SIGUSR1, -1);
    CHECK_FAILS(pause(), EINTR);
    reap(pid);
    int e = epoll_create1(0);
    struct epoll_event event;
    pid = sender(SIGUSR1, -1);
    CHECK_FAILS(epoll_wait(e, &event, 1, 5000), EINTR);
    reap(pid);
    close(e);
}

/* Calls that wait with another mask: the handler runs with it, the old one is back afterwards. */
static sigset_t seen;
static void look(int s) {
    handled += s > 0;
    sigprocmask(SIG_BLOCK, NULL, &seen);
}

static void other_masks(void) {
    sigset_t block, wait, now;
    struct sigaction a = {.sa_handler = look};
    sigemptyset(&a.sa_mask);
    sigaddset(&a.sa_mask, SIGHUP);
    sigaction(SIGUSR1, &a, NULL);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigaddset(&block, SIGINT);
    sigemptyset(&wait);
    sigaddset(&wait, SIGTERM);
    CHECK_IS(sigprocmask(SIG_BLOCK, &block, NULL), 0);
    for (int call = 0; call < 4; call++)
        for (int early = 0; early < 2; early++) {
            handled = 0;
            pid_t pid = 0;
            if (early)
                raise(SIGUSR1); /* pending already */
            else
                pid = sender(SIGUSR1, -1);
            CHECK_IS(handled, 0);
            errno = 0;
            switch (call) {
            case 0: CHECK_IS(sigsuspend(&wait), -1); break;
            case 1: CHECK_IS(ppoll(NULL, 0, &(struct timespec){5, 0}, &wait), -1); break;
            case 2: CHECK_IS(pselect(0, NULL, NULL, NULL, &(struct timespec){5, 0}, &wait), -1); break;
            case 3: {
                int e = epoll_create1(0);
                struct epoll_event event;
                CHECK_IS(epoll_pwait(e, &event, 1, 5000, &wait), -1);
                CHECK_IS(errno, EINTR);
                close(e);
                errno = EINTR;
            }
            }
            CHECK_IS(errno, EINTR);
            CHECK_IS(handled, 1);
            CHECK(sigismember(&seen, SIGTERM) && sigismember(&seen, SIGHUP) && sigismember(&seen, SIGUSR1));
            CHECK(!sigismember(&seen, SIGINT)); /* waiting mask, not the old one */
            sigprocmask(SIG_BLOCK, NULL, &now);
            CHECK(sigismember(&now, SIGUSR1) && sigismember(&now, SIGINT) && !sigismember(&now, SIGTERM));
            if (pid) reap(pid);
        }
    /* When there is something to report no signal is taken. */
    int fds[2];
    CHECK_IS(pipe(fds), 0);
    CHECK_IS(write(fds[1], "x", 1), 1);
    handled = 0;
    CHECK_IS(ppoll(&(struct pollfd){fds[0], POLLIN, 0}, 1, NULL, &wait), 1);
    CHECK_IS(handled, 0);
    CHECK_IS(sigprocmask(SIG_UNBLOCK, &block, NULL), 0);
}

/* The same for the signals that the emulator keeps open for itself. */
static void faults_sent(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    for (unsigned i = 0; i < 5; i++) {
        sigset_t block, pending, empty;
        siginfo_t info;
        struct sigaction a = {.sa_handler = handler};
        sigaction(signals[i], &a, NULL);
        sigemptyset(&empty);
        sigemptyset(&block);
        sigaddset(&block, signals[i]);
        handled = 0;
        raise(signals[i]);
        CHECK_IS(handled, 1);
        sigprocmask(SIG_BLOCK, &block, NULL);
        raise(signals[i]);
        raise(signals[i]);
        CHECK_IS(handled, 1);
        sigpending(&pending);
        CHECK_IS(sigismember(&pending, signals[i]), 1);
        CHECK_IS(nanosleep(&(struct timespec){0, 1000000}, NULL), 0); /* not interrupted */
        sigprocmask(SIG_UNBLOCK, &block, NULL);
        CHECK_IS(handled, 2);
        sigprocmask(SIG_BLOCK, &block, NULL);
        raise(signals[i]);
        CHECK_IS(sigtimedwait(&block, &info, &(struct timespec){1, 0}), signals[i]);
        CHECK_IS(info.si_code, SI_USER); /* which the C library makes of SI_TKILL */
        CHECK_IS(info.si_pid, getpid());
        CHECK_FAILS(sigtimedwait(&block, &info, &(struct timespec){0, 1000}), EAGAIN);
        pid_t pid = sender(signals[i], -1);
        CHECK_IS(sigtimedwait(&block, &info, &(struct timespec){5, 0}), signals[i]);
        CHECK_IS(info.si_pid, pid);
        reap(pid);
        raise(signals[i]);
        CHECK_FAILS(sigsuspend(&empty), EINTR);
        CHECK_IS(handled, 3);
        raise(signals[i]);
        signal(signals[i], SIG_IGN); /* which drops it */
        sigpending(&pending);
        CHECK_IS(sigismember(&pending, signals[i]), 0);
        sigprocmask(SIG_UNBLOCK, &block, NULL);
        raise(signals[i]); /* ignored */
        signal(signals[i], SIG_DFL);
    }
}

/* Ping-pong: a signal between the look at a flag and the wait would hang here if it could be lost. */
static void none_lost(void) {
    enum { ROUNDS = 2000 };
    sigset_t block, old;
    install(SIGUSR1, 0);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, &old);
    handled = 0;
    fflush(stdout);
    pid_t other = getpid(), pid = fork();
    if (pid) other = pid;
    alarm(50);
    for (int i = 0; i < ROUNDS; i++) {
        if (pid) kill(other, SIGUSR1);
        while (!handled) sigsuspend(&old);
        handled = 0;
        if (!pid) kill(other, SIGUSR1);
    }
    alarm(0);
    if (!pid) _exit(0);
    reap(pid);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void add(int s) {
    (void)s;
    __atomic_fetch_add(&handled, 1, __ATOMIC_RELAXED); /* one handler may interrupt the other */
}

/* Two signals at nearly the same time, over and over: both arrive. */
static void two_at_once(void) {
    unsigned random = 1, expected = 0;
    signal(SIGUSR1, add);
    signal(SIGALRM, add);
    handled = 0;
    for (int i = 0; i < 3000 && (unsigned)handled == expected; i++) {
        struct itimerval once = {{0, 0}, {0, 1 + (random >> 16) % 30}};
        random = random * 1103515245 + 12345;
        setitimer(ITIMER_REAL, &once, NULL);
        kill(getpid(), SIGUSR1);
        expected += 2;
        time_t end = time(NULL) + 10;
        while ((unsigned)handled < expected && time(NULL) < end) continue;
    }
    CHECK_IS(handled, expected);
}

/* A storm of signals over a computation that uses integers, floats and calls: its result does not change. */
static __attribute__((noinline)) double compute(void) {
    double sum = 0;
    __asm__ volatile("" ::: "memory");
    uint64_t x = 1;
    for (int i = 1; i < 3000000; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        sum += 1.0 / (double)(1 + (x >> 40)) * (i % 3 ? 1 : -1);
    }
    return sum;
}

static void storm(void) {
    double before = compute();
    install(SIGALRM, SA_RESTART);
    handled = 0;
    struct itimerval often = {{0, 300}, {0, 300}}, never_again = {{0, 0}, {0, 0}};
    CHECK_IS(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (int i = 0; i < 3; i++) CHECK(compute() == before);
    setitimer(ITIMER_REAL, &never_again, NULL);
    CHECK(handled > 20);
}

/* Real-time signals queue, in order of number and sending; others do not. */
static volatile int order[16], orders;
static void note(int s, siginfo_t *info, void *context) {
    (void)context;
    if (orders < 16) order[orders++] = (s - SIGRTMIN) * 100 + info->si_value.sival_int;
}

static void queued(void) {
    sigset_t all;
    struct sigaction a = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigfillset(&a.sa_mask);
    sigaction(SIGRTMIN, &a, NULL);
    sigaction(SIGRTMIN + 1, &a, NULL);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int i = 1; i <= 3; i++) {
        CHECK_IS(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}), 0);
        CHECK_IS(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}), 0);
    }
    CHECK_IS(orders, 0);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    CHECK_IS(orders, 6);
    static const int expected[] = {1, 2, 3, 101, 102, 103};
    for (int i = 0; i < 6; i++) CHECK_IS(order[i], expected[i]);
}

int main(void) {
    restarted();
    never();
    other_masks();
    faults_sent();
    none_lost();
    two_at_once();
    storm();
    queued();
    return done();
}
