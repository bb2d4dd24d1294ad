/* store.c - translations in files, for the next process that runs the same code at the same addresses.
 *
 * An image is a mapping of a file from which code is executed. What was translated from it is offered to the engine
 * when its code is first looked for, and saved at the end of the process, when enough of it is new. A file is named by
 * a hash of all that its content depends on: build of vee, features of this computer, the image's addresses and its
 * first page; the engine compares the other pages. So neither file times nor paths play a role, and what is left of
 * another version is never found. For images to have the same addresses in every process, shared objects are placed by
 * their content.
 *
 * The directory is in memory (tmpfs) unless the user says otherwise, and as trusted as the program's own file:
 * directory and files must belong to the user and be writable by nobody else, and nothing is kept in set-uid programs.
 * Files are replaced whole, so that readers never see half of one. Whatever fails means that nothing is kept; the guest
 * never hears of it.
 */
#include "process/process.h"
#include "base/os.h"
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <xxhash.h>

enum { NAME = 40, TMPFS = 0x01021994 };
enum {
    WORTH_INSNS = 256, /* translated by this process: with less there is only a chance that files are written */
    WORTH_PART = 32,   /* and so it is with less than one part in so many that is new of a file */
    DIRECTORY_MOST = 512 << 20, /* bytes; the oldest files go */
    DIRECTORY_PART = 4,         /* and no more than one part in so many of its file system */
    OLDEST = 64                 /* of its files are removed at once */
};
enum {
    PLACES = 4 /* that are tried */,
    PLACE_SHIFT = 21
}; /* places are multiples of this, which page tables like, too */

struct image_note {
    uint64_t start;
    uint32_t generation; /* of its code; 0: not known since generations began anew */
    uint32_t kept;       /* translations that there were from earlier runs */
};

struct store {
    char directory[PATH_MAX - NAME];
    uint64_t variant;  /* of build, computer and engine */
    uint64_t insns;    /* translated before this process began */
    uint32_t last;     /* generation that was looked for last */
    bool last_known;   /* and whether it had kept translations */
    uint32_t renewals; /* of the space's, that the notes know of */
    bool busy;
    unsigned count;
    struct image_note images[LIMIT_IMAGES];
};

/* ---- the build */

static int note_find(struct dl_phdr_info *info, size_t size, void *hash) {
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        const uint8_t *at = (const uint8_t *)(uintptr_t)(info->dlpi_addr + h->p_vaddr), *end = at + h->p_memsz;
        while (h->p_type == PT_NOTE && end - at >= (ptrdiff_t)sizeof(ElfW(Nhdr))) {
            ElfW(Nhdr) n;
            memcpy(&n, at, sizeof n);
            const uint8_t *name = at + sizeof n, *text = name + ((n.n_namesz + 3) & ~3u);
            if (text + n.n_descsz > end) break;
            if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && !memcmp(name, "GNU", 4))
                *(uint64_t *)hash = XXH3_64bits(text, n.n_descsz);
            at = text + ((n.n_descsz + 3) & ~3u);
        }
    }
    return 1; /* the first is the program itself */
}

static uint64_t build_hash(void) {
    uint64_t hash = 0;
    dl_iterate_phdr(note_find, &hash);
    return hash;
}

/* ---- the directory */

static bool directory_usual(char *path, size_t size) {
    struct statfs fs;
    if (statfs("/dev/shm", &fs) != 0 || fs.f_type != TMPFS) return false;
    snprintf(path, size, "/dev/shm/vee-%u", (unsigned)geteuid());
    return true;
}

