/* utimensat, futimens, utimes, utime: set, omit, now; nanoseconds are kept; times move with writes and not with reads.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

static void show(const char *what, int result, const char *name) {
    struct stat st;
    printf("%s %d", what, result);
    if (result) printf(" errno %d", errno);
    if (lstat(name, &st) == 0)
        printf(": %ld.%09ld %ld.%09ld\n", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    else
        putchar('\n');
}

static int recent(struct timespec t) {
    time_t now = time(NULL);
    return t.tv_sec >= now - 100 && t.tv_sec <= now + 1;
}

int main(void) {
    int fd = open("file", O_CREAT | O_RDWR, 0600);
    if (symlink("file", "link")) return 1;
    struct timespec times[2] = {{1000000000, 123456789}, {1500000000, 987654321}};
    show("utimensat", utimensat(AT_FDCWD, "file", times, 0), "file");
    times[0] = (struct timespec){0, UTIME_OMIT};
    times[1] = (struct timespec){77, 1};
    show("omit access", utimensat(AT_FDCWD, "file", times, 0), "file");
    times[0] = (struct timespec){88, 2};
    times[1].tv_nsec = UTIME_OMIT;
    show("omit modification", utimensat(AT_FDCWD, "file", times, 0), "file");
    times[0].tv_nsec = UTIME_OMIT;
    show("omit both", utimensat(AT_FDCWD, "file", times, 0), "file");
    times[0] = times[1] = (struct timespec){1234567890, 999999999};
    show("futimens", futimens(fd, times), "file");
    times[0].tv_nsec = 1000000000;
    show("bad nanoseconds", futimens(fd, times), "file");
    times[0] = times[1] = (struct timespec){-5, 500000000};
    show("before 1970", futimens(fd, times), "file");
    times[0] = times[1] = (struct timespec){4000000000, 0};
    show("after 2106", futimens(fd, times), "file");
    times[0] = times[1] = (struct timespec){111, 0};
    show("the link", utimensat(AT_FDCWD, "link", times, AT_SYMLINK_NOFOLLOW), "link");
    show("not its target", 0, "file");
    struct timeval old[2] = {{333, 444444}, {555, 666666}};
    show("utimes", utimes("file", old), "file");
    show("lutimes", lutimes("link", old), "link");
    show("futimes", futimes(fd, old), "file");
    show("utime", utime("file", &(struct utimbuf){10, 20}), "file");
    show("missing", utime("nothing", NULL), "nothing");
    show("bad descriptor", futimens(99, NULL), "nothing");
    struct stat st;
    if (write(fd, "x", 1) != 1) return 2;
    fstat(fd, &st);
    printf("write moves modification %d, access stays %d, change %d\n", recent(st.st_mtim), st.st_atim.tv_sec == 10,
           recent(st.st_ctim));
    futimens(fd, (struct timespec[]){{1, 0}, {2, 0}});
    chmod("file", 0640);
    fstat(fd, &st);
    printf("chmod keeps both %d %d, change %d\n", st.st_atim.tv_sec == 1, st.st_mtim.tv_sec == 2, recent(st.st_ctim));
    int r = utimensat(AT_FDCWD, "file", NULL, 0);
    fstat(fd, &st);
    printf("now %d %d %d\n", r, recent(st.st_atim), recent(st.st_mtim));
    futimens(fd, (struct timespec[]){{1, 0}, {2, 0}});
    r = futimens(fd, (struct timespec[]){{0, UTIME_NOW}, {0, UTIME_OMIT}});
    fstat(fd, &st);
    printf("now and omit %d %d %d\n", r, recent(st.st_atim), st.st_mtim.tv_sec == 2);
    for (int i = 0; i < 50; i++) {
        struct timespec t[2] = {{i * 100000000L, i * 20000001L % 1000000000}, {i * 7, i}};
        futimens(fd, t);
        fstat(fd, &st);
        if (st.st_atim.tv_sec != t[0].tv_sec || st.st_atim.tv_nsec != t[0].tv_nsec || st.st_mtim.tv_nsec != i)
            printf("lost %d\n", i);
    }
    return 0;
}
