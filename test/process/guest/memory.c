/* memory.c - mappings as Linux has them: errors, edges, holes, files that shrink, what /proc says of them. */
#include "faults.h"
#include <fcntl.h>
#include <sys/resource.h>

enum { PAGE = 4096 };
static const int rw = PROT_READ | PROT_WRITE, anonymous = MAP_PRIVATE | MAP_ANONYMOUS;

static int look(volatile char *p) {
    int s = sigsetjmp(back, 1);
    return s ? s : (void)*p, s;
}

static void errors(void) {
    char *p = mmap(NULL, 4 * PAGE, rw, anonymous, -1, 0);
    CHECK(p != MAP_FAILED);
    CHECK(mmap(NULL, 0, rw, anonymous, -1, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, rw, MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, rw, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF);
    CHECK(mmap(p + 1, PAGE, rw, anonymous | MAP_FIXED, -1, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(p, PAGE, rw, anonymous | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST);
    CHECK(mmap(NULL, -(size_t)PAGE, rw, anonymous, -1, 0) == MAP_FAILED && errno == ENOMEM);
    CHECK((void *)syscall(SYS_mmap, 0, PAGE, rw, MAP_PRIVATE, 0, 1) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap((void *)-(uintptr_t)PAGE, PAGE, rw, anonymous | MAP_FIXED, -1, 0) == MAP_FAILED && errno == ENOMEM);
    CHECK_FAILS(munmap(p + 1, PAGE), EINVAL);
    CHECK_FAILS(munmap(p, 0), EINVAL);
    CHECK_FAILS(munmap(p, -(size_t)PAGE * 2), EINVAL);
    CHECK_FAILS(mprotect(p + 1, PAGE, rw), EINVAL);
    CHECK_IS(mprotect(p, 0, rw), 0);
    CHECK_FAILS(mprotect(p, PAGE, 0x1000), EINVAL);
    CHECK_IS(munmap(p + PAGE, PAGE), 0);
    CHECK_IS(munmap(p + PAGE, PAGE), 0); /* nothing there is fine */
    CHECK_FAILS(mprotect(p, 3 * PAGE, PROT_READ), ENOMEM);
    CHECK_IS(touch(p), SIGSEGV); /* what came before the hole has changed */
    CHECK_IS(touch(p + 2 * PAGE), 0);
    CHECK_FAILS(madvise(p, 3 * PAGE, MADV_DONTNEED), ENOMEM);
    CHECK_IS(p[2 * PAGE], 0); /* but behind it, too */
    CHECK_FAILS(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
    CHECK_FAILS(madvise(p, PAGE, 12345), EINVAL);
    CHECK_IS(madvise(p, 0, MADV_DONTNEED), 0);
    CHECK_FAILS(msync(p, 3 * PAGE, MS_SYNC), ENOMEM);
    CHECK_FAILS(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
    CHECK_FAILS(mlock(p, 3 * PAGE), ENOMEM);
    unsigned char vector[8];
    CHECK_FAILS(mincore(p, 3 * PAGE, vector), ENOMEM);
    CHECK_FAILS(mincore(p + 1, PAGE, vector), EINVAL);
    CHECK_IS(mincore(p + 2 * PAGE, PAGE + 5, vector), 0);
    int fd = open("/dev/null", O_RDONLY), directory = open("/", O_RDONLY);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, directory, 0) == MAP_FAILED && errno == ENODEV);
    close(fd), close(directory);
    munmap(p, 4 * PAGE);
}

static void remaps(void) {
    char *p = mmap(NULL, 8 * PAGE, rw, anonymous, -1, 0);
    for (int i = 0; i < 8; i++) p[i * PAGE] = (char)('a' + i);
    CHECK_FAILS(mremap(p, PAGE, 0, 0), EINVAL);
    CHECK_FAILS(mremap(p + 1, PAGE, PAGE, 0), EINVAL);
    CHECK_FAILS(mremap(p, 9 * PAGE, 16 * PAGE, MREMAP_MAYMOVE), EFAULT);
    CHECK_FAILS(mremap(p, PAGE, 2 * PAGE, 0), ENOMEM); /* its neighbour is itself */
    CHECK_FAILS(mremap(p, PAGE, PAGE, MREMAP_FIXED, p + PAGE), EINVAL);
    CHECK_FAILS(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE), EINVAL);
    CHECK(mremap(p, 8 * PAGE, 4 * PAGE, 0) == p); /* shrinks */
    CHECK_IS(look(p + 4 * PAGE), SIGSEGV);
    CHECK(mremap(p, 4 * PAGE, 6 * PAGE, 0) == p); /* grows back, empty */
    CHECK_IS(p[5 * PAGE], 0);
    CHECK_IS(p[3 * PAGE], 'd');
    char *q = mremap(p + PAGE, PAGE, 3 * PAGE, MREMAP_MAYMOVE); /* leaves a hole */
    CHECK(q != MAP_FAILED && q != p + PAGE);
    CHECK_IS(q[0], 'b');
    CHECK_IS(q[2 * PAGE], 0);
    CHECK_IS(look(p + PAGE), SIGSEGV);
    CHECK_IS(p[2 * PAGE], 'c');
    CHECK(mremap(q, 3 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE) == p + PAGE);
    CHECK_IS(p[PAGE], 'b');
    CHECK_IS(look(q + PAGE), SIGSEGV);
    char *shared = mmap(NULL, PAGE, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *twin = mremap(shared, 0, PAGE, MREMAP_MAYMOVE);
    CHECK(twin != MAP_FAILED && twin != shared);
    strcpy(shared, "seen twice");
    CHECK(!strcmp(twin, "seen twice"));
    CHECK_FAILS(mremap(p, 0, PAGE, MREMAP_MAYMOVE), EINVAL); /* private ones have no twins */
    munmap(p, 6 * PAGE);
}

static void files(void) {
    char name[] = "memory.tmp", word[8];
    int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600), readonly = open(name, O_RDONLY);
    unlink(name);
    CHECK_IS(ftruncate(fd, 3 * PAGE + 10), 0);
    CHECK(mmap(NULL, PAGE, rw, MAP_SHARED, readonly, 0) == MAP_FAILED && errno == EACCES);
    char *r = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, readonly, 0);
    CHECK_FAILS(mprotect(r, PAGE, rw), EACCES);
    char *s = mmap(NULL, 4 * PAGE, rw, MAP_SHARED, fd, 0), *p = mmap(NULL, 4 * PAGE, rw, MAP_PRIVATE, fd, 0);
    strcpy(s + PAGE, "shared");
    CHECK(!strcmp(p + PAGE, "shared"));
    strcpy(p + PAGE, "mine");
    CHECK(!strcmp(s + PAGE, "shared"));
    CHECK_IS(pread(fd, word, 7, PAGE), 7);
    CHECK(!strcmp(word, "shared"));
    CHECK_IS(s[3 * PAGE + 100], 0); /* the rest of the last page */
    CHECK_IS(ftruncate(fd, PAGE), 0);
    CHECK_IS(look(s + PAGE), SIGBUS);
    CHECK_IS(touch(s + 2 * PAGE), SIGBUS);
    CHECK_IS(look(s), 0);
    CHECK_IS(msync(s, 4 * PAGE, MS_SYNC), 0);
    close(fd), close(readonly);
    munmap(s, 4 * PAGE), munmap(p, 4 * PAGE), munmap(r, PAGE);
}

/* A mapping that grows downwards, on accesses, down to what lies below. */
static void growing(void) {
    char *area = mmap(NULL, 1024 * PAGE, PROT_NONE, anonymous | MAP_NORESERVE, -1, 0);
    munmap(area, 1024 * PAGE);
    char *low = mmap(area, PAGE, rw, anonymous | MAP_FIXED, -1, 0);
    char *top = mmap(area + 1000 * PAGE, PAGE, rw, anonymous | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
    CHECK(low == area && top == area + 1000 * PAGE);
    CHECK_IS(touch(top - 1), 0);
    CHECK_IS(touch(top - 100 * PAGE), 0);
    CHECK_IS(touch(top - 90 * PAGE), 0);         /* all of it is there */
    CHECK_IS(touch(area + 100 * PAGE), SIGSEGV); /* within the gap */
    CHECK_IS(touch(area + 300 * PAGE), 0);
}

static void brks(void) {
    char *start = sbrk(0);
    CHECK_IS(brk(start + 10 * PAGE), 0);
    start[10 * PAGE - 1] = 7;
    CHECK_IS(brk(start + 5), 0);
    CHECK_IS(look(start + 9 * PAGE), SIGSEGV);
    CHECK_IS(brk(start + 10 * PAGE), 0);
    CHECK_IS(start[10 * PAGE - 1], 0);
    CHECK_FAILS(brk((void *)-(uintptr_t)PAGE), ENOMEM);
    uintptr_t block = ((uintptr_t)start + 20 * PAGE) & -(uintptr_t)PAGE;
    CHECK(mmap((void *)block, PAGE, rw, anonymous | MAP_FIXED_NOREPLACE, -1, 0) == (void *)block);
    CHECK_FAILS(brk((void *)(block + 1)), ENOMEM);
    CHECK_IS(brk(start), 0);
    munmap((void *)block, PAGE);
}

/* The line of /proc/self/maps that holds the address. */
static bool maps_line(void *at, char line[600]) {
    FILE *f = fopen("/proc/self/maps", "r");
    bool found = false;
    while (!found && fgets(line, 600, f)) {
        unsigned long start, end;
        found = sscanf(line, "%lx-%lx", &start, &end) == 2 && start <= (uintptr_t)at && (uintptr_t)at < end;
    }
    fclose(f);
    return found;
}

static void shown(void) {
    char line[600], rights[5], path[512] = "", exe[512] = "", here;
    unsigned long start, end, offset, inode;
    unsigned major, minor;
    CHECK(maps_line((void *)(uintptr_t)shown, line));
    CHECK_IS(
        sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %511s", &start, &end, rights, &offset, &major, &minor, &inode, path),
        8);
    CHECK(!strcmp(rights, "r-xp"));
    CHECK(readlink("/proc/self/exe", exe, sizeof exe - 1) > 0);
    CHECK(!strcmp(path, exe));
    CHECK(maps_line(&here, line));
    CHECK(strstr(line, " rw-p ") && strstr(line, "[stack]"));
    CHECK(malloc(1000) && maps_line((char *)sbrk(0) - 1, line));
    CHECK(strstr(line, " rw-p ") && strstr(line, "[heap]"));
    int fd = memfd_create("m", 0);
    CHECK_IS(ftruncate(fd, 4 * PAGE), 0);
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, PAGE);
    CHECK(maps_line(p, line));
    CHECK_IS(sscanf(line, "%lx-%lx %4s %lx", &start, &end, rights, &offset), 4);
    CHECK(!strcmp(rights, "r-xs"));
    CHECK_IS(start, p);
    CHECK_IS(end, p + PAGE);
    CHECK_IS(offset, PAGE);
    munmap(p, PAGE);
    CHECK(!maps_line(p, line));
    CHECK(!maps_line((void *)16, line));
    close(fd);
}

int main(void) {
    signal(SIGSEGV, leave);
    signal(SIGBUS, leave);
    errors();
    remaps();
    files();
    growing();
    brks();
    shown();
    return done();
}