static bool is_mine(const struct stat *st) {
    return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

struct store *store_make(struct process *p) {
    const char *where = process_options(p)->store;
    const uint64_t build = build_hash(), variant = engine_code_variant(p->vm->engine, p->vm->cpu);
    struct stat st;
    if (!build || !variant || getauxval(AT_SECURE) || (where && !strcmp(where, "off"))) return NULL;
    struct store *s = os_alloc(sizeof *s);
    if (!s) return NULL;
    if (where && *where) {
        if ((size_t)snprintf(s->directory, sizeof s->directory, "%s", where) >= sizeof s->directory) goto none;
    } else if (!directory_usual(s->directory, sizeof s->directory)) {
        goto none;
    }
    if (lstat(s->directory, &st) != 0 && (mkdir(s->directory, 0700) != 0 || lstat(s->directory, &st) != 0)) goto none;
    if (!S_ISDIR(st.st_mode) || !is_mine(&st)) goto none;
    const uint64_t words[2] = {build, variant};
    s->variant = XXH3_64bits(words, sizeof words);
    return s;
none:
    os_free(s);
    return NULL;
}

void store_free(struct store *s) {
    os_free(s);
}

void store_forked(struct process *p) {
    if (p->store) p->store->insns = engine_stats(p->vm->engine).insns;
}

/* ---- images */

/* The mapping of an image, if it is still what it was: executable, not writable, of a file. */
static const struct mapping *image_mapping(const struct process *p, uint64_t address, uint32_t generation) {
    const struct mapping *m = space_find(p->space, address);
    return m && m->generation == generation && m->ino && (m->rights & (SPACE_X | SPACE_W)) == SPACE_X &&
                   !(m->flags & MAPPING_SHARED)
               ? m
               : NULL;
}

static bool file_name(const struct process *p, const struct mapping *m, char path[PATH_MAX]) {
    struct {
        uint64_t variant, start, end, offset;
        uint8_t page[SPACE_PAGE];
    } key = {p->store->variant, m->start, m->end, m->offset, {0}};
    if (userfault_absent(p, m->start) || !space_read(p->space, m->start, key.page, sizeof key.page)) return false;
    XXH128_hash_t h = XXH3_128bits(&key, sizeof key);
    snprintf(path, PATH_MAX, "%s/%016" PRIx64 "%016" PRIx64, p->store->directory, h.high64, h.low64);
    return true;
}

/* A file that may be trusted, mapped; NULL: there is none. */
static void *file_map(const char *path, size_t *size) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return NULL;
    void *data = MAP_FAILED;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_mine(&st) && st.st_size > 0) {
        *size = (size_t)st.st_size;
        data = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    close(fd);
    return data == MAP_FAILED ? NULL : data;
}

static void image_offer(struct process *p, struct image_note *note, const struct mapping *m) {
    char path[PATH_MAX];
    size_t size;
    const uint64_t start = m->start, end = m->end;
    void *data = file_name(p, m, path) ? file_map(path, &size) : NULL;
    if (!data) return;
    note->kept = engine_code_offer(p->vm->engine, p->vm->cpu, start, end, data, size);
    if (!note->kept) munmap(data, size); /* else it stays until the end */
}

/* Generations have begun anew: images are the same if they are still where they were. */
static void notes_renew(struct store *s, uint32_t renewals) {
    s->renewals = renewals;
    s->last = 0;
    for (unsigned i = 0; i < s->count; i++) s->images[i].generation = 0;
}

static struct image_note *note_of(struct store *s, uint32_t generation) {
    for (unsigned i = 0; i < s->count; i++)
        if (s->images[i].generation == generation) return &s->images[i];
    return NULL;
}

static struct image_note *note_of_before(struct store *s, const struct mapping *m) {
    for (unsigned i = 0; i < s->count; i++)
        if (!s->images[i].generation && s->images[i].start == m->start) return &s->images[i];
    return NULL;
}

bool store_fetch(struct process *p, uint64_t address, uint32_t generation) {
    struct store *s = p->store;
    if (!s || s->busy) return false;
    if (s->renewals != p->space->renewals) notes_renew(s, p->space->renewals);
    if (generation == s->last) return s->last_known;
    s->last = generation;
    s->last_known = false;
    struct image_note *note = note_of(s, generation);
    if (note) return s->last_known = note->kept != 0;
    const struct mapping *m = image_mapping(p, address, generation);
    if (!m) return false;
    note = note_of_before(s, m);
    if (note) {
        note->generation = generation;
        return s->last_known = note->kept != 0;
    }
    if (s->count == LIMIT_IMAGES) return false;
    note = &s->images[s->count++];
    *note = (struct image_note){.start = m->start, .generation = generation};
    s->busy = true; /* the engine fetches, too */
    image_offer(p, note, m);
    s->busy = false;
    return s->last_known = note->kept != 0;
}

uint64_t store_content(int fd) {
    uint8_t page[SPACE_PAGE];
    if (pread(fd, page, sizeof page, 0) != (ssize_t)sizeof page || memcmp(page, ELFMAG, SELFMAG) != 0) return 0;
    return XXH3_64bits(page, sizeof page) | 1;
}

uint64_t store_place(const struct process *p, uint64_t content, uint64_t length) {
    struct space *s = p->space;
    /* In the uppermost sixteenth, which is where sanitizers look for libraries: in its lower part, so that there is
       room above for the stack and for what lies directly below it. */
    const uint64_t unit = UINT64_C(1) << PLACE_SHIFT, part = memory_of(s)->usual / 16,
                   from = (part * 15 + part / 16) & -unit, size = (part / 16 * 11) & -unit;
    uint64_t at = 0;
    if (!content || length > size / 2 || from + size > s->top) return 0;
    for (unsigned i = 0; i < PLACES; i++) {
        at = from + XXH3_64bits_withSeed(&content, sizeof content, i) % ((size - length) / unit) * unit;
        const struct mapping *m = space_next(s, at);
        if (!m || m->start >= at + length) break;
    }
    return at;
}

