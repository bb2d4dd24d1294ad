/* control.c - see control.h. What can be asked for: rows of control.def, a function each. A request is checked as a
 * whole before anything is done, and one that is refused changes nothing.
 */
#include "machine/control.h"
#include "machine/board.h"
#include "machine/json.h"
#include "machine/keyvals.h"
#include "core/object.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY_MOST = 4096 };

struct request {
    struct machine *machine;
    const struct json_object *members;
    struct json_out *out;
    struct error error;
    enum control_wish wish;
    bool paused;
};

/* ---- what a request says */

static bool refuse(struct request *r, const char *key, const char *want) {
    return error_set(&r->error, ERROR_USAGE, "%s: %s", key, want);
}

static bool get_flag(struct request *r, const char *key, bool *value) {
    const struct json_member *m = json_get(r->members, key);
    *value = m && m->number;
    return !m || m->type == JSON_BOOL || refuse(r, key, "true or false is wanted");
}

/* A number, or a text with one, "0x...". */
static bool get_number(struct request *r, const char *key, bool needed, uint64_t *value) {
    const struct json_member *m = json_get(r->members, key);
    char *end = NULL;
    if (!m) return !needed || refuse(r, key, "this has to be said");
    if (m->type == JSON_NUMBER && !m->negative) return *value = m->number, true;
    if (m->type != JSON_TEXT || m->text[0] < '0' || m->text[0] > '9')
        return refuse(r, key, "a number is wanted, or a text like 0x80000000");
    *value = strtoull(m->text, &end, 0);
    return (!*end && *value != UINT64_MAX) || refuse(r, key, "a number is wanted, or a text like 0x80000000");
}

/* One of the words, which are separated by blanks; the first if nothing is said. */
static bool get_word(struct request *r, const char *key, const char *words, char *word, size_t room) {
    const struct json_member *m = json_get(r->members, key);
    snprintf(word, room, "%.*s", (int)strcspn(words, " "), words);
    if (!m) return true;
    if (m->type != JSON_TEXT || !word_among(m->text, words))
        return error_set(&r->error, ERROR_USAGE, "%s: one of %s is wanted", key, words);
    snprintf(word, room, "%s", m->text);
    return true;
}

static struct cpu *cpu_at(const struct machine *m, uint64_t index) {
    struct cpu *cpu = m->vm->cpu;
    if (!m->vm->kind->next_cpu) return index ? NULL : cpu;
    for (cpu = m->vm->kind->next_cpu(m->vm, NULL); cpu && index; index--) cpu = m->vm->kind->next_cpu(m->vm, cpu);
    return cpu;
}

static bool get_cpu(struct request *r, struct cpu **cpu) {
    uint64_t index = 0;
    if (!get_number(r, "cpu", false, &index)) return false;
    *cpu = cpu_at(r->machine, index);
    return *cpu || refuse(r, "cpu", "there is no such cpu");
}

/* ---- replies */

static void put_registers(struct json_out *out, const struct cpu *cpu) {
    const struct field *fields = cpu->guest->fields;
    json_open(out, "registers", '{');
    for (unsigned n = 0; n < cpu->guest->nfields; n++) {
        if (fields[n].count == 1) {
            json_put_hex(out, fields[n].name, engine_get_field(cpu, n, 0));
            continue;
        }
        json_open(out, fields[n].name, '[');
        for (unsigned i = 0; i < fields[n].count; i++) json_put_hex(out, NULL, engine_get_field(cpu, n, i));
        json_close(out, ']');
    }
    json_close(out, '}');
}

/* All numbers behind a device's rows, with objects in objects. */
struct put_visitor {
    struct visitor visitor;
    struct json_out *out;
};
static void put_enter(struct visitor *v, const struct field *f, unsigned index, const struct object_type *type,
                      void *object) {
    char name[64];
    (void)type, (void)object;
    snprintf(name, sizeof name, f && f->count > 1 ? "%s%u" : "%s", f ? f->name : "registers", index);
    json_open(((struct put_visitor *)v)->out, name, '{');
}
static void put_leave(struct visitor *v, const struct object_type *type) {
    (void)type;
    json_close(((struct put_visitor *)v)->out, '}');
}
static void put_number(struct visitor *v, const struct field *f, unsigned index, void *at, uint64_t value) {
    struct json_out *out = ((struct put_visitor *)v)->out;
    (void)at;
    if (f->count > 1 && index == 0) json_open(out, f->name, '[');
    json_put_hex(out, f->count > 1 ? NULL : f->name, value);
    if (f->count > 1 && index == f->count - 1) json_close(out, ']');
}
static void put_device(struct json_out *out, const struct device_host *h) {
    const struct device *d = h->device;
    const struct object_type type = {d->name, d->state_size, d->fields, d->nfields};
    struct put_visitor v = {{.enter = put_enter, .leave = put_leave, .number = put_number}, out};
    object_walk(&v.visitor, &type, h->state);
}

