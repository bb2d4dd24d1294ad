/* A Forth: colon definitions compiled to threaded code, control structures, return stack, variables, memory, strings.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 8192, STACK = 256, WORDS = 256 };

enum primitive {
    LIT,
    BRANCH,
    ZERO_BRANCH,
    CALL,
    RETURN,
    DO,
    LOOP,
    PLUS_LOOP,
    INDEX,
    OUTER_INDEX,
    ADD,
    SUB,
    MUL,
    DIV,
    MOD,
    NEGATE,
    AND,
    OR,
    XOR,
    INVERT,
    LSHIFT,
    RSHIFT,
    EQUAL,
    LESS,
    GREATER,
    ZERO_EQUAL,
    DUP,
    DROP,
    SWAP,
    OVER,
    ROT,
    PICK,
    DEPTH,
    TO_R,
    FROM_R,
    R_FETCH,
    FETCH,
    STORE,
    PLUS_STORE,
    DOT,
    EMIT,
    CR,
    TYPE,
    PRIMITIVES
};

static const char *const names[PRIMITIVES] = {
    "(lit)", "(branch)", "(0branch)", "(call)", "(return)", "(do)", "(loop)", "(+loop)", "i",      "j",      "+",
    "-",     "*",        "/",         "mod",    "negate",   "and",  "or",     "xor",     "invert", "lshift", "rshift",
    "=",     "<",        ">",         "0=",     "dup",      "drop", "swap",   "over",    "rot",    "pick",   "depth",
    ">r",    "r>",       "r@",        "@",      "!",        "+!",   ".",      "emit",    "cr",     "type"};

struct word {
    char name[20];
    int primitive; /* -1: code starts at start */
    int start;
};

static struct word words[WORDS];
static int word_count;
static int64_t memory[CELLS], stack[STACK], returns[STACK];
static int here, depth, return_depth, executed;
static const char *source;

static void fail(const char *why) {
    printf("\nerror: %s\n", why);
    exit(1);
}

static void push(int64_t v) {
    if (depth == STACK) fail("stack overflow");
    stack[depth++] = v;
}

static int64_t pop(void) {
    if (!depth) fail("stack underflow");
    return stack[--depth];
}

static int64_t *cell(int64_t address) {
    if (address < 0 || address >= CELLS) fail("bad address");
    return &memory[address];
}

static void compile(int64_t v) {
    *cell(here++) = v;
}

static int token(char *text) {
    int n = 0;
    while (isspace((unsigned char)*source)) source++;
    while (*source && !isspace((unsigned char)*source) && n < 19) text[n++] = *source++;
    text[n] = 0;
    return n;
}

static struct word *find(const char *name) {
    for (int i = word_count - 1; i >= 0; i--)
        if (strcmp(words[i].name, name) == 0) return &words[i];
    return NULL;
}

