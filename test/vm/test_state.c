/*
 * All state is in rows (core/object.h): every type that a vm of any kind leads to has its rows in order, and whatever
 * is changed behind any of them shows in the digest, and in the text under its name.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <elf.h>
#include <linux/filter.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vm/only_window.h"
#include "language/wasm/wasi.h"
#include "machine/board.h"
#include "process/process.h"
#include "vm/internal.h"

static char path[] = "/tmp/test_state.XXXXXX";
static struct error error;

/* ---- types */

enum { TYPES = 64 };
static const struct object_type *types[TYPES];
static unsigned ntypes;
static bool *seen; /* by type; shared with children */

/* Those of rows are found through the rows; a VARIANT is known only when it is looked at. */
static void note_type(const struct object_type *type) {
    for (unsigned i = 0; i < ntypes; i++)
        if (types[i] == type) return;
    assert_true(ntypes < TYPES);
    types[ntypes++] = type;
    for (unsigned i = 0; i < type->nfields; i++)
        if (type->fields[i].of) note_type(type->fields[i].of());
}

static void check_rows(const struct object_type *type) {
    size_t end = 0;
    for (const struct field *f = type->fields; f < type->fields + type->nfields; f++) {
        const size_t size = (size_t)f->size * f->count;
        if (f->offset < end || size == 0 || f->offset + size > type->size) fail_msg("%s.%s", type->name, f->name);
        end = f->offset + size;
        if (field_find(type->fields, type->nfields, f->name) != f) fail_msg("%s.%s twice", type->name, f->name);
        switch ((enum field_kind)f->kind) {
        case FIELD_NUMBERS: assert_true(f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8); break;
        case FIELD_OBJECTS: assert_int_equal(f->of()->size, f->size); break;
        case FIELD_LIST:
            assert_non_null(f->of);
            assert_non_null(f->next);
            break;
        case FIELD_VALUES: assert_non_null(f->value); break;
        case FIELD_BYTES: assert_non_null(f->bytes); break;
        case FIELD_VARIANT: assert_non_null(f->variant); break;
        }
    }
}

static void rows_are_in_order(void **state) {
    (void)state;
    note_type(vm_type());
    for (const struct vm_kind *const *k = vm_kinds; *k; k++) note_type((*k)->state());
    note_type(wasm_machine_type());
    for (unsigned i = 0; i < ntypes; i++) check_rows(types[i]);
    assert_true(ntypes > 25);
}

/* ---- the vms */

static struct vee_config *config; /* of the vm that was opened last */

static struct vm *open_vm(const char *kind, enum tier tier, bool window, const void *bytes, size_t size) {
    FILE *f = fopen(path, "wb");
    static const char *argv[] = {path, "5", NULL};
    static const char *envp[] = {NULL};
    struct vee_error why = {0};
    vee_config_free(config);
    struct vee_config *c = config = vee_config_make();
    assert_non_null(c);
    assert_true(vee_config_set(c, "memory", "1M", &why));
    assert_true(vee_config_set(c, "bios", "default", &why));
    assert_true(vee_config_set(c, "invoke", "f", &why));
    assert_true(vee_config_set(c, "window", window ? "1" : "0", &why));
    struct vm_options options = c->options;
    options.path = path;
    options.kind = kind;
    options.argv = argv;
    options.envp = envp;
    options.tier = tier;
    options.counted = true;
    options.own = (const void *const *)c->own;
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
    struct vm *vm = vm_open(&options, &error);
    if (!vm) fail_msg("%s", error.text);
    return vm;
}

static void run_to(struct vm *vm, uint64_t count) {
    vm->stop_at = count;
    vm_run(vm);
    if (vm->end != VM_AT_COUNT) fail_msg("end %d: %s", vm->end, vm->error.text);
}

static struct vm *open_machine(enum tier tier) {
    /* auipc sp, 1; addi t1, t1, 1; sd t1, 0(sp); j */
    static const uint32_t code[] = {0x00001117, 0x00130313, 0x00613023, 0xff9ff06f};
    return open_vm("machine", tier, false, code, sizeof code);
}

