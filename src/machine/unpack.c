/* unpack.c - see unpack.h. The libraries see a buffer of input and a buffer of output at a time; everything that they
 * are not sure of is an error that says where in the file.
 */
#include "machine/unpack.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { BUFFER = 1 << 16, GZIP_FORMAT = 16 /* zlib: a header of gzip's, not one of its own */ };

struct unpacking {
    int from, to;
    const char *name;
    uint64_t offset, left; /* input that has not been read yet */
    uint64_t done, most;   /* output */
    uint8_t in[BUFFER], out[BUFFER];
    struct error *error;
};

enum packing packing_of(const uint8_t *b, size_t size) {
    static const uint8_t gzip[] = {0x1f, 0x8b, 8}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
    if (size >= sizeof gzip && !memcmp(b, gzip, sizeof gzip)) return PACKED_GZIP;
    return size >= sizeof zstd && !memcmp(b, zstd, sizeof zstd) ? PACKED_ZSTD : PACKED_NOT;
}

enum packing packing_named(const char *name) {
    if (!strcmp(name, "gzip")) return PACKED_GZIP;
    return !strcmp(name, "zstd") || !strcmp(name, "zstd22") ? PACKED_ZSTD : PACKED_NOT;
}

/* Fills the input buffer: how much there is, 0 at the end, -1 with an error. */
static ssize_t refill(struct unpacking *u) {
    const size_t size = u->left < BUFFER ? (size_t)u->left : BUFFER;
    ssize_t n;
    if (!size) return 0;
    while ((n = pread(u->from, u->in, size, (off_t)u->offset)) < 0 && errno == EINTR) {
    }
    if (n < 0) {
        error_set(u->error, ERROR_NOT_RUNNABLE, "%s: cannot be read at offset %" PRIu64 ": %s", u->name, u->offset,
                  strerror(errno));
        return -1;
    }
    u->offset += (uint64_t)n;
    u->left = n ? u->left - (uint64_t)n : 0;
    return n;
}

static bool put(struct unpacking *u, size_t size) {
    if (size > u->most - u->done)
        return error_set(u->error, ERROR_NOT_RUNNABLE,
                         "%s: more than %" PRIu64
                         " MiB come of it when it is unpacked: too large for the machine's memory",
                         u->name, u->most >> 20);
    for (size_t at = 0; at < size;) {
        const ssize_t n = write(u->to, u->out + at, size - at);
        if (n < 0 && errno != EINTR)
            return error_set(u->error, ERROR_RESOURCES, "%s: no memory to unpack it: %s", u->name, strerror(errno));
        if (n > 0) at += (size_t)n;
    }
    u->done += size;
    return true;
}

static bool truncated(struct unpacking *u) {
    return error_set(u->error, ERROR_NOT_RUNNABLE, "%s: ends at offset %" PRIu64 " in the middle of compressed data",
                     u->name, u->offset);
}

static bool damaged(struct unpacking *u, size_t unread, const char *why) {
    return error_set(u->error, ERROR_NOT_RUNNABLE, "%s: cannot be unpacked at offset %" PRIu64 ": %s", u->name,
                     u->offset - unread, why ? why : "damaged");
}

static bool unpack_gzip(struct unpacking *u) {
    z_stream z = {0};
    int status = inflateInit2(&z, MAX_WBITS + GZIP_FORMAT);
    if (status != Z_OK) return error_set(u->error, ERROR_RESOURCES, "%s: no memory to unpack it", u->name);
    bool ok = true;
    while (ok && status != Z_STREAM_END) {
        if (!z.avail_in) {
            const ssize_t n = refill(u);
            ok = n > 0 || (n == 0 && truncated(u));
            if (!ok) break;
            z.next_in = u->in;
            z.avail_in = (unsigned)n;
        }
        z.next_out = u->out;
        z.avail_out = BUFFER;
        status = inflate(&z, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            ok = damaged(u, z.avail_in, z.msg);
        else
            ok = put(u, BUFFER - z.avail_out);
    }
    inflateEnd(&z);
    return ok;
}

static bool unpack_zstd(struct unpacking *u) {
    ZSTD_DStream *z = ZSTD_createDStream();
    ZSTD_inBuffer in = {u->in, 0, 0};
    if (!z) return error_set(u->error, ERROR_RESOURCES, "%s: no memory to unpack it", u->name);
    bool ok = true;
    for (size_t wants = 1; ok && wants;) {
        if (in.pos == in.size) {
            const ssize_t n = refill(u);
            ok = n > 0 || (n == 0 && truncated(u));
            if (!ok) break;
            in = (ZSTD_inBuffer){u->in, (size_t)n, 0};
        }
        ZSTD_outBuffer out = {u->out, BUFFER, 0};
        wants = ZSTD_decompressStream(z, &out, &in);
        ok = ZSTD_isError(wants) ? damaged(u, in.size - in.pos, ZSTD_getErrorName(wants)) : put(u, out.pos);
    }
    ZSTD_freeDStream(z);
    return ok;
}

int unpack(enum packing packing, int fd, const char *name, uint64_t offset, uint64_t size, uint64_t most,
           struct error *error) {
    struct unpacking *u = malloc(sizeof *u);
    const int to = u ? memfd_create("vee-unpacked", MFD_CLOEXEC) : -1;
    bool ok = false;
    if (to < 0) {
        error_set(error, ERROR_RESOURCES, "%s: no memory to unpack it", name);
    } else {
        u->from = fd, u->to = to, u->name = name, u->error = error;
        u->offset = offset, u->left = size, u->done = 0, u->most = most;
        ok = packing == PACKED_GZIP ? unpack_gzip(u) : unpack_zstd(u);
    }
    free(u);
    if (ok || to < 0) return to;
    close(to);
    return -1;
}
