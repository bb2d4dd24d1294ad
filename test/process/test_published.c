/* test_published.c - what another process publishes is read as it is; what is of another version, torn, or makes no
 * sense is refused, and nothing crashes or goes on for ever. The other process is this one, read as any other, but
 * where it has to change meanwhile. */
#include "process/linux/linux.h"
#include "process/linux/published.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALL_PAGES = 400, FIRST = 1 << 20, THREADS = 5 };

static struct process process;
static struct thread threads[THREADS];
static struct published record;
static char exe[] = "/bin/program";

static void code_gone(void *self, uint64_t start, uint64_t length) {
    (void)self, (void)start, (void)length;
}

static void map(uint64_t at, unsigned pages, unsigned rights) {
    assert_int_equal(memory_map(process.space, at, pages * (uint64_t)SPACE_PAGE, rights,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, MEMORY_ANONYMOUS),
                     at);
}

static int begin(void **state) {
    const struct space_hooks hooks = {.code_gone = code_gone, .code_written = code_gone};
    struct error error = {0};
    struct process *p = &process;
    (void)state;
    memset(p, 0, sizeof *p);
    memset(threads, 0, sizeof threads);
    p->space = &p->memory.space;
    p->actions = p->own_actions;
    p->exe = exe;
    if (!memory_init(&p->memory, UINT64_C(1) << 32, UINT64_C(1) << 38, &hooks, &error)) return -1;
    memory_set_brk(p->space, FIRST);
    p->threads = &threads[THREADS - 1];
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i].next = i ? &threads[i - 1] : &p->thread;
        threads[i].tid = 101 + i;
        threads[i].mask = 1000 + i;
    }
    p->thread.tid = 100;
    p->thread.mask = 999;
    p->arg_start = FIRST;
    p->arg_end = FIRST + 10;
    p->env_end = FIRST + 30;
    p->auxv[2] = 17;
    p->auxv_words = 4;
    p->key = 12345;
    for (int i = 0; i <= SIGNALS; i++) p->actions[i].handler = (uint64_t)i * 3;
    for (int i = 0; i < OWN_FDS; i++) p->own[i] = (struct own_fd){i - 1, 7, (uint64_t)i};
    for (unsigned i = 0; i < ALL_PAGES; i++)
        map(FIRST + i * (uint64_t)SPACE_PAGE, 1, i % 3 ? SPACE_R : SPACE_R | SPACE_W);
    publish(&record, p);
    return 0;
}

static int end(void **state) {
    (void)state;
    space_done(process.space);
    return 0;
}

static bool opens(const struct published *r, struct peek *k) {
    return peek_open(k, getpid(), (uintptr_t)r);
}

/* A record that is whole, whatever is in it. */
static bool opens_whole(struct published *r, struct peek *k) {
    r->check = published_check(r);
    return opens(r, k);
}

