/* fuzz_elf.c - the ELF reader on any file. The identification (16 bytes), type and machine are put in front, since they
 * are either right or end the matter; everything else is the fuzzer's.
 */
#include "base/elf.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const unsigned char start[] = {0x7f, 'E', 'L', 'F', 2, 1, 1,   0, 0, 0, 0, 0,
                                      0,    0,   0,   0,   2, 0, 243, 0, 1, 0, 0, 0};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct elf elf;
    struct error error = {0};
    uint64_t value;
    char byte[64];
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, start, sizeof start) != sizeof start || write(fd, data, size) != (ssize_t)size) abort();
    if (elf_open(&elf, fd, "file", &error)) {
        if (error.code) abort();
        for (unsigned i = 0; i < elf.nsegments; i++) {
            const struct elf_segment *s = &elf.segments[i];
            uint64_t n = s->file_size < sizeof byte ? s->file_size : sizeof byte;
            struct error outside = {0};
            if (!elf_read(&elf, s->offset + s->file_size - n, byte, n, &outside) != (outside.code != ERROR_NONE))
                abort();
        }
        elf_find(&elf, ELF_INTERP);
        elf_loads_within(&elf, size & 1, 0x10000, 1u << 30, &error);
        elf_symbol(&elf, "tohost", &value);
        elf_close(&elf);
    } else if (!error.code || strncmp(error.text, "file: ", 6)) {
        abort();
    }
    close(fd);
    return 0;
}