/* With imports, segments that can be dropped, a table, a memory, a global, _initialize, and f, which takes a value. */
static struct vm *open_language(enum tier tier) {
    static const uint8_t module[] = {
        0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x11, 0x03, 0x60, 0x04, 0x7f, 0x7f, 0x7f, 0x7f,
        0x01, 0x7f, 0x60, 0x00, 0x00, 0x60, 0x01, 0x7f, 0x01, 0x7f, 0x02, 0x23, 0x01, 0x16, 0x77, 0x61, 0x73,
        0x69, 0x5f, 0x73, 0x6e, 0x61, 0x70, 0x73, 0x68, 0x6f, 0x74, 0x5f, 0x70, 0x72, 0x65, 0x76, 0x69, 0x65,
        0x77, 0x31, 0x08, 0x66, 0x64, 0x5f, 0x77, 0x72, 0x69, 0x74, 0x65, 0x00, 0x00, 0x03, 0x03, 0x02, 0x01,
        0x02, 0x04, 0x04, 0x01, 0x70, 0x00, 0x04, 0x05, 0x03, 0x01, 0x00, 0x01, 0x06, 0x06, 0x01, 0x7f, 0x01,
        0x41, 0x01, 0x0b, 0x07, 0x13, 0x02, 0x0b, 0x5f, 0x69, 0x6e, 0x69, 0x74, 0x69, 0x61, 0x6c, 0x69, 0x7a,
        0x65, 0x00, 0x01, 0x01, 0x66, 0x00, 0x02, 0x09, 0x0b, 0x02, 0x01, 0x00, 0x01, 0x02, 0x00, 0x41, 0x00,
        0x0b, 0x01, 0x02, 0x0a, 0x15, 0x02, 0x02, 0x00, 0x0b, 0x10, 0x00, 0x41, 0x10, 0x41, 0x07, 0x36, 0x02,
        0x00, 0x03, 0x40, 0x0c, 0x00, 0x0b, 0x41, 0x00, 0x0b, 0x0b, 0x05, 0x01, 0x01, 0x02, 0x61, 0x62};
    return open_vm("language", tier, false, module, sizeof module);
}

/* Sets a filter, a context for asynchronous requests and a signal's action, then counts in t1 and memory. */
enum { PROCESS_CALLS = 23, CODE = 0x21000, DATA = 0x30000 };
static struct vm *open_process(enum tier tier, bool window) {
    static const uint32_t code[] = {
        0x02600513, 0x00100593, 0x00000613, 0x00000693, 0x00000713, 0x0a700893, 0x00000073, /* no new privileges */
        0x000302b7, 0x00100513, 0x00000593, 0x01028613, 0x11500893, 0x00000073,             /* seccomp */
        0x00400513, 0x04028593, 0x00000893, 0x00000073,                                     /* io_setup */
        0x00a00513, 0x04828593, 0x00000613, 0x00800693, 0x08600893, 0x00000073,             /* rt_sigaction */
        0x00130313, 0x0062b023, 0xff9ff06f};
    static union {
        struct {
            Elf64_Ehdr head;
            Elf64_Phdr segments[2];
        };
        uint8_t bytes[0x3000];
    } file;
    const struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, 0x7fff0000};
    const uint64_t data[] = {0, 0, 1, DATA + 0x20, 0, 0, 0, 0, 0, DATA, 0, 1};
    file.head = (Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                             .e_type = ET_EXEC,
                             .e_machine = EM_RISCV,
                             .e_version = EV_CURRENT,
                             .e_ehsize = sizeof(Elf64_Ehdr),
                             .e_phoff = sizeof(Elf64_Ehdr),
                             .e_phentsize = sizeof(Elf64_Phdr),
                             .e_phnum = 2,
                             .e_entry = CODE};
    file.segments[0] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0x1000, CODE, CODE, sizeof code, sizeof code, 0x1000};
    file.segments[1] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0x2000, DATA, DATA, sizeof data, 0x1000, 0x1000};
    memcpy(file.bytes + 0x1000, code, sizeof code);
    memcpy(file.bytes + 0x2000, data, sizeof data);
    memcpy(file.bytes + 0x2020, &allow, sizeof allow);
    return open_vm("process", tier, window, file.bytes, sizeof file.bytes);
}

/* ---- what shows */

enum { PLACES = 4096 };
struct spot {
    struct object_type type; /* a copy: that of a variant is there only while it is walked */
    const struct field *field;
    void *object;
    uint8_t *at; /* of a number or bytes; NULL: of a value */
    size_t size;
    unsigned index;
};
struct gathering {
    struct visitor visitor;
    struct object_type type[16];
    void *object[16];
    unsigned depth, n;
    struct spot place[PLACES];
};
static struct gathering g;