static void test_as_it_is(void **state) {
    struct peek k;
    struct published_action actions[PUBLISHED_ACTIONS];
    struct published_own_fd own[PUBLISHED_OWN];
    struct published_thread t;
    struct peek_mappings m;
    char path[PATH_MAX];
    (void)state;
    assert_true(opens(&record, &k));
    assert_int_equal(k.process.arg_end, FIRST + 10);
    assert_int_equal(k.process.auxv[2], 17);
    assert_int_equal(k.process.key, 12345);
    assert_int_equal(k.space.base, (uintptr_t)process.space->base);
    assert_int_equal(k.space.total, ALL_PAGES * (uint64_t)SPACE_PAGE);
    assert_int_equal(k.space.brk_start, FIRST);
    assert_true(peek_actions(&k, actions));
    assert_int_equal(actions[SIGNALS].handler, SIGNALS * 3);
    assert_true(peek_own_fds(&k, own));
    assert_int_equal(own[OWN_VEE].fd, -1);
    assert_int_equal(own[OWN_ROOT].ino, OWN_ROOT);
    for (uint32_t tid = 100; tid <= 100 + THREADS; tid++) {
        assert_true(peek_thread(&k, tid, &t));
        assert_int_equal(t.tid, tid);
        assert_int_equal(t.mask, 999 + tid - 100);
    }
    assert_true(peek_thread(&k, 7, &t)); /* there is none */
    assert_int_equal(t.tid, 100);
    assert_true(peek_exe(&k, path));
    assert_string_equal(path, exe);

    assert_true(peek_mappings(&k, &m));
    uint32_t n = 0;
    for (const struct mapping *own_one = space_next(process.space, 0); own_one;
         own_one = space_next(process.space, own_one->end), n++) {
        assert_true(n < m.count);
        assert_int_equal(m.first[n].start, own_one->start);
        assert_int_equal(m.first[n].end, own_one->end);
        assert_int_equal(m.first[n].rights, own_one->rights);
        assert_ptr_equal(peek_find(&m, own_one->start), &m.first[n]);
        assert_ptr_equal(peek_next(&m, own_one->end - 1), &m.first[n]);
    }
    assert_int_equal(n, m.count);
    assert_null(peek_find(&m, FIRST - 1));
    assert_ptr_equal(peek_next(&m, 0), m.first);
    assert_null(peek_next(&m, m.first[n - 1].end));
    peek_mappings_free(&m);

    assert_true(space_write(process.space, FIRST, "hello", 6));
    assert_true(peek_guest(&k, FIRST, path, 6));
    assert_string_equal(path, "hello");
    assert_false(peek_guest(&k, FIRST - SPACE_PAGE, path, 1));
    assert_false(peek_guest(&k, k.space.limit, path, 1));
    assert_false(peek_guest(&k, UINT64_MAX, path, 2));
}

/* The same by the functions for one's own. */
static void test_own(void **state) {
    struct peek k;
    struct peek_mappings m;
    struct published_thread t;
    char path[PATH_MAX];
    (void)state;
    peek_own(&k, &process);
    assert_true(peek_thread(&k, 102, &t));
    assert_int_equal(t.mask, 1001);
    assert_true(peek_exe(&k, path));
    assert_string_equal(path, exe);
    assert_true(peek_mappings(&k, &m));
    assert_int_equal(m.first[0].start, FIRST);
    peek_mappings_free(&m);
}

static void test_other_versions(void **state) {
    struct peek k;
    (void)state;
    struct published r = record;
    r.version++;
    assert_false(opens_whole(&r, &k));
    r = record;
    r.magic = 0;
    assert_false(opens_whole(&r, &k));
    r = record;
    assert_true(opens_whole(&r, &k));
}

static void test_torn_records(void **state) {
    struct peek k;
    (void)state;
    for (size_t i = 0; i < sizeof record; i++) {
        struct published r = record;
        ((uint8_t *)&r)[i] ^= 0x10;
        assert_false(opens(&r, &k));
    }
    struct published r = record;
    published_begin(&process);
    assert_true(peek_open(&k, getpid(), published_at()));
    published_end(&process);
    assert_false(peek_open(&k, getpid(), published_at()));
    assert_false(peek_open(&k, getpid(), 0));
    assert_false(peek_open(&k, getpid(), UINT64_MAX - 4));
    assert_true(opens(&r, &k));
}

/* Everything that can be asked; nothing of it has to be there. */
static void ask(const struct peek *k) {
    struct published_action actions[PUBLISHED_ACTIONS];
    struct published_own_fd own[PUBLISHED_OWN];
    struct published_thread t;
    struct peek_mappings m;
    char path[PATH_MAX];
    peek_actions(k, actions);
    peek_own_fds(k, own);
    peek_thread(k, 12345, &t);
    peek_exe(k, path);
    if (peek_mappings(k, &m)) peek_mappings_free(&m);
    peek_guest(k, 0, path, sizeof path);
}

