/* mkdir, rmdir, opendir and its kin, scandir, nftw, relative calls, errors. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void show(const char *what, long result) {
    printf("%s %ld", what, result);
    printf(result == -1 ? " errno %d\n" : "\n", errno);
}

static void touch(const char *name) {
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (fd < 0) exit(1);
    close(fd);
}

static int not_hidden(const struct dirent *e) {
    return e->d_name[0] != '.';
}
static int by_length(const struct dirent **a, const struct dirent **b) {
    size_t x = strlen((*a)->d_name), y = strlen((*b)->d_name);
    return x != y ? (x > y) - (x < y) : strcmp((*a)->d_name, (*b)->d_name);
}

static void list(const char *name) {
    struct dirent **entries;
    int n = scandir(name, &entries, not_hidden, alphasort);
    printf("%s: %d:", name, n);
    for (int i = 0; i < n; i++) {
        printf(" %s%s", entries[i]->d_name,
               entries[i]->d_type == DT_DIR   ? "/"
               : entries[i]->d_type == DT_LNK ? "@"
                                              : "");
        free(entries[i]);
    }
    putchar('\n');
    if (n >= 0) free(entries);
}

static int files, directories, deepest;

static int walk(const char *path, const struct stat *st, int type, struct FTW *where) {
    (void)path, (void)st;
    if (type == FTW_F) files++;
    if (type == FTW_DP) directories++;
    if (where->level > deepest) deepest = where->level;
    return remove(path);
}

int main(void) {
    show("mkdir", mkdir("top", 0755));
    show("again", mkdir("top", 0755));
    show("no parent", mkdir("none/sub", 0755));
    show("mkdirat", mkdirat(AT_FDCWD, "top/b", 0700));
    for (int i = 0; i < 100; i++) {
        char name[64];
        snprintf(name, sizeof name, "top/file_with_a_longer_name_%d", i * 37 % 1000);
        touch(name);
    }
    touch("top/b/inner");
    if (symlink("b", "top/link")) return 1;
    DIR *d = opendir("top");
    int count = 0, dots = 0, wrong = 0;
    unsigned sum = 0;
    for (struct dirent *e; (e = readdir(d)); count++) {
        struct stat st;
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW)) return 2;
        wrong += strcmp(e->d_name, "..") && st.st_ino != e->d_ino;
        dots += strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
        for (char *p = e->d_name; *p; p++) sum += (unsigned char)*p;
    }
    printf("%d %d %d %u\n", count, dots, wrong, sum);
    rewinddir(d);
    for (int i = 0; i < 20; i++) readdir(d);
    long place = telldir(d);
    struct dirent *e = readdir(d);
    char expected[256];
    strcpy(expected, e->d_name);
    for (int i = 0; i < 20; i++) readdir(d);
    seekdir(d, place);
    e = readdir(d);
    printf("seekdir %d\n", strcmp(expected, e->d_name));
    closedir(d);
    for (int i = 0; i < 100; i++) {
        char name[64];
        snprintf(name, sizeof name, "top/file_with_a_longer_name_%d", i * 37 % 1000);
        if (i % 10) unlink(name);
    }
    list("top");
    list("top/b");
    list("nowhere");
    struct dirent **entries;
    int n = scandir("top", &entries, not_hidden, by_length);
    for (int i = 0; i < n; i += 3) printf("%s ", entries[i]->d_name);
    putchar('\n');
    int fd = open("top", O_RDONLY | O_DIRECTORY);
    show("openat", openat(fd, "b/inner", O_RDONLY) > fd);
    show("not a directory", open("top/b/inner", O_RDONLY | O_DIRECTORY));
    show("write a directory", open("top", O_WRONLY));
    char byte;
    show("read a directory", read(fd, &byte, 1));
    show("not empty", rmdir("top"));
    show("rmdir a file", rmdir("top/b/inner"));
    show("unlink a directory", unlink("top/b"));
    show("unlinkat a file", unlinkat(fd, "b/inner", 0));
    show("unlinkat a directory", unlinkat(fd, "b", AT_REMOVEDIR));
    show("opendir of nothing", opendir("top/b") ? 0 : -1);
    char deep[400] = "top";
    for (int i = 0; i < 12; i++) {
        strcat(deep, "/level");
        if (mkdir(deep, 0755)) return 3;
    }
    strcat(deep, "/bottom");
    touch(deep);
    show("nftw", nftw("top", walk, 8, FTW_DEPTH | FTW_PHYS));
    printf("%d files %d directories %d deep\n", files, directories, deepest);
    show("gone", access("top", F_OK));
    return 0;
}
