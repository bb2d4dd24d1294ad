/* bare.c - see bare.h. */
#include "bare.h"

struct trapped trapped, s_trapped;
uint64_t (*on_trap)(struct frame *frame, uint64_t cause, uint64_t pc);
uint64_t (*s_on_trap)(struct frame *frame, uint64_t cause, uint64_t pc);
volatile uint32_t m_vector;
uint8_t mode_stack[4096] __attribute__((aligned(4096)));
extern char run_back[], s_stack_top[];

void print(const char *text) {
    for (; *text; text++) *UART = (uint8_t)*text;
}

void print_hex(uint64_t n) {
    for (int shift = 60; shift >= 0; shift -= 4) *UART = (uint8_t) "0123456789abcdef"[n >> shift & 15];
}

void finish(uint64_t status) {
    *FINISHER = status ? 0x3333 | (uint32_t)status << 16 : 0x5555;
    for (;;) __asm__ volatile("wfi");
}

void check_failed(unsigned line, const char *text) {
    /* From any mode: back to M mode for good. */
    print("failed: ");
    print(text);
    print(" trap ");
    print_hex(trapped.cause);
    print(" at ");
    print_hex(trapped.pc);
    print(" value ");
    print_hex(trapped.value);
    print("\n");
    finish(line < 255 ? line : 255);
}

void m_handle(struct frame *f) {
    uint64_t cause = READ(mcause), pc = READ(mepc);
    if ((cause == ECALL_U || cause == ECALL_S) && f->x[17] == 0x600d) { /* the function that run_in called is done */
        WRITE(mepc, (uint64_t)run_back);
        SET(mstatus, MPP);
        return;
    }
    trapped = (struct trapped){
        .count = trapped.count + 1, .cause = cause, .pc = pc, .value = READ(mtval), .status = READ(mstatus)};
    WRITE(mepc, on_trap ? on_trap(f, cause, pc) : pc + 4);
}

void s_handle(struct frame *f) {
    uint64_t cause = READ(scause), pc = READ(sepc);
    if (cause == ECALL_U && f->x[17] == 0x600d) { /* for m_handle, which has not got it because of medeleg */
        WRITE(sscratch, (uint64_t)s_stack_top);
        register uint64_t a0 __asm__("a0") = f->x[10], a7 __asm__("a7") = 0x600d;
        __asm__ volatile("ecall" ::"r"(a0), "r"(a7));
    }
    s_trapped = (struct trapped){
        .count = s_trapped.count + 1, .cause = cause, .pc = pc, .value = READ(stval), .status = READ(sstatus)};
    WRITE(sepc, s_on_trap ? s_on_trap(f, cause, pc) : pc + 4);
}
