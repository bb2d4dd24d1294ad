/* attributes.c - the attributes of inodes by name (file_getattr, file_setattr), and of mounts (open_tree_attr). Only
 * kernels before 6.17, or 6.15, may have none of it. */
#include "check.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

enum { OPEN_TREE_ATTR = 467, FILE_GETATTR, FILE_SETATTR };
enum { NODUMP = 0x80, NOATIME = 0x40, KNOWN = 24 /* the first version's size */ };
enum { TREE_CLONE = 1, MOUNT_READONLY = 1, STATFS_READONLY = 1 };

struct file_attributes {
    uint64_t flags;
    uint32_t extent, extents, project, cow_extent;
};

static long get(int folder, const char *path, void *a, size_t size, unsigned flags) {
    return syscall(FILE_GETATTR, folder, path, a, size, flags);
}
static long set(int folder, const char *path, const void *a, size_t size, unsigned flags) {
    return syscall(FILE_SETATTR, folder, path, a, size, flags);
}

/* Has the kernel had a call since 6.`minor`? */
static bool has(unsigned minor) {
    struct utsname u;
    unsigned release[2] = {0, 0};
    CHECK_IS(uname(&u), 0);
    CHECK_IS(sscanf(u.release, "%u.%u", &release[0], &release[1]), 2);
    return release[0] > 6 || (release[0] == 6 && release[1] >= minor);
}

static void read_and_written(int folder) {
    struct file_attributes a, b;
    memset(&a, 0xee, sizeof a);
    CHECK_IS(get(folder, "file", &a, sizeof a, 0), 0);
    CHECK_IS(a.flags & (NODUMP | NOATIME), 0);
    a.flags |= NODUMP;
    CHECK_IS(set(folder, "file", &a, sizeof a, 0), 0);
    CHECK_IS(get(folder, "file", &b, sizeof b, 0), 0);
    CHECK_IS(memcmp(&a, &b, sizeof a), 0);
    int fd = openat(folder, "file", O_RDONLY);
    memset(&b, 0, sizeof b);
    CHECK_IS(get(fd, "", &b, sizeof b, AT_EMPTY_PATH), 0);
    CHECK_IS(memcmp(&a, &b, sizeof a), 0);
    memset(&b, 0, sizeof b);
    CHECK_IS(get(fd, NULL, &b, sizeof b, AT_EMPTY_PATH), 0);
    CHECK_IS(memcmp(&a, &b, sizeof a), 0);
    a.flags &= ~(uint64_t)NODUMP;
    CHECK_IS(set(fd, NULL, &a, sizeof a, AT_EMPTY_PATH), 0);
    CHECK_IS(get(folder, "file", &b, sizeof b, 0), 0);
    CHECK_IS(b.flags & NODUMP, 0);
    close(fd);
}

/* Structs of later kernels: what this one does not know reads as 0, and must be 0. */
static void sizes(int folder) {
    uint8_t large[KNOWN + 40];
    memset(large, 0xee, sizeof large);
    CHECK_IS(get(folder, "file", large, sizeof large, 0), 0);
    for (unsigned i = KNOWN + 16; i < sizeof large; i++) CHECK_IS(large[i], 0);
    CHECK_IS(set(folder, "file", large, sizeof large, 0), 0);
    large[sizeof large - 1] = 1;
    CHECK_FAILS(set(folder, "file", large, sizeof large, 0), E2BIG);
    CHECK_FAILS(get(folder, "file", large, KNOWN - 1, 0), EINVAL);
    CHECK_FAILS(set(folder, "file", large, KNOWN - 1, 0), EINVAL);
    uint8_t *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_FAILS(get(folder, "file", pages, 4097, 0), E2BIG);
    CHECK_FAILS(set(folder, "file", pages, 4097, 0), E2BIG);
    CHECK_IS(mprotect(pages + 4096, 4096, PROT_NONE), 0);
    CHECK_IS(get(folder, "file", pages + 4096 - KNOWN, KNOWN, 0), 0);
    CHECK_FAILS(get(folder, "file", pages + 4096 - KNOWN + 8, KNOWN, 0), EFAULT);
    CHECK_FAILS(set(folder, "file", pages + 4096 - KNOWN + 8, KNOWN, 0), EFAULT);
    CHECK_IS(munmap(pages, 3 * 4096), 0);
}

static void names(int folder) {
    struct file_attributes a;
    CHECK_FAILS(get(folder, "none", &a, sizeof a, 0), ENOENT);
    CHECK_FAILS(get(folder, "", &a, sizeof a, 0), ENOENT);
    CHECK_FAILS(get(-1, "file", &a, sizeof a, 0), EBADF);
    CHECK_FAILS(get(folder, "file", &a, sizeof a, 1), EINVAL);
    CHECK_FAILS(get(folder, "file", NULL, sizeof a, 0), EFAULT);
    CHECK_IS(symlinkat("none", folder, "link"), 0);
    CHECK_FAILS(get(folder, "link", &a, sizeof a, 0), ENOENT);
    errno = 0; /* a link has none, or none that can be said: but it is the link */
    CHECK(get(folder, "link", &a, sizeof a, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT);
    CHECK_IS(unlinkat(folder, "link", 0), 0);
}

static void mounts(int folder) {
    uint64_t attributes[4] = {MOUNT_READONLY, 0, 0, 0}, large[5] = {0, 0, 0, 0, 1};
    int tree = (int)syscall(OPEN_TREE_ATTR, folder, "", AT_EMPTY_PATH, NULL, 0);
    if (tree < 0 && errno == ENOSYS && !has(15)) return;
    CHECK(tree >= 0);
    close(tree);
    CHECK_FAILS(syscall(OPEN_TREE_ATTR, folder, "none", 0, NULL, 0), ENOENT);
    const bool may = (tree = (int)syscall(OPEN_TREE_ATTR, folder, "", AT_EMPTY_PATH | TREE_CLONE, NULL, 0)) >= 0;
    if (!may) { /* without rights on mounts there is no more to see */
        CHECK_IS(errno, EPERM);
        return;
    }
    close(tree);
    CHECK_FAILS(syscall(OPEN_TREE_ATTR, folder, "", AT_EMPTY_PATH | TREE_CLONE, attributes, 8), EINVAL);
    CHECK_FAILS(syscall(OPEN_TREE_ATTR, folder, "", AT_EMPTY_PATH | TREE_CLONE, large, sizeof large), E2BIG);
    tree = (int)syscall(OPEN_TREE_ATTR, folder, "", AT_EMPTY_PATH | TREE_CLONE, attributes, sizeof attributes);
    CHECK(tree >= 0);
    CHECK_FAILS(openat(tree, "made", O_CREAT | O_WRONLY, 0600), EROFS);
    close(tree);
}

int main(void) {
    char path[] = "attributes-XXXXXX";
    CHECK(mkdtemp(path) != NULL);
    int folder = open(path, O_RDONLY | O_DIRECTORY);
    close(openat(folder, "file", O_CREAT | O_WRONLY, 0600));
    struct file_attributes a;
    errno = 0;
    /* The file system may have none, too. */
    if (get(folder, "file", &a, sizeof a, 0) == 0 || (errno == ENOSYS ? has(17) : errno != EOPNOTSUPP)) {
        read_and_written(folder);
        sizes(folder);
        names(folder);
    }
    mounts(folder);
    CHECK_IS(unlinkat(folder, "file", 0), 0);
    CHECK_IS(rmdir(path), 0);
    return done();
}
