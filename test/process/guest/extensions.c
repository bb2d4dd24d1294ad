/* extensions.c - what a riscv64 process is told that its processor can do (riscv_hwprobe, /proc/cpuinfo, AT_HWCAP) is
 * the same everywhere, and so: each extension runs an instruction of its own. Bits are those of Linux's hwprobe.h. On
 * other computers there is nothing to see. */
#include "check.h"

#ifdef __riscv
#include <sys/auxv.h>

enum { HWPROBE = 258, EXTENSIONS = 4 };
/* x11 is the operand and x12 the result; of the floating point ones f10 is used. */
static const struct extension {
    const char *name;
    int bit; /* -1: Linux has none */
    uint32_t instruction, operand_high, operand_low, result_high, result_low;
} extensions[] = {
    {"zicboz", 6, 0x0045a00f /* cbo.zero (x11) */, 0, 0, 0, 0},
    {"zicntr", -1, 0xc0102673 /* rdtime x12 */, 0, 0, 0, 0},
    {"zicond", 35, 0x0eb5d633 /* czero.eqz x12, x11, x11 */, 0, 7, 0, 7},
    {"zihintntl", 29, 0x00200033 /* ntl.p1 */, 0, 0, 0, 0},
    {"zihintpause", 36, 0x0100000f /* pause */, 0, 0, 0, 0},
    {"zimop", 42, 0x81c5c673 /* mop.r.0 x12, x11 */, 0, 7, 0, 0},
    {"zawrs", 48, 0x01d00073 /* wrs.sto */, 0, 0, 0, 0},
    {"zfa", 32, 0xf2180553 /* fli.d f10, 1.0 */, 0, 0, 0, 0},
    {"zfh", 27, 0x04a57553 /* fadd.h f10, f10, f10 */, 0, 0, 0, 0},
    {"zfhmin", 28, 0xe4050653 /* fmv.x.h x12, f10 */, 0, 0, 0, 0},
    {"zca", 43, 0x862e0001 /* c.nop; c.mv x12, x11 */, 0, 7, 0, 7},
    {"zcb", 44, 0x9e619e61 /* c.zext.b x12, twice */, 0, 0, 0, 0},
    {"zcd", 45, 0x00010001, 0, 0, 0, 0},
    {"zcmop", 47, 0x60816081 /* c.mop.1, twice */, 0, 0, 0, 0},
    {"zba", 3, 0x20b5a633 /* sh1add x12, x11, x11 */, 0, 7, 0, 21},
    {"zbb", 4, 0x60259613 /* cpop x12, x11 */, 0, 7, 0, 3},
    {"zbs", 5, 0x28b59633 /* bset x12, x11, x11 */, 0, 3, 0, 11},
    {"zbc", 7, 0x0ab5a633 /* clmulr x12, x11, x11 */, 0x80000000, 0, 0x80000000, 0},
    {"zbkb", 8, 0x08b5c633 /* pack x12, x11, x11 */, 0, 7, 7, 7},
    {"zbkc", 9, 0x0ab59633 /* clmul x12, x11, x11 */, 0, 7, 0, 21},
    {"zbkx", 10, 0x28b5a633 /* xperm4 x12, x11, x11 */, 0x76543210, 0x01234567, 0x01234567, 0x76543210},
    {"zknh", 13, 0x10359613 /* sha256sig1 x12, x11 */, 0, 1, 0, 0xa000},
    {"zksh", 15, 0x10859613 /* sm3p0 x12, x11 */, 0, 1, 0, 0x20201},
};
enum { COUNT = sizeof extensions / sizeof *extensions };

static uint64_t probed(void) {
    int64_t pair[2] = {EXTENSIONS, 0};
    CHECK_IS(syscall(HWPROBE, pair, 1, 0, NULL, 0), 0);
    CHECK_IS(pair[0], EXTENSIONS);
    return (uint64_t)pair[1];
}

/* The line "isa" of the first processor: letters, and names behind underscores. */
static void read_isa(char isa[1024]) {
    FILE *f = fopen("/proc/cpuinfo", "r");
    CHECK(f != NULL);
    while (f && fgets(isa, 1000, f) && strncmp(isa, "isa", 3) != 0) {
    }
    if (f) fclose(f);
    isa[strcspn(isa, "\n")] = '_';
    memmove(isa, strstr(isa, "rv64"), strlen(strstr(isa, "rv64")) + 1);
}

static bool has(const char *isa, const char *name) {
    char word[32];
    snprintf(word, sizeof word, "_%s_", name);
    return strstr(isa, word) != NULL;
}

static uint64_t run(uint32_t instruction, uint64_t operand) {
    static _Alignas(64) char block[64];
    uint32_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(code != MAP_FAILED);
    code[0] = instruction;
    code[1] = 0x00008067; /* ret */
    __builtin___clear_cache((char *)code, (char *)(code + 2));
    register uint64_t x11 __asm__("a1") = instruction == 0x0045a00f ? (uintptr_t)block : operand;
    register uint64_t x12 __asm__("a2") = 0;
    __asm__ volatile("jalr %2" : "+r"(x12) : "r"(x11), "r"(code) : "ra", "fa0", "memory");
    const uint64_t result = x12;
    munmap(code, 4096);
    return result;
}

int main(void) {
    char isa[1024] = "";
    uint64_t bits = probed(), seen = 0;
    read_isa(isa);
    CHECK_IS(strncmp(isa, "rv64imafdc_", 11), 0);
    CHECK_IS(getauxval(AT_HWCAP), 1 << 8 | 1 << 12 | 1 | 1 << 5 | 1 << 3 | 1 << 2);
    CHECK_IS(bits & 7, 3); /* F and D, C; no V */
    for (const struct extension *e = extensions; e < extensions + COUNT; e++) {
        if (!has(isa, e->name) || (e->bit >= 0 && !(bits >> e->bit & 1))) {
            printf("%s: not told\n", e->name);
            checks_failed++;
            continue;
        }
        if (e->bit >= 0) seen |= UINT64_C(1) << e->bit;
        const uint64_t result = run(e->instruction, (uint64_t)e->operand_high << 32 | e->operand_low);
        const uint64_t right = (uint64_t)e->result_high << 32 | e->result_low;
        if (right && result != right) {
            printf("%s: %#lx, not %#lx\n", e->name, result, right);
            checks_failed++;
        }
    }
    CHECK_IS(bits & ~seen, 3); /* what is told is in the table above */
    CHECK(has(isa, "zicsr") && has(isa, "zifencei"));
    CHECK(!has(isa, "sstc") && !has(isa, "zicbom")); /* of machines only */
    return done();
}
#else
int main(void) {
    return done();
}
#endif