static void enter(struct visitor *v, const struct field *f, unsigned index, const struct object_type *type,
                  void *object) {
    (void)v, (void)f, (void)index;
    assert_true(g.depth < 16);
    g.type[g.depth] = *type;
    g.object[g.depth++] = object;
}
static void leave(struct visitor *v, const struct object_type *type) {
    (void)v, (void)type;
    g.depth--;
}
static void add(const struct field *f, unsigned index, void *at, size_t size) {
    assert_true(g.n < PLACES);
    g.place[g.n++] = (struct spot){g.type[g.depth - 1], f, g.object[g.depth - 1], at, size, index};
}
static void number(struct visitor *v, const struct field *f, unsigned index, void *at, uint64_t value) {
    (void)v, (void)value;
    add(f, index, at, f->size);
}
static void bytes(struct visitor *v, const struct field *f, uint64_t at, const void *p, size_t size) {
    (void)v, (void)at;
    add(f, 0, (void *)(uintptr_t)p, size);
}
static void gather(struct vm *vm) {
    g.visitor = (struct visitor){.enter = enter, .leave = leave, .number = number, .bytes = bytes};
    g.n = g.depth = 0;
    vm_walk(vm, &g.visitor);
}

static bool is_row(const struct spot *p, const char *type, const char *name) {
    return !strcmp(p->type.name, type) && !strcmp(p->field->name, name);
}

