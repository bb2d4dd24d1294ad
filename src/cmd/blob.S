/* blob.S - the program of disassembler/ as bytes, for disassemble.c. Nothing in it is relocated, and its pages are not
 * read from the file before somebody asks for them. The Makefile says where it is (DISASSEMBLER).
 */
        .section .rodata
        .globl  disassembler_blob, disassembler_blob_end
        .hidden disassembler_blob, disassembler_blob_end
        .balign 4096
disassembler_blob:
        .incbin DISASSEMBLER
disassembler_blob_end:

        .section .note.GNU-stack, "", @progbits
