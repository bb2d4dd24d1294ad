/* log.c - what -d shows: guest instructions, uops, host code, exits. Text goes to the configured sink, line by line.
 *
 * Host code is `host ADDRESS BYTES` in hex, a line for each guest instruction and one for what lies behind the last;
 * making text of it is the sink's business (the program has a disassembler, the library has none).
 */
#include "engine/internal.h"
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
        uint8_t room[LIFT_BYTES], bytes[32] = {0};
        e->config.interface->fetch(e->config.self, e->cpu, pc, &f);
        if (f.fault || !e->guest->disassemble) continue;
        fetch_bytes(e, pc, &f, room);
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

static void log_code(struct engine *e, const uint8_t *code, size_t size) {
    static const char digits[] = "0123456789abcdef";
    char *line = malloc(40 + 2 * size), *p = line;
    if (!line || !size) goto done;
    p += sprintf(p, "host %llx ", (unsigned long long)(uintptr_t)code);
    for (size_t i = 0; i < size; i++) {
        *p++ = digits[code[i] >> 4];
        *p++ = digits[code[i] & 15];
    }
    *p = 0;
    say(e, line);
done:
    free(line);
}

void engine_log_host(struct engine *e, const struct unit *u) {
    const uint8_t *code = e->execute + u->poll_entry;
    uint32_t at = 0, end = u->end - u->poll_entry;
    const uint8_t *mark = unit_marks(u);
    for (uint32_t i = 0; i < u->ninsns; i++) {
        uint32_t size = mark_take(&mark);
        mark_take(&mark);
        log_code(e, code + at, size);
        at += size;
    }
    log_code(e, code + at, end - at);
}

void engine_log_exit(struct engine *e, const struct cpu *cpu) {
    char line[200];
    snprintf(line, sizeof line, "exit %s at %llx value %llx", exit_info[cpu->exit.kind].name,
             (unsigned long long)cpu->pc, (unsigned long long)cpu->exit.value);
    say(e, line);
}
