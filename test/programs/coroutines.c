/* Coroutines with makecontext and swapcontext: generators, a pipeline, a round-robin scheduler, arguments, uc_link. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

enum { STACK = 32768, TASKS = 8 };

struct coroutine {
    ucontext_t self, caller;
    char *stack;
    void (*body)(struct coroutine *);
    long value, state;
    struct coroutine *source;
    int done;
};

static struct coroutine *starting;

static void enter(void) {
    struct coroutine *c = starting;
    c->body(c);
    c->done = 1;
}

static void make(struct coroutine *c, void (*body)(struct coroutine *), long state, struct coroutine *source) {
    *c = (struct coroutine){.body = body, .state = state, .source = source, .stack = malloc(STACK)};
    getcontext(&c->self);
    c->self.uc_stack.ss_sp = c->stack;
    c->self.uc_stack.ss_size = STACK;
    c->self.uc_link = &c->caller;
    makecontext(&c->self, enter, 0);
}

static int resume(struct coroutine *c) {
    if (c->done) return 0;
    starting = c;
    swapcontext(&c->caller, &c->self);
    return !c->done;
}

static void yield(struct coroutine *c, long value) {
    c->value = value;
    swapcontext(&c->self, &c->caller);
}

static void count(struct coroutine *c) {
    for (long i = 2; i < c->state; i++) yield(c, i);
}

static void without_multiples(struct coroutine *c) {
    while (resume(c->source))
        if (c->source->value % c->state) yield(c, c->source->value);
}

static void fibonacci(struct coroutine *c) {
    double a = 0, b = 1; /* floating-point values live across switches */
    for (long i = 0; i < c->state; i++) {
        yield(c, (long)a);
        double t = a + b;
        a = b;
        b = t;
    }
}

static void walk(struct coroutine *c, int depth, long node) {
    if (!depth) return;
    walk(c, depth - 1, node * 2);
    yield(c, node);
    walk(c, depth - 1, node * 2 + 1);
}

static void walker(struct coroutine *c) {
    walk(c, (int)c->state, 1);
}

static long sum;
static ucontext_t back, task;

static void with_arguments(int a, int b, int c, int d, int e, int f) {
    sum = a + 2L * b + 3 * c + 4 * d + 5 * e + 6 * f;
}

int main(void) {
    struct coroutine chain[40];
    int length = 1;
    make(&chain[0], count, 150, NULL);
    while (length < 40 && resume(&chain[length - 1])) { /* the sieve as a pipeline of coroutines */
        long prime = chain[length - 1].value;
        printf("%ld ", prime);
        make(&chain[length], without_multiples, prime, &chain[length - 1]);
        length++;
    }
    printf("| %d\n", length);
    for (int i = 0; i < length; i++) free(chain[i].stack);
    struct coroutine tasks[TASKS];
    for (int i = 0; i < TASKS; i++) make(&tasks[i], i % 2 ? fibonacci : walker, i % 2 ? 20 + i : 3 + i / 2, NULL);
    int alive = TASKS;
    unsigned digest = 1, switches = 0;
    while (alive) {
        alive = 0;
        for (int i = 0; i < TASKS; i++)
            if (resume(&tasks[i])) {
                alive++;
                switches++;
                digest = digest * 31 + (unsigned)tasks[i].value;
            }
        if (switches % 7 == 0) printf("%d:%u ", alive, digest);
    }
    printf("%u switches\n", switches);
    for (int i = 0; i < TASKS; i++) free(tasks[i].stack);
    char *stack = malloc(STACK);
    for (int i = 0; i < 5; i++) {
        getcontext(&task);
        task.uc_stack.ss_sp = stack;
        task.uc_stack.ss_size = STACK;
        task.uc_link = &back;
        makecontext(&task, (void (*)(void))with_arguments, 6, i, 2, 3, i * 5, 5, -i);
        swapcontext(&back, &task);
        printf("%ld ", sum);
    }
    putchar('\n');
    volatile int passes = 0;
    ucontext_t here;
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    getcontext(&here); /* comes back here, with the signal mask of now */
    passes++;
    sigprocmask(SIG_BLOCK, NULL, &old);
    printf("pass %d blocked %d\n", passes, sigismember(&old, SIGUSR1));
    if (passes < 4) {
        sigprocmask(SIG_BLOCK, &set, NULL);
        setcontext(&here);
    }
    struct coroutine c;
    make(&c, count, 20002, NULL);
    long total = 0;
    while (resume(&c)) total += c.value;
    printf("%ld %d\n", total, c.done);
    free(c.stack);
    free(stack);
    return 0;
}
