/* growing.c - memory that grows downwards, code on the stack, rights that are implied: as Linux has them. */
#include "faults.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/personality.h>

#ifndef PROT_GROWSUP
#define PROT_GROWSDOWN 0x01000000
#define PROT_GROWSUP   0x02000000
#endif
enum { PAGE = 4096, GAP = 256 * PAGE };
static const int rw = PROT_READ | PROT_WRITE, anonymous = MAP_PRIVATE | MAP_ANONYMOUS;

/* The rights that /proc/self/maps has for an address, as "rwxp"; where the mapping starts and ends. */
static const char *rights(const void *of, uintptr_t *from, uintptr_t *to) {
    static char found[8];
    char line[512];
    uintptr_t start, end;
    FILE *f = fopen("/proc/self/maps", "r");
    strcpy(found, "none");
    while (f && fgets(line, sizeof line, f)) {
        char r[8];
        if (sscanf(line, "%lx-%lx %7s", &start, &end, r) != 3 || (uintptr_t)of < start || (uintptr_t)of >= end)
            continue;
        strcpy(found, r);
        if (from) *from = start;
        if (to) *to = end;
    }
    if (f) fclose(f);
    return found;
}

#define RIGHTS(p, expected)                                                                                            \
    do {                                                                                                               \
        const char *check_rights = rights(p, NULL, NULL);                                                              \
        if (strcmp(check_rights, expected)) {                                                                          \
            printf("%s:%d: %s has rights %s\n", __FILE__, __LINE__, #p, check_rights);                                 \
            checks_failed++;                                                                                           \
        }                                                                                                              \
    } while (0)

/* A growing mapping of so many pages at the top of an empty range of 2000 pages. */
static char *growing(size_t pages, char **bottom) {
    char *room = mmap(NULL, 2000 * PAGE, PROT_NONE, anonymous | MAP_NORESERVE, -1, 0);
    CHECK(room != MAP_FAILED);
    CHECK_IS(munmap(room, 2000 * PAGE), 0);
    char *p = mmap(room + (2000 - pages) * PAGE, pages * PAGE, rw, anonymous | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
    CHECK(p == room + (2000 - pages) * PAGE);
    *bottom = room;
    return p;
}

static void grows(void) {
    char *bottom, *p = growing(2, &bottom);
    uintptr_t start, end;
    CHECK_IS(touch(p - 1), 0);
    CHECK_IS(touch(p - 100 * PAGE), 0); /* not only the next page */
    CHECK_IS(p[-50 * PAGE], 0);
    RIGHTS(p - 100 * PAGE, "rw-p");
    rights(p, &start, &end);
    CHECK_IS(start, (uintptr_t)p - 100 * PAGE);
    CHECK_IS(end, (uintptr_t)p + 2 * PAGE);
    /* Something that can be accessed keeps its distance; something that cannot does not. */
    char *below = p - 600 * PAGE;
    CHECK(mmap(below, PAGE, rw, anonymous | MAP_FIXED, -1, 0) == below);
    CHECK_IS(touch(below + GAP), SIGSEGV);
    CHECK_IS(touch(below + PAGE + GAP), 0);
    CHECK_IS(touch(below + GAP), SIGSEGV);
    CHECK_IS(mprotect(below, PAGE, PROT_NONE), 0);
    CHECK_IS(touch(below + PAGE), 0);
    CHECK_IS(munmap(bottom, 2000 * PAGE), 0);
    CHECK_IS(touch(p - PAGE), SIGSEGV);
    /* The file of a mapping does not grow, nor what is shared. */
    int fd = open("/proc/self/exe", O_RDONLY);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, rw, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0) == MAP_FAILED && errno == EINVAL);
    close(fd);
}

/* The kernel writes to it as well: a signal's frame, what a call returns. */
static volatile int handled;
static void handler(int s) {
    volatile char room[20 * PAGE];
    room[0] = room[sizeof room - 1] = (char)s;
    handled += room[0] == s;
}

static void kernel_writes(void) {
    char *bottom, *p = growing(1, &bottom);
    const stack_t stack = {.ss_sp = p - 64 * PAGE, .ss_size = 65 * PAGE}, none = {.ss_flags = SS_DISABLE};
    const struct sigaction act = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    CHECK_IS(sigaltstack(&stack, NULL), 0);
    CHECK_IS(sigaction(SIGUSR1, &act, NULL), 0);
    raise(SIGUSR1);
    CHECK_IS(handled, 1);
    CHECK_IS(sigaltstack(&none, NULL), 0);
    int ends[2];
    CHECK_IS(pipe(ends), 0);
    CHECK_IS(write(ends[1], "hello", 5), 5);
    CHECK_IS(read(ends[0], p - 200 * PAGE + 7, 5), 5);
    CHECK(!memcmp(p - 200 * PAGE + 7, "hello", 5));
    munmap(bottom, 2000 * PAGE);
}