static void test_hostile_places(void **state) {
    uint8_t *none = mmap(NULL, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const uint64_t places[] = {0,          1,           8,          4096,       (uintptr_t)none, (uintptr_t)&record + 1,
                               1ull << 46, -1ull >> 17, 1ull << 47, 1ull << 63, UINT64_MAX,      UINT64_MAX - 7};
    const uint64_t counts[] = {0,          1,          2,         3, 64, 65, 66, 1 << 16, (1 << 22) + 1, (1 << 22) + 2,
                               1ull << 32, 1ull << 58, UINT64_MAX};
    struct peek k;
    (void)state;
    for (unsigned part = 0; part < PARTS; part++) {
        for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
            struct published r = record;
            r.place[part].at = places[i];
            const bool open = opens_whole(&r, &k);
            assert_false(open && (part == PART_process || part == PART_space));
            if (open) ask(&k);
        }
        for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
            const struct published_layout *l = published_layout(part);
            struct published r = record;
            r.place[part].count = counts[i];
            const bool open = opens_whole(&r, &k);
            assert_int_equal(open, counts[i] >= l->least && counts[i] <= l->most);
            if (open) ask(&k);
        }
    }
    munmap(none, 1 << 16);
}

static void test_hostile_values(void **state) {
    struct peek k;
    struct process *p = &process, whole = *p;
    (void)state;
#define REFUSED(what)                                                                                                  \
    do {                                                                                                               \
        what;                                                                                                          \
        assert_false(opens(&record, &k));                                                                              \
        *p = whole;                                                                                                    \
    } while (0)
    REFUSED(p->memory.space.limit = UINT64_MAX);
    REFUSED(p->memory.space.limit = (1ull << 47) + 1);
    REFUSED(p->memory.space.base += 1ull << 47);
    REFUSED(p->memory.space.base = NULL);
    REFUSED(p->memory.space.window = 0);
    REFUSED(p->arg_end = p->arg_start - 1);
    REFUSED(p->env_end = p->arg_end - 1);
    REFUSED(p->env_end = p->memory.space.limit + 1);
    REFUSED(p->env_end = p->arg_start + (1 << 25));
    REFUSED(p->auxv_words = PUBLISHED_AUXV + 1);
    assert_true(opens(&record, &k));
    char *const paths[] = {NULL, (char *)8, (char *)UINT64_MAX, (char *)(1ull << 46)};
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
        char path[PATH_MAX];
        p->exe = paths[i];
        assert_true(opens(&record, &k));
        assert_false(peek_exe(&k, path));
        *p = whole;
    }
    /* A path without an end, at the end of what is mapped. */
    char path[PATH_MAX],
        *pages = mmap(NULL, 2 * SPACE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(pages, 'x', SPACE_PAGE);
    munmap(pages + SPACE_PAGE, SPACE_PAGE);
    p->exe = pages + SPACE_PAGE - 10;
    assert_true(opens(&record, &k) && peek_exe(&k, path));
    assert_int_equal(strlen(path), 10);
    *p = whole;
    munmap(pages, SPACE_PAGE);
}

static void test_hostile_threads(void **state) {
    struct thread *const links[] = {&threads[3],
                                    &threads[1],
                                    (struct thread *)((char *)threads + 4),
                                    (struct thread *)8,
                                    (struct thread *)UINT64_MAX,
                                    (struct thread *)(1ull << 46)};
    struct peek k;
    struct published_thread t;
    (void)state;
    for (unsigned i = 0; i < sizeof links / sizeof *links; i++) { /* cycles, and places where nothing is */
        threads[1].next = links[i];
        assert_true(opens(&record, &k));
        assert_true(peek_thread(&k, 103, &t));
        assert_int_equal(t.mask, 1002);
        assert_true(peek_thread(&k, 12345, &t));
        assert_int_equal(t.tid, 100);
    }
    process.threads = links[3];
    assert_true(opens(&record, &k) && peek_thread(&k, 103, &t));
    assert_int_equal(t.tid, 100);
}

/* Mappings that are given are in order, and within the guest's memory. */
static bool in_order(const struct peek *k, const struct peek_mappings *m) {
    uint64_t at = 0;
    for (uint32_t i = 0; i < m->count; at = m->first[i++].end)
        if (m->first[i].start < at || m->first[i].end <= m->first[i].start) return false;
    return at <= k->space.limit;
}

