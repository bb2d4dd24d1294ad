/* A Lisp with symbols, closures, macros, lists and tail calls, running a small library and test programs. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { NIL, INTEGER, SYMBOL, PAIR, PRIMITIVE, LAMBDA, MACRO };

struct value {
    enum kind kind;
    long integer;
    const char *name;
    struct value *head, *tail; /* LAMBDA, MACRO: head = (parameters . body), tail = environment */
    struct value *(*primitive)(struct value *arguments);
};

static struct value nil_value = {.kind = NIL}, *const nil = &nil_value;
static struct value *symbols[400], *globals[400], *truth;
static long symbol_count, cells;

static struct value *make(enum kind kind) {
    struct value *v = calloc(1, sizeof *v);
    if (!v || ++cells > 4000000) exit(3);
    v->kind = kind;
    return v;
}

static struct value *integer(long n) {
    struct value *v = make(INTEGER);
    v->integer = n;
    return v;
}

static struct value *cons(struct value *head, struct value *tail) {
    struct value *v = make(PAIR);
    v->head = head;
    v->tail = tail;
    return v;
}

static struct value *intern(const char *name) {
    for (long i = 0; i < symbol_count; i++)
        if (strcmp(symbols[i]->name, name) == 0) return symbols[i];
    struct value *v = make(SYMBOL);
    v->name = strdup(name);
    v->integer = symbol_count;
    return symbols[symbol_count++] = v;
}

static struct value *head(struct value *v) {
    return v->kind == PAIR ? v->head : nil;
}
static struct value *tail(struct value *v) {
    return v->kind == PAIR ? v->tail : nil;
}
static struct value *nth(struct value *v, int n) {
    while (n--) v = tail(v);
    return head(v);
}

static const char *input;

static void skip(void) {
    for (;; input++) {
        while (*input == ' ' || *input == '\n') input++;
        if (*input != ';') return;
        while (*input && *input != '\n') input++;
    }
}

static struct value *read_value(void) {
    skip();
    if (*input == '(') {
        input++;
        struct value *first = nil, **link = &first;
        for (;;) {
            skip();
            if (*input == ')') break;
            if (*input == '.' && input[1] == ' ') {
                input++;
                *link = read_value();
                continue;
            }
            *link = cons(read_value(), nil);
            link = &(*link)->tail;
        }
        input++;
        return first;
    }
    if (*input == '\'') {
        input++;
        return cons(intern("quote"), cons(read_value(), nil));
    }
    char text[64];
    size_t n = 0;
    while (*input && !strchr(" \n()'", *input) && n < 63) text[n++] = *input++;
    text[n] = 0;
    char *end;
    long number = strtol(text, &end, 10);
    if (n && !*end && text[n - 1] != '-' && text[n - 1] != '+') return integer(number);
    return strcmp(text, "nil") == 0 ? nil : intern(text);
}

static void print(const struct value *v) {
    switch (v->kind) {
    case NIL: printf("nil"); break;
    case INTEGER: printf("%ld", v->integer); break;
    case SYMBOL: printf("%s", v->name); break;
    case PAIR:
        for (char open = '('; v->kind == PAIR; v = v->tail, open = ' ') {
            putchar(open);
            print(v->head);
        }
        if (v->kind != NIL) {
            printf(" . ");
            print(v);
        }
        putchar(')');
        break;
    default: printf("<function>");
    }
}

static struct value *lookup(struct value *symbol, struct value *env) {
    for (; env->kind == PAIR; env = env->tail)
        if (env->head->head == symbol) return env->head;
    return NULL;
}

static struct value *eval(struct value *v, struct value *env);

static struct value *eval_list(struct value *v, struct value *env) {
    struct value *first = nil, **link = &first;
    for (; v->kind == PAIR; v = v->tail) {
        *link = cons(eval(v->head, env), nil);
        link = &(*link)->tail;
    }
    return first;
}

static struct value *bind(struct value *parameters, struct value *arguments, struct value *env) {
    for (; parameters->kind == PAIR; parameters = parameters->tail, arguments = tail(arguments))
        env = cons(cons(parameters->head, head(arguments)), env);
    return parameters->kind == SYMBOL ? cons(cons(parameters, arguments), env) : env;
}

