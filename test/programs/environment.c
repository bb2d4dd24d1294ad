/* The environment as it was given, getenv, setenv, putenv, unsetenv, clearenv, environ, secure_getenv. */
/* env: FIRST=one */
/* env: SECOND=two words and = signs */
/* env: EMPTY= */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static void show(const char *name) {
    const char *value = getenv(name);
    printf("%s: %s%s%s\n", name, value ? "[" : "none", value ? value : "", value ? "]" : "");
}

static int count(void) {
    int n = 0;
    for (char **e = environ; e && *e; e++) n++;
    return n;
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(int argc, char **argv, char **envp) {
    (void)argc, (void)argv;
    int same = envp == environ, start = count();
    printf("%d %d\n", same, start);
    char *names[64];
    int n = 0;
    for (char **e = envp; *e && n < 64; e++)
        if (strncmp(*e, "PATH=", 5) != 0) names[n++] = *e;
    qsort(names, (size_t)n, sizeof names[0], compare);
    for (int i = 0; i < n; i++) puts(names[i]);
    show("FIRST");
    show("SECOND");
    show("EMPTY");
    show("MISSING");
    show("FIRS");
    show("FIRST=");
    int r = setenv("NEW", "value", 0);
    printf("%d ", r);
    show("NEW");
    r = setenv("NEW", "other", 0);
    printf("%d ", r);
    show("NEW");
    r = setenv("NEW", "other", 1);
    printf("%d ", r);
    show("NEW");
    r = setenv("", "x", 1);
    printf("%d %d\n", r, errno == EINVAL);
    r = setenv("A=B", "x", 1);
    printf("%d %d\n", r, errno == EINVAL);
    static char own[] = "OWN=in my buffer";
    r = putenv(own);
    printf("%d ", r);
    show("OWN");
    memcpy(own + 4, "IN", 2); /* putenv does not copy */
    show("OWN");
    r = putenv("OWN");
    printf("%d ", r);
    show("OWN");
    r = unsetenv("FIRST");
    printf("%d %d ", r, count() - start);
    show("FIRST");
    for (int i = 0; i < 500; i++) {
        char name[16], value[32];
        snprintf(name, sizeof name, "V%d", i * 7 % 500);
        snprintf(value, sizeof value, "value %d", i);
        if (setenv(name, value, 1)) return 1;
    }
    printf("%d ", count() - start);
    show("V123");
    for (int i = 0; i < 500; i += 2) {
        char name[16];
        snprintf(name, sizeof name, "V%d", i);
        unsetenv(name);
    }
    printf("%d ", count() - start);
    show("V122");
    show("V499");
    char big[20000];
    memset(big, 'b', sizeof big - 1);
    big[sizeof big - 1] = 0;
    setenv("BIG", big, 1);
    printf("%zu %d\n", strlen(getenv("BIG")), secure_getenv("BIG") != NULL);
    clearenv();
    printf("%d ", count());
    show("SECOND");
    setenv("AFTER", "clear", 1);
    printf("%d ", count());
    show("AFTER");
    char *mine[] = {"X=1", "Y=2", NULL};
    environ = mine;
    show("Y");
    show("AFTER");
    return 0;
}
