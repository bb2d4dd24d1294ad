/* A bare-metal program: prints on the UART, counts a while, then powers off, reporting STATUS if that is given. */
#ifdef STATUS
#define REPORT (STATUS << 16 | 0x3333)
#else
#define REPORT 0x5555
#endif
        .globl _start
_start: la      a0, text
        li      a1, 0x10000000
1:      lbu     a2, 0(a0)
        beqz    a2, 2f
        sb      a2, 0(a1)
        addi    a0, a0, 1
        j       1b
2:      li      a3, 100000
        la      a4, words
3:      andi    a5, a3, 0xf8
        add     a5, a5, a4
        ld      a6, 0(a5)
        mul     a6, a6, a3
        add     a6, a6, a3
        sd      a6, 0(a5)
        addi    a3, a3, -1
        bnez    a3, 3b
        li      a1, 0x100000
        li      a2, REPORT
        sw      a2, 0(a1)
4:      j       4b
text:   .asciz  "hello from the machine\n"
        .balign 8
words:  .fill   64, 8, 1
