/* toy.h - a guest that executes, and a vm of it without a file, for tests of the vm and the engine.
 *
 * Instructions are an opcode byte and an operand byte n: n = signed. The memory space 0 is a window of TOY_MEMORY
 * bytes.
 */
#ifndef TEST_VM_TOY_H
#define TEST_VM_TOY_H

#include "core/host.h"
#include "vm/internal.h"
#include <string.h>

enum toy_opcode {
    TOY_ADD,     /* a += n */
    TOY_JUMP,    /* pc += 2 * n */
    TOY_LOOP,    /* if (--b) pc += 2 * n */
    TOY_STORE,   /* memory[a % TOY_MEMORY] = a; a += n */
    TOY_SYSCALL, /* exit syscall, value n */
    TOY_TRAP     /* exit unreachable */
};
enum { TOY_MEMORY = 4096, TOY_CODE = 0x1000 };

struct toy_cpu {
    struct cpu c;
    uint64_t a, b;
};

static const struct field toy_fields[] = {
    {.name = "a", .offset = offsetof(struct toy_cpu, a), .size = 8, .count = 1, .write_mask = UINT64_MAX},
    {.name = "b", .offset = offsetof(struct toy_cpu, b), .size = 8, .count = 1, .write_mask = UINT64_MAX},
};
static const struct slot toy_slots[] = {{"a", offsetof(struct toy_cpu, a), T_I64, 0, FIELD_PLACES},
                                        {"b", offsetof(struct toy_cpu, b), T_I64, 0, FIELD_PLACES + 1}};
static const uint16_t toy_pins[] = {0, 1, 0xffff}, toy_fp_pins[] = {0xffff};

static inline void toy_reset(struct cpu *cpu) {
    (void)cpu;
}

static inline uint64_t toy_context(const struct cpu *cpu) {
    (void)cpu;
    return 0;
}

static inline unsigned toy_lift(struct builder *b, const uint8_t *bytes, size_t avail) {
    if (avail < 2) return 0;
    int64_t n = (int8_t)bytes[1];
    uint64_t target = b->pc + (uint64_t)(2 * n);
    builder_mark(b, b->pc, 2);
    uint16_t a = build_get(b, 0);
    switch ((enum toy_opcode)bytes[0]) {
    case TOY_ADD: build_put(b, 0, build2(b, UOP_add_i64, a, build_const(b, T_I64, (uint64_t)n))); return 2;
    case TOY_JUMP: build_jump(b, target); return 2;
    case TOY_LOOP: {
        uint16_t left = build2(b, UOP_sub_i64, build_get(b, 1), build_const(b, T_I64, 1));
        build_put(b, 1, left);
        build_br(b, UOP_br_i64, C_NE, left, build_const(b, T_I64, 0), target);
        return 2;
    }
    case TOY_STORE: {
        uint16_t address = build2(b, UOP_and_i64, a, build_const(b, T_I64, TOY_MEMORY - 1));
        build_store(b, UOP_store_8, 0, address, 0, a);
        build_put(b, 0, build2(b, UOP_add_i64, a, build_const(b, T_I64, (uint64_t)n)));
        return 2;
    }
    case TOY_SYSCALL: build_exit(b, EXIT_syscall, n); return 2;
    case TOY_TRAP: build_exit(b, EXIT_unreachable, 0); return 2;
    }
    build_exit(b, EXIT_illegal, bytes[0]);
    return 2;
}

static inline unsigned toy_disassemble(char *text, size_t size, uint64_t pc, const uint8_t *bytes, size_t avail,
                                       const void *unit) {
    (void)pc, (void)unit;
    snprintf(text, size, "op%u %d", bytes[0], avail > 1 ? (int8_t)bytes[1] : 0);
    return 2;
}

static const struct guest toy_guest = {
    .name = "toy",
    .cpu_size = sizeof(struct toy_cpu),
    .fields = toy_fields,
    .nfields = 2,
    .slots = toy_slots,
    .nslots = 2,
    .pins = toy_pins,
    .fp_pins = toy_fp_pins,
    .pc_align = 2,
    .explicit_coherence = true,
    .reset = toy_reset,
    .context = toy_context,
    .lift = toy_lift,
    .disassemble = toy_disassemble,
};

