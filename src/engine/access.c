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
static bool host_address(const struct mem_view *m, uint64_t address, unsigned size, uint8_t GUEST_MEMORY **at) {
    if (address > m->limit || m->limit - address < size) return false;
    const uintptr_t base = m->kind == MEM_DIRECT ? 0 : (uintptr_t)m->base;
    *at = (uint8_t GUEST_MEMORY *)(base + address);
    return true;
}

static uint64_t guest_fault(const struct mem_view *m, uint64_t address, unsigned size, uint64_t host) {
    uint64_t guest = m->kind == MEM_DIRECT ? host : host - (uint64_t)(uintptr_t)m->base;
    return guest - address < size ? guest : address; /* the kernel does not always tell */
}

/* MEM_SOFT: the part of an access that is mapped in one piece. */
struct piece {
    uint8_t *host;     /* NULL: not RAM */
    uint64_t physical; /* then known, and if there is code */
    unsigned size;
    bool code; /* there is code in the page, so that it matters what is written */
};
enum { PIECES = TYPE_MOST / 4 + 1, PAGE = 1 << TLB_PAGE_SHIFT }; /* rights can change every four bytes */

/* The walk may itself change code, by what it notes in the tables: then translated code may not go on behind this
   instruction, which is interpreted. False: exit taken. */
static bool walk(struct cpu *cpu, uint64_t address, bool write, bool translated, struct walk *w) {
    guest_walk(cpu, address, write ? ACCESS_WRITE : ACCESS_READ, w);
    cpu->runner->counts.walks++;
    const bool changed = written_any(cpu->engine);
    if (w->fault) log_walk(cpu, address, write ? ACCESS_WRITE : ACCESS_READ, w, false, false);
    if (w->fault || (translated && changed))
        cpu_exit(cpu, w->fault ? w->fault : EXIT_interpret, w->fault ? address : 0);
    return !w->fault && !(translated && changed);
}

/* The piece that an access of `size` bytes begins with. */
static bool soft_piece(struct cpu *cpu, struct mem_view *m, uint64_t address, unsigned size, bool write,
                       bool translated, struct piece *p) {
    uint64_t offset = address & (PAGE - 1), unit = PAGE;
    p->code = false;
    p->size = PAGE - offset < size ? (unsigned)(PAGE - offset) : size;
    const struct tlb_line *line = tlb_find(m->tlb, address, write);
    if (line) {
        p->host = (uint8_t *)(uintptr_t)(line->host + offset);
        return true;
    }
    struct walk w = {.physical = address, .page_size = UINT64_MAX, .read = true, .write = true, .execute = true};
    if (cpu->guest->walk && !walk(cpu, address, write, translated, &w)) return false;
    const struct engine_config *c = &cpu->engine->config;
    p->physical = w.physical;
    if (write && !translated) code_forgotten(cpu->engine, w.physical - offset);
    p->code = write && code_in(cpu->engine, w.physical - offset);
    uint8_t *ram = w.page_size >= PAGE ? c->interface->ram(c->self, w.physical - offset, PAGE) : NULL;
    if (ram) {
        bool unseen = w.write && (write ? !p->code : !code_in(cpu->engine, w.physical - offset));
        tlbs_fill(cpu, m, address, ram, &w, unseen);
        cpu->runner->counts.tlb_fills++;
        log_walk(cpu, address, write ? ACCESS_WRITE : ACCESS_READ, &w, true, unseen);
        p->host = ram + offset;
        return true;
    }
    /* Rights end within the page, or it is not RAM throughout: no line, but perhaps RAM all the same. */
    log_walk(cpu, address, write ? ACCESS_WRITE : ACCESS_READ, &w, false, false);
    if (w.page_size < PAGE) unit = w.page_size;
    if (unit - (address & (unit - 1)) < p->size) p->size = (unsigned)(unit - (address & (unit - 1)));
    p->host = c->interface->ram(c->self, w.physical, p->size);
    return true;
}

/* After a store: code that came from there is gone. Of translated code's it can only have come after the look before.
 */
