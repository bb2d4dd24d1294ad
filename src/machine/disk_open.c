/* disk_open.c - see disk_open.h. Locks are those of QEMU, so that it and vee keep off each other's images: who has an
 * image open holds a shared lock of one byte for each thing that it does with it, and of another one for each thing
 * that nobody else must do; whoever comes looks whether somebody holds a byte that contradicts.
 */
#define _GNU_SOURCE
#include "machine/disk_open.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct disk_cache disk_caches[] = {
    {.name = "writeback"},
    {.name = "none", .direct = true},
    {.name = "writethrough", .through = true},
    {.name = "directsync", .direct = true, .through = true},
    {.name = "unsafe", .unsafe = true},
};

const struct disk_cache *disk_cache_find(const char *name) {
    if (!name) return disk_caches;
    for (unsigned i = 0; i < sizeof disk_caches / sizeof *disk_caches; i++)
        if (!strcmp(disk_caches[i].name, name)) return &disk_caches[i];
    return NULL;
}

const char *disk_cache_names(void) {
    return "writeback none writethrough directsync unsafe";
}

/* What an image begins with that is no plain disk. */
static const struct {
    const char *name, *bytes;
} others[] = {
    {"qcow2", "QFI\xfb"},
    {"qed", "QED"},
    {"VMDK", "KDMV"},
    {"VMDK", "# Disk Descri"},
    {"VHDX", "vhdxfile"},
    {"VHD", "conectix"},
    {"LUKS", "LUKS\xba\xbe"},
    {"Parallels", "WithoutFreeSpace"},
    {"gzip", "\x1f\x8b"},
    {"zstd", "\x28\xb5\x2f\xfd"},
    {"xz", "\xfd"
           "7zXZ"},
};

static bool is_raw(int fd, const char *path, struct error *error) {
    _Alignas(4096) char head[4096] = {0}; /* as O_DIRECT wants it */
    if (pread(fd, head, sizeof head, 0) < 0)
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: %s (at offset 0)", path, strerror(errno));
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        if (!memcmp(head, others[i].bytes, strlen(others[i].bytes)))
            return error_set(error, ERROR_NOT_RUNNABLE,
                             "%s: looks like %s (at offset 0), and disks are raw here: convert it ('qemu-img convert "
                             "-O raw', or unpack it), or say format=raw if it is one",
                             path, others[i].name);
    return true;
}

enum { LOCK_DONE = 100, LOCK_REFUSED = 200, MAY_READ = 0, MAY_WRITE = 1, MAY_RESIZE = 3 };

static int lock_byte(int fd, int command, short type, int byte, short *found) {
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    if (fcntl(fd, command, &l)) return errno;
    *found = l.l_type;
    return 0;
}

static bool lock(const struct disk_file *f, const struct disk_config *config, bool writes, struct error *error) {
    /* As QEMU's devices have it: read, and perhaps write; nobody else writes or changes the size. */
    static const struct {
        int byte;
        bool writers; /* of those who write only */
    } held[] = {{LOCK_DONE + MAY_READ, false},
                {LOCK_DONE + MAY_WRITE, true},
                {LOCK_REFUSED + MAY_WRITE, false},
                {LOCK_REFUSED + MAY_RESIZE, false}},
      against[] = {{LOCK_DONE + MAY_WRITE, false},
                   {LOCK_DONE + MAY_RESIZE, false},
                   {LOCK_REFUSED + MAY_READ, false},
                   {LOCK_REFUSED + MAY_WRITE, true}};
    short found = F_UNLCK;
    for (unsigned i = 0; i < sizeof held / sizeof *held; i++) {
        if (held[i].writers && !writes) continue;
        const int failed = lock_byte(f->fd, F_OFD_SETLK, F_RDLCK, held[i].byte, &found);
        if (failed)
            return error_set(error, ERROR_NOT_RUNNABLE, "%s: cannot be locked: %s (file.locking=off does without)",
                             config->path, strerror(failed));
    }
    for (unsigned i = 0; i < sizeof against / sizeof *against; i++) {
        if (against[i].writers && !writes) continue;
        if (!lock_byte(f->fd, F_OFD_GETLK, F_WRLCK, against[i].byte, &found) && found != F_UNLCK)
            return error_set(error, ERROR_NOT_RUNNABLE,
                             "%s: in use by another machine, or twice by this one, which %s (a copy of it is free)",
                             config->path,
                             against[i].byte < LOCK_REFUSED ? "writes to it" : "wants nobody else to write");
    }
    return true;
}

