/* A kernel of a few lines: it turns on paging (Sv39), lets a program run in user mode, gives it pages when it touches
 * them, answers its system calls, and switches the power off. What it says goes out through the SBI, the interface of
 * the firmware, which vee itself is.
 */
#include <stdint.h>

enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128 };
enum { CAUSE_USER_CALL = 8, CAUSE_LOAD_FAULT = 13, CAUSE_STORE_FAULT = 15 };
enum { PAGE = 4096, PAGES = 16, USER = 0x10000, HEAP = 0x40000000, HEAP_SIZE = PAGES * PAGE };
enum { SBI_PUTCHAR = 1, SBI_RESET = 0x53525354 };
#define SV39 (8ull << 60)

struct frame {
    uint64_t x[32];
};

extern char user_page[];
void enter_user(uint64_t pc, uint64_t stack);
void trap_taken(struct frame *f);

static uint64_t root[512] __attribute__((aligned(PAGE))), tables[4][512] __attribute__((aligned(PAGE)));
static char heap[PAGES][PAGE] __attribute__((aligned(PAGE)));
static unsigned tables_used, pages_used;

static long sbi(long extension, long function, long a, long b) {
    register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a6 __asm__("a6") = function, a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
    return a0;
}

static void print(const char *text) {
    while (*text) sbi(SBI_PUTCHAR, 0, *text++, 0);
}

static void print_number(uint64_t n) {
    if (n >= 10) print_number(n / 10);
    sbi(SBI_PUTCHAR, 0, "0123456789"[n % 10], 0);
}

static void power_off(void) {
    sbi(SBI_RESET, 0, 0, 0);
    for (;;) __asm__ volatile("wfi");
}

static uint64_t entry(const void *page, unsigned flags) {
    return (uintptr_t)page >> 12 << 10 | flags | V;
}

/* Enters a page at a virtual address, with the tables that lead there. */
static void map(uint64_t address, const void *page, unsigned flags) {
    uint64_t *table = root;
    for (unsigned shift = 30; shift > 12; shift -= 9) {
        uint64_t *e = &table[address >> shift & 511];
        if (!(*e & V)) *e = entry(tables[tables_used++], 0);
        table = (uint64_t *)(*e >> 10 << 12);
    }
    table[address >> 12 & 511] = entry(page, flags | A | D);
    __asm__ volatile("sfence.vma %0" : : "r"(address) : "memory");
}

void trap_taken(struct frame *f) {
    uint64_t cause, pc, address;
    __asm__ volatile("csrr %0, scause\n csrr %1, sepc\n csrr %2, stval" : "=r"(cause), "=r"(pc), "=r"(address));
    const uint64_t *a = f->x + 10;
    if (cause == CAUSE_USER_CALL && a[7] == 1) {
        print("user mode says: the sum is ");
        print_number(a[0]);
        print("\n");
        __asm__ volatile("csrw sepc, %0" : : "r"(pc + 4));
    } else if (cause == CAUSE_USER_CALL) {
        print("user mode ends, after ");
        print_number(pages_used);
        print(" page faults\n");
        power_off();
    } else if ((cause == CAUSE_LOAD_FAULT || cause == CAUSE_STORE_FAULT) && address - HEAP < HEAP_SIZE &&
               pages_used < PAGES) {
        map(address & ~(uint64_t)(PAGE - 1), heap[pages_used++], R | W | U);
    } else {
        print("an unexpected trap\n");
        power_off();
    }
}

void main(uint64_t hart) {
    print("a kernel in S mode, on hart ");
    print_number(hart);
    print("\n");
    root[2] = entry((void *)0x80000000, R | W | X | A | D); /* the kernel: 1 GiB, where it is */
    map(USER, user_page, R | X | U);
    __asm__ volatile("csrw satp, %0\n sfence.vma" : : "r"(SV39 | (uintptr_t)root >> 12) : "memory");
    print("paging is on\n");
    enter_user(USER, 0);
}
