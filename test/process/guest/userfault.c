/* userfault.c - userfaultfd: pages that another thread, or another process, provides when they are touched: by code, by
 * system calls of every kind, by signal frames, as code. */
#include "check.h"
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

enum { PAGE = 4096, PAGES = 64 };
static const unsigned user_mode_only = 1;
static int fd;
static bool whole;                 /* calls may wait for pages, too */
static uint8_t *area;              /* PAGES of them, registered and missing */
static uint8_t *filling;           /* PAGES: what they are to be filled with */
static volatile unsigned provided; /* how many were */
static volatile unsigned opened;   /* of those that were protected */
static volatile bool ended;        /* the test */

static void provide(const struct uffd_msg *m) {
    uint64_t at = m->arg.pagefault.address & -(uint64_t)PAGE;
    struct uffdio_copy copy = {.dst = at, .src = (uintptr_t)filling + (at - (uintptr_t)area), .len = PAGE};
    CHECK_IS(m->event, UFFD_EVENT_PAGEFAULT);
    if (m->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) {
        struct uffdio_writeprotect open = {.range = {at, PAGE}};
        __atomic_add_fetch(&opened, 1, __ATOMIC_SEQ_CST);
        CHECK_IS(ioctl(fd, UFFDIO_WRITEPROTECT, &open), 0);
        return;
    }
    CHECK(at >= (uintptr_t)area && at < (uintptr_t)area + PAGES * PAGE);
    /* Things that a thread does which provides pages: it, too, makes calls and gets memory. */
    struct utsname name;
    CHECK_IS(uname(&name), 0);
    void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED && munmap(p, PAGE) == 0);
    __atomic_add_fetch(&provided, 1, __ATOMIC_SEQ_CST);
    int r = ioctl(fd, UFFDIO_COPY, &copy);
    CHECK(r == 0 ? copy.copy == PAGE : errno == EEXIST && copy.copy == -EEXIST);
}

static void *provider(void *arg) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct uffd_msg m;
    while (!ended) {
        if (poll(&p, 1, 20) == 1 && read(fd, &m, sizeof m) == sizeof m) provide(&m);
    }
    return arg;
}

/* The next page that nobody has touched yet. */
static unsigned used;
static uint8_t *fresh(void) {
    if (used == PAGES) exit(98);
    return area + PAGE * used++;
}

static void code(void) {
    for (unsigned i = 0; i < 3; i++) {
        volatile uint8_t *p = fresh();
        unsigned before = provided;
        CHECK_IS(p[5], (p - area) / PAGE + 1);
        CHECK_IS(provided, before + 1);
        p[6] = 77;
        CHECK_IS(p[6], 77);
        CHECK_IS(provided, before + 1);
    }
    uint64_t *word = (uint64_t *)(void *)fresh(); /* by an atomic operation */
    CHECK_IS(__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST) & 0xff, used);
}

static volatile int handled;
static void on_signal(int signal, siginfo_t *info, void *context) {
    (void)context;
    handled = signal == SIGUSR1 && info->si_pid == getpid();
}

static void signals(void) {
    uint8_t *low = fresh();
    fresh();
    fresh();
    fresh();
    stack_t stack = {.ss_sp = low, .ss_size = 4 * PAGE}, none = {.ss_flags = SS_DISABLE};
    struct sigaction a = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    CHECK_IS(sigaltstack(&stack, NULL), 0);
    CHECK_IS(sigaction(SIGUSR1, &a, NULL), 0);
    handled = 0;
    CHECK_IS(raise(SIGUSR1), 0);
    CHECK(handled);
    CHECK_IS(sigaltstack(&none, NULL), 0);
}

static void calls(void) {
    struct utsname *name = (void *)fresh();
    CHECK_IS(uname(name), 0); /* written by vee */
    CHECK(!strcmp(name->sysname, "Linux"));
    struct timespec *t = (void *)fresh();
    CHECK_IS(clock_getres(CLOCK_MONOTONIC, t), 0); /* written by the kernel, at once */
    CHECK_IS(t->tv_sec, 0);
    int pair[2];
    CHECK_IS(pipe(pair), 0);
    uint8_t *from = fresh(), *to = fresh();
    CHECK_IS(write(pair[1], from, PAGE), PAGE); /* by the kernel, which may wait */
    CHECK_IS(read(pair[0], to, PAGE), PAGE);
    CHECK_IS(to[9], from[9]);
    struct iovec *v = (void *)fresh(); /* read by vee: an array that leads to more */
    uint8_t *part = fresh();
    *v = (struct iovec){part, 3};
    CHECK_IS(writev(pair[1], v, 1), 3);
    char *path = (char *)fresh(); /* a string */
    strcpy((char *)filling + ((uint8_t *)path - area), "no file has this name");
    struct stat st;
    CHECK_FAILS(stat(path, &st), ENOENT);
    struct stat *filled = (void *)fresh();
    CHECK_IS(fstat(pair[0], filled), 0);
    CHECK(S_ISFIFO(filled->st_mode));
    struct rlimit *limit = (void *)fresh();
    CHECK_IS(getrlimit(RLIMIT_NOFILE, limit), 0);
    struct sigaction *old = (void *)fresh();
    CHECK_IS(sigaction(SIGUSR2, NULL, old), 0);
    struct pollfd *p = (void *)fresh();
    *p = (struct pollfd){.fd = pair[1], .events = POLLOUT};
    CHECK_IS(poll(p, 1, 0), 1);
    int sockets[2];
    CHECK_IS(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets), 0);
    uint8_t *message = fresh();
    struct iovec one = {message, 8};
    struct msghdr *m = (void *)fresh();
    memset(m, 0, sizeof *m);
    m->msg_iov = &one;
    m->msg_iovlen = 1;
    CHECK_IS(sendmsg(sockets[0], m, 0), 8);
    CHECK_IS(recv(sockets[1], fresh(), 8, 0), 8);
    for (int i = 0; i < 2; i++) close(pair[i]), close(sockets[i]);
}

