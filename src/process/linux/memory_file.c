/* memory_file.c - /proc/PID/mem: a process's memory as a file, with the guest's addresses and rights.
 *
 * The host's file would lead to vee's memory. What the guest gets instead is an empty, sealed memory file, which has
 * the file's mode, its position and the process (its owner for signals, so the host keeps numbers of processes apart).
 * Reads of it end at once and writes are refused; only then is looked whether the descriptor is such a file, and the
 * memory read or written. So other calls pay nothing, it does not matter how a descriptor got where it is (dup, fork,
 * messages, exec), and who does not know of this, reads nothing.
 *
 * Linux takes no notice of rights here: what is private is written though it is read-only. The host's file does the
 * same if vee opens it for the moment; where others could use its number meanwhile, a thread of vee's does that, which
 * has descriptors of its own. Without procfs what is the program's own is done by hand.
 *
 * The same way leads past the write protection of another process's page from which code has run (process_vm_writev).
 * Programs that are executed later have another memory: the name has the one that is meant.
 */
#include "base/os.h"
#include "engine/engine.h"
#include "process/linux/proc.h"
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };
static const char file_name[] = "vee-mem:", link_start[] = "/memfd:vee-mem:", link_end[] = " (deleted)";

/** Whose memory it is. */
struct owner {
    int pid;
    uint64_t key;
};

/* ---- the file */

static void put_folder(char folder[FD_PATH], int pid) {
    put_digits(stpcpy(folder, "/proc/"), (uint64_t)pid);
}

