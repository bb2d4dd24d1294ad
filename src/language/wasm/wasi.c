/* wasi.c - the system interface "wasi_snapshot_preview1": arguments, environment, clocks, random bytes, and the three
 * standard descriptors. No directory is open, so everything that names a path or another descriptor gets the error that
 * belongs to a descriptor which is not there.
 *
 * Addresses in the guest's memory are checked before anything is done; structures have the layout of the interface's
 * definition (little-endian, natural alignment, offsets below).
 */
#include "language/wasm/wasi.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { VECTORS = 64 };

struct wasi *wasi_make(struct vm *vm) {
    struct wasi *w = calloc(1, sizeof *w);
    if (w) *w = (struct wasi){.vm = vm, .host = {0, 1, 2}};
    return w;
}

void wasi_free(struct wasi *w) {
    free(w);
}

void wasi_forget(struct wasi *w) {
    if (w) w->waits = false;
}

/* ---- what calls share */

/* The host's descriptor for argument 0, or -1. */
static int stream(const struct host_call *c) {
    return wasi_stream(c, arg(c, 0));
}

uint64_t wasi_error_of(int number) {
    static const struct {
        int host;
        uint16_t wasi;
    } rows[] = {{EACCES, 2},  {EAGAIN, 6},   {EBADF, 8},       {EFAULT, 21}, {EFBIG, 22},     {EINTR, 27}, {EINVAL, 28},
                {EIO, 29},    {EISDIR, 31},  {ENOMEM, 48},     {ENOSPC, 51}, {EOVERFLOW, 61}, {EPERM, 63}, {EPIPE, 64},
                {ESPIPE, 70}, {ENOTSUP, 58}, {ECONNRESET, 15}, {EDQUOT, 19}, {ENODEV, 43},    {ENXIO, 60}};
    for (unsigned k = 0; k < sizeof rows / sizeof *rows; k++)
        if (rows[k].host == number) return rows[k].wasi;
    return WASI_IO;
}

uint64_t wasi_interrupted(struct host_call *c) {
    c->again = true;
    return 0;
}

/* ---- arguments and environment: counts and bytes, then an array of addresses and the strings */

static uint32_t strings_count(const char *const *list, uint64_t *bytes) {
    uint32_t n = 0;
    *bytes = 0;
    for (; list && list[n]; n++) *bytes += strlen(list[n]) + 1;
    return n;
}

static uint64_t strings_sizes(struct host_call *c, const char *const *list) {
    uint64_t bytes;
    uint32_t n = strings_count(list, &bytes);
    uint8_t *count = host_memory(c, arg(c, 0), 4), *size = host_memory(c, arg(c, 1), 4);
    if (!count || !size) return WASI_FAULT;
    store(count, 4, n);
    store(size, 4, bytes);
    return WASI_OK;
}

static uint64_t strings_get(struct host_call *c, const char *const *list) {
    uint64_t bytes;
    uint32_t n = strings_count(list, &bytes), address = arg(c, 1);
    uint8_t *at = host_memory(c, arg(c, 0), 4ull * n), *text = host_memory(c, address, bytes);
    if (!at || !text) return WASI_FAULT;
    for (uint32_t k = 0; k < n; k++) {
        size_t size = strlen(list[k]) + 1;
        store(at + 4ull * k, 4, address);
        memcpy(text, list[k], size);
        text += size;
        address += (uint32_t)size;
    }
    return WASI_OK;
}

static uint64_t args_get(struct host_call *c) {
    return strings_get(c, vm_of(c)->options.argv);
}
static uint64_t args_sizes_get(struct host_call *c) {
    return strings_sizes(c, vm_of(c)->options.argv);
}
static uint64_t environ_get(struct host_call *c) {
    return strings_get(c, vm_of(c)->options.envp);
}
static uint64_t environ_sizes_get(struct host_call *c) {
    return strings_sizes(c, vm_of(c)->options.envp);
}

/* ---- time and chance */

