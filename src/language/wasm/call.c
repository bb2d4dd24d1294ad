/* call.c - calls on the guest stack: the outermost one, those that leave the instance, and what of a frame is alive. */
#include "language/wasm/machine.h"

/* ---- frames */

static uint64_t *slots_of(const struct cpu *cpu) {
    return (uint64_t *)cpu->frame;
}

void wasm_bind(const struct wasm_instance *in, struct cpu *cpu) {
    wasm_instance_bind(in, cpu);
    cpu_memory_moved(cpu);
}

/* Returns from a frame whose results are in place. */
static void leave_frame(struct cpu *cpu, uint64_t distance, uint64_t pc) {
    cpu->frame -= distance;
    cpu->pc = pc;
}

void wasm_call(struct language_machine *machine, const struct language_function *f, const uint64_t *args) {
    struct cpu *cpu = machine->vm->cpu;
    const struct wasm_instance *in = f->unit;
    const struct wasm_type_info *t = function_type(in, f->index);
    cpu->frame = cpu->frame_base;
    if (t->nparams) memcpy(cpu->frame, args, 8ull * t->nparams);
    slots_of(cpu)[t->nparams + FRAME_DISTANCE] = 0;
    slots_of(cpu)[t->nparams + FRAME_RETURN] = wasm_pc(in, WASM_FINISH);
    cpu->pc = wasm_pc(in, wasm_entry(in->module, f->index));
    wasi_forget(wasm_machine(machine)->wasi);
    wasm_bind(in, cpu);
}

uint64_t wasm_result(const struct language_machine *machine, uint32_t k) {
    return slots_of(machine->vm->cpu)[k];
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

static uint32_t live_slots(const struct wasm_machine *m, bool trapped) {
    const uint64_t pc = m->machine.vm->cpu->pc;
    const struct wasm_instance *in = wasm_instance_of(m->store, pc);
    const uint32_t offset = (uint32_t)pc;
    if (!in) return 0;
    if (offset == WASM_FINISH) return m->machine.language->signature(&m->machine.called).nresults;
    if (offset >= WASM_RETURN_STUB) {
        const struct wasm_type_info *t = &in->module->types[offset - WASM_RETURN_STUB];
        return t->nparams + FRAME_HEADER + t->nresults;
    }
    if (offset >= WASM_STUB) return function_type(in, offset - WASM_STUB)->nparams + FRAME_HEADER;
    return code_slots(in->module, offset, trapped);
}

uint64_t wasm_live(const struct language_machine *machine, bool trapped) {
    return 8ull * live_slots((const struct wasm_machine *)machine, trapped);
}

static enum answer trap(struct wasm_machine *m, enum exit_kind kind, uint64_t value) {
    return language_trap(&m->machine, kind, value);
}

/* ---- calls that leave the instance */

static enum answer call_host(struct wasm_machine *m, const struct wasm_instance *in, const struct host_function *f,
                             const struct wasm_type_info *t) {
    struct cpu *cpu = m->machine.vm->cpu;
    uint64_t *slots = slots_of(cpu);
    uint64_t distance = slots[t->nparams + FRAME_DISTANCE], pc = slots[t->nparams + FRAME_RETURN];
    struct host_call c = {.machine = &m->machine, .unit = in, .args = slots, .answer = ANSWER_RESUME};
    uint64_t result = f->call(&c);
    if (c.answer != ANSWER_RESUME || c.again) return c.answer;
    if (t->nresults) slots[0] = t->results[0] == WASM_I32 || t->results[0] == WASM_F32 ? (uint32_t)result : result;
    leave_frame(cpu, distance, pc);
    return ANSWER_RESUME;
}

/* The current frame holds the arguments and header of a call by `in` of a function of its type number `type`, which is
   at `pc` in another instance. */
static enum answer call_other(struct wasm_machine *m, const struct wasm_instance *in, uint32_t type, uint64_t pc) {
    struct cpu *cpu = m->machine.vm->cpu;
    uint32_t nparams = in->module->types[type].nparams, n = nparams + FRAME_HEADER;
    if (cpu->frame_limit - cpu->frame < 16 * (ptrdiff_t)n) return trap(m, EXIT_stack, 0);
    uint64_t *to = slots_of(cpu) + n;
    memcpy(to, slots_of(cpu), 8ull * nparams);
    to[nparams + FRAME_DISTANCE] = 8ull * n;
    to[nparams + FRAME_RETURN] = wasm_pc(in, WASM_RETURN_STUB + type);
    cpu->frame = (uint8_t *)to;
    cpu->pc = pc;
    wasm_bind(wasm_instance_of(m->store, pc), cpu);
    return ANSWER_RESUME;
}

static enum answer return_other(struct wasm_machine *m, const struct wasm_instance *in, uint32_t type) {
    struct cpu *cpu = m->machine.vm->cpu;
    const struct wasm_type_info *t = &in->module->types[type];
    uint64_t *slots = slots_of(cpu);
    uint64_t distance = slots[t->nparams + FRAME_DISTANCE], pc = slots[t->nparams + FRAME_RETURN];
    memmove(slots, slots + t->nparams + FRAME_HEADER, 8ull * t->nresults);
    wasm_bind(in, cpu);
    leave_frame(cpu, distance, pc);
    return ANSWER_RESUME;
}

static enum answer answer_call(struct wasm_machine *m, uint32_t stub) {
    const struct wasm_instance *in = wasm_instance_of(m->store, m->machine.vm->cpu->pc);
    if (stub >= WASM_RETURN_STUB) return return_other(m, in, stub - WASM_RETURN_STUB);
    uint32_t function = stub - WASM_STUB;
    const struct import_target *target = (const struct import_target *)in->owner + function;
    if (target->host) return call_host(m, in, target->host, function_type(in, function));
    uint64_t pc = wasm_pc(target->instance, wasm_entry(target->instance->module, target->function));
    return call_other(m, in, in->module->functions[function].type, pc);
}

/* An indirect call whose element is not a function of the wanted type in this instance. */
static enum answer answer_indirect(struct wasm_machine *m) {
    struct cpu *cpu = m->machine.vm->cpu;
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

/* ---- whatever stops code */

enum answer wasm_answer(struct language_machine *machine, struct cpu *cpu) {
    struct wasm_machine *m = wasm_machine(machine);
    switch ((enum exit_kind)cpu->exit.kind) {
    case EXIT_host_call: return answer_call(m, (uint32_t)cpu->exit.value);
    case EXIT_signature: return answer_indirect(m);
    case EXIT_finished: cpu->pc = wasm_pc(machine->called.unit, WASM_FINISH); return language_finished(machine);
    case EXIT_fault_read:
    case EXIT_fault_write: return trap(m, EXIT_memory_bounds, cpu->exit.value);
    default: return trap(m, cpu->exit.kind, cpu->exit.value);
    }
}
