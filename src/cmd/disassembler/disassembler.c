/* disassembler.c - a program of its own: turns host code in hex into text, for `vee -d host`.
 *
 * Reads lines `ADDRESS BYTES`, both in hex, and answers each with a line per instruction and then a zero byte.
 * Ends with its input. Bytes that are no instruction come out as .byte.
 *
 * It is apart from vee because of the library that it is linked with: that one's tables hold 77,000 pointers, which a
 * position-independent program has to relocate, page by page, whenever it starts. vee carries this program as plain
 * bytes (blob.S) and starts it when it is needed (disassemble.c).
 */
#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>

static int digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Turns hex into bytes in place; returns how many. */
static size_t bytes_of(char *text) {
    size_t n = 0;
    for (int high, low; (high = digit(text[2 * n])) >= 0 && (low = digit(text[2 * n + 1])) >= 0; n++)
        text[n] = (char)(high << 4 | low);
    return n;
}

int main(void) {
    csh handle;
    cs_insn *insn;
    char *line = NULL, *hex;
    size_t size = 0;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK) return 1;
    cs_option(handle, CS_OPT_SKIPDATA, CS_OPT_ON);
    while (getline(&line, &size, stdin) > 0) {
        uint64_t address = strtoull(line, &hex, 16);
        while (*hex == ' ') hex++;
        size_t length = bytes_of(hex), n = cs_disasm(handle, (const uint8_t *)hex, length, address, 0, &insn);
        for (size_t i = 0; i < n; i++)
            printf("%16llx:  %s%s%s\n", (unsigned long long)insn[i].address, insn[i].mnemonic,
                   *insn[i].op_str ? " " : "", insn[i].op_str);
        if (n) cs_free(insn, n);
        putchar(0);
        if (fflush(stdout)) return 1;
    }
    return 0;
}
