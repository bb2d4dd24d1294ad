/* emulator.h - what an emulator that runs this program has in the same host process: its memory and its descriptors, as
 * a program of the host sees them. Where nothing emulates, that is next to nothing. */
#ifndef EMULATOR_H
#define EMULATOR_H

#include "check.h"
#include <fcntl.h>

static struct range { uint64_t start, end; } ranges[2048];
static unsigned range_count;
static int emulator_fds[64];
static unsigned emulator_fd_count;

static int host_pipe[2];

/* What `program path` prints, as a string; the program is the host's. */
static inline char *host_says(const char *program, const char *argument, const char *path) {
    static char text[1 << 18];
    int status, *fds = host_pipe;
    size_t n = 0;
    pid_t pid;
    CHECK_IS(pipe2(fds, O_CLOEXEC), 0);
    pid = fork(); /* which leaves no traces in this process's memory, as posix_spawn does */
    if (pid == 0) {
        dup2(fds[1], 1);
        execl(program, program, argument, path, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    for (ssize_t r; (r = read(fds[0], text + n, sizeof text - 1 - n)) > 0;) n += (size_t)r;
    text[n] = 0;
    close(fds[0]);
    CHECK_IS(waitpid(pid, &status, 0), pid);
    return text;
}

static inline void range_add(uint64_t start, uint64_t end) {
    if (range_count < sizeof ranges / sizeof *ranges) ranges[range_count++] = (struct range){start, end};
}

/* A list of mappings as procfs writes it; those without any right are address space, not memory. */
static inline unsigned ranges_parse(const char *text, struct range *to, unsigned room, bool with_rights) {
    unsigned n = 0;
    for (const char *line = text; *line && n < room; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : "") {
        unsigned long long start, end;
        char rights[5];
        if (sscanf(line, "%llx-%llx %4s", &start, &end, rights) != 3) continue;
        if (!with_rights || strncmp(rights, "---", 3) != 0) to[n++] = (struct range){start, end};
    }
    return n;
}

static inline bool ranges_hold(const struct range *r, unsigned n, uint64_t address) {
    for (unsigned i = 0; i < n; i++)
        if (address >= r[i].start && address < r[i].end) return true;
    return false;
}

/* Fills ranges: memory of this host process that the program does not know of. An emulator may keep the program's
 * memory elsewhere and add a number to every address; then that is found out, and taken off. */
static inline void emulator_memory(void) {
    static struct range host[1024], own[1024];
    static char text[1 << 18];
    char path[32];
    uint64_t add = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)getpid());
#ifndef __riscv
    return; /* nothing emulates, but memory comes and goes meanwhile */
#endif
    unsigned host_count = ranges_parse(host_says("/bin/cat", "--", path), host, 1024, true);
    FILE *f = fopen("/proc/self/maps", "r");
    CHECK(f != NULL);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    unsigned own_count = ranges_parse(text, own, 1024, true), held = 0;
    for (unsigned i = 0; i <= host_count && held < own_count; i++) { /* 0 is tried first */
        add = i ? host[i - 1].start - own[0].start : 0;
        for (held = 0; held < own_count && ranges_hold(host, host_count, own[held].start + add);) held++;
    }
    for (unsigned i = 0; i < host_count; i++) {
        if (ranges_hold(own, own_count, host[i].start - add)) continue;
        if (host[i].start >> 63) continue; /* the kernel's */
        range_add(host[i].start - add, host[i].end - add);
        if (add) range_add(host[i].start, host[i].end);
    }
}

/* Fills emulator_fds: descriptors that only the host knows. */
static inline void emulator_descriptors(void) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)getpid());
    for (const char *at = host_says("/bin/ls", "-1", path); *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : "") {
        int fd = atoi(at);
        if (fd > 2 && fd != host_pipe[0] && fd != host_pipe[1] && fcntl(fd, F_GETFD) < 0 &&
            emulator_fd_count < sizeof emulator_fds / sizeof *emulator_fds)
            emulator_fds[emulator_fd_count++] = fd;
    }
}

#endif
