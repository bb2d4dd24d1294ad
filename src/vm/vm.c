/* vm.c - the life of a virtual machine of any kind: opening by whoever recognises the file, running, stopping at an
 * exact instruction count, closing.
 *
 * Counted vms run on grants: the budget always ends at the nearest of the counts at which somebody wants control,
 * vm->stop_at (the caller), vm->next_event (the kind) and input_due (a tap), so EXIT_budget comes exactly there. What a
 * kind does is its own affair; this file knows the kinds from parts.def only.
 */
#include "vm/internal.h"
#include "base/os.h"
#include "vm/input.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GUEST(name)
#define HOST(name)
#define KIND(name) extern const struct vm_kind vm_kind_##name;
#include "parts.def"
#undef KIND
#define KIND(name) &vm_kind_##name,
const struct vm_kind *const vm_kinds[] = {
#include "parts.def"
    NULL};

enum { HEAD_BYTES = 4096 };

static bool read_head(const struct vm_options *options, uint8_t *bytes, size_t *size, struct error *error) {
    const char *path = options->path;
    if (options->program_open) {
        ssize_t n = pread(options->program_fd, bytes, HEAD_BYTES, 0);
        *size = n > 0 ? (size_t)n : 0;
        return n >= 0 || error_set(error, ERROR_NOT_RUNNABLE, "%s: cannot be read: %s", path, strerror(errno));
    }
    FILE *f = fopen(path, "rbe");
    if (!f && (errno == ENOENT || errno == ENOTDIR)) return error_set(error, ERROR_NOT_FOUND, "%s: no such file", path);
    if (!f) return error_set(error, ERROR_NOT_RUNNABLE, "%s: cannot be opened: %s", path, strerror(errno));
    *size = fread(bytes, 1, HEAD_BYTES, f);
    bool failed = ferror(f);
    int why = errno;
    fclose(f);
    return !failed || error_set(error, ERROR_NOT_RUNNABLE, "%s: cannot be read: %s", path, strerror(why));
}

static const struct vm_kind *kind_named(const char *name, struct error *error) {
    for (const struct vm_kind *const *k = vm_kinds; *k; k++)
        if (!strcmp((*k)->name, name)) return *k;
    error_set(error, ERROR_USAGE, "there is no kind of machine called '%s'", name);
    return NULL;
}

static const struct vm_kind *kind_of_file(const struct vm_options *options, struct error *error) {
    uint8_t head[HEAD_BYTES];
    size_t size = 0;
    if (!read_head(options, head, &size, error)) return NULL;
    for (const struct vm_kind *const *k = vm_kinds; *k; k++)
        if ((*k)->recognise(head, size)) return *k;
    error_set(error, ERROR_NOT_RUNNABLE, "%s: the first %zu bytes are not of any kind of program that vee runs",
              options->path, size);
    return NULL;
}

static const struct vm_kind *kind_of(const struct vm_options *options, struct error *error) {
    const struct vm_kind *kind = options->kind ? kind_named(options->kind, error) : NULL;
    if (options->path) return options->kind ? kind : kind_of_file(options, error);
    if (kind ? !kind->alone : !options->kind) error_set(error, ERROR_USAGE, "no file is given");
    return kind && kind->alone ? kind : NULL;
}

static struct vm *open_any(const struct vm_options *options, struct error *error) {
    const struct vm_kind *kind = kind_of(options, error);
    struct vm *vm = kind ? calloc(1, sizeof *vm) : NULL;
    const char *name = options->path || !kind ? options->path : kind->name;
    if (kind && !vm) error_set(error, ERROR_RESOURCES, "%s: out of memory", name);
    if (!vm) {
        if (options->program_open) close(options->program_fd);
        return NULL;
    }
    vm->options = *options;
    vm->kind = kind;
    vm->counted = kind->counted || options->counted || options->has_digest_at;
    vm->next_event = UINT64_MAX;
    vm->stop_at = options->has_digest_at ? options->digest_at : UINT64_MAX;
    vm->random = options->seed;
    vm->own = kind->options.none;
    for (unsigned k = 0; options->own && vm_kinds[k]; k++)
        if (vm_kinds[k] == kind) vm->own = options->own[k];
    if (options->disturb && !options->tap) disturb(vm);
    clock_init(vm);
    bool opened = kind->open(vm);
    if (options->program_open) close(options->program_fd);
    vm->options.program_open = false;
    if (!opened) {
        error_set(&vm->error, ERROR_NOT_RUNNABLE, "%s: cannot be run", name);
        *error = vm->error;
        free(vm);
        return NULL;
    }
    return vm;
}

