/* access.c - memory accesses made from C: by the interpreter, by helpers, by slow paths of translated code.
 *
 * An access is all or nothing. The rights of MEM_DIRECT, MEM_WINDOW and MEM_LINEAR are the host's page tables, asked
 * through guarded accesses; those of MEM_SOFT are the guest's, through its walk and the TLB.
 */
#include "engine/internal.h"
#include "core/meaning.h"
#include <string.h>

static bool fail(struct cpu *cpu, bool write, uint64_t status, uint64_t address) {
    if (status == 2)
        cpu_exit(cpu, write ? EXIT_bus_write : EXIT_bus_read, address);
    else
        cpu_exit(cpu, write ? EXIT_fault_write : EXIT_fault_read, address);
    return false;
}

/* Host address for the three kinds without TLB; NULL if out of bounds. */
static bool host_address(const struct mem_view *m, uint64_t address, unsigned size, uint8_t **at) {
    if (address > m->limit || m->limit - address < size) return false;
    *at = m->kind == MEM_DIRECT ? (uint8_t *)(uintptr_t)address : m->base + address;
    return true;
}

static uint64_t guest_fault(const struct mem_view *m, uint64_t address, unsigned size, uint64_t host) {
    uint64_t guest = m->kind == MEM_DIRECT ? host : host - (uint64_t)(uintptr_t)m->base;
    return guest - address < size ? guest : address; /* the kernel does not always tell */
}

/* MEM_SOFT: one page. Yields the host address, or a device's physical address with *at NULL. */
static bool soft_page(struct cpu *cpu, struct mem_view *m, uint64_t address, bool write, uint8_t **at, uint64_t *phys) {
    struct tlb_line *line = &m->tlb->line[(address >> TLB_PAGE_SHIFT) % TLB_LINES];
    uint64_t page = address >> TLB_PAGE_SHIFT << TLB_PAGE_SHIFT;
    if ((write ? line->write : line->read) == page) {
        *at = (uint8_t *)(uintptr_t)(line->host + (address - page));
        return true;
    }
    struct walk w = {.physical = address, .page_size = UINT64_MAX, .read = true, .write = true, .execute = true};
    if (cpu->guest->walk) cpu->guest->walk(cpu, address, write ? ACCESS_WRITE : ACCESS_READ, &w);
    if (w.fault) {
        cpu_exit(cpu, w.fault, address);
        return false;
    }
    const struct engine_config *c = &cpu->engine->config;
    uint64_t offset = address & ((1u << TLB_PAGE_SHIFT) - 1);
    uint8_t *ram = c->interface->ram(c->self, w.physical - offset, 1u << TLB_PAGE_SHIFT);
    if (ram && w.page_size >= 1u << TLB_PAGE_SHIFT) tlb_fill(m->tlb, address, ram, w.read, w.write, w.execute);
    *at = ram ? ram + offset : NULL;
    *phys = w.physical;
    return true;
}

static bool soft_access(struct cpu *cpu, struct mem_view *m, uint64_t address, unsigned size, bool write,
                        uint64_t *value) {
    uint8_t *at[2] = {0};
    uint64_t phys[2] = {0};
    unsigned first = size, to_end = (1u << TLB_PAGE_SHIFT) - (unsigned)(address & ((1u << TLB_PAGE_SHIFT) - 1));
    if (to_end < size) first = to_end;
    if (!soft_page(cpu, m, address, write, &at[0], &phys[0])) return false;
    if (first < size && !soft_page(cpu, m, address + first, write, &at[1], &phys[1])) return false;
    if (!at[0] || (first < size && !at[1])) {
        const struct engine_config *c = &cpu->engine->config;
        bool done = first == size && (write ? c->interface->device_write(c->self, cpu, phys[0], size, *value)
                                            : c->interface->device_read(c->self, cpu, phys[0], size, value));
        if (!done) cpu_exit(cpu, write ? EXIT_access_write : EXIT_access_read, address);
        return done;
    }
    if (write) {
        memcpy(at[0], value, first);
        if (first < size) memcpy(at[1], (uint8_t *)value + first, size - first);
    } else {
        *value = 0;
        memcpy(value, at[0], first);
        if (first < size) memcpy((uint8_t *)value + first, at[1], size - first);
    }
    return true;
}

bool access_read(struct cpu *cpu, unsigned space, uint64_t address, unsigned size, uint64_t *value) {
    struct mem_view *m = &cpu->mem[space];
    uint8_t *at;
    if (m->kind == MEM_SOFT) return soft_access(cpu, m, address, size, false, value);
    if (!host_address(m, address, size, &at)) return fail(cpu, false, 0, address);
    struct guard_result r = guard_read(at, size, value);
    return r.status == 1 || fail(cpu, false, r.status, guest_fault(m, address, size, r.address));
}

bool access_write(struct cpu *cpu, unsigned space, uint64_t address, unsigned size, uint64_t value) {
    struct mem_view *m = &cpu->mem[space];
    uint8_t *at;
    if (m->kind == MEM_SOFT) return soft_access(cpu, m, address, size, true, &value);
    if (!host_address(m, address, size, &at)) return fail(cpu, true, 0, address);
    struct guard_result r = guard_write(at, size, value);
    return r.status == 1 || fail(cpu, true, r.status, guest_fault(m, address, size, r.address));
}

bool access_load(struct cpu *cpu, enum uop_op op, unsigned space, uint64_t address, uint64_t *result) {
    uint64_t v;
    if (!access_read(cpu, space, address, uop_mem_size(op), &v)) return false;
    switch (op) {
    case UOP_load_s8: v = (uint64_t)(int8_t)v; break;
    case UOP_load_s16: v = (uint64_t)(int16_t)v; break;
    case UOP_load_s32: v = (uint64_t)(int32_t)v; break;
    default: break;
    }
    *result = v;
    return true;
}

