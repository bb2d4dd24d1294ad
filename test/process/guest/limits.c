/* limits.c - the limits on memory are the guest's own: kept, shown, and enforced by what they limit. */
#include "check.h"
#include <limits.h>
#include <sys/resource.h>

enum { MB = 1 << 20 };

static void *map(size_t size) {
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void set(int which, rlim_t soft) {
    struct rlimit r;
    CHECK_IS(getrlimit(which, &r), 0);
    r.rlim_cur = soft;
    CHECK_IS(setrlimit(which, &r), 0);
    CHECK_IS(getrlimit(which, &r), 0);
    CHECK_IS(r.rlim_cur, soft);
}

static void address_space(void) {
    set(RLIMIT_AS, 200 * MB);
    CHECK(map(300 * MB) == MAP_FAILED && errno == ENOMEM);
    void *p = map(100 * MB);
    CHECK(p != MAP_FAILED);
    CHECK(map(150 * MB) == MAP_FAILED && errno == ENOMEM);
    CHECK(mremap(p, 100 * MB, 250 * MB, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM);
    CHECK_IS(munmap(p, 100 * MB), 0);
    CHECK(map(150 * MB) != MAP_FAILED);
    set(RLIMIT_AS, RLIM_INFINITY);
    CHECK(map(300 * MB) != MAP_FAILED);
}

static void data(void) {
    char *start = sbrk(0);
    set(RLIMIT_DATA, 16 * MB);
    CHECK(sbrk(32 * MB) == (void *)-1 && errno == ENOMEM);
    CHECK(sbrk(0) == start);
    CHECK(map(32 * MB) == MAP_FAILED && errno == ENOMEM);
    void *shared = mmap(NULL, 32 * MB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED); /* not data */
    void *none = mmap(NULL, 32 * MB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(none != MAP_FAILED);
    CHECK_FAILS(mprotect(none, 32 * MB, PROT_READ | PROT_WRITE), ENOMEM);
    set(RLIMIT_DATA, RLIM_INFINITY);
    CHECK_IS(mprotect(none, 32 * MB, PROT_READ | PROT_WRITE), 0);
    CHECK(sbrk(32 * MB) == start);
    memset(start, 1, 32 * MB);
}

static volatile char sink;
static void __attribute__((noinline)) deeper(unsigned kilobytes) {
    volatile char here[1024];
    here[0] = (char)kilobytes;
    if (kilobytes) deeper(kilobytes - 1);
    sink += here[0];
}

static void overflow(void) {
    deeper(100 << 10);
}
static void fits(void) {
    deeper(6 << 10);
}

static void others(void) {
    struct rlimit r = {10, 5};
    CHECK_FAILS(setrlimit(RLIMIT_AS, &r), EINVAL);
    CHECK_FAILS(setrlimit(RLIMIT_NOFILE, &r), EINVAL);
    CHECK_FAILS(setrlimit((int)RLIM_NLIMITS, &r), EINVAL);
    r = (struct rlimit){5, 10};
    CHECK_FAILS(prlimit(-1, RLIMIT_AS, &r, NULL), ESRCH);
    CHECK_FAILS(prlimit(INT_MIN, RLIMIT_STACK, &r, NULL), ESRCH);
    CHECK_FAILS(prlimit(INT_MAX, RLIMIT_DATA, &r, NULL), ESRCH);
    set(RLIMIT_NOFILE, 20);
    int fd, n = 0;
    for (; (fd = dup(0)) >= 0; n++) CHECK(fd < 20);
    CHECK_IS(errno, EMFILE);
    CHECK(n >= 10);
    set(RLIMIT_CORE, 0);
    set(RLIMIT_FSIZE, 1000);
    signal(SIGXFSZ, SIG_IGN);
    close(19);
    FILE *f = tmpfile();
    char block[2000] = {1};
    CHECK_IS(write(fileno(f), block, sizeof block), 1000);
    CHECK_FAILS(write(fileno(f), block, sizeof block), EFBIG);
}

int main(void) {
    CHECK_IS(child_status(address_space), 0);
    CHECK_IS(child_status(data), 0);
    CHECK_IS(child_status(fits), 0);
    CHECK_IS(WTERMSIG(child_status(overflow)), SIGSEGV);
    CHECK_IS(child_status(others), 0);
    return done();
}
