/* rename, link, unlink, symlink, readlink, realpath and their errors. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void show(const char *what, long result) {
    printf("%s %ld", what, result);
    printf(result == -1 ? " errno %d\n" : "\n", errno);
}

static void put(const char *name, const char *text) {
    FILE *f = fopen(name, "w");
    fputs(text, f);
    fclose(f);
}

static void get(const char *name) {
    FILE *f = fopen(name, "r");
    char line[64] = "(none)";
    if (f && !fgets(line, sizeof line, f)) strcpy(line, "(empty)");
    if (f) fclose(f);
    printf("%s = %s\n", name, line);
}

int main(void) {
    put("a", "contents of a");
    put("b", "contents of b");
    mkdir("d", 0755);
    mkdir("e", 0755);
    put("d/x", "in d");
    show("rename", rename("a", "c"));
    get("a");
    get("c");
    show("over", rename("c", "b"));
    get("b");
    show("missing", rename("a", "z"));
    show("file over directory", rename("b", "d"));
    show("directory over file", rename("d", "b"));
    show("into itself", rename("d", "d/sub"));
    show("empty over full", rename("e", "d"));
    show("full over empty", rename("d", "e"));
    get("e/x");
    show("to the same", rename("b", "b"));
    put("p", "p");
    put("q", "q");
    show("exchange", renameat2(AT_FDCWD, "p", AT_FDCWD, "q", RENAME_EXCHANGE));
    get("p");
    get("q");
    show("no replace", renameat2(AT_FDCWD, "p", AT_FDCWD, "q", RENAME_NOREPLACE));
    show("link", link("b", "l"));
    show("again", link("b", "l"));
    show("of a directory", link("e", "f"));
    put("l", "through the link");
    get("b");
    show("unlink", unlink("b"));
    get("l");
    show("unlink twice", unlink("b"));
    show("symlink", symlink("l", "s"));
    show("symlink exists", symlink("l", "s"));
    show("empty target", symlink("", "t"));
    show("chain", symlink("s", "ss"));
    get("ss");
    char target[16] = "";
    ssize_t n = readlink("ss", target, sizeof target);
    printf("%zd %.*s\n", n, (int)n, target);
    show("long", symlink("a/much/longer/target/than/the/buffer", "m"));
    n = readlink("m", target, 10);
    printf("%zd %.*s\n", n, (int)n, target);
    show("not a link", readlink("l", target, sizeof target));
    show("no room", readlink("s", target, 0));
    show("linkat follow", linkat(AT_FDCWD, "s", AT_FDCWD, "hard", AT_SYMLINK_FOLLOW));
    show("linkat of link", linkat(AT_FDCWD, "s", AT_FDCWD, "soft", 0));
    struct stat st;
    lstat("hard", &st);
    printf("%d ", S_ISREG(st.st_mode));
    lstat("soft", &st);
    printf("%d %ld\n", S_ISLNK(st.st_mode), (long)st.st_nlink);
    show("loop", symlink("loop2", "loop1") | symlink("loop1", "loop2"));
    show("open loop", open("loop1", O_RDONLY));
    show("open nofollow", open("s", O_RDONLY | O_NOFOLLOW));
    int fd = open("s", O_PATH | O_NOFOLLOW);
    n = readlinkat(fd, "", target, sizeof target);
    printf("%zd %.*s\n", n, (int)n, target);
    close(fd);
    char here[PATH_MAX], full[PATH_MAX];
    if (!getcwd(here, sizeof here)) return 1;
    static const char *const paths[] = {".",        "ss",    "e/../s", "e/./x",           "none",
                                        "e/none/x", "loop1", "/",      "/dev/../dev/null"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char *p = realpath(paths[i], full);
        if (!p)
            printf("%s: errno %d\n", paths[i], errno);
        else
            printf("%s: %s\n", paths[i], strncmp(p, here, strlen(here)) == 0 ? p + strlen(here) : p);
    }
    return 0;
}
