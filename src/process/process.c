/* process.c - the kind of vm that is one Linux process: opening a program, closing, digest.
 *
 * A process vm owns its host process: guest signals are host signals, guest descriptors host descriptors, and the name
 * of the host process is the guest's. The descriptors that are vee's own sit high and are hidden from the guest.
 */
#include "process/linux/abi.h"
#include "base/os.h"
#include "vm/input.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static bool process_recognise(const uint8_t *bytes, size_t size) {
    /* Every ELF file, so that the error can say what it is. */
    return size >= 20 && !memcmp(bytes, "\177ELF", 4);
}

static void code_gone(void *self, uint64_t start, uint64_t length) {
    struct vm *vm = self;
    if (vm->engine) engine_invalidate(vm->engine, start, length);
}

/* Every page with code is told by its identity, and to the page before, whose last instruction may reach into it. */
static void code_written(void *self, uint64_t start, uint64_t length) {
    struct vm *vm = self;
    const struct space *s = process_of(vm)->space;
    if (!vm->engine) return;
    for (uint64_t at = start; at < start + length; at += SPACE_PAGE)
        engine_code_written(vm->engine, space_code_identity(s, at));
    for (uint64_t at = start; at < start + length; at += SPACE_PAGE)
        if (at >= SPACE_PAGE) engine_code_written_behind(vm->engine, space_code_identity(s, at - SPACE_PAGE));
}

/* Limits on address space are kept for the guest by its space; the host's ones stay as they are. */
static void limits_take(struct process *p) {
    const struct {
        int resource;
        uint64_t *to;
    } rows[] = {{RLIMIT_AS, p->space_limit},
                {RLIMIT_DATA, p->data_limit},
                {RLIMIT_STACK, p->stack_limit},
                {RLIMIT_CORE, p->core_limit}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};
        getrlimit(rows[i].resource, &r);
        rows[i].to[0] = r.rlim_cur;
        rows[i].to[1] = r.rlim_max;
    }
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        input_settle(p->vm, INPUT_feature, INPUT_LIMITS, rows[i].to, 2 * sizeof *rows[i].to);
    uint64_t stack = process_options(p)->stack_size;
    if (stack) p->stack_limit[0] = stack;
    if (stack > p->stack_limit[1]) p->stack_limit[1] = stack;
    struct rlimit none = {0, p->core_limit[1]};
    setrlimit(RLIMIT_CORE, &none); /* a dump would be one of vee, not of the guest */
    process_limits_changed(p);
}

static void process_close(struct vm *vm) {
    struct process *p = process_of(vm);
    if (!p) return;
    if (p->threads && !thread_is_alone(&p->thread)) { /* the others stay where they are until the host process ends */
        engine_lock(vm->engine, vm->cpu);
        engine_halt_others(vm->engine);
        return;
    }
    if (share_stays(p)) return;
    proc_end(p);
    threads_gone(p);
    signals_close(p);
    if (vm->cpu) engine_cpu_free(vm->engine, vm->cpu);
    if (vm->engine) engine_free(vm->engine);
    vm->engine = NULL;
    vm->cpu = NULL;
    space_done(p->space);
    if (p->thread.scratch) munmap(p->thread.scratch, sizeof *p->thread.scratch);
    if (p->spare) os_thread_free(p->spare);
    own_fds_close(p);
    struct rlimit core = {p->core_limit[0], p->core_limit[1]};
    setrlimit(RLIMIT_CORE, &core);
    free(p->exe);
    store_free(p->store);
    free(p);
    vm->data = NULL;
}

static bool parts_make(struct process *p) {
    struct vm *vm = p->vm;
    struct engine_config config;
    struct space_hooks hooks = {.code_gone = code_gone, .code_written = code_written, .self = vm};
    if (!memory_init(&p->memory, options_window(vm->own), p->abi->machine->addresses, &hooks, &vm->error)) return false;
    limits_take(p);
    vm_engine_config(vm, p->abi->guest, &process_interface, &config);
    vm->engine = engine_make(&config, &vm->error);
    if (!vm->engine) return false;
    vm->cpu = engine_cpu_make(vm->engine, &vm->error);
    if (!vm->cpu) return false;
    vm->cpu->mem[0] = (struct mem_view){
        .kind = p->space->window ? MEM_WINDOW : MEM_DIRECT, .base = p->space->base, .limit = p->space->limit};
    vm->cpu->owner = &p->thread;
    p->threads = &p->thread;
    p->thread.tid = (uint32_t)gettid();
    p->thread.leader = true;
    p->thread.cpu = vm->cpu;
    return true;
}

