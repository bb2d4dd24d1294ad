/* memory.c - looks for a way to vee's memory through procfs: ends with the number of the first that is open, or 0. With
 * an argument it is root, and nobody else sees its mounts. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

static int way;

static void try_one(int folder, const char *path) {
    struct statfs fs;
    int fd = openat(folder, path, O_RDWR);
    way++;
    /* The guest's own memory is none of procfs's files: see test/process/guest/memory_file.c. */
    if (fd >= 0 && (fstatfs(fd, &fs) != 0 || fs.f_type == 0x9fa0)) _exit(way);
}

int main(int argc, char **argv) {
    char path[64];
    int proc = open("/proc", O_RDONLY), self = open("/proc/self", O_RDONLY);
    (void)argv;
    try_one(AT_FDCWD, "/proc/self/mem");
    try_one(AT_FDCWD, "/proc/thread-self/mem");
    try_one(AT_FDCWD, "/proc/self/root/proc/self/task/../mem");
    try_one(proc, "self/mem");
    try_one(self, "mem");
    snprintf(path, sizeof path, "/proc/self/fd/%d", open("/proc/self/mem", O_PATH));
    try_one(AT_FDCWD, path);
    if (fork() == 0) {
        snprintf(path, sizeof path, "/proc/%d/mem", getppid());
        try_one(AT_FDCWD, path);
        snprintf(path, sizeof path, "/proc/%d/task/%d/mem", getppid(), getppid());
        try_one(AT_FDCWD, path);
        _exit(0);
    }
    int status;
    wait(&status);
    if (status) return WEXITSTATUS(status);
    if (argc == 1) return 0;
    way = 100;
    fclose(fopen("file", "w"));
    if (mount("/proc/self/mem", "file", NULL, MS_BIND, NULL)) return 99;
    try_one(AT_FDCWD, "file");
    mkdir("elsewhere", 0755);
    if (mount("/proc", "elsewhere", NULL, MS_BIND | MS_REC, NULL)) return 98;
    try_one(AT_FDCWD, "elsewhere/self/mem");
    umount2("elsewhere", MNT_DETACH);
    umount2("file", MNT_DETACH);
    mkdir("root", 0755);
    if (chroot("root") || chdir("/")) return 97;
    try_one(proc, "self/mem"); /* which has no path here */
    try_one(self, "mem");
    mkdir("proc", 0755);
    if (mount("proc", "/proc", "proc", 0, NULL)) return 0; /* not every namespace may */
    try_one(AT_FDCWD, "/proc/self/mem");
    return 0;
}