static bool control_help(struct request *r) {
    static const char *const rows[][3] = {
#define CONTROL(name, keys, help) {#name, keys, help},
#include "machine/control.def"
    };
    json_open(r->out, "commands", '[');
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_open(r->out, NULL, '{');
        json_put_text(r->out, "do", rows[i][0]);
        json_put_text(r->out, "keys", rows[i][1]);
        json_put_text(r->out, "help", rows[i][2]);
        json_close(r->out, '}');
    }
    json_close(r->out, ']');
    return true;
}

static bool control_status(struct request *r) {
    const struct machine *m = r->machine;
    unsigned n = 0;
    while (cpu_at(m, n)) n++;
    json_put_text(r->out, "state", r->paused ? "paused" : "running");
    json_put_text(r->out, "version", vee_version());
    json_put_number(r->out, "cpus", n);
    json_put_text(r->out, "isa", m->board->guest->isa);
    json_put_number(r->out, "memory", m->ram_size);
    json_put_number(r->out, "nanoseconds", vm_clock_ns(m->vm));
    json_put_bool(r->out, "counted", m->vm->counted);
    json_put_bool(r->out, "firmware", m->firmware.cpus);
    return true;
}

static bool control_pause(struct request *r) {
    if (r->paused) return error_set(&r->error, ERROR_USAGE, "it is paused already");
    r->wish = CONTROL_PAUSE;
    return true;
}

static bool control_resume(struct request *r) {
    if (!r->paused) return error_set(&r->error, ERROR_USAGE, "it runs already");
    r->wish = CONTROL_RESUME;
    return true;
}

static bool control_power(struct request *r) {
    char action[16];
    if (!json_get(r->members, "action")) return refuse(r, "action", "one of quit reset powerdown is wanted");
    if (!get_word(r, "action", "quit reset powerdown", action, sizeof action)) return false;
    if (!strcmp(action, "powerdown")) return refuse(r, "action", "the board has no power button: ask its system");
    r->wish = !strcmp(action, "reset") ? CONTROL_RESET : CONTROL_QUIT;
    return true;
}

static bool control_cpus(struct request *r) {
    const bool one = json_get(r->members, "cpu");
    uint64_t only = 0;
    bool registers;
    if (!get_number(r, "cpu", false, &only) || !get_flag(r, "registers", &registers)) return false;
    if (one && !cpu_at(r->machine, only)) return refuse(r, "cpu", "there is no such cpu");
    json_open(r->out, "cpus", '[');
    struct cpu *cpu;
    for (unsigned i = 0; (cpu = cpu_at(r->machine, i)); i++) {
        if (one && i != only) continue;
        json_open(r->out, NULL, '{');
        json_put_number(r->out, "cpu", i);
        json_put_hex(r->out, "pc", cpu->pc);
        if (r->machine->vm->counted) json_put_number(r->out, "instructions", cpu_count(cpu));
        if (registers) put_registers(r->out, cpu);
        json_close(r->out, '}');
    }
    json_close(r->out, ']');
    return true;
}

static bool control_devices(struct request *r) {
    const struct machine *m = r->machine;
    bool registers;
    if (!get_flag(r, "registers", &registers)) return false;
    json_open(r->out, "devices", '[');
    for (unsigned i = 0; i < m->ndevices; i++) {
        const struct device_host *h = m->devices[i];
        json_open(r->out, NULL, '{');
        json_put_text(r->out, "device", h->device->name);
        json_put_hex(r->out, "address", h->region[0].start);
        json_put_hex(r->out, "size", h->region[0].size);
        if (registers && h->device->nfields) put_device(r->out, h);
        json_close(r->out, '}');
    }
    json_close(r->out, ']');
    return true;
}

/* A look changes no bits of page tables: that of a store is one that has been done before, or says that it would not.
 */
static bool control_translate(struct request *r) {
    struct cpu *cpu;
    uint64_t address = 0;
    struct walk w = {0};
    if (!get_cpu(r, &cpu) || !get_number(r, "address", true, &address)) return false;
    guest_walk(cpu, address, ACCESS_LOOK, &w);
    json_put_hex(r->out, "address", address);
    json_put_bool(r->out, "mapped", w.fault == EXIT_none);
    if (w.fault != EXIT_none) return true;
    json_put_hex(r->out, "physical", w.physical);
    json_put_hex(r->out, "page_size", w.page_size);
    json_put_bool(r->out, "read", w.read);
    json_put_bool(r->out, "write", w.write);
    json_put_bool(r->out, "execute", w.execute);
    return true;
}

