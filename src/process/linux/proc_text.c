/* proc_text.c - text for files of procfs: appended to a mapping that grows; read line by line. Out of memory is noted,
 * and the text ends there.
 */
#include "process/linux/proc.h"
#include <string.h>
#include <sys/mman.h>

enum { FIRST_ROOM = LIMIT_TEXT_ROOM };

static bool text_room(struct text *t, size_t size) {
    size_t room = t->room ? t->room : FIRST_ROOM;
    while (room <= t->used + size) room *= 2;
    if (t->failed || room == t->room) return !t->failed;
    void *at = t->bytes ? mremap(t->bytes, t->room, room, MREMAP_MAYMOVE)
                        : mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        t->failed = true;
        return false;
    }
    t->bytes = at;
    t->room = room;
    return true;
}

void text_free(struct text *t) {
    if (t->bytes) munmap(t->bytes, t->room);
    *t = (struct text){0};
}

void put_bytes(struct text *t, const void *bytes, size_t size) {
    if (!text_room(t, size)) return;
    memcpy(t->bytes + t->used, bytes, size);
    t->used += size;
}

void put(struct text *t, const char *text) {
    put_bytes(t, text, strlen(text));
}

void put_number(struct text *t, uint64_t v, unsigned base, unsigned width) {
    char digits[24];
    unsigned n = 0, at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[v % base];
        n++;
    } while ((v /= base) || n < width);
    put_bytes(t, digits + at, n);
}

void put_file(struct text *t, int fd) {
    uint64_t at = 0;
    while (text_room(t, FIRST_ROOM / 2)) {
        int64_t n = host_wait(SYS_pread64, fd, t->bytes + t->used, t->room - t->used - 1, at);
        if (n <= 0) break;
        t->used += (size_t)n;
        at += (uint64_t)n;
    }
    if (t->bytes) t->bytes[t->used] = 0;
}

bool text_line(char **rest, char **line) {
    char *end;
    if (!*rest || !**rest) return false;
    *line = *rest;
    end = strchr(*rest, '\n');
    *rest = end ? end + 1 : NULL;
    if (end) *end = 0;
    return true;
}

uint64_t take_number(const char **s, unsigned base) {
    uint64_t v = 0;
    for (;; ++*s) {
        const char c = **s;
        unsigned digit = 99;
        if (c >= '0' && c <= '9') digit = (unsigned)(c - '0');
        if (c >= 'a' && c <= 'f') digit = (unsigned)(c - 'a') + 10;
        if (digit >= base) return v;
        v = v * base + digit;
    }
}