int64_t memory_file_make(struct process *p, const struct proc_name *n, uint32_t flags) {
    struct view_extent e;
    struct f_owner_ex owner = {F_OWNER_PID, n->pid};
    char name[64], link[FD_PATH];
    if (!view_extent_of(p, n, &e)) return -EACCES;
    *put_digits(stpcpy(put_digits(stpcpy(name, file_name), (uint64_t)n->pid), ":"), e.key) = 0;
    int64_t fd = host_wait(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return fd;
    host_wait(SYS_fchmod, fd, 0600);
    host_do(SYS_fcntl, fd, F_ADD_SEALS, SEALS);
    fd_path(link, (int)fd);
    int64_t r = host_wait(SYS_openat, AT_FDCWD, link, (flags & O_ACCMODE) | O_CLOEXEC);
    host_wait(SYS_close, fd);
    if (r >= 0 && host_do(SYS_fcntl, r, F_SETOWN_EX, &owner) != 0) {
        host_wait(SYS_close, r);
        r = -EACCES;
    }
    return r;
}

static bool name_parse(const char *link, struct owner *o) {
    size_t start = sizeof link_start - 1;
    if (strncmp(link, link_start, start) != 0) return false;
    const char *at = link + start;
    o->pid = (int)take_number(&at, 10);
    if (*at++ != ':') return false;
    o->key = take_number(&at, 10);
    return !strcmp(at, link_end);
}

size_t memory_file_link(char text[PATH_MAX]) {
    struct owner o;
    char folder[FD_PATH];
    if (!name_parse(text, &o)) return 0;
    put_folder(folder, o.pid);
    return (size_t)(stpcpy(stpcpy(text, folder), "/mem") - text);
}

static bool owner_of(int fd, struct owner *o) {
    char path[FD_PATH], link[128];
    struct f_owner_ex owner;
    if (host_wait(SYS_fcntl, fd, F_GET_SEALS) != SEALS) return false;
    fd_path(path, fd);
    int64_t length = host_wait(SYS_readlinkat, AT_FDCWD, path, link, sizeof link - 1);
    if (length <= 0) return false;
    link[length] = 0;
    if (!name_parse(link, o)) return false;
    bool there = host_wait(SYS_fcntl, fd, F_GETOWN_EX, &owner) == 0 && owner.type == F_OWNER_PID;
    o->pid = there ? owner.pid : 0; /* gone */
    return true;
}

bool memory_file_is(int fd) {
    struct owner o;
    return owner_of(fd, &o);
}

/* ---- access */

/** A piece to read or write, where the other side is guest memory. */
struct piece {
    bool write;
    uint8_t *buffer; /* on the host */
    uint64_t at, size;
};

/* One page at most, by hand. Bytes, or a negative errno. */
static int64_t page_by_hand(struct call *c, const struct piece *i) {
    const struct space *s = c->process->space;
    const struct mapping *m = space_find(s, i->at);
    const unsigned right = i->write ? SPACE_W : SPACE_R;
    uint8_t bytes[SPACE_PAGE];
    void *page = space_place(s, i->at & -(uint64_t)SPACE_PAGE);
    if (!m || (i->write && !(m->rights & SPACE_W) && (m->flags & MAPPING_SHARED))) return -EIO;
    const unsigned rights = m->rights & (SPACE_R | SPACE_W);
    if (i->write && copy_guarded(bytes, i->buffer, i->size)) return -EFAULT;
    bool open = !(rights & right) && host_hold(SYS_mprotect, page, SPACE_PAGE, rights | right | SPACE_R) == 0;
    bool done = i->write ? space_write(s, i->at, bytes, i->size) : space_read(s, i->at, bytes, i->size);
    if (open) host_hold(SYS_mprotect, page, SPACE_PAGE, rights);
    if (!done) return -EIO;
    return !i->write && copy_guarded(i->buffer, bytes, i->size) ? -EFAULT : (int64_t)i->size;
}

static int64_t by_hand(struct call *c, struct piece i) {
    uint64_t done = 0, all = i.size;
    int64_t r = 0;
    for (; done < all; done += (uint64_t)r, i.at += (uint64_t)r, i.buffer += r) {
        uint64_t room = SPACE_PAGE - i.at % SPACE_PAGE;
        i.size = all - done < room ? all - done : room;
        r = page_by_hand(c, &i);
        if (r < 0) break;
    }
    return done ? (int64_t)done : r;
}

/* By the host's file, opened for this alone. */
static int64_t by_file_here(const char *folder, const struct piece *i, uint64_t host) {
    char path[FD_PATH + 8];
    strcpy(stpcpy(path, folder), "/mem");
    int64_t fd = descriptor_make(SYS_openat, (uint64_t)AT_FDCWD, (uintptr_t)path,
                                 (uint64_t)(i->write ? O_RDWR : O_RDONLY) | O_CLOEXEC, 0);
    if (fd < 0) return fd;
    int64_t r = host_wait(i->write ? SYS_pwrite64 : SYS_pread64, fd, i->buffer, i->size, host);
    host_wait(SYS_close, fd);
    return r;
}

struct errand {
    const char *folder;
    const struct piece *piece;
    uint64_t host;
    int64_t result;
    uint32_t done;
};

static void errand_main(void *data) {
    struct errand *d = *(struct errand **)data;
    d->result = host_wait(SYS_unshare, CLONE_FILES);
    if (d->result == 0) d->result = by_file_here(d->folder, d->piece, d->host);
    __atomic_store_n(&d->done, 1, __ATOMIC_SEQ_CST);
    os_wake(&d->done, 1); /* of which nothing may be left */
}

static void errand_wait(void *arg) {
    struct errand *d = arg;
    while (!__atomic_load_n(&d->done, __ATOMIC_SEQ_CST)) os_wait(&d->done, 0, 0);
}

static int64_t by_file(struct call *c, const char *folder, const struct piece *i, uint64_t host) {
    struct errand errand = {.folder = folder, .piece = i, .host = host};
    uint32_t id;
    if (thread_is_alone(c->thread) && !c->process->files_shared) return by_file_here(folder, i, host);
    struct os_thread *memory = os_thread_make(sizeof(struct errand *));
    if (!memory) return -ENOMEM;
    *(struct errand **)os_thread_data(memory) = &errand;
    uint64_t mask = signals_hold();
    int64_t r = os_thread_start(memory, NULL, errand_main, &id, NULL);
    if (os_thread_signal()) signal_action_changed(c->thread, os_thread_signal());
    signals_release(mask);
    if (r < 0) {
        os_thread_free(memory);
        return r;
    }
    engine_outside(c->process->vm->engine, errand_wait, &errand);
    return errand.result;
}

static int64_t by_call(const struct owner *o, const struct piece *i, uint64_t host) {
    struct iovec here = {i->buffer, i->size}, there = {(void *)(uintptr_t)host, i->size}; // NOLINT
    int64_t r = host_wait(i->write ? SYS_process_vm_writev : SYS_process_vm_readv, o->pid, &here, 1, &there, 1, 0);
    return r == -EFAULT ? -EIO : r;
}

/* How much of it is mapped in one piece, from its start on. In a window what lies between mappings is inaccessible
   memory to the host, which this file would show. */
static uint64_t mapped(const struct space *s, uint64_t at, uint64_t size) {
    uint64_t end = at;
    for (const struct mapping *m; end < at + size && (m = space_find(s, end)) != NULL;) end = m->end;
    return end < at + size ? end - at : size;
}

/* The same in another process, as far as there are these rights; *base: where its guest's address 0 is. 0: nowhere. */
static uint64_t remote_mapped(struct process *p, const struct proc_name *n, const struct piece *i, unsigned rights,
                              uint64_t *base) {
    struct proc_view v;
    uint64_t end = i->at;
    if (!view_open(&v, p, n)) return 0;
    view_mappings(&v);
    for (const struct published_mapping *m; end < i->at + i->size && (m = peek_find(&v.mappings, end)) != NULL;
         end = m->end)
        if ((m->rights & rights) != rights) break;
    *base = v.peek.space.base;
    view_close(&v);
    return end < i->at + i->size ? end - i->at : i->size;
}

/* Could it not be opened? Errors of the transfer itself are EIO and EFAULT. */
static bool is_no_file(int64_t result) {
    return result < 0 && result != -EIO && result != -EFAULT;
}

static int64_t piece_transfer(struct call *c, const struct owner *o, struct piece i) {
    struct process *p = c->process;
    const bool own = o->pid == getpid();
    struct view_extent e = {(uintptr_t)p->space->base, p->space->limit, p->key, p->space->window};
    struct proc_name n = {.pid = o->pid};
    char folder[FD_PATH];
    put_folder(folder, o->pid);
    if (!own) {
        strcpy(n.folder, folder);
        strcpy(n.root, "/proc");
        if (!o->pid || !view_extent_of(p, &n, &e)) return 0;
    }
    if (e.key != o->key) return 0; /* that memory is gone */
    if (i.at >= e.limit) return -EIO;
    if (i.size > e.limit - i.at) i.size = e.limit - i.at;
    if (!own) {
        if (e.window) i.size = remote_mapped(p, &n, &i, 0, &e.base);
        if (!i.size) return -EIO;
        int64_t r = by_file(c, folder, &i, e.base + i.at);
        return is_no_file(r) ? by_call(o, &i, e.base + i.at) : r;
    }
    i.size = mapped(p->space, i.at, i.size);
    if (!i.size) return -EIO;
    if (i.write && c->written) outside_note(c, i.at, i.size);
    if (i.write)
        space_host_writes(p->space, i.at, i.size, false);
    else
        await_memory(p, i.at, i.size, false);
    int64_t r = by_file(c, folder, &i, e.base + i.at);
    if (is_no_file(r)) r = by_hand(c, i);
    if (i.write && r > 0) engine_invalidate(p->vm->engine, i.at, (uint64_t)r);
    return r;
}

int64_t memory_file_write(struct call *c, int pid, uint64_t at, void *from, uint64_t size) {
    struct process *p = c->process;
    struct proc_name n = {.pid = pid};
    struct piece piece = {true, from, at, size};
    uint64_t base;
    put_folder(n.folder, pid);
    strcpy(n.root, "/proc");
    piece.size = remote_mapped(p, &n, &piece, SPACE_W, &base);
    if (!piece.size) return -EFAULT;
    int64_t r = by_file(c, n.folder, &piece, base + at);
    return r < 0 ? -EFAULT : r;
}

/* ---- calls */

int64_t memory_file_io(struct call *c, int64_t result) {
    enum { HERE, GIVEN } offset = HERE;
    struct iovec one = {(void *)(uintptr_t)c->host[1], c->host[2]}; // NOLINT
    const struct iovec *v = &one;
    uint64_t count = 1, at = c->host[3], done = 0;
    bool write = false;
    struct owner o;
    switch (c->row->host) {
    case SYS_write: write = true; break;
    case SYS_read: break;
    case SYS_pwrite64:
    case SYS_pwritev:
    case SYS_pwritev2:
        write = true;
        offset = GIVEN;
        break;
    case SYS_pread64:
    case SYS_preadv:
    case SYS_preadv2: offset = GIVEN; break;
    case SYS_writev: write = true; break;
    case SYS_readv: break;
    case SYS_lseek: return c->host[2] == SEEK_END && memory_file_is((int)c->host[0]) ? -EINVAL : result;
    default: return result;
    }
    if (c->row->args[2] == 'V') {
        v = c->thread->scratch->iov;
        count = c->host[2];
    }
    if ((c->row->host == SYS_preadv2 || c->row->host == SYS_pwritev2) && at == UINT64_MAX) offset = HERE;
    if (write != (result < 0) || !owner_of((int)c->host[0], &o)) return result;
    if (offset == HERE) at = (uint64_t)host_wait(SYS_lseek, c->host[0], 0, SEEK_CUR);
    int64_t r = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct piece piece = {write, v[i].iov_base, at + done, v[i].iov_len};
        if (!piece.size) continue;
        r = piece_transfer(c, &o, piece);
        if (r > 0) done += (uint64_t)r;
        if (r != (int64_t)piece.size) break;
    }
    if (offset == HERE && done) host_wait(SYS_lseek, c->host[0], at + done, SEEK_SET);
    return done ? (int64_t)done : r;
}
