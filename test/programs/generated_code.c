/* Machine code written at run time: functions made in fresh memory, changed in place, moved, unmapped and made again at
 * the same address; the instruction cache is flushed each time, as portable code must. */
/* qemu: 7.2 does not see code that changes through another mapping */
#define _GNU_SOURCE
#include "machine_code.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "patient.h"

enum { PAGE = 4096 };

static void flush(unsigned char *p, size_t n) {
    __builtin___clear_cache((char *)p, (char *)p + n);
}

static unsigned char *map(void *at, int protection) {
    return mmap(at, 4 * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);
}

int main(void) {
    int wrong = 0;
    unsigned char *p = map(NULL, PROT_READ | PROT_WRITE | PROT_EXEC);
    if (p == MAP_FAILED) return 1;
    for (int i = 0; i < 500; i++) { /* the same address, different code */
        int n = i * 7919 - 100000;
        size_t size = emit_add(p, n);
        flush(p, size);
        wrong += call(p, i) != n + i;
    }
    printf("rewritten %d\n", wrong);
    for (int i = 0; i < 100; i++) flush(p + i * 64, emit_add(p + i * 64, i));
    long sum = 0;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 100; i++) sum = call(p + (i * 37 + round) % 100 * 64, sum) & 0xffffff;
        flush(p + round * 64, emit_add(p + round * 64, round * 1000)); /* one of a hundred changes each round */
    }
    printf("mixed %ld\n", sum);
    size_t size = emit_add(p + PAGE - 4, 5); /* across a page boundary */
    flush(p + PAGE - 4, size);
    printf("across %ld\n", call(p + PAGE - 4, 1));
    for (int i = 0; i < 50; i++) { /* written, then executable, then writable again */
        mprotect(p, PAGE, PROT_READ | PROT_WRITE);
        size = emit_add(p, i);
        mprotect(p, PAGE, PROT_READ | PROT_EXEC);
        flush(p, size);
        wrong += call(p, 10) != 10 + i;
    }
    printf("protected %d\n", wrong);
    for (int i = 0; i < 50; i++) { /* unmapped and mapped again at the same place */
        munmap(p, 4 * PAGE);
        if (map(p, PROT_READ | PROT_WRITE | PROT_EXEC) != p) return 2;
        size = emit_add(p + 128, -i);
        flush(p + 128, size);
        wrong += call(p + 128, 100) != 100 - i;
    }
    printf("remapped %d\n", wrong);
    unsigned char *q = map(NULL, PROT_READ | PROT_WRITE | PROT_EXEC);
    size = emit_add(p, 11);
    flush(p, size);
    wrong += call(p, 0) != 11;
    memcpy(q, p, size); /* position independent */
    flush(q, size);
    emit_add(p, 12);
    flush(p, size);
    printf("copied %ld %ld\n", call(q, 0), call(p, 0));
    int fd = memfd_create("code", 0);
    if (fd < 0 || ftruncate(fd, PAGE)) return 3;
    unsigned char *w = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
                  *x = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    for (int i = 0; i < 50; i++) { /* written through one mapping, run through another */
        size = emit_add(w + 256, i * i);
        flush(w + 256, size);
        flush(x + 256, size);
        wrong += call(x + 256, 1) != 1 + i * i;
    }
    printf("two views %d\n", wrong);
    unsigned char *moved = mremap(q, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p);
    printf("moved %ld\n", call(moved, 1000));
    return wrong != 0;
}
