/* test_guard.c - changes of a space by a process that shares it and is killed in the middle.
 *
 * The child makes one change, step by step under ptrace, and is killed at each system call (before and after it) and
 * between instructions. Then the survivor recovers: records and host must agree, what the change was not about must be
 * as before, and the space must still work.
 */
#include "mem/space.h"
#include "core/host.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PAGES = 44,
    FROM = 20,
    TO = 36,
    CHILD_STACK = 64 << 10,
    FURTHEST = 1200
}; /* changes are made in pages FROM to TO */
static const uint64_t region = 0x10000000, heap = 0x20000000, stack_top = 0x30000000;

static uint64_t page_at(unsigned i) {
    return region + (uint64_t)i * SPACE_PAGE;
}

/* ---- the changes */

/* What goes along with the records: how far the heap goes. */
static uint64_t heap_end;

static void map_at(struct space *s, uint64_t at, uint64_t length, unsigned rights, uint8_t flags) {
    const struct mapping m = {.start = at, .end = at + length, .rights = (uint8_t)rights, .flags = flags};
    const int how = flags & MAPPING_SHARED ? MAP_SHARED : MAP_PRIVATE;
    space_map(s, &m, how | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

static void map_over(struct space *s) {
    map_at(s, page_at(FROM), (TO - FROM) * SPACE_PAGE, 1, 0);
}
static void map_covered(struct space *s) {
    map_at(s, page_at(FROM), 2 * SPACE_PAGE, 3, MAPPING_SHARED);
}
static void map_anywhere(struct space *s) {
    struct mapping m = {.end = 3 * SPACE_PAGE, .rights = 3};
    space_map_free(s, &m, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}
static void unmap(struct space *s) {
    space_unmap(s, page_at(FROM) + SPACE_PAGE, (TO - FROM - 2) * SPACE_PAGE);
}
static void protect(struct space *s) {
    space_protect(s, page_at(FROM), 2 * SPACE_PAGE, 5);
}
static void move(struct space *s) {
    space_unmap(s, page_at(TO - 4), 2 * SPACE_PAGE);
    if (space_covers(s, page_at(FROM), page_at(FROM + 2)))
        space_move(s, page_at(FROM), 2 * SPACE_PAGE, page_at(TO - 4), 2 * SPACE_PAGE, SPACE_MOVE);
}
static void extend(struct space *s) {
    space_extend(s, page_at(30), 2 * SPACE_PAGE, 4 * SPACE_PAGE);
}
/* Two changes and what goes along are one. */
static void heap_up(struct space *s) {
    space_begin(s);
    if (heap_end < heap + 9 * SPACE_PAGE) map_at(s, heap_end, heap + 9 * SPACE_PAGE - heap_end, 3, 0);
    space_tag(s, heap, heap + SPACE_PAGE, 0, 1);
    heap_end = heap + 9 * SPACE_PAGE;
    space_end(s);
}
static void heap_down(struct space *s) {
    space_begin(s);
    space_unmap(s, heap + SPACE_PAGE, 9 * SPACE_PAGE);
    heap_end = heap + SPACE_PAGE;
    space_end(s);
}
static void grow(struct space *s) {
    const uint64_t start = space_find(s, stack_top - 1)->start, to = stack_top - 20 * SPACE_PAGE;
    if (to < start) space_extend_down(s, start, to);
}
static void tag(struct space *s) {
    space_tag(s, page_at(FROM), page_at(FROM + 8), 0, 1);
}

static void nothing(struct space *s) {
    (void)s;
}

static void (*const changes[])(struct space *) = {map_over, map_covered, map_anywhere, unmap,     protect, move,
                                                  extend,   heap_up,     grow,         heap_down, tag};

/* ---- support */

static void on_fault(int signal, siginfo_t *info, void *context) {
    if (!guard_fault(context, signal == SIGBUS, info->si_addr)) {
        struct sigaction none = {.sa_handler = SIG_DFL};
        sigaction(signal, &none, NULL);
    }
}

static void code_gone(void *self, uint64_t start, uint64_t length) {
    (void)self;
    (void)start;
    (void)length;
}

/* Page 30 and 31 have nothing behind them; every third page is a hole; neighbours differ in their rights. */
static unsigned rights_of(unsigned page) {
    if (page < FROM || page >= TO) return page % 3 == 2 ? 0 : 1 + page % 3 * 2;
    return page == FROM || page == FROM + 1 || page == 30 || page == 31 ? 3 : page >= 32 && page < TO ? 0 : page % 3;
}

static void space_make(struct space *s, uint64_t window) {
    struct error error = {0};
    const struct space_hooks hooks = {.code_gone = code_gone};
    assert_true(space_init(s, window, &hooks, &error));
    for (unsigned i = 0; i < PAGES; i++) {
        if (!rights_of(i)) continue;
        map_at(s, page_at(i), SPACE_PAGE, 3, 0);
        assert_true(space_write(s, page_at(i), &i, sizeof i));
        assert_int_equal(space_protect(s, page_at(i), SPACE_PAGE, rights_of(i)), 0);
    }
    heap_end = heap + 3 * SPACE_PAGE;
    map_at(s, heap, 3 * SPACE_PAGE, 3, 0);
    map_at(s, stack_top - SPACE_PAGE, SPACE_PAGE, 3, MAPPING_GROWS_DOWN);
    space_keeps(s, &heap_end, sizeof heap_end);
    assert_true(space_guard(s));
}

static struct {
    struct space *space;
    void (*change)(struct space *);
} order;

/* Shares everything but descriptors, thread-local storage of the C library included: so only system calls. */
static int child(void *arg) {
    (void)arg;
    syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
    syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP);
    order.change(order.space);
    syscall(SYS_exit_group, 0);
    return 0;
}

static void await(pid_t pid, int *status) {
    while (waitpid(pid, status, __WALL) < 0) assert_int_equal(errno, EINTR);
}

/* Lets the child go on to the next stop of a kind of ptrace, `steps` times. How many there were before its end. */
static unsigned go_on(pid_t pid, int kind, unsigned steps, int *status) {
    unsigned n = 0;
    for (; n < steps; n++) {
        assert_int_equal(ptrace(kind, pid, NULL, NULL), 0);
        await(pid, status);
        if (!WIFSTOPPED(*status)) break;
        assert_int_equal(WSTOPSIG(*status), SIGTRAP);
    }
    return n;
}

/* Kills the child so many instructions behind the n-th beginning or end of a system call. False: there is none. */
static bool run(struct space *s, void (*change)(struct space *), unsigned n, unsigned instructions) {
    static _Alignas(16) char stack[CHILD_STACK];
    int status;
    order.space = s;
    order.change = change;
    pid_t pid = clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    assert_true(pid > 0);
    await(pid, &status);
    bool there = WIFSTOPPED(status) && go_on(pid, PTRACE_SYSCALL, n, &status) == n;
    if (there) go_on(pid, PTRACE_SINGLESTEP, instructions, &status);
    if (!WIFSTOPPED(status)) return there;
    kill(pid, SIGKILL);
    await(pid, &status);
    assert_true(WIFSIGNALED(status));
    return there;
}

static bool host_has(const struct space *s, uint64_t at) {
    return msync(space_place(s, at), SPACE_PAGE, MS_ASYNC) == 0;
}

static void agree_at(const struct space *s, uint64_t at) {
    const struct mapping *m = space_find(s, at);
    uint64_t word;
    bool read = space_read(s, at, &word, sizeof word), written = read && space_write(s, at, &word, sizeof word);
    assert_int_equal(read, m && m->rights);
    assert_int_equal(written, m && (m->rights & SPACE_W));
    if (!s->window) assert_int_equal(host_has(s, at), m != NULL);
}

static void agree(struct space *s) {
    assert_int_equal(s->changing, 0);
    assert_int_equal(s->changes & 1, 0);
    uint64_t total = 0, data = 0;
    unsigned count = 0;
    for (const struct mapping *m = space_next(s, 0), *next; m; m = next, count++) {
        next = space_next(s, m->end);
        total += m->end - m->start;
        if ((m->rights & SPACE_W) && !(m->flags & (MAPPING_SHARED | MAPPING_GROWS_DOWN))) data += m->end - m->start;
        assert_true(m->start < m->end && (!next || m->end <= next->start));
        agree_at(s, m->start);
        agree_at(s, m->end - SPACE_PAGE);
    }
    assert_int_equal(s->count, count);
    assert_int_equal(s->total, total);
    assert_int_equal(s->data, data);
    for (unsigned i = 0; i < PAGES; i++) {
        unsigned word = 0;
        agree_at(s, page_at(i));
        if ((i >= FROM && i < TO) || !rights_of(i)) continue;
        assert_int_equal(space_find(s, page_at(i))->rights, rights_of(i));
        assert_true(space_read(s, page_at(i), &word, sizeof word));
        assert_int_equal(word, i);
    }
    for (unsigned i = 0; i < 16; i++) {
        agree_at(s, heap + i * SPACE_PAGE);
        agree_at(s, stack_top - (i + 12) * SPACE_PAGE);
        if (i < 5) agree_at(s, s->top - (i + 1) * SPACE_PAGE);
    }
    /* All of the heap is there, or what was changed of it is gone. */
    assert_true(heap_end == heap + SPACE_PAGE || heap_end == heap + 3 * SPACE_PAGE ||
                heap_end == heap + 9 * SPACE_PAGE);
    assert_null(space_find(s, heap_end));
}

static bool one(void (*change)(struct space *), uint64_t window, unsigned stops, unsigned instructions) {
    struct space s;
    space_make(&s, window);
    bool there = run(&s, change, stops, instructions);
    space_recover(&s);
    agree(&s);
    change(&s); /* another process makes it, and lives */
    agree(&s);
    assert_false(space_recover(&s));
    assert_int_equal(space_unmap(&s, page_at(FROM), (TO - FROM) * SPACE_PAGE), 0);
    agree(&s);
    space_unguard(&s);
    space_done(&s);
    return there;
}

static void killed(uint64_t window) {
    static const struct sigaction act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    assert_int_equal(sigaction(SIGSEGV, &act, NULL), 0);
    assert_int_equal(sigaction(SIGBUS, &act, NULL), 0);
    unsigned random = 1;
    for (unsigned i = 0; i < sizeof changes / sizeof *changes; i++)
        for (unsigned n = 1; one(changes[i], window, n, 0); n++) {
            random = random * 1103515245 + 12345;
            if (!one(changes[i], window, n, random / 65536 % FURTHEST)) break;
        }
    if (!run(&(struct space){0}, nothing, 1, 0)) skip(); /* no ptrace here */
}

/* The sanitizer's shadow lies where guests have their memory: there is only the window then. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
enum { DIRECT = 0 };
#else
enum { DIRECT = 1 };
#endif

static void test_killed_direct(void **state) {
    (void)state;
    if (!DIRECT) skip();
    killed(0);
}

static void test_killed_window(void **state) {
    (void)state;
    killed(UINT64_C(1) << 33);
}

static void test_unguarded_changes_are_not_copied(void **state) {
    (void)state;
    struct space s;
    struct error error = {0};
    const struct space_hooks hooks = {.code_gone = code_gone};
    assert_true(space_init(&s, UINT64_C(1) << 33, &hooks, &error));
    map_anywhere(&s);
    assert_null(s.guard.copy);
    assert_false(space_recover(&s));
    space_done(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_direct),
        cmocka_unit_test(test_killed_window),
        cmocka_unit_test(test_unguarded_changes_are_not_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
