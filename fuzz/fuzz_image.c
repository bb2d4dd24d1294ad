/* fuzz_image.c - what machines begin with, on any file: formats of kernels, what they unpack to, what is read of them. */
#include "machine/image.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct image i;
    struct error error = {0};
    uint8_t bytes[64];
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    if (!image_take(&i, fd, "file", MOST, &error)) {
        if (!error.code || strncmp(error.text, "file", 4) || i.fd >= 0) abort();
        return 0;
    }
    if (error.code || i.fd < 0 || i.size == 0) abort();
    if (i.fd != fd && i.size > MOST) abort();
    const uint64_t n = i.size < sizeof bytes ? i.size : sizeof bytes;
    if (!image_read(&i, i.size - n, bytes, n, &error)) abort();
    if (image_read(&i, i.size - n + 1, bytes, n, &error) || !error.code) abort();
    image_close(&i);
    return 0;
}