uint64_t wasi_clock_now(struct vm *vm, enum wasi_clock id) {
    static const clockid_t ids[CLOCKS] = {CLOCK_REALTIME, 0, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
    if (id == CLOCK_STEADY || vm->counted) return vm_clock_ns(vm);
    struct timespec t;
    const int64_t now =
        INPUT_VALUE(vm, INPUT_clock, ids[id],
                    clock_gettime(ids[id], &t) ? -1 : (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_nsec);
    return now < 0 ? vm_clock_ns(vm) : (uint64_t)now;
}

static uint64_t clock_res_get(struct host_call *c) {
    uint8_t *to = host_memory(c, arg(c, 1), 8);
    if (arg(c, 0) >= CLOCKS) return WASI_INVAL;
    if (!to) return WASI_FAULT;
    store(to, 8, 1);
    return WASI_OK;
}

static uint64_t clock_time_get(struct host_call *c) {
    uint8_t *to = host_memory(c, arg(c, 2), 8);
    if (arg(c, 0) >= CLOCKS) return WASI_INVAL;
    if (!to) return WASI_FAULT;
    store(to, 8, wasi_clock_now(vm_of(c), arg(c, 0)));
    return WASI_OK;
}

static uint64_t random_get(struct host_call *c) {
    uint8_t *to = host_memory(c, arg(c, 0), arg(c, 1));
    if (!to) return WASI_FAULT;
    vm_random(vm_of(c), to, arg(c, 1));
    return WASI_OK;
}

/* ---- streams */

int64_t wasi_flags(struct vm *vm, int fd) {
    return WASI_ASK(vm, SYS_fcntl, fcntl(fd, F_GETFL));
}

int64_t wasi_seek(struct vm *vm, int fd, int64_t offset, int whence) {
    return WASI_ASK(vm, SYS_lseek, lseek(fd, offset, whence));
}

int64_t wasi_stat(struct vm *vm, int fd, struct stat *s) {
    const int64_t r = WASI_ASK(vm, SYS_fstat, fstat(fd, s));
    if (r == 0) input_data(vm, s, sizeof *s);
    return r;
}

/* Argument 1 is the address of `arg 2` pairs {address, size}. What is empty is left out: nothing would be done, which
   means the end of a file. More than VECTORS others or 2 GiB are not taken at once, which callers cope with. */
static bool vectors_get(const struct host_call *c, struct iovec *v, int *count) {
    uint32_t n = arg(c, 2);
    const uint8_t *pairs = host_memory(c, arg(c, 1), 8ull * n);
    uint64_t total = 0;
    if (!pairs) return false;
    *count = 0;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t address = (uint32_t)load(pairs + 8ull * k, 4), size = (uint32_t)load(pairs + 8ull * k + 4, 4);
        uint8_t *at = host_memory(c, address, size);
        if (!at) return false;
        if (size > INT32_MAX - total) size = (uint32_t)(INT32_MAX - total);
        total += size;
        if (size && *count < VECTORS) v[(*count)++] = (struct iovec){.iov_base = at, .iov_len = size};
    }
    return true;
}

/* Lets only the first `size` bytes be asked for: a tap may want less. */
static void vectors_cut(struct iovec *v, int *count, size_t size) {
    int k = 0;
    for (; k < *count && size; k++) {
        if (v[k].iov_len > size) v[k].iov_len = size;
        size -= v[k].iov_len;
    }
    *count = k;
}

static size_t vectors_size(const struct iovec *v, int count) {
    size_t size = 0;
    for (int k = 0; k < count; k++) size += v[k].iov_len;
    return size;
}

static int64_t vectors_move(int fd, bool writes, const struct iovec *v, int n, int64_t offset) {
    ssize_t size;
    if (writes)
        size = offset < 0 ? writev(fd, v, n) : pwritev(fd, v, n, offset);
    else
        size = offset < 0 ? readv(fd, v, n) : preadv(fd, v, n, offset);
    return size < 0 ? -(int64_t)errno : size;
}

static uint64_t transfer(struct host_call *c, bool writes, int64_t offset, unsigned result) {
    struct iovec v[VECTORS];
    int n, fd = stream(c);
    uint8_t *done = host_memory(c, arg(c, result), 4);
    if (fd < 0) return WASI_BADF;
    if (!done || !vectors_get(c, v, &n)) return WASI_FAULT;
    struct input in = {
        .kind = INPUT_call, .which = writes ? SYS_writev : SYS_readv, .at = (uint64_t)fd, .size = vectors_size(v, n)};
    if (!input_given(vm_of(c), &in)) {
        size_t size = in.size;
        const uint32_t worse = input_worse(vm_of(c), INPUT_SHORTENED | INPUT_INTERRUPTED, &size);
        vectors_cut(v, &n, size);
        in.value = worse & INPUT_INTERRUPTED ? -EINTR : vectors_move(fd, writes, v, n, offset);
        input_came(vm_of(c), &in);
    }
    if (in.value == -EINTR) return wasi_interrupted(c);
    if (in.value < 0) return wasi_error_of((int)-in.value);
    if (!writes) vectors_cut(v, &n, (size_t)in.value);
    for (int k = 0; k < n && !writes; k++) input_data(vm_of(c), v[k].iov_base, v[k].iov_len);
    store(done, 4, (uint64_t)in.value);
    return WASI_OK;
}

static uint64_t fd_read(struct host_call *c) {
    return transfer(c, false, -1, 3);
}
static uint64_t fd_write(struct host_call *c) {
    return transfer(c, true, -1, 3);
}

static uint64_t fd_pread(struct host_call *c) {
    return (int64_t)c->args[3] < 0 ? WASI_INVAL : transfer(c, false, (int64_t)c->args[3], 4);
}

static uint64_t fd_pwrite(struct host_call *c) {
    return (int64_t)c->args[3] < 0 ? WASI_INVAL : transfer(c, true, (int64_t)c->args[3], 4);
}

static uint64_t seek(struct host_call *c, int64_t offset, uint32_t whence, uint32_t address) {
    static const int whences[] = {SEEK_SET, SEEK_CUR, SEEK_END};
    uint8_t *to = host_memory(c, address, 8);
    int fd = stream(c);
    if (fd < 0) return WASI_BADF;
    if (whence > 2) return WASI_INVAL;
    if (!to) return WASI_FAULT;
    const int64_t at = wasi_seek(vm_of(c), fd, offset, whences[whence]);
    if (at < 0) return wasi_error_of((int)-at);
    store(to, 8, (uint64_t)at);
    return WASI_OK;
}

static uint64_t fd_seek(struct host_call *c) {
    return seek(c, (int64_t)c->args[1], arg(c, 2), arg(c, 3));
}
static uint64_t fd_tell(struct host_call *c) {
    return seek(c, 0, 1, arg(c, 1));
}

static uint64_t fd_close(struct host_call *c) {
    if (stream(c) < 0) return WASI_BADF;
    host_machine(c)->wasi->host[arg(c, 0)] = -1; /* the host's own stays open: it is the embedder's */
    return WASI_OK;
}

static uint64_t fd_renumber(struct host_call *c) {
    int fd = stream(c), *hosts = host_machine(c)->wasi->host;
    if (fd < 0 || arg(c, 1) >= STREAMS || hosts[arg(c, 1)] < 0) return WASI_BADF;
    hosts[arg(c, 0)] = -1;
    hosts[arg(c, 1)] = fd;
    return WASI_OK;
}

static uint64_t sync_stream(struct host_call *c) {
    int fd = stream(c);
    if (fd < 0) return WASI_BADF;
    const int64_t r = WASI_ASK(vm_of(c), SYS_fsync, fsync(fd));
    return r < 0 && r != -EINVAL && r != -EROFS ? wasi_error_of((int)-r) : WASI_OK;
}

enum file_type {
    TYPE_UNKNOWN_FILE,
    TYPE_BLOCK,
    TYPE_CHARACTER,
    TYPE_DIRECTORY,
    TYPE_REGULAR,
    TYPE_DATAGRAMS,
    TYPE_STREAM
};
enum {
    RIGHT_READ = 1 << 1,
    RIGHT_SEEK = 1 << 2,
    RIGHT_FLAGS = 1 << 3,
    RIGHT_SYNC = 1 << 4,
    RIGHT_TELL = 1 << 5,
    RIGHT_WRITE = 1 << 6,
    RIGHT_STAT = 1 << 21,
    RIGHT_POLL = 1 << 27
};

static int64_t socket_kind(int fd) {
    int kind = 0;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &(socklen_t){sizeof kind}) ? -1 : kind;
}