static void piece_written(struct cpu *cpu, const struct piece *p, bool translated) {
    struct engine *e = cpu->engine;
    const uint64_t page = p->physical & -(uint64_t)PAGE, offset = p->physical & (PAGE - 1);
    if (!p->code) return;
    if (!translated) {
        cpu->runner->leave |= code_written(e, page, offset, p->size);
        return;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (code_overlaps(e, page, offset, p->size) || __atomic_load_n(&e->lifting, __ATOMIC_SEQ_CST) == page)
        engine_written(e, p->physical, p->size);
}

/* Translated code cannot leave right after a store. Devices may want that, and code that changes does, so such stores
   are left to the interpreter. */
static bool left_to_interpreter(struct cpu *cpu, const struct piece *p) {
    if (p->host &&
        !(p->code && code_near(cpu->engine, p->physical & -(uint64_t)PAGE, p->physical & (PAGE - 1), p->size)))
        return false;
    cpu_exit(cpu, EXIT_interpret, 0);
    return true;
}

/* One access to RAM that others may access, too: in one piece, if it is aligned. */
static void ram_load(uint8_t *to, const uint8_t *from, unsigned size) {
    const uintptr_t at = (uintptr_t)from;
    if (size == 8 && at % 8 == 0)
        memcpy(to, &(uint64_t){__atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED)}, 8);
    else if (size == 4 && at % 4 == 0)
        memcpy(to, &(uint32_t){__atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED)}, 4);
    else if (size == 2 && at % 2 == 0)
        memcpy(to, &(uint16_t){__atomic_load_n((const uint16_t *)at, __ATOMIC_RELAXED)}, 2);
    else
        for (unsigned i = 0; i < size; i++) to[i] = __atomic_load_n(from + i, __ATOMIC_RELAXED);
}

static void ram_store(uint8_t *to, const uint8_t *from, unsigned size) {
    const uintptr_t at = (uintptr_t)to;
    uint64_t v = 0;
    if (size <= 8) memcpy(&v, from, size);
    if (size == 8 && at % 8 == 0)
        __atomic_store_n((uint64_t *)at, v, __ATOMIC_RELAXED);
    else if (size == 4 && at % 4 == 0)
        __atomic_store_n((uint32_t *)at, (uint32_t)v, __ATOMIC_RELAXED);
    else if (size == 2 && at % 2 == 0)
        __atomic_store_n((uint16_t *)at, (uint16_t)v, __ATOMIC_RELAXED);
    else
        for (unsigned i = 0; i < size; i++) __atomic_store_n(to + i, from[i], __ATOMIC_RELAXED);
}

/* translated: on behalf of translated code. */
static bool soft_access(struct cpu *cpu, struct mem_view *m, uint64_t address, unsigned size, bool write,
                        bool translated, uint64_t *value) {
    struct piece piece[PIECES];
    unsigned n = 0, done = 0;
    bool ram = true;
    for (; done < size; done += piece[n++].size) {
        if (!soft_piece(cpu, m, address + done, size - done, write, translated, &piece[n])) return false;
        ram = ram && piece[n].host;
        /* An aligned access is one: where rights end within it, it fails, whatever they are. */
        if (piece[n].size < size && address % size == 0) {
            cpu_exit(cpu, write ? EXIT_access_write : EXIT_access_read, address);
            return false;
        }
    }
    for (unsigned i = 0; write && translated && i < n; i++)
        if (left_to_interpreter(cpu, &piece[i])) return false;
    if (!ram) {
        const struct engine_config *c = &cpu->engine->config;
        struct engine_counts *counts = &cpu->runner->counts;
        ++*(write ? &counts->device_writes : &counts->device_reads);
        bool ok = n == 1 && size <= 8 &&
                  (write ? c->interface->device_write(c->self, cpu, piece[0].physical, size, *value)
                         : c->interface->device_read(c->self, cpu, piece[0].physical, size, value));
        if (!ok) cpu_exit(cpu, write ? EXIT_access_write : EXIT_access_read, address);
        return ok;
    }
    if (!write) *value = 0;
    for (unsigned i = 0, at = 0; i < n; at += piece[i++].size) {
        uint8_t *part = (uint8_t *)value + at;
        if (!write) {
            ram_load(part, piece[i].host, piece[i].size);
            continue;
        }
        ram_store(piece[i].host, part, piece[i].size);
        piece_written(cpu, &piece[i], translated);
    }
    return true;
}

static bool read_for(struct cpu *cpu, unsigned space, uint64_t address, unsigned size, bool translated,
                     uint64_t *value) {
    struct mem_view *m = &cpu->mem[space];
    uint8_t GUEST_MEMORY *at;
    if (m->kind == MEM_SOFT) return soft_access(cpu, m, address, size, false, translated, value);
    if (!host_address(m, address, size, &at)) return fail(cpu, false, 0, address);
    struct guard_result r = guard_read(at, size, value);
    return r.status == 1 || fail(cpu, false, r.status, guest_fault(m, address, size, r.address));
}

