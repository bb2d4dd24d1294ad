/* log.c - what -d shows: guest instructions, uops, host code, exits. Text goes to the configured sink, line by line. */
#include "engine/internal.h"
#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(struct engine *e, const char *line) {
    if (e->config.log_line) e->config.log_line(e->config.log_to, line);
}

static void log_guest(struct engine *e, const struct block *block) {
    char line[300], text[200];
    for (uint32_t i = 0; i < block->nuops; i++) {
        const struct uop *u = &block->uops[i];
        if (u->op != UOP_mark) continue;
        uint64_t pc = (uint64_t)u->imm;
        struct fetch f = {0};
        e->config.interface->fetch(e->config.self, e->cpu, pc, &f);
        if (f.fault || !e->guest->disassemble) continue;
        uint8_t bytes[32] = {0};
        size_t avail = f.avail < sizeof bytes ? f.avail : sizeof bytes;
        memcpy(bytes, f.bytes, avail);
        if (!e->guest->disassemble(text, sizeof text, pc, f.avail >= sizeof bytes ? f.bytes : bytes, f.avail, f.unit))
            snprintf(text, sizeof text, "?");
        char hex[40] = "";
        for (unsigned b = 0; b < u->x && b < 8; b++) snprintf(hex + 2 * b, 3, "%02x", bytes[b]);
        snprintf(line, sizeof line, "%12llx:  %-10s %s", (unsigned long long)pc, hex, text);
        say(e, line);
    }
}

void engine_log_block(struct engine *e, const struct block *block) {
    if (e->config.log & LOG_GUEST) log_guest(e, block);
    if (!(e->config.log & LOG_UOPS)) return;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return;
    block_print(out, block, e->guest);
    fclose(out);
    for (char *line = text, *end; line && *line; line = end) {
        end = strchr(line, '\n');
        if (end) *end++ = 0;
        say(e, line);
        if (!end) break;
    }
    free(text);
}

void engine_log_host(struct engine *e, const struct unit *u) {
    csh handle;
    cs_insn *insn;
    char line[300];
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK) return;
    const uint8_t *code = e->execute + u->poll_entry;
    size_t n = cs_disasm(handle, code, u->end - u->poll_entry, (uint64_t)(uintptr_t)code, 0, &insn);
    for (size_t i = 0; i < n; i++) {
        snprintf(line, sizeof line, "    %llx:  %s %s", (unsigned long long)insn[i].address, insn[i].mnemonic,
                 insn[i].op_str);
        say(e, line);
    }
    if (n) cs_free(insn, n);
    cs_close(&handle);
}

void engine_log_exit(struct engine *e, const struct cpu *cpu) {
    char line[200];
    snprintf(line, sizeof line, "exit %s at %llx value %llx", exit_info[cpu->exit.kind].name,
             (unsigned long long)cpu->pc, (unsigned long long)cpu->exit.value);
    say(e, line);
}