static struct value *eval(struct value *v, struct value *env) {
    static struct value *quote, *condition, *define, *set, *lambda, *macro, *begin;
    if (!quote) {
        quote = intern("quote"), condition = intern("if"), define = intern("define"), set = intern("set!");
        lambda = intern("lambda"), macro = intern("macro"), begin = intern("begin");
    }
    for (;;) {
        if (v->kind == SYMBOL) {
            struct value *found = lookup(v, env);
            if (found) return found->tail;
            if (!globals[v->integer]) {
                printf("unbound %s\n", v->name);
                exit(4);
            }
            return globals[v->integer];
        }
        if (v->kind != PAIR) return v;
        struct value *op = v->head, *rest = v->tail;
        if (op == quote) return head(rest);
        if (op == condition) {
            v = eval(head(rest), env)->kind != NIL ? nth(rest, 1) : nth(rest, 2);
            continue;
        }
        if (op == define) return globals[head(rest)->integer] = eval(nth(rest, 1), env);
        if (op == set) {
            struct value *found = lookup(head(rest), env), *new = eval(nth(rest, 1), env);
            return found ? (found->tail = new) : (globals[head(rest)->integer] = new);
        }
        if (op == lambda || op == macro) {
            struct value *f = make(op == lambda ? LAMBDA : MACRO);
            f->head = rest;
            f->tail = env;
            return f;
        }
        struct value *f = op == begin ? NULL : eval(op, env);
        struct value *body = rest;
        if (f && f->kind == PRIMITIVE) return f->primitive(eval_list(rest, env));
        if (f && f->kind == MACRO) {
            v = eval(nth(f->head, 1), bind(head(f->head), rest, f->tail));
            continue;
        }
        if (f) {
            if (f->kind != LAMBDA) return nil;
            env = bind(head(f->head), eval_list(rest, env), f->tail);
            body = f->head->tail;
        }
        for (; tail(body)->kind == PAIR; body = body->tail) eval(body->head, env);
        v = head(body);
    }
}

static struct value *boolean(int b) {
    return b ? truth : nil;
}
static struct value *p_add(struct value *a) {
    long n = 0;
    for (; a->kind == PAIR; a = a->tail) n += a->head->integer;
    return integer(n);
}
static struct value *p_sub(struct value *a) {
    return integer(tail(a)->kind == PAIR ? head(a)->integer - nth(a, 1)->integer : -head(a)->integer);
}
static struct value *p_mul(struct value *a) {
    unsigned long n = 1;
    for (; a->kind == PAIR; a = a->tail) n *= (unsigned long)a->head->integer;
    return integer((long)n);
}
static struct value *p_div(struct value *a) {
    return integer(nth(a, 1)->integer ? head(a)->integer / nth(a, 1)->integer : 0);
}
static struct value *p_mod(struct value *a) {
    return integer(nth(a, 1)->integer ? head(a)->integer % nth(a, 1)->integer : 0);
}
static struct value *p_less(struct value *a) {
    return boolean(head(a)->integer < nth(a, 1)->integer);
}
static struct value *p_equal(struct value *a) {
    struct value *x = head(a), *y = nth(a, 1);
    return boolean(x == y || (x->kind == INTEGER && y->kind == INTEGER && x->integer == y->integer));
}
static struct value *p_cons(struct value *a) {
    return cons(head(a), nth(a, 1));
}
static struct value *p_car(struct value *a) {
    return head(head(a));
}
static struct value *p_cdr(struct value *a) {
    return tail(head(a));
}
static struct value *p_list(struct value *a) {
    return a;
}
static struct value *p_is_pair(struct value *a) {
    return boolean(head(a)->kind == PAIR);
}
static struct value *p_is_nil(struct value *a) {
    return boolean(head(a)->kind == NIL);
}
static struct value *p_eval(struct value *a) {
    return eval(head(a), nil);
}
static struct value *p_apply(struct value *a) {
    struct value *f = head(a), *quoted = nil, **link = &quoted;
    for (struct value *x = nth(a, 1); x->kind == PAIR; x = x->tail) {
        *link = cons(cons(intern("quote"), cons(x->head, nil)), nil);
        link = &(*link)->tail;
    }
    return eval(cons(f, quoted), nil);
}

