/* wasm_answer.c - what a wasm machine does when its code stops: calls that leave the instance, the end of the outermost
 * function, traps; code bytes.
 */
#include "language/wasm_machine.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const struct wasm_type_info *function_type(const struct wasm_instance *in, uint32_t function) {
    return &in->module->types[in->module->functions[function].type];
}

/* ---- frames */

static uint64_t *slots_of(const struct cpu *cpu) {
    return (uint64_t *)cpu->frame;
}

static void bind(const struct wasm_instance *in, struct cpu *cpu) {
    wasm_instance_bind(in, cpu);
    cpu_memory_moved(cpu);
}

/* Returns from a frame whose results are in place. */
static void leave_frame(struct cpu *cpu, uint64_t distance, uint64_t pc) {
    cpu->frame -= distance;
    cpu->pc = pc;
}

void machine_call(struct wasm_machine *m, const struct wasm_instance *in, uint32_t function, const uint64_t *args) {
    struct cpu *cpu = m->vm->cpu;
    const struct wasm_type_info *t = function_type(in, function);
    cpu->frame = cpu->frame_base;
    if (t->nparams) memcpy(cpu->frame, args, 8ull * t->nparams);
    slots_of(cpu)[t->nparams + FRAME_DISTANCE] = 0;
    slots_of(cpu)[t->nparams + FRAME_RETURN] = wasm_pc(in, WASM_FINISH);
    cpu->pc = wasm_pc(in, wasm_entry(in->module, function));
    m->called = in;
    m->called_function = function;
    wasi_forget(m->wasi);
    bind(in, cpu);
}

uint64_t machine_result(const struct wasm_machine *m, uint32_t k) {
    return slots_of(m->vm->cpu)[k];
}

static uint32_t code_slots(const struct wasm_module *module, uint32_t offset, bool trapped) {
    const struct wasm_function *f = wasm_function_at(module, offset);
    if (!f || offset < f->code) return f ? module->types[f->type].nparams + FRAME_HEADER : 0;
    uint32_t height = wasm_height_at(module, f, offset);
    struct wasm_reader r = {.bytes = module->bytes, .at = offset, .end = f->end};
    struct wasm_insn i;
    if (trapped && wasm_decode(&r, &i)) {
        uint32_t own = wasm_rows[i.row].exact > 0 ? (uint32_t)wasm_rows[i.row].exact : 0;
        height -= own < height ? own : height;
    }
    return frame_operand_slot(f) + height;
}

uint32_t machine_live_slots(const struct wasm_machine *m, bool trapped) {
    const struct wasm_instance *in = wasm_instance_of(m->store, m->vm->cpu->pc);
    uint32_t offset = (uint32_t)m->vm->cpu->pc;
    if (!in) return 0;
    if (offset == WASM_FINISH) return function_type(m->called, m->called_function)->nresults;
    if (offset >= WASM_RETURN_STUB) {
        const struct wasm_type_info *t = &in->module->types[offset - WASM_RETURN_STUB];
        return t->nparams + FRAME_HEADER + t->nresults;
    }
    if (offset >= WASM_STUB) return function_type(in, offset - WASM_STUB)->nparams + FRAME_HEADER;
    return code_slots(in->module, offset, trapped);
}

/* ---- traps */

static enum answer trap(struct wasm_machine *m, enum exit_kind kind, uint64_t value) {
    struct vm *vm = m->vm;
    const struct wasm_instance *in = wasm_instance_of(m->store, vm->cpu->pc);
    uint32_t offset = (uint32_t)vm->cpu->pc;
    const struct wasm_function *f = in ? wasm_function_at(in->module, offset) : NULL;
    struct wasm_name name =
        f ? wasm_function_name(in->module, wasm_function_index(in->module, f)) : (struct wasm_name){0};
    if (f)
        snprintf(vm->error.text, sizeof vm->error.text, "%s in function %u%s%.*s%s at offset 0x%x of %s",
                 exit_info[kind].text, wasm_function_index(in->module, f), name.length ? " (" : "",
                 (int)(name.length < 100 ? name.length : 100), name.length ? name.text : "", name.length ? ")" : "",
                 offset, in->module->file);
    else
        snprintf(vm->error.text, sizeof vm->error.text, "%s in an imported function", exit_info[kind].text);
    return vm_stop(vm, VM_TRAPPED, (int)kind, value);
}

uint64_t host_trap(struct host_call *c, enum exit_kind kind, uint64_t value) {
    c->answer = trap(c->machine, kind, value);
    return 0;
}

