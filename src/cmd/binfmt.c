/* binfmt.c - `vee binfmt`: has the kernel start programs of other architectures by this file, through binfmt_misc.
 *
 * An entry is registered with the flags P (the program's own argv[0] is kept), O and C (vee gets the program open, and
 * a set-user-id program its rights) and F (this file is opened now, so that it need not be in the roots that programs
 * are started in).
 */
#include "cmd/cmd.h"
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct entry {
    const char *name;         /* of the entry */
    const char *magic, *mask; /* in the kernel's notation */
} entries[] = {
    {"vee-riscv64", /* little-endian 64-bit ELF, a program or a position-independent one, for machine 243 */
     "\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xf3\\x00",
     "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff"},
};
static const char flags[] = "POCF", folder[] = "/proc/sys/fs/binfmt_misc/";

static int failed(const char *path, const char *what) {
    fprintf(stderr, "vee: %s: %s: %s\n", path, what, strerror(errno));
    return STATUS_USAGE;
}

/* Writes a line; 0 or an exit status, with a message. */
static int tell(const char *path, const char *line) {
    FILE *f = fopen(path, "we");
    if (!f) return failed(path, "cannot be opened");
    bool done = fputs(line, f) >= 0;
    int why = errno;
    if (fclose(f)) { /* what is written goes to the kernel now */
        done = false;
        why = errno;
    }
    errno = why;
    return done ? 0 : failed(path, "cannot be written");
}

static int check_mounted(void) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%sregister", folder);
    if (!access(path, F_OK)) return 0;
    fprintf(stderr, "vee: binfmt_misc is not mounted: as root, mount -t binfmt_misc binfmt_misc %.*s\n",
            (int)sizeof folder - 2, folder);
    return STATUS_USAGE;
}

static bool is_there(const struct entry *e) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", folder, e->name);
    return !access(path, F_OK);
}

static int entry_remove(const struct entry *e) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", folder, e->name);
    return is_there(e) ? tell(path, "-1\n") : 0;
}

static int entry_add(const struct entry *e) {
    enum { LINE_MOST = 1920 }; /* the kernel's limit */
    char path[PATH_MAX], self[PATH_MAX], line[PATH_MAX + 512];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0) return failed("/proc/self/exe", "cannot be read");
    self[n] = 0;
    if (strchr(self, ':')) {
        fprintf(stderr, "vee: %s: the kernel takes no path with a colon\n", self);
        return STATUS_USAGE;
    }
    if (snprintf(line, sizeof line, ":%s:M::%s:%s:%s:%s", e->name, e->magic, e->mask, self, flags) > LINE_MOST) {
        fprintf(stderr, "vee: %s: the path is too long for the kernel\n", self);
        return STATUS_USAGE;
    }
    int status = entry_remove(e);
    snprintf(path, sizeof path, "%sregister", folder);
    return status ? status : tell(path, line);
}

static int entry_show(const struct entry *e) {
    char path[PATH_MAX], line[256];
    snprintf(path, sizeof path, "%s%s", folder, e->name);
    FILE *f = fopen(path, "re");
    if (!f) return printf("%s: not registered\n", e->name), 1;
    printf("%s: ", e->name);
    for (unsigned i = 0; i < 3 && fgets(line, sizeof line, f); i++) { /* enabled, interpreter, flags */
        line[strcspn(line, "\n")] = 0;
        printf(i ? ", %s" : "%s", line);
    }
    putchar('\n');
    fclose(f);
    return 0;
}

int binfmt_command(char **words) {
    static const struct {
        const char *word;
        int (*act)(const struct entry *e);
    } verbs[] = {{"register", entry_add}, {"unregister", entry_remove}, {"status", entry_show}};
    size_t verb = 0, count = sizeof verbs / sizeof *verbs;
    while (words[0] && verb < count && strcmp(words[0], verbs[verb].word)) verb++;
    if (!words[0] || verb == count || words[1]) {
        fputs("vee: binfmt: say register, unregister or status\n", stderr);
        return STATUS_USAGE;
    }
    int status = check_mounted();
    for (size_t i = 0; !status && i < sizeof entries / sizeof *entries; i++) status = verbs[verb].act(&entries[i]);
    return status;
}
