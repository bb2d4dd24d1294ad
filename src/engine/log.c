/* log.c - what -d shows: guest instructions, uops, host code, exits, traps, page walks. Text goes to the configured
 * sink, line by line.
 *
 * Host code is `host ADDRESS BYTES` in hex, a line for each guest instruction and one for what lies behind the last;
 * making text of it is the sink's business (the program has a disassembler, the library has none).
 */
#include "engine/internal.h"
#include "base/os.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(struct engine *e, const char *line) {
    if (!e->config.log_line) return;
    while (__atomic_exchange_n(&e->saying, 1, __ATOMIC_ACQUIRE)) os_pause(); /* some come without the lock */
    e->config.log_line(e->config.log_to, line);
    __atomic_store_n(&e->saying, 0, __ATOMIC_RELEASE);
}

/* From the bytes that were lifted: fetching them again could mark pages as used. */
static void log_guest(struct engine *e, const struct block *block, const struct fetch *f) {
    char line[300], text[200];
    const size_t size = f->avail > block->bytes ? f->avail : block->bytes; /* with those of the second page */
    for (uint32_t i = 0; i < block->nuops && e->guest->disassemble; i++) {
        const struct uop *u = &block->uops[i];
        if (u->op != UOP_mark) continue;
        const uint64_t pc = (uint64_t)u->imm, at = pc - block->pc;
        uint8_t bytes[32] = {0};
        const size_t avail = size - at;
        memcpy(bytes, f->bytes + at, avail < sizeof bytes ? avail : sizeof bytes);
        if (!e->guest->disassemble(text, sizeof text, pc, avail < sizeof bytes ? bytes : f->bytes + at, avail, f->unit))
            snprintf(text, sizeof text, "?");
        char hex[40] = "";
        for (unsigned b = 0; b < u->x && b < 8; b++) snprintf(hex + 2 * b, 3, "%02x", bytes[b]);
        snprintf(line, sizeof line, "%12llx:  %-10s %s", (unsigned long long)pc, hex, text);
        say(e, line);
    }
}

void engine_log_block(struct engine *e, const struct block *block, const struct fetch *f) {
    if (e->config.log & LOG_GUEST) log_guest(e, block, f);
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

/* `effects NAME reads PLACES; writes PLACES`, for those that were called. */
void engine_log_effects(struct engine *e) {
    static const char *const functions[] = {"walk", "enter_trap", "take_interrupt", "wakes", "set_line", "tick"};
    const unsigned helpers = e->guest->nhelpers;
    char line[4200], reads[2000], writes[2000];
    for (unsigned i = 0; e->touched && i < helpers + GUEST_FUNCTIONS; i++) {
        const struct effect *s = &e->touched[i];
        if (!(s->reads | s->writes)) continue;
        snprintf(line, sizeof line, "effects %s reads %s; writes %s",
                 i < helpers ? e->guest->helpers[i].name : functions[i - helpers],
                 set_names(e->guest, s->reads, reads, sizeof reads),
                 set_names(e->guest, s->writes, writes, sizeof writes));
        say(e, line);
    }
}

void engine_log_exit(struct engine *e, const struct cpu *cpu) {
    char line[200];
    snprintf(line, sizeof line, "exit %s at %llx value %llx", exit_info[cpu->exit.kind].name,
             (unsigned long long)cpu->pc, (unsigned long long)cpu->exit.value);
    say(e, line);
}

/* Cpus are numbered as they were made. */
static unsigned cpu_number(const struct cpu *cpu) {
    return (cpu->runner->id >> PROCESS_BITS) - 1;
}

static const char *mode_name(const struct cpu *cpu, unsigned mode) {
    const struct trap_names *names = cpu->guest->trap_names;
    return names && mode < sizeof names->mode / sizeof *names->mode && names->mode[mode] ? names->mode[mode] : "?";
}

void engine_log_trap(struct engine *e, const struct cpu *cpu) {
    const struct cpu_traps *t = &cpu->traps;
    const struct trap_names *names = cpu->guest->trap_names;
    const char *name = names ? names->cause[t->interrupt][t->cause] : NULL;
    char line[200];
    if (t->count == cpu->runner->traps) return;
    cpu->runner->traps = t->count;
    snprintf(line, sizeof line,
             "int cpu:%u count:%" PRIu64 " async:%u cause:%u pc:0x%016" PRIx64 " value:0x%016" PRIx64 " %s to %s %s",
             cpu_number(cpu), cpu_count(cpu), t->interrupt, t->cause, t->pc, t->value, mode_name(cpu, t->from),
             mode_name(cpu, t->to), name ? name : "?");
    say(e, line);
}

void engine_log_walk(const struct cpu *cpu, uint64_t address, enum access access, const struct walk *w, bool filled,
                     bool writable) {
    static const char *const names[] = {"fetch", "read", "write", "look"};
    char line[200];
    int n =
        snprintf(line, sizeof line, "mmu cpu:%u %s address:0x%016" PRIx64 " ", cpu_number(cpu), names[access], address);
    if (w->fault)
        snprintf(line + n, sizeof line - (size_t)n, "fault:%s", exit_info[w->fault].name);
    else
        snprintf(line + n, sizeof line - (size_t)n, "physical:0x%016" PRIx64 " size:0x%" PRIx64 " rights:%s%s%s%s%s",
                 w->physical, w->mapping ? w->mapping : (uint64_t)1 << TLB_PAGE_SHIFT, w->read ? "r" : "-",
                 w->write ? "w" : "-", w->execute ? "x" : "-", w->global ? " global" : "",
                 !filled                 ? ""
                 : w->write && !writable ? " filled:code"
                                         : " filled");
    say(cpu->engine, line);
}