/* The absolute path of the program: what the system says of the open file, which knows of links and removed names.
   NULL: it has none, or there is no memory for it. */
static char *exe_path(const struct vm_options *o, int fd) {
    static const char deleted[] = " (deleted)";
    char link[40], path[PATH_MAX];
    struct stat st;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1), end = (ssize_t)sizeof deleted - 1;
    if (n <= 0 || *path != '/') return realpath(o->path, NULL);
    path[n] = 0;
    if (n > end && fstat(fd, &st) == 0 && !st.st_nlink && !strcmp(path + n - end, deleted)) path[n - end] = 0;
    return strdup(path);
}

/* The host gives a program that is executed by a descriptor the file's name (from Linux 6.14 on) or the descriptor's
   number, and did so with vee. */
static void name_take(struct process *p, bool by_descriptor) {
    const char *executed = process_options(p)->exec_name, *path = executed ? executed : p->vm->options.path;
    char host[16] = "";
    prctl(PR_GET_NAME, host);
    if (by_descriptor && p->exe && strspn(host, "0123456789") != strlen(host)) path = p->exe;
    const char *name = strrchr(path, '/');
    prctl(PR_SET_NAME, name ? name + 1 : path);
}

/* The program is open. */
static bool process_load(struct process *p, int fd, const struct inherited *inherited) {
    struct error *error = &p->vm->error;
    if (!os_thread_prepare())
        return error_set(error, ERROR_RESOURCES, "threads of this program have variables of an unknown kind");
    if (!parts_make(p) || !inherit_take(p, inherited, error) || !image_load(p, fd, error) || !signals_open(p, error))
        return false;
    p->exe = exe_path(&p->vm->options, fd);
    name_take(p, inherited->by_descriptor);
    own_fds_open(p, inherited->vee, fd);
    p->store = store_make(p);
    proc_begin(p);
    return true;
}

static bool process_open(struct vm *vm) {
    const struct vm_options *o = &vm->options;
    const struct process_options *own = vm->own;
    struct inherited inherited = {.vee = -1, .blob = -1};
    int64_t fd = -ENOENT;
    if (own->inherited && !inherit_parse(own->inherited, &inherited, &vm->error)) return false;
    struct process *p = calloc(1, sizeof *p);
    void *scratch = mmap(NULL, sizeof(struct scratch), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!p || scratch == MAP_FAILED) {
        free(p);
        return error_set(&vm->error, ERROR_RESOURCES, "out of memory");
    }
    p->vm = vm;
    p->space = &p->memory.space;
    p->actions = p->own_actions;
    int persona = personality(UINT32_MAX);
    p->persona = persona == -1 ? 0 : (uint32_t)persona;
    input_settle(vm, INPUT_feature, INPUT_PERSONALITY, &p->persona, sizeof p->persona);
    p->files_most = UINT64_MAX;
    p->key = os_nanoseconds();
    p->thread.process = p;
    p->thread.scratch = scratch;
    for (unsigned i = 0; i < OWN_FDS; i++) p->own[i].fd = -1;
    bool ok = path_begin(p, &vm->error);
    if (ok) fd = o->program_open ? o->program_fd : path_open(p, o->path);
    if (ok && fd < 0) ok = error_set(&vm->error, ERROR_NOT_FOUND, "%s: %s", o->path, strerror((int)-fd));
    if (ok) p->abi = image_abi((int)fd, o->path, &vm->error);
    ok = ok && p->abi && options_check(own, vm->options.cpu, p->abi, &vm->error);
    if (ok) {
        vm->data = p;
        signals_inherit(p);
        ok = process_load(p, (int)fd, &inherited);
        if (!ok) process_close(vm);
    } else {
        own_fds_close(p);
        munmap(scratch, sizeof(struct scratch));
        free(p);
    }
    if (fd >= 0 && !o->program_open) close((int)fd);
    return ok;
}

const struct vm_kind vm_kind_process = {
    .name = "process",
    .options = {process_option_rows, PROCESS_OPTIONS, sizeof(struct process_options), &process_options_none},
    .recognise = process_recognise,
    .open = process_open,
    .close = process_close,
    .state = process_type,
    .next_cpu = process_next_cpu,
};