static void protects(void) {
    char *bottom, *p = growing(4, &bottom);
    CHECK_IS(touch(p - 10 * PAGE), 0);
    CHECK_IS(mprotect(p + PAGE, PAGE, PROT_READ | PROT_GROWSDOWN), 0); /* everything below, too */
    RIGHTS(p - 10 * PAGE, "r--p");
    RIGHTS(p + PAGE, "r--p");
    RIGHTS(p + 2 * PAGE, "rw-p");
    CHECK_IS(touch(p - 11 * PAGE), SIGSEGV); /* grows, and may be read only */
    CHECK_IS(mprotect(p, PAGE, rw | PROT_GROWSDOWN), 0);
    CHECK_IS(touch(p - 12 * PAGE), 0);
    CHECK_FAILS(mprotect(p, PAGE, rw | PROT_GROWSDOWN | PROT_GROWSUP), EINVAL);
    CHECK_FAILS(mprotect(p, PAGE, rw | PROT_GROWSUP), EINVAL);
    CHECK_IS(munmap(bottom, 2000 * PAGE), 0);
    CHECK_FAILS(mprotect(p, PAGE, rw | PROT_GROWSDOWN), ENOMEM);
    char *plain = mmap(NULL, PAGE, rw, anonymous, -1, 0);
    CHECK_FAILS(mprotect(plain, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL);
    RIGHTS(plain, "rw-p");
    munmap(plain, PAGE);
}

/* ---- code on the stack: of nested functions, for which the compiler asks for it */

static __attribute__((noinline)) int apply(int (*f)(int), int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) sum += f(i);
    return sum;
}

static __attribute__((noinline)) int nested(int more) {
    int calls = 0;
    int inner(int x) {
        calls++;
        return x + more;
    }
    return apply(inner, 10) * 100 + calls;
}

static void *in_thread(void *arg) {
    return (void *)(long)nested((int)(long)arg);
}

static void stack_code(void) {
    pthread_t t;
    void *result;
    char here;
    RIGHTS(&here, "rwxp");
    for (int i = 0; i < 100; i++) CHECK_IS(nested(i), (45 + 10 * i) * 100 + 10);
    CHECK_IS(pthread_create(&t, NULL, in_thread, (void *)5L), 0);
    CHECK_IS(pthread_join(t, &result), 0);
    CHECK_IS((long)result, 9510);
}

/* ---- READ_IMPLIES_EXEC */

static void implied(void) {
    char *before = mmap(NULL, PAGE, rw, anonymous, -1, 0);
    CHECK(personality(READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE) != -1);
    RIGHTS(before, "rw-p"); /* what is there stays */
    char *p = mmap(NULL, PAGE, rw, anonymous, -1, 0);
    RIGHTS(p, "rwxp");
    CHECK_IS(mprotect(p, PAGE, PROT_NONE), 0);
    RIGHTS(p, "---p");
    CHECK_IS(mprotect(p, PAGE, PROT_WRITE), 0);
    RIGHTS(p, "-w-p");
    CHECK_IS(mprotect(before, PAGE, PROT_READ), 0);
    RIGHTS(before, "r-xp");
    int fd = open("/proc/self/exe", O_RDONLY);
    char *file = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    RIGHTS(file, "r-xp");
    close(fd);
    execl("/proc/self/exe", "growing", "again", (char *)NULL);
    CHECK(!"executed");
}

/* In the program that was executed. */
static int again(void) {
    unsigned persona = (unsigned)personality(0xffffffff);
    CHECK(persona & ADDR_NO_RANDOMIZE);
#ifdef __riscv /* other machines forget it */
    char *p = mmap(NULL, PAGE, rw, anonymous, -1, 0);
    CHECK(persona & READ_IMPLIES_EXEC);
    RIGHTS(p, "rwxp");
    RIGHTS(&persona, "rwxp");
#endif
    return done();
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "again")) return again();
    signal(SIGSEGV, leave);
    grows();
    kernel_writes();
    protects();
    stack_code();
    CHECK_IS(child_status(implied), 0);
    return done();
}
