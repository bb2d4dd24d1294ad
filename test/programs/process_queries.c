/* What a process asks the kernel: its personality, lists of robust locks, the link to its program. */
/* qemu: 7.2 always follows the link, and knows neither robust lists nor openat2 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long result) {
    printf("%s %ld", what, result);
    printf(result == -1 ? " errno %d\n" : "\n", errno);
}

/* Whether what is left of the time to wait is told. */
static void time_left(const char *what) {
    struct timeval time = {0, 20000};
    select(0, NULL, NULL, NULL, &time);
    printf("%s: %ld us left\n", what, (long)time.tv_usec);
}

static void personalities(void) {
    struct utsname names;
    time_left("at first");
    show("personality", personality(UINT32_MAX));
    show("sticky", personality(STICKY_TIMEOUTS));
    time_left("sticky");
    show("as before", personality(UNAME26));
    time_left("as before");
    uname(&names);
    printf("%.4s\n", names.release);
    show("old", personality(0));
}

static void links(void) {
    static const char program[] = "/proc/self/exe";
    struct stat st;
    struct open_how how = {.resolve = RESOLVE_NO_MAGICLINKS};
    show("no link", open(program, O_RDONLY | O_NOFOLLOW));
    int fd = open(program, O_PATH | O_NOFOLLOW);
    printf("the link %d\n", fstat(fd, &st) == 0 && S_ISLNK(st.st_mode));
    show("no magic", syscall(SYS_openat2, AT_FDCWD, program, &how, sizeof how));
    how.resolve = RESOLVE_NO_SYMLINKS;
    show("no links at all", syscall(SYS_openat2, AT_FDCWD, program, &how, sizeof how));
    char *const words[] = {"x", NULL};
    if (symlink("/nowhere", "dangling") || symlink(program, "there")) perror("symlink");
    show("not a link", syscall(SYS_execveat, AT_FDCWD, "dangling", words, words + 1, AT_SYMLINK_NOFOLLOW));
    show("nor this", syscall(SYS_execveat, AT_FDCWD, "there", words, words + 1, AT_SYMLINK_NOFOLLOW));
    show("nor that", syscall(SYS_execveat, AT_FDCWD, program, words, words + 1, AT_SYMLINK_NOFOLLOW));
    show("to nowhere", syscall(SYS_execveat, AT_FDCWD, "dangling", words, words + 1, 0));
    how.resolve = 0;
    printf("any %d\n",
           syscall(SYS_openat2, AT_FDCWD, program, &how, sizeof how) >= 0 || errno == ENOSYS || errno == EPERM);
    close(fd);
}

/* The kernel's struct pidfd_info, of which the beginning is looked at here. */
static void other_process(void) {
    struct {
        uint64_t mask, cgroup;
        uint32_t pid, tgid, ppid, more[9];
    } info = {.mask = 1};
    pid_t child = fork();
    if (child == 0) {
        for (;;) pause();
    }
    int fd = (int)syscall(SYS_pidfd_open, child, 0), r = ioctl(fd, _IOWR(0xff, 11, info), &info);
    show("pidfd", r); /* ENOTTY before Linux 6.13 */
    printf("%d\n", r < 0 || (info.pid == (uint32_t)child && info.ppid == (uint32_t)getpid()));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* What can only be read cannot be written, whoever makes the text. */
static void read_only(void) {
    static const char *const files[] = {"/proc/self/maps", "/proc/self/status", "/proc/self/cmdline", "/proc/cpuinfo"};
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        int fd = open(files[i], O_RDONLY);
        printf("%s: %d", files[i], fcntl(fd, F_GETFL) & O_ACCMODE);
        show("", write(fd, "x", 1));
        close(fd);
    }
}

static void lists(void) {
    void *head = NULL;
    size_t size = 0;
    pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, NULL, 0);
    show("own", syscall(SYS_get_robust_list, 0, &head, &size));
    printf("%zu\n", size);
    show("gone", syscall(SYS_get_robust_list, child, &head, &size));
    show("of the first process", syscall(SYS_get_robust_list, 1, &head, &size));
}

/* None of these is a name; who may not change it is told that first. */
static void names(void) {
    volatile long negative = -1, longer = 65;
    show("negative length", sethostname("x", (size_t)negative));
    show("too long", sethostname("x", (size_t)longer));
    show("of a domain", setdomainname("x", (size_t)negative));
    show("too long", setdomainname("x", (size_t)longer));
    show("nowhere", sethostname((const char *)-4096L, 3));
}

int main(void) {
    names();
    personalities();
    links();
    read_only();
    other_process();
    lists();
    return 0;
}
