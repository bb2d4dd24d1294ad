/* proc_maps.c - the memory of a process as procfs shows it: maps, smaps, smaps_rollup, numa_maps.
 *
 * The host's file says what is where and how much of it is in memory; the records of the process say whose it is and
 * with which rights. One mapping of the host's may be several of the guest's, which differ in what only the guest
 * knows; the host's counts are then shown with the first of them.
 */
#include "process/linux/proc.h"
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

/** A line of the host's maps. */
struct host_mapping {
    uint64_t start, end; /* of what is the guest's, as guest addresses; nothing: start >= end */
    const char *path;
};

static const char *skip(const char *s, unsigned fields) {
    for (; fields; fields--) {
        while (*s == ' ') s++;
        while (*s && *s != ' ') s++;
    }
    while (*s == ' ') s++;
    return s;
}

/* False: not such a line. */
static bool take_mapping(const struct proc_view *v, const char *line, struct host_mapping *h) {
    const char *s = line;
    const uint64_t base = v->peek.space.base;
    uint64_t start = take_number(&s, 16);
    if (*s++ != '-') return false;
    uint64_t end = take_number(&s, 16);
    if (*s != ' ') return false;
    h->path = skip(s, 4); /* rights, offset, device, inode */
    h->start = start > base ? start - base : 0;
    h->end = end > base ? end - base : 0;
    if (h->end > v->peek.space.limit) h->end = v->peek.space.limit;
    return true;
}

static const char *label_of(const struct published_mapping *m, const char *path) {
    switch (memory_use(m->tag)) {
    case MEMORY_STACK: return "[stack]";
    case MEMORY_BRK: return "[heap]";
    case MEMORY_VDSO: return "[vdso]";
    default: return *path == '/' ? path : "";
    }
}

static void put_mapping(struct text *t, const struct process *p, const struct published_mapping *m, uint64_t from,
                        uint64_t to, const char *path) {
    enum { LABEL_COLUMN = 73 };
    const char *label = label_of(m, path);
    char shown[PATH_MAX];
    if (p->root.length && *label == '/' && strlen(label) < sizeof shown) {
        strcpy(shown, label);
        if (path_to_guest(p, shown)) label = shown;
    }
    size_t before = t->used;
    put_number(t, from, 16, 8);
    put(t, "-");
    put_number(t, to, 16, 8);
    put(t, " ");
    put(t, m->rights & SPACE_R ? "r" : "-");
    put(t, m->rights & SPACE_W ? "w" : "-");
    put(t, m->rights & SPACE_X ? "x" : "-");
    put(t, m->flags & MAPPING_SHARED ? "s " : "p ");
    put_number(t, m->dev ? m->offset + (from - m->start) : 0, 16, 8);
    put(t, " ");
    put_number(t, major(m->dev), 16, 2);
    put(t, ":");
    put_number(t, minor(m->dev), 16, 2);
    put(t, " ");
    put_number(t, m->dev ? m->ino : 0, 10, 1);
    do put(t, " ");
    while (*label && !t->failed && t->used - before < LABEL_COLUMN);
    put(t, label);
    put(t, "\n");
}

/* The guest's next piece of what the host has as one: in *m, up to *end; false: no more. */
static bool next_piece(const struct proc_view *v, const struct host_mapping *h, uint64_t *start, uint64_t *end,
                       const struct published_mapping **m) {
    *m = peek_next(&v->mappings, *start);
    if (!*m || (*m)->start >= h->end || *start >= h->end) return false;
    if ((*m)->start > *start) *start = (*m)->start;
    *end = (*m)->end < h->end ? (*m)->end : h->end;
    return true;
}

void show_maps(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t) {
    struct host_mapping h;
    const struct published_mapping *m;
    (void)n;
    view_mappings(v);
    for (char *rest = host->bytes, *line; text_line(&rest, &line);) {
        if (!take_mapping(v, line, &h)) continue;
        for (uint64_t end; next_piece(v, &h, &h.start, &end, &m); h.start = end)
            put_mapping(t, v->self, m, h.start, end, h.path);
    }
}

/* ---- details */

static bool is_detail(const char *line, const char *name) {
    size_t n = strlen(name);
    return !strncmp(line, name, n) && line[n] == ':';
}

