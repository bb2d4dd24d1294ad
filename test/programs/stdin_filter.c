/* Reads standard input by characters, lines and blocks: word counts, numbers added, the last line has no newline. */
/* stdin: The first line\nsecond line with 12 and 30\n\n\tindented -5 line\nlong:
 * aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nlast one */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    char line[32];
    int c = getchar();
    printf("first %c\n", c);
    ungetc(c, stdin);
    int words = 0, inside = 0, lines = 0, characters = 0;
    for (int i = 0; i < 15 && (c = getchar()) != EOF; i++) putchar(toupper(c));
    long sum = 0;
    while (fgets(line, sizeof line, stdin)) {
        size_t n = strlen(line);
        lines += n && line[n - 1] == '\n';
        characters += (int)n;
        for (char *p = line; *p; p++) {
            if (!isspace((unsigned char)*p) && !inside) words++;
            inside = !isspace((unsigned char)*p);
            if (isdigit((unsigned char)*p) && (p == line || !isdigit((unsigned char)p[-1])))
                sum += p > line && p[-1] == '-' ? -strtol(p, NULL, 10) : strtol(p, NULL, 10);
        }
        printf("%2zu [%.*s]\n", n, (int)strcspn(line, "\n"), line);
    }
    printf("%d lines, %d words, %d characters, sum %ld, end %d, error %d\n", lines, words, characters, sum,
           feof(stdin) != 0, ferror(stdin) != 0);
    printf("%d %d\n", getchar(), fgetc(stdin));
    off_t at = lseek(0, 0, SEEK_SET); /* it is a file: read it again with system calls */
    clearerr(stdin);
    char block[7];
    unsigned hash = 1;
    ssize_t n, total = 0;
    while ((n = read(0, block, sizeof block)) > 0) {
        for (ssize_t i = 0; i < n; i++) hash = hash * 31 + (unsigned char)block[i];
        total += n;
    }
    printf("%ld %zd %u %d\n", (long)at, total, hash, isatty(0));
    return 0;
}
