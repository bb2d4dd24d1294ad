/* Prints what is typed, each byte in brackets; ends at q, or when there is nothing typed for long. */
#define UART ((volatile unsigned char *)0x10000000)

static void put(int c) {
    UART[0] = (unsigned char)c;
}

void main_(void) {
    for (const char *c = "ready\n"; *c; c++) put(*c);
    for (unsigned long n = LIMIT; n; n--) {
        if (!(UART[5] & 1)) continue;
        const unsigned char c = UART[0];
        if (c == 'q') break;
        put('<'), put(c), put('>');
        n = LIMIT;
    }
    *(volatile unsigned *)0x100000 = 0x5555;
    for (;;) continue;
}
__asm__(".globl _start\n_start: csrr t0, mhartid\nbnez t0, 1f\nlla sp, stack_top\nj main_\n1: wfi\nj 1b\n.bss\n.balign 16\n.space 4096\nstack_top:\n");
