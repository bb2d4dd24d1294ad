/* A small Lisp: reader, environments as association lists, an evaluator that walks the tree; cells come from an arena
 * that is dropped after every run. Pointer chasing, recursion and type dispatch together.
 * kind: interp */
#include <string.h>
#include "kernel.h"

enum { REPS = 310, CELLS = 1 << 20, SYMBOLS = 64, NAME = 12 };

enum tag { NIL, NUMBER, SYMBOL, PAIR, CLOSURE };

/* NUMBER: number; SYMBOL: number is its index; PAIR: head, tail; CLOSURE: head is (parameters body), tail its
 * environment. */
struct cell {
    enum tag tag;
    int64_t number;
    struct cell *head, *tail;
};

static struct cell arena[CELLS], nil;
static size_t arena_used;
static char names[SYMBOLS][NAME];
static int name_count;
static struct cell *globals[SYMBOLS];

enum symbol { DEFINE, LAMBDA, IF, LET, PLUS, MINUS, TIMES, BELOW, SAME, CONS, CAR, CDR, IS_NULL, BUILTINS };

static const char *const builtin_names[BUILTINS] = {"define", "lambda", "if",   "let", "+",   "-",    "*",
                                                    "<",      "=",      "cons", "car", "cdr", "null?"};

static struct cell *cell_make(enum tag tag, int64_t number, struct cell *head, struct cell *tail) {
    if (arena_used == CELLS) abort();
    struct cell *c = &arena[arena_used++];
    *c = (struct cell){tag, number, head, tail};
    return c;
}

static int symbol_find(const char *text, size_t length) {
    for (int i = 0; i < name_count; i++)
        if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0) return i;
    if (name_count == SYMBOLS || length >= NAME) abort();
    memcpy(names[name_count], text, length);
    return name_count++;
}

static struct cell *read_form(const char **p) {
    while (**p == ' ') ++*p;
    if (**p == '(') {
        struct cell *first = &nil, **link = &first;
        for (++*p;;) {
            while (**p == ' ') ++*p;
            if (**p == ')') break;
            *link = cell_make(PAIR, 0, read_form(p), &nil);
            link = &(*link)->tail;
        }
        ++*p;
        return first;
    }
    const char *start = *p;
    while (**p && !strchr(" ()", **p)) ++*p;
    if (*start >= '0' && *start <= '9') return cell_make(NUMBER, strtol(start, NULL, 10), NULL, NULL);
    return cell_make(SYMBOL, symbol_find(start, (size_t)(*p - start)), NULL, NULL);
}

static struct cell *lookup(int64_t symbol, const struct cell *env) {
    for (; env->tag == PAIR; env = env->tail)
        if (env->head->head->number == symbol) return env->head->tail;
    if (!globals[symbol]) abort();
    return globals[symbol];
}

static struct cell *bind(struct cell *name, struct cell *value, struct cell *env) {
    return cell_make(PAIR, 0, cell_make(PAIR, 0, name, value), env);
}

static struct cell *eval(struct cell *form, struct cell *env);

static struct cell *eval_builtin(int64_t symbol, struct cell *arguments, struct cell *env) {
    struct cell *a = eval(arguments->head, env);
    struct cell *b = arguments->tail->tag == PAIR ? eval(arguments->tail->head, env) : &nil;
    switch (symbol) {
    case PLUS: return cell_make(NUMBER, a->number + b->number, NULL, NULL);
    case MINUS: return cell_make(NUMBER, a->number - b->number, NULL, NULL);
    case TIMES: return cell_make(NUMBER, (int64_t)((uint64_t)a->number * (uint64_t)b->number), NULL, NULL);
    case BELOW: return cell_make(NUMBER, a->number < b->number, NULL, NULL);
    case SAME: return cell_make(NUMBER, a->number == b->number, NULL, NULL);
    case CONS: return cell_make(PAIR, 0, a, b);
    case CAR: return a->head;
    case CDR: return a->tail;
    case IS_NULL: return cell_make(NUMBER, a->tag == NIL, NULL, NULL);
    default: abort();
    }
}

static int is_true(const struct cell *c) {
    return c->tag != NIL && !(c->tag == NUMBER && c->number == 0);
}

static struct cell *eval(struct cell *form, struct cell *env) {
    for (;;) {
        if (form->tag == SYMBOL) return lookup(form->number, env);
        if (form->tag != PAIR) return form;
        struct cell *head = form->head, *rest = form->tail;
        if (head->tag == SYMBOL && head->number < BUILTINS) {
            switch (head->number) {
            case DEFINE: return globals[rest->head->number] = eval(rest->tail->head, env);
            case LAMBDA: return cell_make(CLOSURE, 0, rest, env);
            case IF: form = is_true(eval(rest->head, env)) ? rest->tail->head : rest->tail->tail->head; continue;
            case LET:
                env = bind(rest->head, eval(rest->tail->head, env), env);
                form = rest->tail->tail->head;
                continue;
            default: return eval_builtin(head->number, rest, env);
            }
        }
        struct cell *closure = eval(head, env);
        if (closure->tag != CLOSURE) abort();
        struct cell *inner = closure->tail, *parameter = closure->head->head;
        for (; parameter->tag == PAIR; parameter = parameter->tail, rest = rest->tail)
            inner = bind(parameter->head, eval(rest->head, env), inner);
        form = closure->head->tail->head;
        env = inner;
    }
}

static const char *const definitions[] = {
    "(define fib (lambda (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))))",
    "(define tak (lambda (x y z) (if (< y x) (tak (tak (- x 1) y z) (tak (- y 1) z x) (tak (- z 1) x y)) z)))",
    "(define range (lambda (a b end) (if (= a b) end (cons a (range (+ a 1) b end)))))",
    "(define fold (lambda (f s l) (if (null? l) s (fold f (f s (car l)) (cdr l)))))",
    "(define compose (lambda (f g) (lambda (x) (f (g x)))))",
    "(define times (lambda (n f) (if (= n 1) f (compose f (times (- n 1) f)))))",
};

static const char *const queries[] = {
    "(fib 17)",
    "(tak 10 6 2)",
    "(fold (lambda (s x) (+ (* s 3) x)) 0 (range 0 2500 nil))",
    "((times 300 (lambda (x) (+ (* x 5) 1))) 7)",
    "(let square (lambda (x) (* x x)) (fold (lambda (s x) (+ s (square x))) 0 (range 0 2000 nil)))",
};

int main(int argc, char **argv) {
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t digest = 0;
    for (int i = 0; i < BUILTINS; i++) symbol_find(builtin_names[i], strlen(builtin_names[i]));
    globals[symbol_find("nil", 3)] = &nil;
    for (size_t i = 0; i < sizeof definitions / sizeof definitions[0]; i++) {
        const char *text = definitions[i];
        eval(read_form(&text), &nil);
    }
    size_t mark = arena_used;
    for (long i = 0; i < reps; i++) {
        for (size_t j = 0; j < sizeof queries / sizeof queries[0]; j++) {
            const char *text = queries[j];
            digest = digest_add(digest, (uint64_t)eval(read_form(&text), &nil)->number);
            arena_used = mark;
        }
    }
    return digest_print("lisp", digest);
}