/* A line of details with another number. */
static void put_detail(struct text *t, const char *line, uint64_t number) {
    enum { NUMBER_END = 24 };
    const char *digits = line + strcspn(line, "0123456789"), *unit = digits + strspn(digits, "0123456789");
    size_t name = strcspn(line, ":") + 1, width = 1;
    for (uint64_t v = number; v >= 10; v /= 10) width++;
    put_bytes(t, line, name);
    for (size_t at = name; at + width < NUMBER_END; at++) put(t, " ");
    put_number(t, number, 10, 1);
    put(t, unit);
    put(t, "\n");
}

/* The details of one piece; `first`: the host's counts are shown with it. */
static void put_details(struct text *t, const struct published_mapping *m, uint64_t size, bool first,
                        const char *details, const char *end) {
    while (details < end) {
        const char *line = details;
        details += strlen(line) + 1; /* the lines have been cut */
        bool flags = is_detail(line, "VmFlags"),
             page = is_detail(line, "KernelPageSize") || is_detail(line, "MMUPageSize");
        if (is_detail(line, "Size")) {
            put_detail(t, line, size >> 10);
        } else if (flags || page || first || is_detail(line, "THPeligible")) {
            put(t, line);
            if (flags && (m->rights & SPACE_X)) put(t, "ex ");
            put(t, "\n");
        } else {
            put_detail(t, line, 0);
        }
    }
}

void show_smaps(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t) {
    struct host_mapping h, next;
    const struct published_mapping *m;
    char *rest = host->bytes, *line, *details;
    (void)n;
    view_mappings(v);
    bool more = text_line(&rest, &line) && take_mapping(v, line, &h);
    while (more) {
        details = line + strlen(line) + 1;
        do more = text_line(&rest, &line);
        while (more && !take_mapping(v, line, &next));
        const char *end = more ? line : host->bytes + host->used;
        bool first = true;
        for (uint64_t stop; next_piece(v, &h, &h.start, &stop, &m); h.start = stop, first = false) {
            put_mapping(t, v->self, m, h.start, stop, h.path);
            put_details(t, m, stop - h.start, first, details, end);
        }
        h = next;
    }
}

/* ---- sums */

/* Adds up what the details of the guest's mappings say under the name of this line; false: there is no such detail. */
static bool detail_sum(const struct proc_view *v, const char *smaps, const char *end, const char *line, uint64_t *sum) {
    size_t name = strcspn(line, ":") + 1;
    struct host_mapping h;
    bool inside = false, found = false;
    *sum = 0;
    for (; smaps < end; smaps += strlen(smaps) + 1) {
        if (take_mapping(v, smaps, &h)) {
            const struct published_mapping *m = peek_next(&v->mappings, h.start);
            inside = h.start < h.end && m && m->start < h.end;
        } else if (inside && !strncmp(smaps, line, name)) {
            const char *digits = smaps + strcspn(smaps, "0123456789");
            *sum += take_number(&digits, 10);
            found = true;
        }
    }
    return found;
}

void show_rollup(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t) {
    struct text smaps = {0};
    char path[PATH_MAX + 8], *rest, *line;
    strcpy(stpcpy(path, n->folder), "/smaps");
    int64_t fd = host_wait(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    put_file(&smaps, (int)fd);
    host_wait(SYS_close, fd);
    for (rest = smaps.bytes; text_line(&rest, &line);) continue; /* cuts the lines */
    view_mappings(v);
    const struct peek_mappings *all = &v->mappings;
    rest = host->bytes;
    if (smaps.bytes && all->count && text_line(&rest, &line)) {
        put_number(t, all->first[0].start, 16, 8);
        put(t, "-");
        put_number(t, all->first[all->count - 1].end, 16, 8);
        put(t, " ---p 00000000 00:00 0                          [rollup]\n");
        for (uint64_t sum; text_line(&rest, &line);)
            if (detail_sum(v, smaps.bytes, smaps.bytes + smaps.used, line, &sum)) put_detail(t, line, sum);
    }
    text_free(&smaps);
}

void show_numa_maps(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t) {
    const uint64_t base = v->peek.space.base;
    (void)n;
    view_mappings(v);
    for (char *rest = host->bytes, *line; text_line(&rest, &line);) {
        const char *at = line;
        uint64_t start = take_number(&at, 16);
        if (start < base || !peek_find(&v->mappings, start - base)) continue;
        put_number(t, start - base, 16, 8);
        put(t, at);
        put(t, "\n");
    }
}
