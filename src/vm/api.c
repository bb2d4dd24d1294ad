/* api.c - the public interface (vee.h) in terms of vm.h: opening, running, and looking inside. Nothing is decided here
 * but how things are spelled for the outside.
 */
#include "core/fp.h"
#include "vm/internal.h"
#include "base/os.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The public enums are the private ones under other names. */
_Static_assert((int)VEE_OK == ERROR_NONE && (int)VEE_RESOURCES == ERROR_RESOURCES, "enum vee_code");
_Static_assert((int)VEE_RUNNING == VM_RUNNING && (int)VEE_STOPPED == VM_STOPPED, "enum vee_end");

struct vee_vm {
    struct vm *vm;
    struct arena arena; /* path, arguments, environment */
    char message[500];
};

const char *vee_version(void) {
    return VEE_VERSION;
}

/* ---- opening and closing */

static const char *keep(struct vee_vm *v, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = arena_alloc(&v->arena, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static bool fill_options(struct vee_vm *v, const struct vee_config *config, const char *path, const char *const *argv,
                         struct vm_options *o) {
    const char *const only[] = {path, NULL};
    unsigned n = 0;
    *o = config->options;
    if (!argv) argv = only;
    while (argv[n]) n++;
    const char **copy = arena_alloc(&v->arena, (n + 2) * sizeof *copy);
    if (!copy) return false;
    for (unsigned i = 0; i < n; i++)
        if (!(copy[i] = keep(v, argv[i]))) return false;
    if (config->argv0) copy[0] = config->argv0;
    o->argv = copy;
    o->own = (const void *const *)config->own;
    o->path = path ? keep(v, path) : NULL;
    o->envp = config_environment(config, &v->arena);
    o->carried = config_carried(config, &v->arena);
    return (o->path || !path) && o->envp && o->carried;
}

struct vee_vm *vee_open(const struct vee_config *config, const char *path, const char *const *argv,
                        struct vee_error *error) {
    struct vm_options options;
    struct error inner = {0};
    struct vee_vm *v = calloc(1, sizeof *v);
    if (v) arena_init(&v->arena, 4096);
    if (!v || !fill_options(v, config, path, argv, &options)) {
        public_error(error, VEE_RESOURCES, "%s: out of memory", path ? path : "vm");
        vee_close(v);
        return NULL;
    }
    v->vm = vm_open(&options, &inner);
    if (!v->vm) {
        public_error(error, (enum vee_code)inner.code, "%s", inner.text);
        vee_close(v);
        return NULL;
    }
    return v;
}

void vee_close(struct vee_vm *v) {
    if (!v) return;
    vm_close(v->vm);
    arena_done(&v->arena);
    free(v);
}

/* ---- running */

static void describe_trap(struct vee_vm *v) {
    const struct vm *vm = v->vm;
    if (vm->end != VM_TRAPPED)
        v->message[0] = 0;
    else if (vm->error.text[0])
        snprintf(v->message, sizeof v->message, "trap: %s", vm->error.text);
    else
        snprintf(v->message, sizeof v->message, "trap: %s at 0x%" PRIx64,
                 vm->status > 0 && vm->status < EXIT_COUNT ? exit_info[vm->status].text : "unknown", vm->cpu->pc);
}

enum vee_end vee_run(struct vee_vm *v) {
    vm_run(v->vm);
    describe_trap(v);
    return vee_end(v);
}

bool vee_run_until(struct vee_vm *v, uint64_t count, struct vee_error *error) {
    if (!v->vm->counted) return public_error(error, VEE_USAGE, "%s: not opened to be counted", v->vm->options.path);
    v->vm->stop_at = count;
    vee_run(v);
    v->vm->stop_at = UINT64_MAX;
    return true;
}

void vee_stop(struct vee_vm *v) {
    vm_ask_stop(v->vm);
}

enum vee_end vee_end(const struct vee_vm *v) {
    return (enum vee_end)v->vm->end;
}

int vee_status(const struct vee_vm *v) {
    return v->vm->status;
}

bool vee_core(const struct vee_vm *v) {
    return v->vm->core;
}

void vee_die(int signal, bool core) {
    os_die(signal, core);
}

const char *vee_message(const struct vee_vm *v) {
    return v->message;
}

const char *vee_output(const struct vee_vm *v) {
    return v->vm->output ? v->vm->output : "";
}

/* ---- looking inside */

uint64_t vee_count(const struct vee_vm *v) {
    return v->vm->counted ? vm_count(v->vm) : 0;
}

uint64_t vee_digest(struct vee_vm *v) {
    return vm_digest(v->vm);
}

uint64_t vee_pc(const struct vee_vm *v) {
    return v->vm->cpu->pc;
}

/* Behind the fields: the pc, and the accrued FP flags where the guest has any. */
static const char *extra_name(const struct vee_vm *v, unsigned index) {
    const struct guest *g = v->vm->cpu->guest;
    if (index == 0) return "pc";
    for (unsigned s = 0; index == 1 && s < g->nslots; s++)
        if (g->slots[s].flags & SLOT_FP_FLAGS) return g->slots[s].name;
    return NULL;
}

bool vee_register_info(const struct vee_vm *v, unsigned index, const char **name, unsigned *count) {
    const struct guest *g = v->vm->cpu->guest;
    *count = index < g->nfields ? g->fields[index].count : 1;
    *name = index < g->nfields ? g->fields[index].name : extra_name(v, index - g->nfields);
    return *name;
}

/* The number that vee_register_info has it under, or -1. */
static int find(const struct vee_vm *v, const char *name, unsigned index) {
    const char *has;
    unsigned count;
    for (unsigned n = 0; vee_register_info(v, n, &has, &count); n++)
        if (!strcmp(has, name)) return index < count ? (int)n : -1;
    return -1;
}

bool vee_register(const struct vee_vm *v, const char *name, unsigned index, uint64_t *value) {
    const struct cpu *cpu = v->vm->cpu;
    const unsigned n = (unsigned)find(v, name, index), nfields = cpu->guest->nfields;
    if ((int)n < 0) return false;
    *value = n < nfields ? engine_get_field(cpu, n, index) : n == nfields ? cpu->pc : cpu->fp_flags;
    return true;
}

bool vee_set_register(struct vee_vm *v, const char *name, unsigned index, uint64_t value) {
    struct cpu *cpu = v->vm->cpu;
    const unsigned n = (unsigned)find(v, name, index), nfields = cpu->guest->nfields;
    if ((int)n < 0) return false;
    if (n < nfields) return engine_set_field(cpu, n, index, value);
    if (n == nfields) return engine_set_pc(cpu, value);
    cpu->fp_flags = value & (FP_NV | FP_DZ | FP_OF | FP_UF | FP_NX);
    return true;
}

enum vee_memory vee_memory(struct vee_vm *v, enum vee_address which, uint64_t address) {
    return (enum vee_memory)engine_memory(v->vm->cpu, (enum memory_address)which, address);
}

size_t vee_read(struct vee_vm *v, enum vee_address which, uint64_t address, void *bytes, size_t size) {
    return engine_peek(v->vm->cpu, (enum memory_address)which, address, bytes, size);
}

size_t vee_write(struct vee_vm *v, enum vee_address which, uint64_t address, const void *bytes, size_t size) {
    return engine_poke(v->vm->cpu, (enum memory_address)which, address, bytes, size);
}

bool vee_stat(const struct vee_vm *v, unsigned index, const char **name, uint64_t *value) {
    const struct engine_stats stats = engine_stats(v->vm->engine), *s = &stats;
    const bool soft = v->vm->cpu->mem[0].kind == MEM_SOFT;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"blocks", s->blocks},
        {"instructions_translated", s->insns},
        {"uops", s->uops},
        {"guest_bytes", s->guest_bytes},
        {"host_bytes", s->host_bytes},
        {"translate_ns", s->translate_ns},
        {"translate_ns_per_instruction", s->insns ? s->translate_ns / s->insns : 0},
        {"instructions_interpreted", s->counts.interpreted},
        {"flushes", s->flushes},
        {"jump_tlb_misses", s->counts.jtlb_misses},
        {"blocks_loaded", s->loaded},
        {"pairing_drops", s->pair_drops},
        {"blocks_refused", s->refused},
        {"requests", s->requests},
        {"page_walks", soft ? s->counts.walks : 0},
        {"code_walks", soft ? s->counts.fetches : 0},
        {"tlb_fills", s->counts.tlb_fills},
        {"tlb_victims", s->counts.tlb_victims},
        {"device_reads", s->counts.device_reads},
        {"device_writes", s->counts.device_writes},
    };
    const unsigned count = sizeof rows / sizeof *rows, trap = index - count - EXIT_COUNT;
    const struct trap_names *names = v->vm->cpu->guest->trap_names;
    if (index >= count + EXIT_COUNT) {
        if (!names || trap >= 2 * TRAP_CAUSES) return false;
        const char *of = names->cause[trap / TRAP_CAUSES][trap % TRAP_CAUSES];
        *name = of ? of : "trap_reserved";
        *value = s->counts.traps[trap / TRAP_CAUSES][trap % TRAP_CAUSES];
        return true;
    }
    *name = index < count ? rows[index].name : exit_info[index - count].name;
    *value = index < count ? rows[index].value : s->exits[index - count];
    return true;
}
