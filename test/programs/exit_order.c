/* atexit, on_exit, constructors, destructors, at_quick_exit, _exit: what runs, in which order, with which status. */
/* status: 42 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int counter;

__attribute__((constructor(101))) static void first(void) {
    printf("constructor 101, %d\n", counter++);
}
__attribute__((constructor(200))) static void second(void) {
    printf("constructor 200, %d\n", counter++);
}
__attribute__((constructor)) static void third(void) {
    printf("constructor, %d\n", counter++);
}
__attribute__((destructor(101))) static void last(void) {
    printf("destructor 101, %d\n", counter++);
}
__attribute__((destructor(200))) static void earlier(void) {
    printf("destructor 200, %d\n", counter++);
}

static void a(void) {
    printf("a %d\n", counter++);
}
static void b(void) {
    printf("b %d\n", counter++);
}
static void nested(void) {
    printf("nested %d\n", counter++);
    atexit(b); /* registered while exiting: runs next */
}
static void with_status(int status, void *argument) {
    printf("on_exit %d %s\n", status, (char *)argument);
}
static void quick(void) {
    printf("quick %d\n", counter++);
}
static void many(void) {
    counter++;
}

static int child(int how) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        switch (how) {
        case 0: exit(3);
        case 1: _exit(4);
        case 2: quick_exit(5);
        case 3: exit(256 + 7);
        case 4: exit(-1);
        case 5: printf("lost with _Exit"), _Exit(6);
        case 6: fclose(stdout), exit(8);
        default: abort();
        }
    }
    int status;
    if (waitpid(pid, &status, 0) != pid) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int main(void) {
    puts("main");
    atexit(a);
    atexit(nested);
    on_exit(with_status, "argument");
    at_quick_exit(quick);
    for (int i = 0; i < 100; i++) atexit(many);
    for (int i = 0; i < 8; i++) {
        int status = child(i);
        printf("child %d: %d\n", i, status);
    }
    atexit(b);
    exit(42);
}
