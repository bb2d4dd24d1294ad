/* Streams on files: every mode, positions, reading and writing in turn, ungetc, end and error marks, temporary files.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void show(const char *what, long result) {
    printf("%s %ld", what, result);
    printf(result == -1 ? " errno %d\n" : "\n", errno);
}

static void try_mode(const char *name, const char *mode) {
    errno = 0;
    FILE *f = fopen(name, mode);
    printf("%s %s: %s", name, mode, f ? "open" : "not");
    if (!f) {
        printf(" %d\n", errno);
        return;
    }
    long at = ftell(f);
    size_t wrote = fwrite("new", 1, 3, f);
    fflush(f);
    int write_error = ferror(f) != 0;
    clearerr(f);
    rewind(f);
    char text[32] = "";
    size_t read = fread(text, 1, 20, f);
    int read_error = ferror(f) != 0, end = feof(f) != 0;
    int closed = fclose(f);
    struct stat st;
    stat(name, &st);
    printf(" at %ld wrote %zu %d read %zu [%s] %d %d closed %d size %ld\n", at, wrote, write_error, read, text,
           read_error, end, closed, (long)st.st_size);
}

int main(void) {
    static const char *const modes[] = {"r", "r+", "w", "w+", "a", "a+", "rb", "r+b", "wx", "w+x", "re", "we", "q"};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        FILE *f = fopen("there", "w");
        fputs("old contents", f);
        fclose(f);
        try_mode("there", modes[i]);
        remove("absent");
        try_mode("absent", modes[i]);
    }
    FILE *f = fopen("lines", "w+");
    for (int i = 0; i < 2000; i++) fprintf(f, "line %d of the file\n", i);
    show("size", ftell(f));
    rewind(f);
    char line[64];
    int count = 0;
    long sum = 0;
    while (fgets(line, 17, f)) { /* shorter than some lines */
        count++;
        sum += (long)strlen(line);
    }
    printf("%d %ld %d\n", count, sum, feof(f) != 0);
    static const long offsets[] = {0, 1, 100, 4095, 4096, 4097, 20000};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        fseek(f, offsets[i], SEEK_SET);
        int a = fgetc(f);
        fseek(f, 10, SEEK_CUR);
        int b = fgetc(f);
        fseek(f, -offsets[i] - 1, SEEK_END);
        int c = fgetc(f);
        printf("%ld: %d %d %d at %ld\n", offsets[i], a, b, c, ftell(f));
    }
    show("before the start", fseek(f, -1, SEEK_SET));
    show("bad whence", fseek(f, 0, 7));
    fseek(f, 100, SEEK_END);
    fputc('!', f);
    show("a hole", ftell(f));
    fpos_t position;
    fseek(f, 50, SEEK_SET);
    fgetpos(f, &position);
    fputs("<overwritten>", f);
    fsetpos(f, &position);
    if (fgets(line, 30, f)) printf("[%s]\n", line);
    rewind(f);
    for (int i = 0; i < 10; i++) {
        int c = fgetc(f);
        ungetc(c ^ 32, f);
        int again = fgetc(f);
        printf("%c%c ", c, again);
    }
    show("\nungetc EOF", ungetc(EOF, f));
    fseek(f, 0, SEEK_END);
    show("at end", fgetc(f));
    ungetc('u', f);
    show("not at end", feof(f) != 0);
    show("pushed", fgetc(f));
    fclose(f);
    f = fopen("lines", "r");
    char *text = NULL;
    size_t room = 0;
    ssize_t n, total = 0;
    for (count = 0; (n = getline(&text, &room, f)) > 0; count++) total += n;
    printf("%d %zd\n", count, total);
    rewind(f);
    n = getdelim(&text, &room, 'f', f);
    printf("%zd %s\n", n, text);
    free(text);
    f = freopen("there", "r", f);
    if (f && fgets(line, sizeof line, f)) printf("%s\n", line);
    fclose(f);
    f = tmpfile();
    int numbers[100], back[100];
    for (int i = 0; i < 100; i++) numbers[i] = i * i;
    size_t items = fwrite(numbers, sizeof numbers[0], 100, f);
    rewind(f);
    size_t got = fread(back, sizeof back[0], 150, f);
    printf("%zu %zu %d %d\n", items, got, memcmp(numbers, back, sizeof back), feof(f) != 0);
    fclose(f);
    char name[] = "tempXXXXXX";
    int fd = mkstemp(name);
    f = fdopen(fd, "w");
    fputs("through a descriptor", f);
    show("fileno", fileno(f) == fd);
    fclose(f);
    f = fopen(name, "a+");
    fputs(" and appended", f);
    rewind(f);
    if (fgets(line, sizeof line, f)) puts(line);
    putw(12345, f);
    fclose(f);
    show("remove", remove(name));
    show("again", remove(name));
    f = fopen("/dev/full", "w");
    fputs("x", f);
    show("flush to a full device", fflush(f));
    fclose(f);
    f = fopen("/dev/null", "r+");
    show("null", fgetc(f));
    fclose(f);
    return 0;
}