/* Another number or byte: a smaller one, if there is one, as some say how much there is of something. */
static void change(const struct spot *p, uint8_t saved[8]) {
    const size_t n = p->size < 8 ? p->size : 8;
    memcpy(saved, p->at, n);
    if (p->field->class == CLASS_PC) {
        p->at[n - 1] ^= 0x80; /* not into the middle of something */
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (p->at[i]) {
            p->at[i] &= (uint8_t)(p->at[i] - 1);
            return;
        }
    p->at[0] = 1;
}

static void change_shows(struct vm *vm, const struct spot *p, uint64_t before) {
    uint8_t saved[8];
    change(p, saved);
    if (vm_digest(vm) == before) fail_msg("%s.%s[%u] does not show", p->type.name, p->field->name, p->index);
    memcpy(p->at, saved, p->size < 8 ? p->size : 8);
    if (vm_digest(vm) != before) fail_msg("%s.%s[%u] is not as before", p->type.name, p->field->name, p->index);
}

/* What a value is made of changes: to nothing, or by a bit. Looked at without the rest, which may not bear it. */
static void value_shows(const struct spot *p) {
    uint8_t *member = (uint8_t *)p->object + p->field->offset + (size_t)p->index * p->field->size, saved[8];
    const size_t n = p->field->size;
    const uint64_t before = p->field->value(&g.visitor, p->object, p->index);
    assert_true(n <= sizeof saved);
    memcpy(saved, member, n);
    memset(member, 0, n);
    bool shows = p->field->value(&g.visitor, p->object, p->index) != before;
    for (unsigned bit = 0; !shows && bit < n * 8; bit++) {
        memcpy(member, saved, n);
        member[bit / 8] ^= (uint8_t)(1 << bit % 8);
        shows = p->field->value(&g.visitor, p->object, p->index) != before;
    }
    memcpy(member, saved, n);
    if (!shows) fail_msg("%s.%s[%u] does not show", p->type.name, p->field->name, p->index);
}

/* Shown as a copy, which is gone when it could be changed: what they are of changes instead. */
static bool is_copy(const struct spot *p) {
    return is_row(p, "space", "base") || is_row(p, "instance", "owner");
}
static void copy_shows(struct vm *vm, const struct spot *p, uint64_t before) {
    if (is_row(p, "space", "base")) {
        const struct space *s = p->object;
        uint64_t word = 0, other;
        assert_true(space_read(s, DATA, &word, sizeof word));
        other = word ^ 1;
        assert_true(space_write(s, DATA, &other, sizeof other));
        assert_int_not_equal(vm_digest(vm), before);
        assert_true(space_write(s, DATA, &word, sizeof word));
        assert_int_equal(vm_digest(vm), before);
    } else {
        struct import_target *t = ((struct wasm_instance *)p->object)->owner, saved = *t;
        static const struct host_function other = {.name = "other"};
        t->host = &other;
        assert_int_not_equal(vm_digest(vm), before);
        *t = saved;
        assert_int_equal(vm_digest(vm), before);
    }
}

static void everything_shows(struct vm *vm) {
    vm->cpu->reserve_address = 8; /* without a reservation there is no value of one */
    gather(vm);
    for (unsigned i = 0; i < g.n; i++)
        for (unsigned k = 0; k < ntypes; k++) seen[k] |= types[k]->fields == g.place[i].type.fields;
    const uint64_t before = vm_digest(vm);
    bool copied = false;
    assert_true(g.n > 50);
    for (const struct spot *p = g.place; p < g.place + g.n; p++) {
        if (is_row(p, "mapping", "ino") && !((const struct mapping *)p->object)->dev) continue; /* there is no file */
        if (!p->at)
            value_shows(p);
        else if (!is_copy(p))
            change_shows(vm, p, before);
        else if (!copied)
            copy_shows(vm, p, before);
        copied |= is_copy(p);
    }
    assert_int_equal(vm_digest(vm), before);
}

/* Every row that is state shows something, but these, of which there is nothing here. */
static void every_row_was_there(const char *const *but) {
    for (unsigned i = 0; i < g.n; i++)
        for (unsigned n = 0; n < g.place[i].type.nfields; n++) {
            const struct field *f = &g.place[i].type.fields[n];
            bool there = f->kind == FIELD_OBJECTS || f->kind == FIELD_LIST || f->kind == FIELD_VARIANT;
            for (unsigned k = 0; !there && k < g.n; k++) there = g.place[k].field == f;
            for (const char *const *b = but; !there && *b; b++) there = !strcmp(*b, f->name);
            if (!there) fail_msg("nothing of %s.%s was looked at", g.place[i].type.name, f->name);
        }
}

/* ---- the text */

struct lines {
    char text[4096][160];
    unsigned n;
};
static struct lines before, after;

static void take_line(void *to, const char *line) {
    struct lines *l = to;
    assert_true(l->n < 4096);
    snprintf(l->text[l->n++], sizeof l->text[0], "%s", line);
}

/* The program counter is one line. */
static void the_text_says_what_is_different(struct vm *vm) {
    before.n = after.n = 0;
    vm_text(vm, take_line, &before);
    const uint64_t pc = vm->cpu->pc;
    vm->cpu->pc ^= 1ull << 63;
    vm_text(vm, take_line, &after);
    vm->cpu->pc = pc;
    unsigned different = 0;
    for (unsigned i = 0; i < before.n && i < after.n; i++)
        if (strcmp(before.text[i], after.text[i])) {
            different++;
            if (strncmp(before.text[i], "vm.cpu[0].pc 0x", 15)) fail_msg("%s", before.text[i]);
        }
    assert_int_equal(before.n, after.n);
    assert_int_equal(different, 1);
}

/* ---- the kinds */

static void machines(void **state) {
    static const char *const but[] = {"output", NULL};
    (void)state;
    struct vm *vm = open_machine(TIER_INTERP);
    struct machine *m = vm->data;
    run_to(vm, 100);
    console_write(&m->console, m->vm, "x", 1); /* so that there is something in every buffer */
    m->console.in_count = 1;
    vm->end = VM_EXITED;
    the_text_says_what_is_different(vm);
    everything_shows(vm);
    every_row_was_there(but);
    m->console.out_count = 0;
    vm_close(vm);
}

static void languages(void **state) {
    static const char *const but[] = {NULL};
    (void)state;
    struct vm *vm = open_language(TIER_INTERP);
    struct wasm_machine *m = vm->data;
    run_to(vm, 30);
    assert_true(wasm_name_instance(m, m->program, "name", 4));
    vm->end = VM_EXITED;
    vm->output = strdup("text");
    m->wasi->waits = true;
    everything_shows(vm);
    every_row_was_there(but);
    m->wasi->waits = false;
    vm_close(vm);
}

/* A process takes its host process along. */
static void in_child(void (*run)(bool window), bool window) {
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        run(window);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void process_itself(bool window) {
    static const char *const but[] = {"output", "folder", "inside", "room" /* no request is on its way */, NULL};
    struct vm *vm = open_process(TIER_INTERP, window);
    struct process *p = vm->data;
    run_to(vm, PROCESS_CALLS + 30);
    struct thread *t = p->threads;
    assert_int_equal(t->nfilters, 1);
    assert_non_null(p->aio);
    assert_int_equal(p->actions[10].handler, DATA);
    vm->end = VM_EXITED;
    t->restore_mask = true;
    t->caught = 1;
    t->queued = (1 << SIGNALS_KEPT_OPEN) - 1;
    the_text_says_what_is_different(vm);
    everything_shows(vm);
    every_row_was_there(but);
}

static void processes(void **state) {
    (void)state;
    in_child(process_itself, true);
    if (!ONLY_WINDOW) in_child(process_itself, false);
}

/* All but those of which no test makes any: processes that share memory, rings. */
static void every_type_was_there(void **state) {
    static const char *const but[] = {"partner", "ring"};
    (void)state;
    for (unsigned k = 0; k < ntypes; k++) {
        bool excused = false;
        for (unsigned i = 0; i < sizeof but / sizeof *but; i++) excused |= !strcmp(but[i], types[k]->name);
        if (seen[k] == excused) fail_msg("%s", types[k]->name);
    }
}

/* ---- copies and reset go by the rows, too */

static unsigned different_numbers(struct cpu *a, struct cpu *b) {
    static struct gathering first;
    unsigned n = 0;
    for (unsigned i = 0; i < 2; i++) {
        g.visitor = (struct visitor){.enter = enter, .leave = leave, .number = number};
        g.n = g.depth = 0;
        object_walk(&g.visitor, cpu_type(), i ? b : a);
        if (i == 0) first = g;
    }
    assert_int_equal(first.n, g.n);
    for (unsigned i = 0; i < g.n; i++)
        if (g.place[i].at && memcmp(g.place[i].at, first.place[i].at, g.place[i].size)) n++;
    return n;
}

static void copies_are_equal_and_reset_is_as_new(void **state) {
    (void)state;
    struct vm *vm = open_machine(TIER_INTERP);
    run_to(vm, 100);
    struct cpu *copy = engine_cpu_make(vm->engine, &error), *fresh = engine_cpu_make(vm->engine, &error);
    assert_non_null(copy);
    assert_non_null(fresh);
    assert_int_equal(different_numbers(copy, fresh), 0);
    cpu_copy(copy, vm->cpu);
    assert_int_equal(different_numbers(copy, vm->cpu), 0);
    assert_true(different_numbers(copy, fresh) > 3);
    copy->reserve_address = 8;
    object_reset(cpu_type(), copy);
    assert_int_equal(different_numbers(copy, fresh), 0);
    assert_int_equal(copy->reserve_address, UINT64_MAX);
    engine_cpu_free(vm->engine, copy);
    engine_cpu_free(vm->engine, fresh);
    vm_close(vm);
}

/* ---- what does not show: the tier, and how memory is reached */

static void tiers_and_memory_do_not_show(void **state) {
    (void)state;
    uint64_t digest[2];
    for (enum tier tier = TIER_INTERP; tier <= TIER_BASELINE; tier++) {
        struct vm *vm = open_machine(tier);
        run_to(vm, 1001);
        digest[tier] = vm_digest(vm);
        vm_close(vm);
    }
    assert_int_equal(digest[0], digest[1]);
    for (enum tier tier = TIER_INTERP; tier <= TIER_BASELINE; tier++) {
        struct vm *vm = open_language(tier);
        run_to(vm, 1001);
        digest[tier] = vm_digest(vm);
        vm_close(vm);
    }
    assert_int_equal(digest[0], digest[1]);
    uint64_t seen[4] = {0};
    for (unsigned i = 0; i < 4; i++) {
        int pipes[2];
        if (ONLY_WINDOW && i / 2 == 0) continue;
        assert_int_equal(pipe(pipes), 0);
        fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            struct vm *vm = open_process(i % 2 ? TIER_BASELINE : TIER_INTERP, i / 2);
            run_to(vm, 1001);
            const uint64_t d = vm_digest(vm);
            _exit(write(pipes[1], &d, sizeof d) != sizeof d);
        }
        close(pipes[1]); /* or a child that fails would be waited for */
        const ssize_t got = read(pipes[0], &seen[i], sizeof seen[i]);
        close(pipes[0]);
        waitpid(child, NULL, 0);
        assert_int_equal(got, sizeof seen[i]);
        assert_int_equal(seen[i], seen[ONLY_WINDOW ? 2 : 0]);
    }
}

static int make_path(void **state) {
    (void)state;
    const int fd = mkstemp(path);
    close(fd);
    seen = mmap(NULL, TYPES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return fd < 0;
}
static int drop_path(void **state) {
    (void)state;
    vee_config_free(config);
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_in_order),
        cmocka_unit_test(machines),
        cmocka_unit_test(languages),
        cmocka_unit_test(processes),
        cmocka_unit_test(every_type_was_there),
        cmocka_unit_test(copies_are_equal_and_reset_is_as_new),
        cmocka_unit_test(tiers_and_memory_do_not_show),
    };
    return cmocka_run_group_tests_name("state", tests, make_path, drop_path);
}