static void run(int pc) {
    int base = return_depth;
    for (;;) {
        int64_t op = memory[pc++], a, b;
        executed++;
        if (return_depth > STACK - 4) fail("return stack overflow");
        switch (op) {
        case LIT: push(memory[pc++]); break;
        case BRANCH: pc = (int)memory[pc]; break;
        case ZERO_BRANCH: pc = pop() ? pc + 1 : (int)memory[pc]; break;
        case CALL:
            returns[return_depth++] = pc + 1;
            pc = (int)memory[pc];
            break;
        case RETURN:
            if (return_depth == base) return;
            pc = (int)returns[--return_depth];
            break;
        case DO:
            a = pop(), b = pop();
            returns[return_depth++] = b;
            returns[return_depth++] = a;
            break;
        case LOOP:
        case PLUS_LOOP:
            a = op == LOOP ? 1 : pop();
            returns[return_depth - 1] += a;
            if (a > 0 ? returns[return_depth - 1] < returns[return_depth - 2]
                      : returns[return_depth - 1] >= returns[return_depth - 2])
                pc = (int)memory[pc];
            else
                return_depth -= 2, pc++;
            break;
        case INDEX: push(returns[return_depth - 1]); break;
        case OUTER_INDEX: push(returns[return_depth - 3]); break;
        case ADD: b = pop(), a = pop(), push((int64_t)((uint64_t)a + (uint64_t)b)); break;
        case SUB: b = pop(), a = pop(), push((int64_t)((uint64_t)a - (uint64_t)b)); break;
        case MUL: b = pop(), a = pop(), push((int64_t)((uint64_t)a * (uint64_t)b)); break;
        case DIV: b = pop(), a = pop(), push(b ? a / b : 0); break;
        case MOD: b = pop(), a = pop(), push(b ? a % b : 0); break;
        case NEGATE: push(-pop()); break;
        case AND: b = pop(), push(pop() & b); break;
        case OR: b = pop(), push(pop() | b); break;
        case XOR: b = pop(), push(pop() ^ b); break;
        case INVERT: push(~pop()); break;
        case LSHIFT: b = pop(), push((int64_t)((uint64_t)pop() << (b & 63))); break;
        case RSHIFT: b = pop(), push((int64_t)((uint64_t)pop() >> (b & 63))); break;
        case EQUAL: b = pop(), push(-(pop() == b)); break;
        case LESS: b = pop(), push(-(pop() < b)); break;
        case GREATER: b = pop(), push(-(pop() > b)); break;
        case ZERO_EQUAL: push(-(pop() == 0)); break;
        case DUP: a = pop(), push(a), push(a); break;
        case DROP: pop(); break;
        case SWAP: b = pop(), a = pop(), push(b), push(a); break;
        case OVER: b = pop(), a = pop(), push(a), push(b), push(a); break;
        case ROT: {
            int64_t c = pop();
            b = pop(), a = pop(), push(b), push(c), push(a);
            break;
        }
        case PICK:
            a = pop();
            if (a < 0 || a >= depth) fail("bad pick");
            push(stack[depth - 1 - a]);
            break;
        case DEPTH: push(depth); break;
        case TO_R: returns[return_depth++] = pop(); break;
        case FROM_R: push(returns[--return_depth]); break;
        case R_FETCH: push(returns[return_depth - 1]); break;
        case FETCH: push(*cell(pop())); break;
        case STORE: a = pop(), *cell(a) = pop(); break;
        case PLUS_STORE: a = pop(), *cell(a) += pop(); break;
        case DOT: printf("%ld ", pop()); break;
        case EMIT: putchar((int)pop()); break;
        case CR: putchar('\n'); break;
        case TYPE:
            b = pop(), a = pop();
            while (b-- > 0) putchar((int)*cell(a++));
            break;
        default: fail("bad code");
        }
    }
}

static int control[64], controls;

/* Words that act while compiling; 0 if it is none of them. */
static int compile_control(const char *t) {
    if (strcmp(t, "if") == 0)
        compile(ZERO_BRANCH), control[controls++] = here, compile(0);
    else if (strcmp(t, "else") == 0) {
        compile(BRANCH), compile(0);
        memory[control[controls - 1]] = here;
        control[controls - 1] = here - 1;
    } else if (strcmp(t, "then") == 0)
        memory[control[--controls]] = here;
    else if (strcmp(t, "begin") == 0)
        control[controls++] = here;
    else if (strcmp(t, "until") == 0)
        compile(ZERO_BRANCH), compile(control[--controls]);
    else if (strcmp(t, "while") == 0)
        compile(ZERO_BRANCH), control[controls++] = here, compile(0);
    else if (strcmp(t, "repeat") == 0) {
        int exit = control[--controls];
        compile(BRANCH), compile(control[--controls]);
        memory[exit] = here;
    } else if (strcmp(t, "do") == 0)
        compile(DO), control[controls++] = here;
    else if (strcmp(t, "loop") == 0)
        compile(LOOP), compile(control[--controls]);
    else if (strcmp(t, "+loop") == 0)
        compile(PLUS_LOOP), compile(control[--controls]);
    else if (strcmp(t, "exit") == 0)
        compile(RETURN);
    else if (strcmp(t, "recurse") == 0)
        compile(CALL), compile(words[word_count - 1].start);
    else if (strcmp(t, ".\"") == 0) {
        for (source++; *source != '"'; source++) compile(LIT), compile(*source), compile(EMIT);
        source++;
    } else
        return 0;
    return 1;
}

