/* The argument vector: count, order, the terminating null, the strings lie together and are writable; status. */
/* args: one two --three=3 * '"' $HOME \ é x=y - -- aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa */
/* status: 13 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv, char **envp) {
    printf("%d %d\n", argc, argv[argc] == NULL);
    uintptr_t low = UINTPTR_MAX, high = 0;
    for (int i = 1; i < argc; i++) {
        printf("%d %zu:", i, strlen(argv[i]));
        for (const unsigned char *p = (const unsigned char *)argv[i]; *p; p++) printf(*p < 128 ? "%c" : "<%02x>", *p);
        putchar('\n');
        if ((uintptr_t)argv[i] < low) low = (uintptr_t)argv[i];
        if ((uintptr_t)argv[i] > high) high = (uintptr_t)argv[i];
    }
    printf("%d %d %d\n", high - low<4096, (uintptr_t)envp>(uintptr_t) argv, envp == argv + argc + 1);
    printf("%d\n", argv[0] != NULL && strlen(argv[0]) > 0);
    FILE *f = fopen("/proc/self/cmdline", "r");
    char text[4096];
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    text[n] = 0;
    size_t at = strlen(text) + 1; /* past the name of the program */
    for (int i = 1; i < argc && at < n; i++, at += strlen(text + at) + 1) printf("%s|", text + at);
    putchar('\n');
    argv[1][0] = 'O';
    strcpy(argv[2], "2");
    printf("%s %s %s\n", argv[1], argv[2], argv[3]);
    return argc;
}
