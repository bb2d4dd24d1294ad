/* fuzz_decode.c - any bytes as riscv code: lifted in blocks, checked, disassembled and translated.
 *
 * Nothing crashes; every block is well-formed; the text of an instruction, where it can be assembled, gives an
 * instruction with the same text. The first bytes of the input choose the context and the kind of memory; the code lies
 * at the end of its allocation. What translation makes is not run (fuzz/riscv does that), but stays within its room.
 */
#include "base/arena.h"
#include "core/host.h"
#include "guest/isa.h"
#include "guest/riscv/riscv.h"
#include "riscv_isa.h"
#include <stdlib.h>
#include <string.h>

enum { HEAD = 4, MOST = 160, INSNS = 64, CACHE = 1 << 20, GUARD = 64 };

static void disassemble(const uint8_t *code, size_t size, uint64_t pc) {
    for (size_t at = 0; at < size;) {
        char text[120], again[120];
        uint32_t bits = 0, other;
        unsigned n = guest_riscv.disassemble(text, sizeof text, pc + at, code + at, size - at, NULL);
        if (n == 0 || n > size - at || strlen(text) >= sizeof text) abort();
        memcpy(&bits, code + at, n);
        at += n;
        if (n < 2 || (n == 2 && (bits & 3) == 3)) continue; /* cut off */
        if (bits * 0x9e3779b9u >> 29) continue;             /* assembling is slow: some of them */
        unsigned length = isa_assemble(&riscv_isa, text, pc + at - n, &other);
        if (length) isa_disassemble(&riscv_isa, other, length, pc + at - n, again, sizeof again);
        if (length != n || strcmp(text, again)) {
            fprintf(stderr, "%08x: '%s' is assembled as %08x, %u bytes\n", bits, text, other, length);
            abort();
        }
    }
}

/* Lifts one block; *size is then what it covers. */
static struct block *lift(struct arena *arena, const uint8_t *code, size_t *size, uint64_t pc, uint64_t ctx) {
    struct block *block = block_make(arena, pc, ctx);
    struct builder b;
    if (!block) abort();
    builder_init(&b, block, arena, &guest_riscv);
    size_t done = 0;
    while (!b.ended && !b.failed && block->ninsns < INSNS && done < *size) {
        b.pc = pc + done;
        unsigned n = guest_riscv.lift(&b, code + done, *size - done);
        if (n == 0) break;
        if (n > *size - done) abort();
        done += n;
    }
    if (!b.ended && !b.failed && guest_riscv.end) guest_riscv.end(&b);
    if (!b.ended) build_jump(&b, pc + done);
    *size = done;
    return b.failed || !done ? NULL : block;
}

static void translate(struct arena *arena, const struct block *block, enum mem_kind kind) {
    static uint8_t *cache;
    static uint32_t start;
    if (!cache) {
        cache = calloc(1, CACHE + GUARD);
        start = host_native->prepare(&guest_riscv, cache, cache, CACHE);
    }
    struct riscv_cpu cpu = {.c = {.guest = &guest_riscv}};
    cpu.c.mem[0] = (struct mem_view){.kind = kind, .limit = 1u << 30};
    struct emission m = {.guest = &guest_riscv,
                         .block = block,
                         .cpu = &cpu.c,
                         .arena = arena,
                         .write = cache,
                         .execute = cache,
                         .at = start,
                         .limit = CACHE,
                         .counted = block->ctx & CTX_COUNTED};
    memset(cache + CACHE, 0x5a, GUARD);
    if (host_native->emit(&m) != EMIT_OK) return;
    if (m.end > CACHE || m.poll_entry < start || m.entry < m.poll_entry) abort();
    if (m.hot_end < m.entry || m.end < m.hot_end) abort();
    uint32_t host = 0, bytes = 0;
    const uint8_t *mark = m.marks;
    for (uint32_t i = 0; i < block->ninsns; i++) {
        host += mark_take(&mark);
        bytes += mark_take(&mark);
    }
    if (host > m.hot_end - m.poll_entry || bytes != block->bytes || mark != m.marks + m.marks_size) abort();
    for (unsigned i = 0; i < GUARD; i++)
        if (cache[CACHE + i] != 0x5a) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint64_t pcs[] = {0x10000, 0x7ffffff0, 0x3ffffffff0, 0xffffffffffffff80u};
    struct arena arena;
    char why[200];
    if (size <= HEAD || size > HEAD + MOST) return 0;
    uint64_t ctx = ((uint64_t)data[0] | (uint64_t)data[1] << 8) << CTX_GUEST_SHIFT | (data[2] & CTX_COUNTED);
    uint64_t pc = pcs[data[2] >> 1 & 3];
    enum mem_kind kind = (enum mem_kind)(MEM_DIRECT + data[3] % 4);
    size -= HEAD;
    uint8_t *code = malloc(size);
    memcpy(code, data + HEAD, size);
    arena_init(&arena, 1 << 16);
    for (size_t at = 0, n; at < size; at += n) {
        arena_reset(&arena);
        n = size - at;
        struct block *block = lift(&arena, code + at, &n, pc + at, ctx);
        if (!block) break;
        if (!block_check(block, &guest_riscv, why, sizeof why)) {
            fprintf(stderr, "%s\n", why);
            block_print(stderr, block, &guest_riscv);
            abort();
        }
        if (host_native) translate(&arena, block, kind);
    }
    disassemble(code, size, pc);
    arena_done(&arena);
    free(code);
    return 0;
}