struct vm *vm_open(const struct vm_options *options, struct error *error) {
    uint64_t kept[2];
    bool more = os_descriptors_more(kept); /* a program may be started with all of its descriptors in use */
    struct vm *vm = open_any(options, error);
    if (more) os_descriptors_as(kept);
    return vm;
}

void vm_close(struct vm *vm) {
    if (!vm) return;
    vm->kind->close(vm);
    free(vm->output);
    if (!vm->data) free(vm); /* else threads of the guest's are left, which use it until the host process ends */
}

void vm_engine_config(struct vm *vm, const struct guest *guest, const struct interface *interface,
                      struct engine_config *config) {
    const struct vm_options *o = &vm->options;
    *config = (struct engine_config){
        .guest = guest,
        .interface = interface,
        .self = vm,
        .tier = o->tier,
        .counted = vm->counted,
        .timed = vm->options.stats,
        .check = o->check,
        .one_insn = o->one_insn,
        .perfmap = o->perfmap,
        .jitdump = o->jitdump,
        .one_block = o->one_block,
        .random_flush = o->random_flush,
        .poll_always = o->poll_always,
        .drop_lock = o->drop_lock,
        .cache_size = o->cache_size,
        .log = o->log,
        .log_line = o->log_line,
        .log_to = o->log_to,
    };
#ifdef VEE_CHECK
    config->check = true;
#endif
}

/* The next budget: up to whatever count comes first. */
void vm_grant(struct vm *vm, struct cpu *cpu) {
    if (!vm->counted) return;
    uint64_t until = vm->stop_at < vm->next_event ? vm->stop_at : vm->next_event, now = vm->others + cpu_count(cpu);
    if (vm->turn_end && vm->turn_end < until) until = vm->turn_end;
    const uint64_t due = input_due(vm);
    if (due < until && due > now) until = due;
    uint64_t n = until > now ? until - now : 0;
    cpu_grant(cpu, n < INT64_MAX / 2 ? (int64_t)n : INT64_MAX / 2);
}

void vm_run(struct vm *vm) {
    if (vm->end != VM_RUNNING && vm->end != VM_AT_COUNT && vm->end != VM_STOPPED) return;
    vm->end = VM_RUNNING;
    if (!os_fault_stack()) { /* of this thread, which need not be the one that opened the vm */
        error_set(&vm->error, ERROR_RESOURCES, "no memory for a signal stack");
        vm_stop(vm, VM_TRAPPED, EXIT_none, 0);
        return;
    }
    if (vm->kind && vm->kind->run) {
        vm->kind->run(vm);
    } else {
        vm_grant(vm, vm->cpu);
        engine_run(vm->engine, vm->cpu);
    }
    if (vm->options.log_state && vm->options.log_line) vm_text(vm, vm->options.log_line, vm->options.log_to);
}

void vm_turn(struct vm *vm, struct cpu *cpu, uint64_t end) {
    const uint64_t count = vm_count(vm);
    vm->others = count - cpu_count(cpu);
    vm->running = cpu;
    vm->turn_end = end;
}

void vm_ask_stop(struct vm *vm) {
    __atomic_store_n(&vm->stopping, 1, __ATOMIC_SEQ_CST);
    cpu_poke(vm->cpu);
}

bool vm_answer_poll(struct vm *vm) {
    if (!__atomic_exchange_n(&vm->stopping, 0, __ATOMIC_SEQ_CST)) return false;
    vm_stop(vm, VM_STOPPED, 0, 0);
    return true;
}

enum answer vm_answer_budget(struct vm *vm, struct cpu *cpu, bool *event) {
    uint64_t now = vm->others + cpu_count(cpu);
    *event = false;
    if (now >= vm->stop_at) return vm_stop(vm, VM_AT_COUNT, 0, now);
    if (now >= vm->next_event) {
        *event = true;
        vm->next_event = UINT64_MAX;
    }
    vm_grant(vm, cpu);
    return ANSWER_RESUME;
}

void vm_schedule(struct vm *vm, struct cpu *cpu, uint64_t count) {
    vm->next_event = count;
    vm_grant(vm, cpu);
}

enum answer vm_stop(struct vm *vm, enum vm_end end, int status, uint64_t value) {
    vm->end = end;
    vm->status = status;
    vm->end_value = value;
    return ANSWER_STOP;
}