bool access_read(struct cpu *cpu, unsigned space, uint64_t address, unsigned size, uint64_t *value) {
    return read_for(cpu, space, address, size, false, value);
}

static bool write_for(struct cpu *cpu, unsigned space, uint64_t address, unsigned size, bool translated,
                      uint64_t value) {
    struct mem_view *m = &cpu->mem[space];
    uint8_t GUEST_MEMORY *at;
    if (m->kind == MEM_SOFT) return soft_access(cpu, m, address, size, true, translated, &value);
    if (!host_address(m, address, size, &at)) return fail(cpu, true, 0, address);
    struct guard_result r = guard_write(at, size, value);
    return r.status == 1 || fail(cpu, true, r.status, guest_fault(m, address, size, r.address));
}

bool access_write(struct cpu *cpu, unsigned space, uint64_t address, unsigned size, uint64_t value) {
    return write_for(cpu, space, address, size, false, value);
}

static bool read_wide_for(struct cpu *cpu, unsigned space, uint64_t address, unsigned size, bool translated,
                          uint64_t *cells) {
    struct mem_view *m = &cpu->mem[space];
    uint8_t GUEST_MEMORY *at;
    if (m->kind == MEM_SOFT) return soft_access(cpu, m, address, size, false, translated, cells);
    if (!host_address(m, address, size, &at)) return fail(cpu, false, 0, address);
    struct guard_result r = guard_read_wide(at, size, cells);
    return r.status == 1 || fail(cpu, false, r.status, guest_fault(m, address, size, r.address));
}

static bool write_wide_for(struct cpu *cpu, unsigned space, uint64_t address, unsigned size, bool translated,
                           const uint64_t *cells) {
    struct mem_view *m = &cpu->mem[space];
    uint8_t GUEST_MEMORY *at;
    if (m->kind == MEM_SOFT) return soft_access(cpu, m, address, size, true, translated, (uint64_t *)(uintptr_t)cells);
    if (!host_address(m, address, size, &at)) return fail(cpu, true, 0, address);
    struct guard_result r = guard_write_wide(at, size, cells);
    return r.status == 1 || fail(cpu, true, r.status, guest_fault(m, address, size, r.address));
}

bool access_read_wide(struct cpu *cpu, unsigned space, uint64_t address, unsigned size, uint64_t *cells) {
    return read_wide_for(cpu, space, address, size, false, cells);
}

bool access_write_wide(struct cpu *cpu, unsigned space, uint64_t address, unsigned size, const uint64_t *cells) {
    return write_wide_for(cpu, space, address, size, false, cells);
}

static bool load_for(struct cpu *cpu, enum uop_op op, unsigned space, uint64_t address, bool translated,
                     uint64_t *result) {
    uint64_t v;
    if (!read_for(cpu, space, address, uop_mem_size(op), translated, &v)) return false;
    switch (op) {
    case UOP_load_s8: v = (uint64_t)(int8_t)v; break;
    case UOP_load_s16: v = (uint64_t)(int16_t)v; break;
    case UOP_load_s32: v = (uint64_t)(int32_t)v; break;
    default: break;
    }
    *result = v;
    return true;
}

bool access_load(struct cpu *cpu, enum uop_op op, unsigned space, uint64_t address, uint64_t *result) {
    return load_for(cpu, op, space, address, false, result);
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
        /* clang-format off */
#define U(name, r, a, b, c, form, flags, meaning) /* only the atomics are wanted */
#define AMO_MEANING(name, e)                                                                                           \
    case UOP_amo_##name##_64:                                                                                          \
    case UOP_amo_##name##_32: return e;
#include "core/uop.def"
        /* clang-format on */
    default: return 0;
    }
}

/* Compare and swap on guest memory, for every kind of space. False: exit taken. */
static bool swap_if(struct cpu *cpu, struct mem_view *m, uint64_t address, unsigned size, bool translated,
                    uint64_t expected, uint64_t value, uint64_t *old) {
    uint8_t GUEST_MEMORY *at;
    struct piece p = {0};
    if (m->kind == MEM_SOFT) {
        if (!soft_piece(cpu, m, address, size, true, translated, &p)) return false;
        at = p.host;
        if (!at || p.size < size) { /* no atomics on devices, nor across rights */
            cpu_exit(cpu, EXIT_access_write, address);
            return false;
        }
        if (translated && left_to_interpreter(cpu, &p)) return false;
    } else if (!host_address(m, address, size, &at)) {
        return fail(cpu, true, 0, address);
    }
    struct guard_result r = guard_cas(at, size, expected, value, old);
    if (r.status != 1) return fail(cpu, true, r.status, address);
    piece_written(cpu, &p, translated);
    return true;
}

