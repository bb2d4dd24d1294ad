/* log_file.c - a stream that appends to a file, which is open only while something is written: no descriptor that the
 * guest could close or take for its own, and each process of the guest writes to the file of its id.
 */
#define _GNU_SOURCE
#include "cmd/cmd.h"
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* The name with the process's id in place of %d. */
static const char *name_now(const char *file, char name[PATH_MAX]) {
    const char *mark = strstr(file, "%d");
    if (!mark) return file;
    int n = snprintf(name, PATH_MAX, "%.*s%d%s", (int)(mark - file), file, (int)getpid(), mark + 2);
    return n < PATH_MAX ? name : file;
}

static ssize_t append(void *cookie, const char *bytes, size_t size) {
    char name[PATH_MAX];
    int fd = open(name_now(cookie, name), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return 0;
    ssize_t n = write(fd, bytes, size);
    close(fd);
    return n < 0 ? 0 : n;
}

FILE *log_file_open(const char *file) {
    char name[PATH_MAX];
    int fd = open(name_now(file, name), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return NULL;
    close(fd);
    FILE *out = fopencookie((void *)(uintptr_t)file, "w", (cookie_io_functions_t){.write = append});
    if (out) setvbuf(out, NULL, _IOLBF, BUFSIZ);
    return out;
}