static void test_hostile_trees(void **state) {
    struct space *s = process.space;
    struct peek k;
    struct peek_mappings m;
    uint64_t random = 1;
    const size_t size = s->used * sizeof *s->nodes;
    struct space_node *whole = malloc(size);
    const uint32_t root = s->root, used = s->used;
    unsigned taken = 0, rounds = 5000;
    (void)state;
    assert_non_null(whole);
    memcpy(whole, s->nodes, size);
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < 1 + round % 3; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            struct space_node *n = &s->nodes[random % used];
            uint32_t *const fields[] = {&n->left, &n->right, &s->root, &s->used};
            uint64_t *const ends[] = {&n->m.start, &n->m.end};
            const uint64_t value = random >> 32;
            if (random >> 20 & 1)
                *fields[random >> 21 & 3] = (uint32_t)(random >> 25 & 7 ? value % (used + 2) : value);
            else
                *ends[random >> 21 & 1] ^= 1ull << value % 64;
        }
        if (opens(&record, &k) && peek_mappings(&k, &m)) {
            taken++;
            assert_true(in_order(&k, &m));
            peek_mappings_free(&m);
        }
        s->root = root;
        s->used = used;
        memcpy(s->nodes, whole, size);
    }
    assert_true(taken > 0 && taken < rounds);
    /* A list is no tree of mappings: it would take a stack as deep. */
    for (uint32_t i = 1; i < used; i++) s->nodes[i].left = i + 1 < used ? i + 1 : 0, s->nodes[i].right = 0;
    assert_true(opens(&record, &k));
    assert_false(peek_mappings(&k, &m));
    s->root = 1;
    s->nodes[used - 1].left = 1; /* in a circle */
    assert_false(peek_mappings(&k, &m));
    s->root = root;
    memcpy(s->nodes, whole, size);
    free(whole);
}

/* One that stays in the middle of a change, as it was stopped, is taken if it makes sense. */
static void test_stopped(void **state) {
    struct peek k;
    struct peek_mappings m;
    (void)state;
    process.space->changes |= 1;
    assert_true(opens(&record, &k));
    assert_true(peek_mappings(&k, &m));
    assert_int_equal(m.first[0].start, FIRST);
    peek_mappings_free(&m);
    process.space->root = process.space->used;
    assert_false(peek_mappings(&k, &m));
}

/* Another process changes rights again and again: whoever looks sees the mappings before a change or after it, without
   a hole. */
static void test_changing(void **state) {
    enum { ROUNDS = 2000 };
    struct peek k;
    (void)state;
    const pid_t child = fork();
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (uint64_t i = 0;; i++, usleep(200)) {
            const uint64_t at = FIRST + i * 7 % (ALL_PAGES - 5) * SPACE_PAGE;
            space_protect(process.space, at, 5 * SPACE_PAGE, i % 3 ? SPACE_R : SPACE_R | SPACE_W);
        }
    }
    bool may = true;
    for (unsigned i = 0; may && i < ROUNDS; i++) {
        struct peek_mappings m;
        may = peek_open(&k, child, (uintptr_t)&record);
        if (!may || !peek_mappings(&k, &m)) continue;
        assert_int_equal(m.first[0].start, FIRST);
        for (uint32_t n = 1; n < m.count; n++) assert_int_equal(m.first[n].start, m.first[n - 1].end);
        assert_int_equal(m.first[m.count - 1].end, FIRST + ALL_PAGES * SPACE_PAGE);
        peek_mappings_free(&m);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    if (!may) skip(); /* it is not allowed here */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_as_it_is),        TEST(test_own),
        TEST(test_other_versions),  TEST(test_torn_records),
        TEST(test_hostile_places),  TEST(test_hostile_values),
        TEST(test_hostile_threads), TEST(test_hostile_trees),
        TEST(test_stopped),         TEST(test_changing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
