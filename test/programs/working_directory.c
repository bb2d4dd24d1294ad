/* chdir, fchdir, getcwd with buffers of all sizes, relative paths after a change, a removed working directory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char start[PATH_MAX];

static void where(const char *what) {
    char buffer[PATH_MAX];
    char *p = getcwd(buffer, sizeof buffer);
    if (!p)
        printf("%s: errno %d\n", what, errno);
    else
        printf("%s: %s\n", what, strncmp(p, start, strlen(start)) == 0 ? p + strlen(start) : p);
}

int main(void) {
    if (!getcwd(start, sizeof start)) return 1;
    int home = open(".", O_RDONLY | O_DIRECTORY);
    if (mkdir("one", 0755) || mkdir("one/two", 0755) || symlink("one/two", "short")) return 2;
    where("start");
    printf("%d ", chdir("one"));
    where("one");
    printf("%d ", chdir("two"));
    where("two");
    printf("%d ", chdir("../.."));
    where("back");
    printf("%d ", chdir("short"));
    where("through a link");
    printf("%d ", chdir(".."));
    where("its parent");
    printf("%d ", fchdir(home));
    where("fchdir");
    int r = chdir("none");
    printf("%d %d\n", r, errno);
    close(open("file", O_CREAT | O_WRONLY, 0600));
    r = chdir("file");
    printf("%d %d\n", r, errno);
    r = fchdir(999);
    printf("%d %d\n", r, errno);
    size_t need = strlen(start) + 1;
    for (int difference = -3; difference <= 3; difference++) {
        size_t size = difference == -3 ? 0 : need + (size_t)difference;
        char *buffer = malloc(size + 1);
        char *p = getcwd(buffer, size);
        printf("%d %s %d\n", difference, p ? "fits" : "no", p ? 0 : errno);
        free(buffer);
    }
    char *made = getcwd(NULL, 0), *current = get_current_dir_name();
    printf("%d %d\n", strcmp(made, start), strcmp(current, start));
    free(made);
    free(current);
    for (int depth = 0; depth < 12; depth++)
        if (mkdir("a_directory_with_a_name", 0755) || chdir("a_directory_with_a_name")) return 3;
    where("deep");
    for (int depth = 0; depth < 12; depth++)
        if (chdir("..") || rmdir("a_directory_with_a_name")) return 4;
    where("up");
    if (mkdir("gone", 0755) || chdir("gone") || rmdir("../gone")) return 5;
    where("removed");
    r = open("x", O_CREAT | O_WRONLY, 0600);
    printf("%d %d\n", r, errno);
    r = chdir("..");
    printf("%d\n", r);
    fchdir(home);
    where("home");
    printf("%d ", chdir("/"));
    where("root");
    return 0;
}