uint64_t host_exit(struct host_call *c, int status) {
    c->answer = vm_stop(c->machine->vm, VM_EXITED, status, 0);
    return 0;
}

uint8_t *host_memory(const struct host_call *c, uint32_t address, uint64_t size) {
    return wasm_memory_at(c->instance, address, size);
}

/* ---- calls that leave the instance */

static enum answer call_host(struct wasm_machine *m, const struct wasm_instance *in, const struct host_function *f,
                             const struct wasm_type_info *t) {
    struct cpu *cpu = m->vm->cpu;
    uint64_t *slots = slots_of(cpu);
    uint64_t distance = slots[t->nparams + FRAME_DISTANCE], pc = slots[t->nparams + FRAME_RETURN];
    struct host_call c = {.machine = m, .instance = in, .args = slots, .answer = ANSWER_RESUME};
    uint64_t result = f->call(&c);
    if (c.answer != ANSWER_RESUME || c.again) return c.answer;
    if (t->nresults) slots[0] = t->results[0] == WASM_I32 || t->results[0] == WASM_F32 ? (uint32_t)result : result;
    leave_frame(cpu, distance, pc);
    return ANSWER_RESUME;
}

/* The current frame holds the arguments and header of a call by `in` of a function of its type number `type`, which is
   at `pc` in another instance. */
static enum answer call_other(struct wasm_machine *m, const struct wasm_instance *in, uint32_t type, uint64_t pc) {
    struct cpu *cpu = m->vm->cpu;
    uint32_t nparams = in->module->types[type].nparams, n = nparams + FRAME_HEADER;
    if (cpu->frame_limit - cpu->frame < 16 * (ptrdiff_t)n) return trap(m, EXIT_stack, 0);
    uint64_t *to = slots_of(cpu) + n;
    memcpy(to, slots_of(cpu), 8ull * nparams);
    to[nparams + FRAME_DISTANCE] = 8ull * n;
    to[nparams + FRAME_RETURN] = wasm_pc(in, WASM_RETURN_STUB + type);
    cpu->frame = (uint8_t *)to;
    cpu->pc = pc;
    bind(wasm_instance_of(m->store, pc), cpu);
    return ANSWER_RESUME;
}

static enum answer return_other(struct wasm_machine *m, const struct wasm_instance *in, uint32_t type) {
    struct cpu *cpu = m->vm->cpu;
    const struct wasm_type_info *t = &in->module->types[type];
    uint64_t *slots = slots_of(cpu);
    uint64_t distance = slots[t->nparams + FRAME_DISTANCE], pc = slots[t->nparams + FRAME_RETURN];
    memmove(slots, slots + t->nparams + FRAME_HEADER, 8ull * t->nresults);
    bind(in, cpu);
    leave_frame(cpu, distance, pc);
    return ANSWER_RESUME;
}

static enum answer answer_call(struct wasm_machine *m, uint32_t stub) {
    const struct wasm_instance *in = wasm_instance_of(m->store, m->vm->cpu->pc);
    if (stub >= WASM_RETURN_STUB) return return_other(m, in, stub - WASM_RETURN_STUB);
    uint32_t function = stub - WASM_STUB;
    const struct import_target *target = (const struct import_target *)in->owner + function;
    if (target->host) return call_host(m, in, target->host, function_type(in, function));
    uint64_t pc = wasm_pc(target->instance, wasm_entry(target->instance->module, target->function));
    return call_other(m, in, in->module->functions[function].type, pc);
}

/* An indirect call whose element is not a function of the wanted type in this instance. */
static enum answer answer_indirect(struct wasm_machine *m) {
    struct cpu *cpu = m->vm->cpu;
    const struct wasm_instance *in = wasm_instance_of(m->store, cpu->pc);
    const struct wasm_function *f = wasm_function_at(in->module, (uint32_t)cpu->pc);
    struct wasm_reader r = {.bytes = in->module->bytes, .at = (uint32_t)cpu->pc, .end = f->end};
    struct wasm_insn i;
    wasm_decode(&r, &i);
    const struct wasm_type_info *t = &in->module->types[i.index[0]];
    uint64_t *top = slots_of(cpu) + frame_operand_slot(f) + wasm_height_at(in->module, f, (uint32_t)cpu->pc) - 1;
    const uint64_t *elements = wasm_at(m->store, in->tables[i.index[1]]->elements);
    uint64_t reference = elements[(uint32_t)*top];
    if (!reference) return trap(m, EXIT_null_function, *top);
    if (reference >> WASM_REF_TYPE_SHIFT != in->types[i.index[0]]) return trap(m, EXIT_signature, *top);
    uint64_t *args = top - t->nparams;
    if (i.row == ROW_return_call_indirect) {
        uint64_t *to = slots_of(cpu), *header = to + in->module->types[f->type].nparams;
        uint64_t distance = header[FRAME_DISTANCE], pc = header[FRAME_RETURN];
        memmove(to, args, 8ull * t->nparams);
        to[t->nparams + FRAME_DISTANCE] = distance;
        to[t->nparams + FRAME_RETURN] = pc;
    } else {
        args[t->nparams + FRAME_DISTANCE] = 8ull * (uint64_t)(args - slots_of(cpu));
        args[t->nparams + FRAME_RETURN] = cpu->pc + i.length;
        cpu->frame = (uint8_t *)args;
    }
    return call_other(m, in, i.index[0], reference & ((UINT64_C(1) << WASM_REF_TYPE_SHIFT) - 1));
}

