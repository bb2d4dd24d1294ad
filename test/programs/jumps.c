/* setjmp, longjmp, sigsetjmp: nested handlers, jumps over many frames, values kept, the signal mask saved or not. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static jmp_buf top, handlers[32];
static int depth;

static void descend(int n, int code) {
    volatile char frame[200];
    frame[n % 200] = (char)n;
    if (n == 0) longjmp(top, code);
    if (n > 0) descend(n - 1, code);
    frame[0]++;
}

/* A tiny exception mechanism on top of longjmp. */
static void throw(int code) {
    if (depth == 0) exit(99);
    longjmp(handlers[--depth], code);
}

static int guarded(int n) {
    volatile int result = n;
    int code = setjmp(handlers[depth]);
    if (code == 0) {
        depth++;
        if (n % 3 == 0) throw(n + 100);
        if (n > 0) result += guarded(n - 1);
        if (n % 5 == 1) throw(n + 200);
        depth--;
    } else {
        result = code * 2;
        if (n % 7 == 6) throw(code + 1);
    }
    return result;
}

static double float_state(double x) {
    double a = x * 1.5, b = x / 3;
    volatile double kept = a - b;
    if (setjmp(top) == 0) descend(20, 5);
    return kept + x;
}

int main(void) {
    for (volatile int i = 0; i < 50; i++) {
        int code = setjmp(top);
        if (code == 0) descend(i * 3, i - 10);
        printf("%d ", code);
    }
    putchar('\n');
    for (volatile int n = 0; n < 25; n++) {
        int code = setjmp(handlers[0]);
        if (code == 0) {
            depth = 1;
            printf("%d:%d ", n, guarded(n));
        } else
            printf("%d!%d ", n, code);
    }
    putchar('\n');
    for (int i = 0; i < 10; i++) printf("%.6f ", float_state(i + 0.25));
    putchar('\n');
    sigset_t mask, old;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    for (volatile int save = 0; save < 2; save++) {
        sigjmp_buf buffer;
        sigprocmask(SIG_SETMASK, NULL, &old);
        sigdelset(&old, SIGUSR1);
        sigprocmask(SIG_SETMASK, &old, NULL);
        if (sigsetjmp(buffer, save) == 0) {
            sigprocmask(SIG_BLOCK, &mask, NULL);
            siglongjmp(buffer, 1);
        }
        sigprocmask(SIG_BLOCK, NULL, &old);
        printf("saved %d: blocked %d\n", save, sigismember(&old, SIGUSR1));
    }
    volatile long count = 0;
    if (setjmp(top) < 2000) {
        count++;
        longjmp(top, (int)count);
    }
    printf("%ld\n", count);
    return 0;
}