static enum file_type type_of(struct vm *vm, int fd, mode_t mode) {
    if (S_ISREG(mode)) return TYPE_REGULAR;
    if (S_ISCHR(mode)) return TYPE_CHARACTER;
    if (S_ISBLK(mode)) return TYPE_BLOCK;
    if (S_ISDIR(mode)) return TYPE_DIRECTORY;
    if (!S_ISSOCK(mode)) return TYPE_UNKNOWN_FILE;
    const int64_t kind = WASI_ASK(vm, SYS_getsockopt, socket_kind(fd));
    if (kind < 0) return TYPE_UNKNOWN_FILE;
    return kind == SOCK_DGRAM ? TYPE_DATAGRAMS : TYPE_STREAM;
}

/* Append, DSYNC, nonblocking, RSYNC, SYNC: the last is the host's two, and includes the others of its kind. */
static uint32_t flags_of(int64_t flags) {
    return (flags & O_APPEND ? 1u : 0u) | (flags & O_DSYNC ? 2u : 0u) | (flags & O_NONBLOCK ? 4u : 0u) |
           ((flags & O_SYNC) == O_SYNC ? 8u | 16u : 0u);
}

/* {type: 0, flags: 2, rights: 8, rights to pass on: 16} */
static uint64_t fd_fdstat_get(struct host_call *c) {
    uint8_t *to = host_memory(c, arg(c, 1), 24);
    struct stat s;
    int fd = stream(c);
    if (fd < 0) return WASI_BADF;
    if (!to) return WASI_FAULT;
    const int64_t flags = wasi_flags(vm_of(c), fd), r = flags < 0 ? flags : wasi_stat(vm_of(c), fd, &s);
    if (r < 0) return wasi_error_of((int)-r);
    uint64_t rights = RIGHT_FLAGS | RIGHT_SYNC | RIGHT_STAT | RIGHT_POLL;
    if ((flags & O_ACCMODE) != O_WRONLY) rights |= RIGHT_READ;
    if ((flags & O_ACCMODE) != O_RDONLY) rights |= RIGHT_WRITE;
    if (wasi_seek(vm_of(c), fd, 0, SEEK_CUR) >= 0) rights |= RIGHT_SEEK | RIGHT_TELL;
    memset(to, 0, 24);
    store(to, 1, type_of(vm_of(c), fd, s.st_mode));
    store(to + 2, 2, flags_of(flags));
    store(to + 8, 8, rights);
    return WASI_OK;
}

