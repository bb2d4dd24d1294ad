/* A bare-metal program: prints what can be read of its device tree, a blank for any other byte, and powers off. */
        .globl _start
_start: li      a3, 0x10000000
        lbu     a4, 6(a1)               /* size: the lower half of a big-endian word */
        lbu     a5, 7(a1)
        slli    a4, a4, 8
        or      a4, a4, a5
        add     a4, a4, a1
        li      a6, ' '
        li      a7, '~'
1:      lbu     a2, 0(a1)
        bltu    a2, a6, 2f
        bleu    a2, a7, 3f
2:      mv      a2, a6
3:      sb      a2, 0(a3)
        addi    a1, a1, 1
        bltu    a1, a4, 1b
        li      a1, 0x100000
        li      a2, 0x5555
        sw      a2, 0(a1)
4:      j       4b
