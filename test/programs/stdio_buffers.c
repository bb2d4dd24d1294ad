/* setvbuf in its three modes: when data reach the file; buffer sizes; fflush; interleaved streams and descriptors. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "patient.h"

static long size_of(const char *name) {
    struct stat st;
    return stat(name, &st) ? -1 : (long)st.st_size;
}

static void mode(const char *what, int kind, size_t size) {
    char *buffer = malloc(size + 1);
    FILE *f = fopen("file", "w");
    int set = setvbuf(f, size ? buffer : NULL, kind, size);
    printf("%s %zu: %d", what, size, set);
    fputs("abc", f);
    printf(" %ld", size_of("file"));
    fputs("\n", f);
    printf(" %ld", size_of("file"));
    for (int i = 0; i < 50; i++) fputc('x', f);
    printf(" %ld pending %zu", size_of("file"), __fpending(f));
    fputs("line\nrest", f);
    printf(" %ld", size_of("file"));
    fflush(f);
    printf(" %ld", size_of("file"));
    for (int i = 0; i < 500; i++) fprintf(f, "%d,", i);
    fclose(f);
    free(buffer);
    printf(" %ld\n", size_of("file"));
}

int main(void) {
    mode("none", _IONBF, 0);
    mode("line", _IOLBF, 0);
    mode("full", _IOFBF, 0);
    for (size_t size = 1; size < 5000; size = size * 8 + 1) {
        mode("line", _IOLBF, size);
        mode("full", _IOFBF, size);
    }
    FILE *f = fopen("mixed", "w");
    int fd = open("mixed", O_WRONLY | O_APPEND);
    for (int i = 0; i < 5; i++) {
        fprintf(f, "stream %d\n", i);
        fflush(f);
        dprintf(fd, "descriptor %d\n", i);
        fseek(f, 0, SEEK_END);
    }
    close(fd);
    fclose(f);
    f = fopen("mixed", "r");
    char line[80];
    while (fgets(line, sizeof line, f)) fputs(line, stdout);
    fclose(f);
    f = fopen("mixed", "r+");
    setvbuf(f, NULL, _IOFBF, 16);
    for (int i = 0; i < 40; i++) { /* write a byte, read a byte, with the obligatory seek in between */
        fputc('A' + i % 26, f);
        fseek(f, 0, SEEK_CUR);
        int c = fgetc(f);
        fseek(f, 0, SEEK_CUR);
        putchar(c == '\n' ? '|' : c);
    }
    putchar('\n');
    fclose(f);
    f = fopen("mixed", "r");
    while (fgets(line, sizeof line, f)) fputs(line, stdout);
    rewind(f);
    for (int c; (c = getc_unlocked(f)) != EOF;) putchar_unlocked(c == '\n' ? ';' : c);
    fclose(f);
    putchar('\n');
    fflush(stdout);
    if (write(1, "between\n", 8) != 8) return 1;
    puts("after");
    fcloseall();
    return 0;
}