/* Pages that are there, and wait for being written. */
static void protect(uint8_t *p) {
    struct uffdio_writeprotect shut = {.range = {(uintptr_t)p, PAGE}, .mode = UFFDIO_WRITEPROTECT_MODE_WP};
    CHECK_IS(ioctl(fd, UFFDIO_WRITEPROTECT, &shut), 0);
}
static void writes(void) {
    volatile uint8_t *p = fresh();
    unsigned before;
    p[1] = 5;
    for (int i = 0; i < (whole ? 4 : 1); i++) {
        struct rlimit *limit = (void *)(p + 64);
        protect((uint8_t *)p);
        before = opened;
        CHECK_IS(p[1], 5);
        CHECK_IS(opened, before);
        if (i == 0) p[2] = 6;
        if (i == 1) CHECK_IS(uname((void *)(p + 64)), 0);
        if (i == 2) CHECK_IS(clock_getres(CLOCK_REALTIME, (void *)(p + 64)), 0);
        if (i == 3) CHECK_IS(getrlimit(RLIMIT_STACK, limit), 0);
        CHECK_IS(opened, before + 1);
        CHECK_IS(p[1] + p[2], 11);
    }
}

/* Code that nobody has seen yet is fetched from a page that is not there yet. */
#if defined __riscv
static const uint32_t answer[] = {0x02a00513, 0x00008067}; /* li a0, 42; ret */
#else
static const uint8_t answer[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
#endif
static void fetch(void) {
    uint8_t *p = fresh();
    memcpy(filling + (p - area), answer, sizeof answer);
    CHECK_IS(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0);
    __builtin___clear_cache((char *)p, (char *)p + sizeof answer);
    int (*f)(void);
    memcpy(&f, &p, sizeof f);
    CHECK_IS(f(), 42);
}

/* A child has pages of its own that nobody provides; one that shares memory waits like its parent. */
static uint8_t *childs;
static void child(void) {
    CHECK_IS(childs[3], 0);
    struct utsname *name = (void *)(childs + PAGE);
    CHECK_IS(uname(name), 0);
}
static void forks(void) {
    childs = fresh();
    fresh();
    CHECK_IS(child_status(child), 0);
    CHECK_IS(childs[3], (childs - area) / PAGE + 1);
    uint8_t *p = fresh();
    pid_t pid = vfork();
    if (pid == 0) _exit(p[0]);
    int status;
    CHECK_IS(waitpid(pid, &status, 0), pid);
    CHECK_IS(WEXITSTATUS(status), (p - area) / PAGE + 1);
}

/* Provided by another process, which has the descriptor: then it is this process that waits as a whole. */
static void elsewhere(void) {
    int f = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
    struct uffdio_api api = {.api = UFFD_API};
    void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register reg = {.range = {(uintptr_t)at, PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    if (f < 0) return;
    CHECK_IS(ioctl(f, UFFDIO_API, &api), 0);
    CHECK_IS(ioctl(f, UFFDIO_REGISTER, &reg), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct uffd_msg m;
        struct uffdio_zeropage zero = {.range = {(uintptr_t)at, PAGE}};
        _exit(read(f, &m, sizeof m) == sizeof m && ioctl(f, UFFDIO_ZEROPAGE, &zero) == 0 ? 5 : 6);
    }
    CHECK_IS(uname(at), 0);
    int status;
    CHECK_IS(waitpid(pid, &status, 0), pid);
    CHECK_IS(WEXITSTATUS(status), 5);
    close(f);
    munmap(at, PAGE);
}

/* A signal in place of waiting. */
static sigjmp_buf *escape;
static void on_bus(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    handled = info->si_code;
    siglongjmp(*escape, 1);
}
static void bus(void) {
    sigjmp_buf here;
    int f = (int)syscall(SYS_userfaultfd, O_CLOEXEC | user_mode_only);
    struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_SIGBUS};
    uint8_t *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register reg = {.range = {(uintptr_t)at, PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    struct sigaction a = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO}, old;
    CHECK_IS(ioctl(f, UFFDIO_API, &api), 0);
    CHECK_IS(ioctl(f, UFFDIO_REGISTER, &reg), 0);
    CHECK_FAILS(uname((void *)at), EFAULT);
    CHECK_IS(sigaction(SIGBUS, &a, &old), 0);
    escape = &here;
    handled = 0;
    if (!sigsetjmp(here, 1)) {
        *(volatile uint8_t *)at = 1;
        CHECK(!"written");
    }
    CHECK_IS(handled, BUS_ADRERR);
    CHECK_IS(sigaction(SIGBUS, &old, NULL), 0);
    struct uffdio_range range = {(uintptr_t)at, PAGE};
    CHECK_IS(ioctl(f, UFFDIO_UNREGISTER, &range), 0);
    CHECK_IS(at[1], 0);
    close(f);
    munmap(at, PAGE);
}

static void errors(void) {
    int f = (int)syscall(SYS_userfaultfd, O_CLOEXEC | user_mode_only);
    CHECK_FAILS(syscall(SYS_userfaultfd, 0x12345), EINVAL);
    struct uffdio_api api = {.api = UFFD_API, .features = UINT64_C(1) << 60};
    struct uffdio_register reg = {.range = {(uintptr_t)area, PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    CHECK_FAILS(ioctl(f, UFFDIO_API, &api), EINVAL);
    CHECK(api.api == 0 && api.features == 0);
    CHECK_FAILS(ioctl(f, UFFDIO_REGISTER, &reg), EINVAL); /* before the API is agreed upon */
    CHECK_FAILS(ioctl(1, UFFDIO_REGISTER, &reg), ENOTTY);
    CHECK_FAILS(ioctl(-1, UFFDIO_REGISTER, &reg), EBADF);
    api = (struct uffdio_api){.api = UFFD_API};
    CHECK_IS(ioctl(f, UFFDIO_API, &api), 0);
    CHECK_FAILS(ioctl(f, UFFDIO_API, (void *)8), EFAULT);
    CHECK_FAILS(ioctl(f, UFFDIO_REGISTER, (void *)8), EFAULT);
    reg.mode = 0;
    CHECK_FAILS(ioctl(f, UFFDIO_REGISTER, &reg), EINVAL);
    reg = (struct uffdio_register){.range = {-(uint64_t)2 * PAGE, PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    CHECK_FAILS(ioctl(f, UFFDIO_REGISTER, &reg), EINVAL);
    struct uffdio_copy copy = {.dst = (uintptr_t)area, .src = (uintptr_t)filling, .len = 5};
    CHECK_FAILS(ioctl(f, UFFDIO_COPY, &copy), EINVAL);
    copy = (struct uffdio_copy){.dst = -(uint64_t)PAGE, .src = (uintptr_t)filling, .len = PAGE};
    CHECK_FAILS(ioctl(f, UFFDIO_COPY, &copy), EINVAL);
    close(f);
}

/* Threads that wait for what never comes are no hindrance: to a core file, nor to the end. */
static void *waiter(void *arg) {
    used = *(volatile uint8_t *)arg;
    return arg;
}
static void stuck(void) {
    pthread_t thread;
    int f = (int)syscall(SYS_userfaultfd, O_CLOEXEC | user_mode_only);
    struct uffdio_api api = {.api = UFFD_API};
    void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register reg = {.range = {(uintptr_t)at, PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
    struct pollfd p = {.fd = f, .events = POLLIN};
    CHECK_IS(ioctl(f, UFFDIO_API, &api), 0);
    CHECK_IS(ioctl(f, UFFDIO_REGISTER, &reg), 0);
    fcntl(f, F_SETFL, O_NONBLOCK);
    CHECK_IS(pthread_create(&thread, NULL, waiter, at), 0);
    CHECK_IS(poll(&p, 1, -1), 1);
}
static void stuck_core(void) {
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &all);
    stuck();
    abort();
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0); /* so that it has no memory to wait for */
    fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    whole = fd >= 0;
    if (!whole && errno == EPERM) fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | user_mode_only);
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) return 0; /* in a window, or in a kernel without it */
    struct uffdio_api api = {.api = UFFD_API};
    CHECK_IS(ioctl(fd, UFFDIO_API, &api), 0);
    area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    filling = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (unsigned i = 0; i < PAGES; i++) memset(filling + PAGE * i, (int)i + 1, PAGE);
    struct uffdio_register reg = {.range = {(uintptr_t)area, PAGES * PAGE},
                                  .mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP};
    bool protects = api.features & UFFD_FEATURE_PAGEFAULT_FLAG_WP;
    if (!protects) reg.mode = UFFDIO_REGISTER_MODE_MISSING;
    CHECK_IS(ioctl(fd, UFFDIO_REGISTER, &reg), 0);
    CHECK(reg.ioctls & UINT64_C(1) << _UFFDIO_COPY);
    pthread_t thread;
    CHECK_IS(pthread_create(&thread, NULL, provider, NULL), 0);
    code();
    if (whole) {
        signals();
        calls();
        fetch();
        elsewhere();
    }
    if (protects) writes();
    forks();
    bus();
    errors();
    ended = true;
    pthread_join(thread, NULL);
    CHECK_IS(WTERMSIG(child_status(stuck_core)), SIGABRT);
    stuck();
    return done();
}