/* Append and nonblocking are states of the host's file, shared with others: they are not changed. */
static uint64_t fd_fdstat_set_flags(struct host_call *c) {
    int fd = stream(c);
    if (fd < 0) return WASI_BADF;
    const int64_t flags = wasi_flags(vm_of(c), fd);
    if (flags < 0) return wasi_error_of((int)-flags);
    return arg(c, 1) == flags_of(flags) ? WASI_OK : WASI_NOTSUP;
}

/* {device: 0, number: 8, type: 16, links: 24, size: 32, times: 40 48 56} */
static uint64_t fd_filestat_get(struct host_call *c) {
    uint8_t *to = host_memory(c, arg(c, 1), 64);
    struct stat s;
    int fd = stream(c);
    if (fd < 0) return WASI_BADF;
    if (!to) return WASI_FAULT;
    const int64_t r = wasi_stat(vm_of(c), fd, &s);
    if (r < 0) return wasi_error_of((int)-r);
    const struct timespec *times[] = {&s.st_atim, &s.st_mtim, &s.st_ctim};
    memset(to, 0, 64);
    store(to, 8, s.st_dev);
    store(to + 8, 8, s.st_ino);
    store(to + 16, 1, type_of(vm_of(c), fd, s.st_mode));
    store(to + 24, 8, s.st_nlink);
    store(to + 32, 8, (uint64_t)s.st_size);
    for (unsigned k = 0; k < 3; k++)
        store(to + 40 + 8 * k, 8, (uint64_t)times[k]->tv_sec * 1000000000u + (uint64_t)times[k]->tv_nsec);
    return WASI_OK;
}

/* ---- what does not exist here */