/** A vm of the toy, and what its answers noted. */
struct toy_vm {
    struct vm vm;
    const uint8_t *code;
    size_t code_size;
    uint8_t memory[TOY_MEMORY];
    uint64_t event_at[64]; /* counts at which events came */
    unsigned events;
    uint64_t every; /* a new event is scheduled so many instructions after each; 0: none */
    uint64_t polls;
};

static inline enum answer toy_answer(void *self, struct cpu *cpu) {
    struct toy_vm *t = self;
    bool event;
    switch (cpu->exit.kind) {
    case EXIT_poll: t->polls++; return vm_answer_poll(&t->vm) ? ANSWER_STOP : ANSWER_RESUME;
    case EXIT_budget: {
        enum answer answer = vm_answer_budget(&t->vm, cpu, &event);
        if (event && t->events < 64) t->event_at[t->events++] = cpu_count(cpu);
        if (event && t->every) vm_schedule(&t->vm, cpu, cpu_count(cpu) + t->every);
        return answer;
    }
    case EXIT_syscall:
        if (cpu->exit.value) return vm_stop(&t->vm, VM_EXITED, (int)cpu->exit.value, 0);
        cpu->pc += 2; /* call 0 does nothing */
        return ANSWER_RESUME;
    default: return vm_stop(&t->vm, VM_TRAPPED, (int)cpu->exit.kind, cpu->exit.value);
    }
}

static inline void toy_fetch(void *self, struct cpu *cpu, uint64_t address, struct fetch *f) {
    struct toy_vm *t = self;
    (void)cpu;
    if (address - TOY_CODE >= t->code_size)
        *f = (struct fetch){.fault = EXIT_fault_fetch};
    else
        *f = (struct fetch){
            .bytes = t->code + (address - TOY_CODE), .avail = t->code_size - (address - TOY_CODE), .page = 1};
}

static const struct interface toy_interface = {.name = "toy", .answer = toy_answer, .fetch = toy_fetch};

static inline void toy_memory(struct visitor *v, const struct field *f, void *object) {
    visit_pages(v, f, 0, ((struct toy_vm *)object)->memory, TOY_MEMORY);
}

#define TOY_ROWS(R)                                                                                                    \
    R(HOST_IN, vm, "what is walked")                                                                                   \
    R(HOST, code, "the test's")                                                                                        \
    R(HOST, code_size, "the test's")                                                                                   \
    R(BYTES_IN, memory, toy_memory)                                                                                    \
    R(ARRAY, event_at, TIME)                                                                                           \
    R(FIELD, events, TIME)                                                                                             \
    R(FIELD, every, TIME)                                                                                              \
    R(HOST, polls, "the test's")
static inline OBJECT_TYPE(toy_type, "toy", struct toy_vm, TOY_ROWS)

    static const struct vm_kind toy_kind = {.name = "toy", .state = toy_type};

/** Makes *t a vm that runs `code`; `b` is the register's first value. False: no memory. */
static inline bool toy_make(struct toy_vm *t, const uint8_t *code, size_t size, enum tier tier, bool counted,
                            uint64_t b) {
    struct engine_config config;
    memset(t, 0, sizeof *t);
    t->code = code;
    t->code_size = size;
    t->vm.kind = &toy_kind;
    t->vm.data = t;
    t->vm.options.tier = tier;
    t->vm.options.check = true;
    t->vm.counted = counted;
    t->vm.stop_at = t->vm.next_event = UINT64_MAX;
    clock_init(&t->vm);
    vm_engine_config(&t->vm, &toy_guest, &toy_interface, &config);
    t->vm.engine = engine_make(&config, &t->vm.error);
    if (!t->vm.engine) return false;
    t->vm.cpu = engine_cpu_make(t->vm.engine, &t->vm.error);
    if (!t->vm.cpu) return false;
    t->vm.cpu->mem[0] = (struct mem_view){.kind = MEM_WINDOW, .base = t->memory, .limit = TOY_MEMORY};
    t->vm.cpu->pc = TOY_CODE;
    ((struct toy_cpu *)t->vm.cpu)->b = b;
    return true;
}

static inline void toy_free(struct toy_vm *t) {
    engine_cpu_free(t->vm.engine, t->vm.cpu);
    engine_free(t->vm.engine);
}

#endif
