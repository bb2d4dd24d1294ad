/* mmap and munmap: anonymous, private and shared file mappings, fixed addresses, holes, lengths that are no multiple of
 * a page, errors, msync, madvise, mincore. */
/* qemu: 7.2 ignores MAP_FIXED_NOREPLACE and accepts any advice */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "patient.h"

enum { PAGE = 4096 };

static void show(const char *what, long result) {
    printf("%s %ld", what, result);
    printf(result == -1 ? " errno %d\n" : "\n", errno);
}

static long mapped(void *p) {
    return p == MAP_FAILED ? -1 : 0;
}

int main(void) {
    unsigned char *a = mmap(NULL, 100 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned sum = 0;
    for (int i = 0; i < 100 * PAGE; i++) sum += a[i];
    printf("%d zero %u aligned %d\n", a != MAP_FAILED, sum, (uintptr_t)a % PAGE == 0);
    for (int i = 0; i < 100; i++) a[i * PAGE + i] = (unsigned char)(i + 1);
    show("hole", munmap(a + 10 * PAGE, 5 * PAGE));
    show("hole again", munmap(a + 10 * PAGE, 5 * PAGE));
    unsigned char *b =
        mmap(a + 11 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf("%d %d %d\n", b == a + 11 * PAGE, b[11], a[9 * PAGE + 9]);
    b = mmap(a + 20 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    show("no replace over a mapping", mapped(b));
    b = mmap(a + 13 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    show("no replace in the hole", mapped(b));
    b = mmap(a + 10 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("hint taken %d\n", b == a + 10 * PAGE);
    show("unaligned", mapped(mmap(a + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)));
    show("nothing", mapped(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
    show("no kind", mapped(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0)));
    show("bad descriptor", mapped(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0)));
    show("too much", mapped(mmap(NULL, (size_t)1 << 62, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
    show("munmap unaligned", munmap(a + 3, PAGE));
    show("munmap nothing", munmap(a, 0));

    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    static char text[3 * PAGE];
    for (int i = 0; i < 3 * PAGE; i++) text[i] = (char)('a' + i % 26);
    if (write(fd, text, 2 * PAGE + 100) != 2 * PAGE + 100) return 1;
    char *shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
    show("offset no multiple", mapped(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 100)));
    printf("%d %d %d\n", memcmp(shared, text, 2 * PAGE + 100), shared[2 * PAGE + 100], memcmp(private, text, 2 * PAGE));
    shared[PAGE + 5] = 'S';
    private[PAGE + 6] = 'P';
    char c[2];
    show("pread", pread(fd, c, 2, PAGE + 5));
    printf("%c%c %c %c %c\n", c[0], c[1], second[5], second[6], private[PAGE + 6]);
    show("pwrite", pwrite(fd, "W", 1, PAGE + 7));
    printf("%c %c\n", shared[PAGE + 7], second[7]);
    shared[2 * PAGE + 200] = 'x'; /* beyond the end of the file, within its last page */
    show("size", lseek(fd, 0, SEEK_END));
    show("msync", msync(shared, 3 * PAGE, MS_SYNC));
    unsigned char *gap = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(gap + PAGE, PAGE);
    show("msync of nothing", msync(gap, 3 * PAGE, MS_ASYNC));
    show("msync unaligned", msync(shared + 1, PAGE, MS_SYNC));
    int reader = open("file", O_RDONLY);
    show("writable from a reader", mapped(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, reader, 0)));
    char *copy = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0);
    copy[0] = '!';
    printf("%c %c\n", copy[0], shared[0]);
    close(fd);
    close(reader);
    shared[1] = 'k'; /* a mapping outlives its descriptor */
    printf("%c\n", private[1] == 'k' || private[1] == 'b' ? 'y' : 'n');

    int *common = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 1000; i++) common[i] = own[i] = i * 3;
        _exit(0);
    }
    waitpid(child, NULL, 0);
    sum = 0;
    for (int i = 0; i < 1000; i++) sum += (unsigned)common[i];
    printf("shared with a child %u, own %d\n", sum, own[500]);
    memset(a, 7, 4 * PAGE);
    show("don't need", madvise(a + PAGE, PAGE, MADV_DONTNEED));
    printf("%d %d %d\n", a[PAGE - 1], a[PAGE], a[2 * PAGE]);
    show("bad advice", madvise(a, PAGE, 12345));
    unsigned char resident[4];
    show("mincore", mincore(a, 4 * PAGE, resident));
    printf("%d\n", resident[0] & 1);
    gap = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(gap + PAGE, PAGE);
    show("mincore of a hole", mincore(gap, 3 * PAGE, resident));
    unsigned turns = 0;
    for (int i = 1; i < 400; i++) {
        size_t size = (size_t)(i * 1237 % 70 + 1) * 1000;
        unsigned char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        turns += p[0] + p[size - 1];
        p[0] = p[size - 1] = 1;
        munmap(p, size);
    }
    printf("%u\n", turns);
    return 0;
}
