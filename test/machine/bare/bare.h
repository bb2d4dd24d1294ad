/* bare.h - what the bare-metal tests share: each is a program without an operating system that starts in M mode, checks
 * what it sees, and ends the run with status 0 or with the number of the line of the check that failed (at most 255).
 *
 * Traps in M mode are noted in `trapped` and the instruction is skipped, unless a test sets `on_trap`; those delegated
 * to S mode likewise in `s_trapped`. run_in runs a function in U or S mode.
 */
#ifndef BARE_H
#define BARE_H

#include <stddef.h>
#include <stdint.h>

#define UART     ((volatile uint8_t *)0x10000000)
#define MSIP     ((volatile uint32_t *)0x02000000)
#define MTIMECMP ((volatile uint64_t *)0x02004000)
#define MTIME    ((volatile uint64_t *)0x0200bff8)
#define FINISHER ((volatile uint32_t *)0x00100000)
#define RTC      ((volatile uint32_t *)0x00101000)
#define ENTROPY  ((volatile uint32_t *)0x00102000)
#define PLIC     ((volatile uint32_t *)0x0c000000)

enum mode { U, S, M = 3 };
enum cause {
    MISALIGNED_FETCH,
    ACCESS_FETCH,
    ILLEGAL,
    BREAKPOINT,
    MISALIGNED_LOAD,
    ACCESS_LOAD,
    MISALIGNED_STORE,
    ACCESS_STORE,
    ECALL_U,
    ECALL_S,
    ECALL_M = 11,
    PAGE_FETCH,
    PAGE_LOAD,
    PAGE_STORE = 15
};
#define INTERRUPT (1ull << 63)
enum irq { SSI = 1, MSI = 3, STI = 5, MTI = 7, SEI = 9, MEI = 11 };
enum status {
    SIE = 1 << 1,
    MIE = 1 << 3,
    SPIE = 1 << 5,
    MPIE = 1 << 7,
    SPP = 1 << 8,
    MPP = 3 << 11,
    MPRV = 1 << 17,
    SUM = 1 << 18,
    MXR = 1 << 19,
    TVM = 1 << 20,
    TW = 1 << 21,
    TSR = 1 << 22
};

struct frame {
    uint64_t x[32];
};
struct trapped {
    uint64_t count, cause, pc, value, status;
};
extern struct trapped trapped, s_trapped;
/** If set: called instead of skipping the instruction; returns where to go on. */
extern uint64_t (*on_trap)(struct frame *frame, uint64_t cause, uint64_t pc);
extern uint64_t (*s_on_trap)(struct frame *frame, uint64_t cause, uint64_t pc);
extern volatile uint32_t m_vector;
extern char m_vectors[], m_entry[], s_entry[];
extern uint8_t mode_stack[4096];

uint64_t run_in(enum mode mode, uint64_t (*function)(uint64_t), uint64_t argument, void *stack);
#define RUN(mode, function, argument) run_in(mode, function, (uint64_t)(argument), mode_stack + sizeof mode_stack)
_Noreturn void finish(uint64_t status);
void print(const char *text);
void print_hex(uint64_t n);

#define READ(csr)                                                                                                      \
    ({                                                                                                                 \
        uint64_t csr_value;                                                                                            \
        __asm__ volatile("csrr %0, " #csr : "=r"(csr_value)::"memory");                                                \
        csr_value;                                                                                                     \
    })
#define WRITE(csr, value) __asm__ volatile("csrw " #csr ", %0" ::"r"((uint64_t)(value)) : "memory")
#define SET(csr, value)   __asm__ volatile("csrs " #csr ", %0" ::"r"((uint64_t)(value)) : "memory")
#define CLEAR(csr, value) __asm__ volatile("csrc " #csr ", %0" ::"r"((uint64_t)(value)) : "memory")
/* Instructions of 4 bytes, so that skipping one after a trap is right. They may use a0, a1 and a7. */
#define DO(text)                                                                                                       \
    __asm__ volatile(".option push\n.option norvc\n.option norelax\n" text "\n.option pop" ::                          \
                         : "a0", "a1", "a7", "memory")
/* The same, and whether it trapped for this cause. */
#define TRAPS(expected, text)                                                                                          \
    ({                                                                                                                 \
        uint64_t traps_before = trapped.count;                                                                         \
        DO(text);                                                                                                      \
        trapped.count == traps_before + 1 && trapped.cause == (expected);                                              \
    })
#define PASSES(text)                                                                                                   \
    ({                                                                                                                 \
        uint64_t traps_before = trapped.count;                                                                         \
        DO(text);                                                                                                      \
        trapped.count == traps_before;                                                                                 \
    })

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) check_failed(__LINE__, #condition);                                                          \
    } while (0)
_Noreturn void check_failed(unsigned line, const char *text);

static inline uint64_t load_word(const volatile void *at) {
    uint64_t v = 0x5a5a;
    __asm__ volatile(".option push\n.option norvc\nld %0, 0(%1)\n.option pop" : "+r"(v) : "r"(at) : "memory");
    return v;
}
static inline void store_word(volatile void *at, uint64_t v) {
    __asm__ volatile(".option push\n.option norvc\nsd %0, 0(%1)\n.option pop" ::"r"(v), "r"(at) : "memory");
}

#endif