static bool control_memory(struct request *r) {
    uint8_t bytes[MEMORY_MOST];
    char text[2 * MEMORY_MOST + 1];
    struct cpu *cpu;
    uint64_t address = 0, size = 64;
    bool physical;
    if (!get_cpu(r, &cpu) || !get_number(r, "address", true, &address) || !get_number(r, "size", false, &size) ||
        !get_flag(r, "physical", &physical))
        return false;
    if (size > MEMORY_MOST) return refuse(r, "size", "at most 4096 bytes at once");
    const size_t got = engine_peek(cpu, physical ? ADDRESS_PHYSICAL : ADDRESS_VIRTUAL, address, bytes, size);
    for (size_t i = 0; i < got; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    text[2 * got] = 0;
    json_put_hex(r->out, "address", address);
    json_put_number(r->out, "size", got); /* as far as there is memory */
    json_put_text(r->out, "bytes", text);
    return true;
}

static bool control_stats(struct request *r) {
    const struct engine_stats s = engine_stats(r->machine->vm->engine);
    json_put_number(r->out, "blocks", s.blocks);
    json_put_number(r->out, "instructions_translated", s.insns);
    json_put_number(r->out, "instructions_interpreted", s.counts.interpreted);
    json_put_number(r->out, "host_bytes", s.host_bytes);
    json_put_number(r->out, "flushes", s.flushes);
    json_put_number(r->out, "jump_tlb_misses", s.counts.jtlb_misses);
    json_open(r->out, "exits", '{');
    for (unsigned i = 0; i < EXIT_COUNT; i++)
        if (s.exits[i]) json_put_number(r->out, exit_info[i].name, s.exits[i]);
    json_close(r->out, '}');
    return true;
}

/* ---- the line */

struct row {
    const char *name, *keys;
    bool (*answer)(struct request *r);
};
static const struct row rows[] = {
#define CONTROL(name, keys, help) {#name, keys, control_##name},
#include "machine/control.def"
};
enum { ROWS = sizeof rows / sizeof *rows };

static const struct row *row_of(struct request *r) {
    const struct json_member *m = json_get(r->members, "do");
    const struct row *row = rows;
    if (!m || m->type != JSON_TEXT) return refuse(r, "do", "a command is wanted: try help"), NULL;
    while (row < rows + ROWS && strcmp(row->name, m->text) != 0) row++;
    if (row == rows + ROWS) return error_set(&r->error, ERROR_USAGE, "'%.40s' is no command: try help", m->text), NULL;
    for (unsigned i = 0; i < r->members->count; i++) {
        const char *key = r->members->members[i].key;
        if (word_among(key, "do id") || (*row->keys && word_among(key, row->keys))) continue;
        return error_set(&r->error, ERROR_USAGE, "%s has no '%.40s': %s", row->name, key,
                         *row->keys ? row->keys : "it takes nothing"),
               NULL;
    }
    return row;
}

static void begin(struct json_out *out, const struct json_member *id, bool ok) {
    free(out->text);
    *out = (struct json_out){0};
    json_open(out, NULL, '{');
    if (id) json_put_member(out, id);
    json_put_bool(out, "ok", ok);
}

char *control_answer(struct machine *m, bool paused, char *line, size_t size, enum control_wish *wish) {
    struct json_object object = {.count = 0};
    struct json_out out = {0};
    struct request r = {.machine = m, .members = &object, .out = &out, .paused = paused};
    const bool read = json_read(&object, line, size, &r.error);
    const struct json_member *id = read ? json_get(&object, "id") : NULL;
    const struct row *row = read ? row_of(&r) : NULL;
    begin(&out, id, true);
    if (!row || !row->answer(&r)) {
        begin(&out, id, false);
        json_put_text(&out, "error", r.error.text);
        r.wish = CONTROL_NOTHING;
    }
    json_close(&out, '}');
    *wish = r.wish;
    char *text = json_text(&out), *whole = text ? realloc(text, out.size + 2) : NULL;
    if (!whole) {
        free(text);
        return NULL;
    }
    strcpy(whole + out.size, "\n");
    return whole;
}

/* ---- the prompt */

/* Short names that other monitors have. */
static const char *command_of(const char *word, size_t size) {
    static const char *const names[][2] = {{"q", "power action=quit"},
                                           {"quit", "power action=quit"},
                                           {"stop", "pause"},
                                           {"c", "resume"},
                                           {"cont", "resume"},
                                           {"?", "help"},
                                           {"system_reset", "power action=reset"},
                                           {"system_powerdown", "power action=powerdown"}};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i][0]) == size && !memcmp(names[i][0], word, size)) return names[i][1];
    return NULL;
}

bool control_from_words(const char *words, char *line, size_t room) {
    struct json_out out = {0};
    char word[256];
    words += strspn(words, " \t");
    const char *other = command_of(words, strcspn(words, " \t"));
    if (other) words = other;
    json_open(&out, NULL, '{');
    for (bool first = true; *words; first = false) {
        const size_t n = strcspn(words, " \t");
        snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), words);
        char *value = first ? NULL : strchr(word, '=');
        if (value) *value++ = 0;
        if (first)
            json_put_text(&out, "do", word);
        else if (!value || word_among(value, "true false"))
            json_put_bool(&out, word, !value || !strcmp(value, "true"));
        else
            json_put_text(&out, word, value);
        words += n;
        words += strspn(words, " \t");
    }
    json_close(&out, '}');
    char *text = json_text(&out);
    const bool fits = text && out.size < room;
    if (fits) strcpy(line, text);
    free(text);
    return fits;
}