/* ---- saving */

/* True n times out of `of`. A file is written as a whole, so what is little is saved rarely: as often as it takes for
   the work to be in proportion to what is new. In the end everything is kept that comes again. */
static bool by_chance(uint64_t n, uint64_t of) {
    uint64_t random;
    if (!n || n >= of) return n;
    return getrandom(&random, sizeof random, GRND_NONBLOCK) == sizeof random && random % of < n;
}

/** A file of the directory that may go. */
struct aged {
    int64_t written;
    uint64_t size;
    char name[NAME];
};

/* Keeps the oldest ones, in order. Returns how many there are. */
static unsigned aged_add(struct aged *files, unsigned count, const struct aged *f) {
    if (count == OLDEST && f->written >= files[count - 1].written) return count;
    unsigned at = count < OLDEST ? count++ : count - 1;
    for (; at && files[at - 1].written > f->written; at--) files[at] = files[at - 1];
    files[at] = *f;
    return count;
}

/* Makes room for a new file: when all together are too large, the oldest ones go, and more than must, as each look at
   the directory is a look at all of its files. */
static void directory_trim(const char *path, uint64_t more) {
    struct statfs fs;
    struct os_folder d;
    struct aged oldest[OLDEST];
    unsigned count = 0;
    uint64_t most = DIRECTORY_MOST, sum = more;
    if (statfs(path, &fs) != 0 || !os_folder_open(&d, path)) return;
    if (most > fs.f_blocks * (uint64_t)fs.f_bsize / DIRECTORY_PART)
        most = fs.f_blocks * (uint64_t)fs.f_bsize / DIRECTORY_PART;
    for (const char *entry; (entry = os_folder_next(&d)) != NULL;) {
        struct stat st;
        if (entry[0] == '.' || strlen(entry) >= NAME) continue;
        if (fstatat(d.fd, entry, &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
        struct aged f = {st.st_mtime, (uint64_t)st.st_size, ""};
        strcpy(f.name, entry);
        sum += f.size;
        count = aged_add(oldest, count, &f);
    }
    if (sum > most)
        for (unsigned i = 0; i < count && sum > most - most / 8; i++)
            if (unlinkat(d.fd, oldest[i].name, 0) == 0) sum -= oldest[i].size;
    os_folder_close(&d);
}

static bool write_all(int fd, const uint8_t *data, size_t size) {
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n <= 0) return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static void file_replace(const struct store *s, const char *path, const void *data, size_t size) {
    char other[PATH_MAX];
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size) return; /* it would be a signal */
    directory_trim(s->directory, size);
    snprintf(other, sizeof other, "%s/.%u", s->directory, (unsigned)getpid());
    int fd = open(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return;
    bool ok = fchmod(fd, 0600) == 0 && write_all(fd, data, size);
    close(fd);
    if (!ok || rename(other, path) != 0) unlink(other);
}

/* Adds what is new of an image to what there is by now: other processes may have been faster. */
static void image_save(struct process *p, const struct mapping *m, uint32_t kept, uint32_t added) {
    const uint64_t start = m->start, end = m->end;
    char path[PATH_MAX];
    size_t before_size = 0, size;
    if (!file_name(p, m, path)) return;
    void *before = file_map(path, &before_size);
    uint32_t there = before ? engine_code_stored(before, before_size) : 0;
    void *data = NULL;
    /* What has come to it since is probably the same: of a process that forks much all children are alike. */
    if (there < kept + added)
        data = engine_code_save(p->vm->engine, p->vm->cpu, start, end, before, before_size, &size);
    if (data && engine_code_stored(data, size) > there) file_replace(p->store, path, data, size);
    os_free(data);
    if (before) munmap(before, before_size);
}

void store_save(struct process *p) {
    struct store *s = p->store;
    struct engine *e = p->vm->engine;
    if (!s || !by_chance(engine_stats(e).insns - s->insns, WORTH_INSNS)) return;
    s->busy = true;
    for (unsigned i = 0; i < s->count; i++) {
        const struct image_note *note = &s->images[i];
        const struct mapping *m = image_mapping(p, note->start, note->generation);
        const uint32_t added = m ? engine_code_new(e, m->start, m->end) : 0;
        if (m && m->start == note->start && by_chance(added, note->kept / WORTH_PART + 1))
            image_save(p, m, note->kept, added);
    }
    s->busy = false;
    s->insns = engine_stats(e).insns;
}