static const struct {
    const char *name;
    struct value *(*f)(struct value *);
} primitives[] = {{"+", p_add},     {"-", p_sub},         {"*", p_mul},       {"/", p_div},     {"mod", p_mod},
                  {"<", p_less},    {"=", p_equal},       {"cons", p_cons},   {"car", p_car},   {"cdr", p_cdr},
                  {"list", p_list}, {"pair?", p_is_pair}, {"nil?", p_is_nil}, {"eval", p_eval}, {"apply", p_apply}};

static const char program[] =
    "(define not nil?) (define cadr (lambda (l) (car (cdr l))))\n"
    "(define let (macro (binds . body) (cons (cons 'lambda (cons (map car binds) body)) (map cadr binds))))\n"
    "(define and (macro (a b) (list 'if a b nil))) (define or (macro (a b) (list 'if a ''t b)))\n"
    "(define map (lambda (f l) (if (nil? l) nil (cons (f (car l)) (map f (cdr l))))))\n"
    "(define filter (lambda (p l) (if (nil? l) nil (if (p (car l)) (cons (car l) (filter p (cdr l))) (filter p (cdr "
    "l))))))\n"
    "(define fold (lambda (f s l) (if (nil? l) s (fold f (f s (car l)) (cdr l)))))\n"
    "(define range (lambda (a b) (if (< a b) (cons a (range (+ a 1) b)) nil)))\n"
    "(define append (lambda (a b) (if (nil? a) b (cons (car a) (append (cdr a) b)))))\n"
    "(define reverse (lambda (l) (fold (lambda (s x) (cons x s)) nil l)))\n"
    "(define length (lambda (l) (fold (lambda (n x) (+ n 1)) 0 l)))\n"
    "(define sort (lambda (l) (if (nil? l) nil (let ((p (car l)) (r (cdr l)))\n"
    "   (append (sort (filter (lambda (x) (< x p)) r)) (cons p (sort (filter (lambda (x) (not (< x p))) r))))))))\n"
    "(range 0 10)\n (map (lambda (x) (* x x)) (range 0 10))\n (fold + 0 (range 0 101))\n (reverse '(a b (c d) . (e)))\n"
    "(define fact (lambda (n) (if (< n 2) 1 (* n (fact (- n 1)))))) (map fact (range 0 16))\n"
    "(define fib (lambda (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))) (fib 16)\n"
    "(sort (map (lambda (x) (mod (* x 7919) 1009)) (range 1 40)))\n"
    "(define loop (lambda (n s) (if (= n 0) s (loop (- n 1) (+ s n))))) (loop 20000 0)\n"
    "(define counter (lambda () (let ((n 0)) (lambda () (set! n (+ n 1)) n)))) (define c (counter)) (define d "
    "(counter))\n"
    "(c) (c) (d) (list (c) (d))\n (define compose (lambda (f g) (lambda (x) (f (g x)))))\n"
    "((compose (lambda (x) (* x 2)) (lambda (x) (+ x 3))) 4)\n (let ((a 1) (b 2)) (list a b (+ a b)))\n"
    "(define primes (lambda (l) (if (nil? l) nil (cons (car l) (primes (filter (lambda (x) (not (= 0 (mod x (car "
    "l))))) (cdr l)))))))\n"
    "(primes (range 2 100))\n (and 1 nil) (or nil 5) (apply + '(1 2 3 4)) (eval '(* 6 7)) (list 'quote 'x 't)\n"
    "(define queens (lambda (n) (let ((place nil)) (begin (set! place (lambda (k qs) (if (= k 0) 1\n"
    "   (fold + 0 (map (lambda (q) (if (safe q 1 qs) (place (- k 1) (cons q qs)) 0)) (range 0 n)))))) (place n "
    "nil)))))\n"
    "(define safe (lambda (q d qs) (if (nil? qs) 't (if (or (= q (car qs)) (or (= q (+ (car qs) d)) (= q (- (car qs) "
    "d)))) nil (safe q (+ d 1) (cdr qs))))))\n"
    "(map queens (range 1 7))\n";

int main(void) {
    truth = intern("t");
    globals[truth->integer] = truth;
    for (size_t i = 0; i < sizeof primitives / sizeof primitives[0]; i++) {
        struct value *v = make(PRIMITIVE);
        v->primitive = primitives[i].f;
        globals[intern(primitives[i].name)->integer] = v;
    }
    for (input = program, skip(); *input; skip()) {
        print(eval(read_value(), nil));
        putchar('\n');
    }
    printf("%ld cells, %ld symbols\n", cells, symbol_count);
    return 0;
}