/* ---- the end of the outermost function */

static void print_results(struct wasm_machine *m, const struct wasm_type_info *t) {
    enum { LINE = 64 };
    char *text = malloc((size_t)LINE * t->nresults + 1);
    size_t at = 0;
    if (!text) return;
    text[0] = 0;
    for (uint32_t k = 0; k < t->nresults; k++) {
        value_print(text + at, LINE - 1, t->results[k], machine_result(m, k));
        at += strlen(text + at);
        text[at++] = '\n';
        text[at] = 0;
    }
    free(m->vm->output);
    m->vm->output = text;
}

void machine_begin(struct wasm_machine *m) {
    const struct wasm_module *module = m->program->module;
    if (m->phase == PHASE_START && module->start != UINT32_MAX) {
        machine_call(m, m->program, module->start, NULL);
        return;
    }
    if (m->phase <= PHASE_INITIALIZE && m->initialize) {
        m->phase = PHASE_INITIALIZE;
        machine_call(m, m->program, m->initialize->index, NULL);
        return;
    }
    m->phase = PHASE_ENTRY;
    machine_call(m, m->program, m->entry, m->arguments);
}

static enum answer answer_finished(struct wasm_machine *m) {
    struct vm *vm = m->vm;
    const struct wasm_type_info *t = function_type(m->called, m->called_function);
    vm->cpu->pc = wasm_pc(m->called, WASM_FINISH);
    if (m->phase < PHASE_ENTRY) {
        m->phase++;
        machine_begin(m);
        return ANSWER_RESUME;
    }
    bool status = m->phase == PHASE_ENTRY && !m->print_results && t->nresults;
    if (m->phase == PHASE_ENTRY && m->print_results) print_results(m, t);
    return vm_stop(vm, VM_EXITED, status ? (int)(machine_result(m, 0) & 0xff) : 0, 0);
}

static enum answer wasm_answer(void *self, struct cpu *cpu) {
    struct vm *vm = self;
    struct wasm_machine *m = machine_of(vm);
    bool event;
    switch ((enum exit_kind)cpu->exit.kind) {
    case EXIT_budget: return vm_answer_budget(vm, cpu, &event);
    case EXIT_poll: return vm_answer_poll(vm) ? ANSWER_STOP : ANSWER_RESUME;
    case EXIT_host_call: return answer_call(m, (uint32_t)cpu->exit.value);
    case EXIT_signature: return answer_indirect(m);
    case EXIT_finished: return answer_finished(m);
    case EXIT_fault_read:
    case EXIT_fault_write: return trap(m, EXIT_memory_bounds, cpu->exit.value);
    default: return trap(m, cpu->exit.kind, cpu->exit.value);
    }
}

/* Code never changes, so one page identity an instance will do. */
static void wasm_fetch(void *self, struct cpu *cpu, uint64_t address, struct fetch *f) {
    static const uint8_t stub[1];
    const struct wasm_instance *in = wasm_instance_of(machine_of(self)->store, address);
    (void)cpu;
    if (!in) {
        f->fault = EXIT_fault_fetch;
        return;
    }
    *f = (struct fetch){.bytes = stub, .avail = 1, .page = in->id + 1, .unit = in};
    if ((uint32_t)address >= WASM_STUB) return;
    const struct wasm_function *function = wasm_function_at(in->module, (uint32_t)address);
    if (!function) {
        f->fault = EXIT_fault_fetch;
        return;
    }
    f->bytes = in->module->bytes + (uint32_t)address;
    f->avail = function->end - (uint32_t)address;
}

const struct interface wasm_interface = {.name = "wasm", .answer = wasm_answer, .fetch = wasm_fetch};