bool access_store(struct cpu *cpu, enum uop_op op, unsigned space, uint64_t address, uint64_t value) {
    return access_write(cpu, space, address, uop_mem_size(op), value);
}

/* What an amo stores, from its meaning in uop.def; A and B are sign-extended (signed) or zero-extended values. */
static uint64_t amo_value(enum uop_op op, uint64_t A, uint64_t B) {
    if (uop_mem_size(op) == 4) {
        bool is_unsigned = op == UOP_amo_minu_32 || op == UOP_amo_maxu_32;
        A = is_unsigned ? (uint32_t)A : (uint64_t)(int32_t)A;
        B = is_unsigned ? (uint32_t)B : (uint64_t)(int32_t)B;
    }
    (void)A;
    switch (op) {
#define U(name, r, a, b, c, form, flags, meaning)
#define AMO_MEANING(name, e)                                                                                           \
    case UOP_amo_##name##_64:                                                                                          \
    case UOP_amo_##name##_32: return e;
#include "core/uop.def"
    default: return 0;
    }
}

/* Compare and swap on guest memory, for every kind of space. False: exit taken. */
static bool swap_if(struct cpu *cpu, struct mem_view *m, uint64_t address, unsigned size, uint64_t expected,
                    uint64_t value, uint64_t *old) {
    uint8_t *at;
    uint64_t phys;
    if (m->kind == MEM_SOFT) {
        if (!soft_page(cpu, m, address, true, &at, &phys)) return false;
        if (!at) { /* no atomics on devices */
            cpu_exit(cpu, EXIT_access_write, address);
            return false;
        }
    } else if (!host_address(m, address, size, &at)) {
        return fail(cpu, true, 0, address);
    }
    struct guard_result r = guard_cas(at, size, expected, value, old);
    return r.status == 1 || fail(cpu, true, r.status, address);
}

static uint64_t extend(unsigned size, uint64_t v) { return size == 4 ? (uint64_t)(int32_t)v : v; }
static uint64_t low(unsigned size, uint64_t v) { return size == 4 ? (uint32_t)v : v; }

bool access_atomic(struct cpu *cpu, enum uop_op op, unsigned space, uint64_t address, uint64_t b, uint64_t c,
                   uint64_t *result) {
    struct mem_view *m = &cpu->mem[space];
    unsigned size = uop_mem_size(op);
    uint64_t old = 0, seen;
    bool lr = op == UOP_lr_32 || op == UOP_lr_64;
    if (address % size) {
        cpu_exit(cpu, lr ? EXIT_misaligned_read : EXIT_misaligned_write, address);
        return false;
    }
    if (lr) {
        if (!access_read(cpu, space, address, size, &old)) return false;
        cpu->reserve_address = address;
        cpu->reserve_value = *result = extend(size, old);
        return true;
    }
    if (op == UOP_sc_32 || op == UOP_sc_64) {
        /* A store that is not done need not fault either, but a page without rights must show: ask by a no-op swap. */
        bool held = cpu->reserve_address == address;
        uint64_t expected = low(size, cpu->reserve_value);
        if (!held) {
            if (!swap_if(cpu, m, address, size, 0, 0, &seen)) return false;
            *result = 1;
        } else {
            if (!swap_if(cpu, m, address, size, expected, low(size, b), &seen)) return false;
            *result = seen == expected ? 0 : 1;
        }
        cpu->reserve_address = UINT64_MAX;
        return true;
    }
    if (op == UOP_cas_32 || op == UOP_cas_64) {
        if (!swap_if(cpu, m, address, size, low(size, b), low(size, c), &old)) return false;
        *result = extend(size, old);
        return true;
    }
    for (;;) {
        /* The first swap is a guess that also checks the right to write before anything is read. */
        if (!swap_if(cpu, m, address, size, old, low(size, amo_value(op, old, b)), &seen)) return false;
        if (seen == old) break;
        old = seen;
    }
    *result = extend(size, old);
    return true;
}

/* The entry points of translated code's slow paths (enum host_call). */
static uint64_t call_eval(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c) {
    return uop_eval((enum uop_op)(what & 0xffff), (unsigned)(what >> 16), 0, a, b, c, &cpu->fp_flags);
}
static uint64_t call_read(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c) {
    uint64_t v = 0;
    (void)b, (void)c;
    access_load(cpu, (enum uop_op)(what & 0xffff), (unsigned)(what >> 16), a, &v);
    return v;
}
static uint64_t call_write(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c) {
    (void)c;
    access_store(cpu, (enum uop_op)(what & 0xffff), (unsigned)(what >> 16), a, b);
    return 0;
}
static uint64_t call_atomic(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c) {
    uint64_t v = 0;
    access_atomic(cpu, (enum uop_op)(what & 0xffff), (unsigned)(what >> 16), a, b, c, &v);
    return v;
}
static uint64_t call_helper(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c) {
    return cpu->guest->helpers[what].call(cpu, a, b, c);
}

static uint64_t call_fp_flags(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c) {
    (void)what, (void)a, (void)b, (void)c;
    cpu->fp_flags |= cpu->engine->host->take_fp_flags(cpu);
    return cpu->fp_flags;
}

const void *const engine_calls[HOST_CALL_COUNT] = {
    [HOST_CALL_EVAL] = (const void *)call_eval,     [HOST_CALL_READ] = (const void *)call_read,
    [HOST_CALL_WRITE] = (const void *)call_write,   [HOST_CALL_ATOMIC] = (const void *)call_atomic,
    [HOST_CALL_HELPER] = (const void *)call_helper, [HOST_CALL_FP_FLAGS] = (const void *)call_fp_flags,
};