static void interpret(const char *text) {
    char t[20];
    int compiling = 0;
    for (source = text; token(t);) {
        if (strcmp(t, ":") == 0 || strcmp(t, "variable") == 0 || strcmp(t, "constant") == 0 ||
            strcmp(t, "array") == 0) {
            struct word *w = &words[word_count++];
            token(w->name);
            w->primitive = -1;
            w->start = here;
            if (t[0] == ':')
                compiling = 1;
            else {
                int64_t value = t[0] == 'v' ? 0 : pop();
                compile(LIT), compile(t[0] == 'c' ? value : here + 2), compile(RETURN);
                if (t[0] == 'v') compile(0);
                if (t[0] == 'a') here += (int)value;
            }
        } else if (strcmp(t, ";") == 0)
            compile(RETURN), compiling = 0;
        else if (strcmp(t, "(") == 0)
            while (*source++ != ')') continue;
        else if (compiling && compile_control(t))
            continue;
        else {
            struct word *w = find(t);
            char *end;
            int64_t number = strtol(t, &end, 0);
            int start = here;
            if (w && w->primitive >= 0)
                compile(w->primitive);
            else if (w)
                compile(CALL), compile(w->start);
            else if (!*end)
                compile(LIT), compile(number);
            else
                fail(t);
            if (!compiling) {
                compile(RETURN);
                run(start);
                here = start;
            }
        }
    }
}

static const char program[] =
    ": square dup * ; : cube dup square * ; 7 square . 3 cube . cr\n"
    ": fact ( n -- n! ) dup 2 < if drop 1 else dup 1 - recurse * then ; : facts 16 0 do i fact . loop cr ; facts\n"
    ": fib dup 2 < if exit then dup 1 - recurse swap 2 - recurse + ; : fibs 18 0 do i fib . loop cr ; fibs\n"
    ": gcd begin dup while swap over mod repeat drop ; 1071 462 gcd . 270 192 gcd . cr\n"
    "variable seed 12345 seed ! : random seed @ 1103515245 * 12345 + 0x7fffffff and dup seed ! ;\n"
    ": randoms 10 0 do random 1000 mod . loop cr ; randoms\n"
    "200 array numbers : fill 200 0 do random 10000 mod numbers i + ! loop ;\n"
    ": sort 199 0 do 199 i - 0 do numbers i + dup @ over 1 + @ over over > if rot dup >r ! r> 1 + ! else drop drop "
    "drop then loop loop ;\n"
    ": sorted 1 199 0 do numbers i + @ numbers i 1 + + @ > if drop 0 then loop ; : show 200 0 do numbers i + @ . 20 "
    "+loop cr ;\n"
    "fill sorted . sort sorted . show\n"
    "1000 array flags : sieve 1000 0 do 1 flags i + ! loop 32 2 do flags i + @ if i i * begin dup 1000 < while 0 over "
    "flags + ! i + repeat drop then loop ;\n"
    ": primes 0 1000 2 do flags i + @ + loop . ; sieve primes cr\n"
    ": table 6 1 do 6 1 do i j * . loop cr loop ; table\n"
    ": greet .\" hello from forth\" cr ; greet\n"
    ": collatz 0 swap begin dup 1 > while dup 1 and if 3 * 1 + else 2 / then swap 1 + swap repeat drop ; : lengths 20 "
    "1 do i collatz . loop cr ; lengths\n"
    "5 constant five five five * . 1 2 3 rot . . . 1 2 over . . . depth . 10 20 30 2 pick . drop drop drop cr\n"
    ": down 0 10 do i . -2 +loop cr ; down 1 40 lshift . -1 60 rshift . 5 invert . 12 10 xor . 3 4 = . 4 4 = . cr\n"
    ": ack over 0= if swap drop 1 + exit then dup 0= if drop 1 - 1 recurse exit then over swap 1 - recurse swap 1 - "
    "swap recurse ; 2 9 ack . cr\n";

int main(void) {
    for (int i = 0; i < PRIMITIVES; i++) {
        strcpy(words[word_count].name, names[i]);
        words[word_count++].primitive = i;
    }
    interpret(program);
    printf("%d executed, %d on the stack, %d cells\n", executed, depth, here);
    return 0;
}
