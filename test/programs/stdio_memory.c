/* fmemopen, open_memstream and fopencookie: streams that are not files. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ring {
    char data[64];
    size_t at, length;
    int closed;
};

static ssize_t ring_read(void *cookie, char *to, size_t n) {
    struct ring *r = cookie;
    if (n > r->length - r->at) n = r->length - r->at;
    if (n > 5) n = 5; /* short reads */
    memcpy(to, r->data + r->at, n);
    r->at += n;
    return (ssize_t)n;
}

static ssize_t ring_write(void *cookie, const char *from, size_t n) {
    struct ring *r = cookie;
    if (n > sizeof r->data - r->at) n = sizeof r->data - r->at;
    for (size_t i = 0; i < n; i++) r->data[r->at++] = (char)(from[i] ^ 32);
    if (r->at > r->length) r->length = r->at;
    return (ssize_t)n;
}

static int ring_seek(void *cookie, off64_t *offset, int whence) {
    struct ring *r = cookie;
    off64_t to = *offset + (whence == SEEK_CUR ? (off64_t)r->at : whence == SEEK_END ? (off64_t)r->length : 0);
    if (to < 0 || to > (off64_t)r->length) return -1;
    r->at = (size_t)(*offset = to);
    return 0;
}

static int ring_close(void *cookie) {
    ((struct ring *)cookie)->closed++;
    return 0;
}

int main(void) {
    char buffer[32];
    static const char *const modes[] = {"r", "w", "a", "r+", "w+", "a+"};
    for (int m = 0; m < 6; m++)
        for (size_t size = 4; size <= 32; size *= 2) {
            memset(buffer, '#', sizeof buffer);
            memcpy(buffer, "start", 6);
            FILE *f = fmemopen(buffer, size, modes[m]);
            if (!f) {
                printf("%s %zu not\n", modes[m], size);
                continue;
            }
            long at = ftell(f);
            int put = fputs("12345678", f);
            int flushed = fflush(f);
            clearerr(f);
            rewind(f);
            char back[40] = "";
            size_t n = fread(back, 1, 39, f);
            fclose(f);
            printf("%s %zu: at %ld put %d flush %d read %zu [", modes[m], size, at, put >= 0, flushed, n);
            for (size_t i = 0; i < size; i++) putchar(buffer[i] ? buffer[i] : '0');
            puts("]");
        }
    FILE *f = fmemopen((char[]){"3 4.5 word 0x1f"}, 15, "r");
    int a, x;
    double d;
    char word[16];
    int n = fscanf(f, "%d %lf %15s %i", &a, &d, word, &x);
    printf("%d: %d %g %s %d\n", n, a, d, word, x);
    fclose(f);

    char *text;
    size_t size;
    f = open_memstream(&text, &size);
    for (int i = 0; i < 3000; i++) {
        fprintf(f, "%d;", i);
        if (i % 500 == 0) {
            fflush(f);
            printf("%zu %zu %c\n", size, strlen(text), text[size - 1]);
        }
    }
    fseek(f, 5, SEEK_SET);
    fputs("<here>", f);
    fflush(f);
    printf("%zu %.20s\n", size, text);
    fseek(f, 0, SEEK_END);
    fputs("end", f);
    fclose(f);
    printf("%zu %s\n", size, text + size - 12);
    free(text);

    struct ring ring = {0};
    cookie_io_functions_t functions = {ring_read, ring_write, ring_seek, ring_close};
    f = fopencookie(&ring, "w+", functions);
    fputs("Through a Cookie\nSecond Line\n", f);
    fflush(f);
    printf("%zu [%.*s]\n", ring.length, (int)ring.length, ring.data);
    rewind(f);
    char line[40];
    while (fgets(line, sizeof line, f)) {
        for (char *p = line; *p; p++) *p ^= 32;
        fputs(line, stdout);
    }
    fseek(f, 8, SEEK_SET);
    long at = ftell(f);
    printf("%ld %c\n", at, fgetc(f) ^ 32);
    fclose(f);
    printf("closed %d\n", ring.closed);
    return 0;
}