static uint64_t extend(unsigned size, uint64_t v) {
    return size == 4 ? (uint64_t)(int32_t)v : v;
}
static uint64_t low(unsigned size, uint64_t v) {
    return size == 4 ? (uint32_t)v : v;
}

/* zero_block and touch_block. */
static bool access_block(struct cpu *cpu, enum uop_op op, unsigned space, uint64_t address, bool translated) {
    enum { BLOCK = 64 };
    uint64_t value;
    if (op == UOP_zero_block) {
        struct piece p; /* all that it takes is there before any of it is cleared, as of other accesses */
        for (unsigned i = 0; cpu->mem[space].kind == MEM_SOFT && i < BLOCK; i += p.size) {
            if (!soft_piece(cpu, &cpu->mem[space], (address & -(uint64_t)BLOCK) + i, BLOCK - i, true, translated, &p))
                return false;
            if (translated && left_to_interpreter(cpu, &p)) return false;
        }
        for (unsigned i = 0; i < BLOCK; i += 8)
            if (!write_for(cpu, space, (address & -(uint64_t)BLOCK) + i, 8, translated, 0)) return false;
        return true;
    }
    if (read_for(cpu, space, address, 1, translated, &value)) return true;
    switch ((enum exit_kind)cpu->exit.kind) {
    case EXIT_fault_read: cpu->exit.kind = EXIT_fault_write; break;
    case EXIT_access_read: cpu->exit.kind = EXIT_access_write; break;
    case EXIT_bus_read: cpu->exit.kind = EXIT_bus_write; break;
    default: break;
    }
    return false;
}

static bool atomic(struct cpu *cpu, enum uop_op op, unsigned space, uint64_t address, uint64_t b, uint64_t c,
                   bool translated, uint64_t *result) {
    struct mem_view *m = &cpu->mem[space];
    unsigned size = uop_mem_size(op);
    uint64_t old = 0, seen;
    bool lr = op == UOP_lr_32 || op == UOP_lr_64;
    if (op == UOP_zero_block || op == UOP_touch_block) {
        *result = 0;
        return access_block(cpu, op, space, address, translated);
    }
    if (address % size) {
        cpu_exit(cpu, lr ? EXIT_misaligned_read : EXIT_misaligned_write, address);
        return false;
    }
    if (lr) {
        if (!read_for(cpu, space, address, size, translated, &old)) return false;
        cpu_note(cpu, PLACE_RESERVE, NOTE_WRITE);
        cpu->reserve_address = address;
        cpu->reserve_value = *result = extend(size, old);
        return true;
    }
    if (op == UOP_sc_32 || op == UOP_sc_64) {
        /* A store that is not done need not fault either, but a page without rights must show: ask by a no-op swap. */
        bool held = cpu->reserve_address == address;
        uint64_t expected = low(size, cpu->reserve_value);
        if (!held) {
            if (!swap_if(cpu, m, address, size, translated, 0, 0, &seen)) return false;
            *result = 1;
        } else {
            if (!swap_if(cpu, m, address, size, translated, expected, low(size, b), &seen)) return false;
            *result = seen == expected ? 0 : 1;
        }
        cpu->reserve_address = UINT64_MAX;
        return true;
    }
    if (op == UOP_cas_32 || op == UOP_cas_64) {
        if (!swap_if(cpu, m, address, size, translated, low(size, b), low(size, c), &old)) return false;
        *result = extend(size, old);
        return true;
    }
    for (;;) {
        /* The first swap is a guess that also checks the right to write before anything is read. */
        if (!swap_if(cpu, m, address, size, translated, old, low(size, amo_value(op, old, b)), &seen)) return false;
        if (seen == old) break;
        old = seen;
    }
    *result = extend(size, old);
    return true;
}

bool access_atomic(struct cpu *cpu, enum uop_op op, unsigned space, uint64_t address, uint64_t b, uint64_t c,
                   uint64_t *result) {
    return atomic(cpu, op, space, address, b, c, false, result);
}