static uint64_t no_capability(struct host_call *c) {
    return stream(c) < 0 ? WASI_BADF : WASI_NOTCAPABLE;
}
static uint64_t no_preopen(struct host_call *c) {
    (void)c;
    return WASI_BADF;
}
static uint64_t no_directory(struct host_call *c) {
    return stream(c) < 0 ? WASI_BADF : WASI_NOTDIR;
}
static uint64_t no_target_directory(struct host_call *c) {
    return wasi_stream(c, arg(c, 2)) < 0 ? WASI_BADF : WASI_NOTDIR;
}
static uint64_t no_socket(struct host_call *c) {
    struct stat s;
    if (stream(c) < 0) return WASI_BADF;
    return wasi_stat(vm_of(c), stream(c), &s) == 0 && S_ISSOCK(s.st_mode) ? WASI_NOTSUP : WASI_NOTSOCK;
}
static uint64_t no_signals(struct host_call *c) {
    (void)c;
    return WASI_NOTSUP;
}

/* ---- control */

static uint64_t proc_exit(struct host_call *c) {
    return host_exit(c, (int)(arg(c, 0) & 0xff));
}

static uint64_t sched_yield_(struct host_call *c) {
    (void)c;
    return WASI_OK;
}

#define WASI "wasi_snapshot_preview1"
const struct host_function wasi_functions[] = {
    {WASI, "args_get", "ii:i", args_get},
    {WASI, "args_sizes_get", "ii:i", args_sizes_get},
    {WASI, "environ_get", "ii:i", environ_get},
    {WASI, "environ_sizes_get", "ii:i", environ_sizes_get},
    {WASI, "clock_res_get", "ii:i", clock_res_get},
    {WASI, "clock_time_get", "iIi:i", clock_time_get},
    {WASI, "fd_advise", "iIIi:i", no_capability},
    {WASI, "fd_allocate", "iII:i", no_capability},
    {WASI, "fd_close", "i:i", fd_close},
    {WASI, "fd_datasync", "i:i", sync_stream},
    {WASI, "fd_fdstat_get", "ii:i", fd_fdstat_get},
    {WASI, "fd_fdstat_set_flags", "ii:i", fd_fdstat_set_flags},
    {WASI, "fd_fdstat_set_rights", "iII:i", no_capability},
    {WASI, "fd_filestat_get", "ii:i", fd_filestat_get},
    {WASI, "fd_filestat_set_size", "iI:i", no_capability},
    {WASI, "fd_filestat_set_times", "iIIi:i", no_capability},
    {WASI, "fd_pread", "iiiIi:i", fd_pread},
    {WASI, "fd_prestat_get", "ii:i", no_preopen},
    {WASI, "fd_prestat_dir_name", "iii:i", no_preopen},
    {WASI, "fd_pwrite", "iiiIi:i", fd_pwrite},
    {WASI, "fd_read", "iiii:i", fd_read},
    {WASI, "fd_readdir", "iiiIi:i", no_directory},
    {WASI, "fd_renumber", "ii:i", fd_renumber},
    {WASI, "fd_seek", "iIii:i", fd_seek},
    {WASI, "fd_sync", "i:i", sync_stream},
    {WASI, "fd_tell", "ii:i", fd_tell},
    {WASI, "fd_write", "iiii:i", fd_write},
    {WASI, "path_create_directory", "iii:i", no_directory},
    {WASI, "path_filestat_get", "iiiii:i", no_directory},
    {WASI, "path_filestat_set_times", "iiiiIIi:i", no_directory},
    {WASI, "path_link", "iiiiiii:i", no_directory},
    {WASI, "path_open", "iiiiiIIii:i", no_directory},
    {WASI, "path_readlink", "iiiiii:i", no_directory},
    {WASI, "path_remove_directory", "iii:i", no_directory},
    {WASI, "path_rename", "iiiiii:i", no_directory},
    {WASI, "path_symlink", "iiiii:i", no_target_directory},
    {WASI, "path_unlink_file", "iii:i", no_directory},
    {WASI, "poll_oneoff", "iiii:i", poll_oneoff},
    {WASI, "proc_exit", "i:", proc_exit},
    {WASI, "proc_raise", "i:i", no_signals},
    {WASI, "random_get", "ii:i", random_get},
    {WASI, "sched_yield", ":i", sched_yield_},
    {WASI, "sock_accept", "iii:i", no_socket},
    {WASI, "sock_recv", "iiiiii:i", no_socket},
    {WASI, "sock_send", "iiiii:i", no_socket},
    {WASI, "sock_shutdown", "ii:i", no_socket},
    {0},
};
