/* perf.c - tells the profiler perf what host code is: a line of /tmp/perf-PID.map, or a record of jit-PID.dump, for
 * each unit. Files are open only while something is written, as descriptors belong to the guest; a process that was
 * forked has files of its own. What cannot be written is left out.
 *
 * jit-PID.dump is perf's format "jitdump", version 1: a header, then records of code with the time at which it was
 * made. perf finds it by a mapping with the right to execute, which stays.
 */
#include "engine/internal.h"
#include "base/os.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DUMP_MAGIC = 0x4a695444, DUMP_VERSION = 1, DUMP_CODE = 0, MARKER_SIZE = 4096, NAME_MOST = 32 };

struct dump_header {
    uint32_t magic, version, size, machine, zero, pid;
    uint64_t time, flags;
};
struct dump_code {
    uint32_t id, size;
    uint64_t time;
    uint32_t pid, tid;
    uint64_t vma, address, length, index;
    /* the name with its end; the code */
};

struct perf {
    bool map, dump;
    pid_t owner; /* the process that the files were begun for */
    uint64_t index;
    char folder[PATH_MAX]; /* of the dump */
};

bool perf_make(struct engine *e, struct error *error) {
    if (!e->config.perfmap && !e->config.jitdump) return true;
    e->perf = os_alloc(sizeof *e->perf);
    if (!e->perf) return error_set(error, ERROR_RESOURCES, "out of memory");
    e->perf->map = e->config.perfmap;
    e->perf->dump = e->config.jitdump;
    if (!getcwd(e->perf->folder, sizeof e->perf->folder)) strcpy(e->perf->folder, "/tmp");
    return true;
}

void perf_free(struct engine *e) {
    os_free(e->perf);
}

static int append_open(const char *path, int more) {
    return open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | more, 0644);
}

static void append(int fd, const void *bytes, size_t size) {
    if (write(fd, bytes, size) != (ssize_t)size) return; /* a profile with a hole */
}

static void map_unit(int fd, const struct unit *u, const uint8_t *code, size_t size) {
    char line[128];
    int n = snprintf(line, sizeof line, "%llx %zx guest_%llx\n", (unsigned long long)(uintptr_t)code, size,
                     (unsigned long long)u->pc);
    append(fd, line, (size_t)n);
}

static void dump_begin(struct engine *e, int fd) {
    const struct dump_header h = {.magic = DUMP_MAGIC,
                                  .version = DUMP_VERSION,
                                  .size = sizeof h,
                                  .machine = e->host->machine,
                                  .pid = (uint32_t)getpid(),
                                  .time = os_nanoseconds()};
    append(fd, &h, sizeof h);
    mmap(NULL, MARKER_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    e->perf->index = 0;
}

static void dump_unit(struct engine *e, int fd, const struct unit *u, const uint8_t *code, size_t size) {
    char name[NAME_MOST];
    size_t name_size = (size_t)snprintf(name, sizeof name, "guest_%llx", (unsigned long long)u->pc) + 1;
    const struct dump_code c = {.id = DUMP_CODE,
                                .size = (uint32_t)(sizeof c + name_size + size),
                                .time = os_nanoseconds(),
                                .pid = (uint32_t)getpid(),
                                .tid = (uint32_t)gettid(),
                                .vma = (uintptr_t)code,
                                .address = (uintptr_t)code,
                                .length = size,
                                .index = e->perf->index++};
    uint8_t *record = os_alloc(c.size);
    if (!record) return;
    memcpy(record, &c, sizeof c);
    memcpy(record + sizeof c, name, name_size);
    memcpy(record + sizeof c + name_size, code, size);
    append(fd, record, c.size);
    os_free(record);
}

/* Both files are begun by the first unit of a process; one that was forked has its parent's units, too. */
void perf_unit(struct engine *e, const struct unit *u) {
    char path[PATH_MAX + 32];
    struct perf *p = e->perf;
    bool begin = p->owner != getpid();
    int map = -1, dump = -1;
    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    if (p->map) map = append_open(path, begin ? O_TRUNC : 0);
    snprintf(path, sizeof path, "%s/jit-%d.dump", p->folder, (int)getpid());
    if (p->dump) dump = append_open(path, begin ? O_TRUNC : 0);
    if (begin && dump >= 0) dump_begin(e, dump);
    p->owner = getpid();
    const struct unit *const only[] = {u}, *const *units = begin ? (const struct unit *const *)e->by_address : only;
    for (uint32_t i = 0; i < (begin ? e->nby : 1); i++) {
        const uint8_t *code = e->execute + units[i]->poll_entry;
        size_t size = units[i]->end - units[i]->poll_entry;
        if (map >= 0) map_unit(map, units[i], code, size);
        if (dump >= 0) dump_unit(e, dump, units[i], code, size);
    }
    if (map >= 0) close(map);
    if (dump >= 0) close(dump);
}