/* The entry points of translated code's slow paths (enum host_call). */
static uint64_t call_eval_wide(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c) {
    const enum uop_op op = (enum uop_op)(what & 0xffff);
    const struct uop_info *i = &uop_info[op];
    const uint64_t *va = type_is_wide((enum type)i->a) ? cpu->wide[1] : &a;
    const uint64_t *vb = type_is_wide((enum type)i->b) ? cpu->wide[2] : &b;
    const uint64_t *vc = type_is_wide((enum type)i->c) ? cpu->wide[3] : &c;
    uop_eval_wide(op, (unsigned)(what >> 16), 0, cpu->wide[0], va, vb, vc, &cpu->fp_flags);
    return cpu->wide[0][0];
}
static uint64_t call_eval(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c) {
    return uop_eval((enum uop_op)(what & 0xffff), (unsigned)(what >> 16), 0, a, b, c, &cpu->fp_flags);
}
static uint64_t call_read(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c) {
    uint64_t v = 0;
    (void)b, (void)c;
    if ((what & 0xffff) == UOP_load_v128) {
        read_wide_for(cpu, (unsigned)(what >> 16), a, SIZE_V128, true, cpu->wide[0]);
        return 0;
    }
    load_for(cpu, (enum uop_op)(what & 0xffff), (unsigned)(what >> 16), a, true, &v);
    return v;
}
static uint64_t call_write(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c) {
    (void)c;
    struct mem_view *m = &cpu->mem[what >> 16];
    enum uop_op op = (enum uop_op)(what & 0xffff);
    if (op == UOP_store_v128)
        write_wide_for(cpu, (unsigned)(what >> 16), a, SIZE_V128, true, cpu->wide[2]);
    else if (m->kind == MEM_SOFT)
        soft_access(cpu, m, a, uop_mem_size(op), true, true, &b);
    else
        access_store(cpu, op, (unsigned)(what >> 16), a, b);
    return 0;
}
static uint64_t call_atomic(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c) {
    uint64_t v = 0;
    atomic(cpu, (enum uop_op)(what & 0xffff), (unsigned)(what >> 16), a, b, c, true, &v);
    return v;
}
/* The unit of the code that called tells the pc, where that is needed. */
static uint64_t call_access(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c) {
    struct engine *e = cpu->engine;
    const uint8_t *at = (const uint8_t *)(uintptr_t)what;
    uint32_t word;
    memcpy(&word, at + ACCESS_WORD, sizeof word);
    const uint32_t op = word & 0x3ff, ahead = word >> 12 & 0xff;
    const uint64_t how = op | (uint64_t)(word >> 10 & 3) << 16;
    uint64_t v = 0;
    cpu->count.ahead = ahead;
    if (op >= UOP_load_u8 && op <= UOP_load_v128)
        v = call_read(cpu, how, a, b, c);
    else if (op >= UOP_store_8 && op <= UOP_store_v128)
        call_write(cpu, how, a, b, c);
    else
        v = call_atomic(cpu, how, a, b, c);
    cpu->count.ahead = 0;
    if (cpu->exit.kind == EXIT_none) return v;
    cpu->count.budget += ahead;
    cpu->pc = unit_at(e, (uint32_t)(at - e->execute))->pc + (word >> 20);
    e->host->leave_from_call(cpu, e->execute);
    return 0;
}
static uint64_t call_helper(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c) {
    return guest_help(cpu, (unsigned)what, a, b, c);
}

static uint64_t call_fma_nan(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c) {
    (void)c;
    enum fp_format f = what ? FP_64 : FP_32;
    uint32_t flags = 0;
    fp_mul(f, a, b, FP_RNE, &flags);
    cpu->fp_flags |= flags & FP_NV; /* inf * 0; the host has raised whatever else there is */
    return 0;
}

const void *const engine_calls[HOST_CALL_COUNT] = {
    [HOST_CALL_EVAL] = (const void *)call_eval,       [HOST_CALL_EVAL_WIDE] = (const void *)call_eval_wide,
    [HOST_CALL_READ] = (const void *)call_read,       [HOST_CALL_WRITE] = (const void *)call_write,
    [HOST_CALL_ATOMIC] = (const void *)call_atomic,   [HOST_CALL_HELPER] = (const void *)call_helper,
    [HOST_CALL_FMA_NAN] = (const void *)call_fma_nan, [HOST_CALL_LOOK] = (const void *)shortcuts_look,
    [HOST_CALL_ACCESS] = (const void *)call_access,
};