/* What O_DIRECT wants. */
static bool find_alignment(struct disk_file *f, const struct disk_config *config, struct error *error) {
    unsigned sector = 0;
    f->align = 4096; /* does for whatever does not say */
    if (f->device) {
        if (!ioctl(f->fd, BLKSSZGET, &sector) && sector) f->align = sector;
        return true;
    }
#ifdef STATX_DIOALIGN
    struct statx s;
    if (statx(f->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &s) || !(s.stx_mask & STATX_DIOALIGN)) return true;
    if (!s.stx_dio_offset_align)
        return error_set(error, ERROR_NOT_RUNNABLE,
                         "%s: its file system has no O_DIRECT: use another cache mode than %s", config->path,
                         config->cache->name);
    f->align = s.stx_dio_offset_align > s.stx_dio_mem_align ? s.stx_dio_offset_align : s.stx_dio_mem_align;
    if (f->align < DISK_SECTOR) f->align = DISK_SECTOR;
#else
    (void)config, (void)error;
#endif
    return true;
}

static bool open_as(struct disk_file *f, const struct disk_config *config, bool writes, bool direct,
                    struct error *error) {
    struct stat s;
    const int how = (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | (direct ? O_DIRECT : 0);
    f->fd = open(config->path, how);
    if (f->fd < 0 && errno == EINVAL && direct)
        return error_set(error, ERROR_NOT_RUNNABLE,
                         "%s: its file system has no O_DIRECT: use another cache mode than %s", config->path,
                         config->cache->name);
    if (f->fd < 0 || fstat(f->fd, &s)) {
        const bool refused = errno == EACCES || errno == EPERM || errno == EROFS;
        return error_set(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_NOT_RUNNABLE, "%s: %s%s", config->path,
                         strerror(errno), refused && writes ? " (readonly=on or snapshot=on do not write to it)" : "");
    }
    f->device = S_ISBLK(s.st_mode);
    if (!f->device && !S_ISREG(s.st_mode))
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: neither a file nor a block device", config->path);
    return true;
}

bool disk_file_open(struct disk_file *f, const struct disk_config *config, uint64_t *size, uint32_t *block,
                    struct error *error) {
    /* What goes to a snapshot's file has no blocks to fit, so the image is read as that is. */
    const bool writes = !config->read_only && !config->snapshot, direct = config->cache->direct && !config->snapshot;
    struct stat s;
    *f = (struct disk_file){.fd = -1, .unsafe = config->cache->unsafe, .align = 1, .vm = config->vm};
    if (config->format && strcmp(config->format, "raw"))
        return error_set(error, ERROR_USAGE, "%s: format=%s: disks are raw here", config->path, config->format);
    if (open_as(f, config, writes, direct, error) && (config->format || is_raw(f->fd, config->path, error)) &&
        (config->no_lock || lock(f, config, writes, error)) && (!direct || find_alignment(f, config, error))) {
        if (config->align > f->align && direct) f->align = config->align;
        const off_t end = lseek(f->fd, 0, SEEK_END);
        *size = end > 0 ? (uint64_t)end : 0;
        *block = !fstat(f->fd, &s) && s.st_blksize > DISK_SECTOR && !(s.st_blksize & (s.st_blksize - 1))
                     ? (uint32_t)s.st_blksize
                     : DISK_SECTOR;
        if (*size) return true;
        error_set(error, ERROR_NOT_RUNNABLE,
                  "%s: is empty, and a disk has a size ('truncate -s SIZE FILE' gives it one)", config->path);
    }
    if (f->fd >= 0) close(f->fd);
    return false;
}
