/* look.c - guest memory and registers for whoever is not the guest: the library's caller, a debugger.
 *
 * Looking changes nothing: no device is asked, nothing is marked in page tables, no TLB is filled, no exit is taken.
 * Writing changes what was asked for and what follows from it: translations of changed code, what a field's actions
 * say. Nothing here faults: memory can go away at any time, and what is not there ends an access. Between runs, or with
 * the engine's lock.
 */
#include "engine/internal.h"
#include <string.h>

enum { PAGE = 1 << TLB_PAGE_SHIFT };

/* Soft memory: where an access of `size` bytes begins. */
struct place {
    enum memory_kind kind;
    const uint8_t *host; /* of RAM and ROM */
    uint64_t physical;
    size_t size; /* of this kind; as many as are sure, not more than the page has */
};

static struct place physical_place(const struct cpu *cpu, uint64_t physical, size_t size) {
    const struct engine_config *c = &cpu->engine->config;
    struct place p = {.physical = physical, .size = PAGE - (physical & (PAGE - 1))};
    if (p.size > size) p.size = size;
    for (;; p.size = 1) {
        const struct phys_region *r = cpu->soft.phys ? phys_find(cpu->soft.phys, physical, p.size) : NULL;
        p.host = cpu->soft.phys ? phys_readable(cpu->soft.phys, physical, p.size)
                                : c->interface->ram(c->self, physical, p.size);
        p.kind = p.host ? (r && r->kind == PHYS_ROM ? MEMORY_ROM : MEMORY_RAM) : r ? MEMORY_DEVICE : MEMORY_NONE;
        if (p.kind != MEMORY_NONE || p.size == 1) return p;
    }
}

static struct place soft_place(struct cpu *cpu, enum memory_address which, uint64_t address, size_t size) {
    struct walk w = {.physical = address};
    if (which == ADDRESS_VIRTUAL && cpu->guest->walk) guest_walk(cpu, address, ACCESS_LOOK, &w);
    return w.fault ? (struct place){.kind = MEMORY_NONE} : physical_place(cpu, w.physical, size);
}

/* The host's address of a guest's, and how many bytes from there on are one piece for the guarded accesses. */
static bool host_place(const struct mem_view *m, uint64_t address, size_t size, uint8_t **at, unsigned *piece) {
    if (m->kind == MEM_NONE || address >= m->limit) return false;
    *at = m->kind == MEM_DIRECT ? (uint8_t *)(uintptr_t)address : m->base + address;
    *piece = address % 8 == 0 && size >= 8 && m->limit - address >= 8 ? 8 : 1;
    return true;
}

enum memory_kind engine_memory(struct cpu *cpu, enum memory_address which, uint64_t address) {
    uint8_t byte;
    if (cpu->mem[0].kind == MEM_SOFT) return soft_place(cpu, which, address, 1).kind;
    return engine_peek(cpu, which, address, &byte, 1) ? MEMORY_RAM : MEMORY_NONE;
}

size_t engine_peek(struct cpu *cpu, enum memory_address which, uint64_t address, void *bytes, size_t size) {
    const struct mem_view *m = &cpu->mem[0];
    uint8_t *to = bytes, *at;
    size_t n = 0;
    if (m->kind == MEM_SOFT) {
        for (struct place p; n < size; n += p.size) {
            p = soft_place(cpu, which, address + n, size - n);
            if (!p.host) break;
            memcpy(to + n, p.host, p.size);
        }
        return n;
    }
    unsigned piece;
    for (; which == ADDRESS_VIRTUAL && n < size && host_place(m, address + n, size - n, &at, &piece); n += piece) {
        uint64_t value;
        if (guard_read(at, piece, &value).status != 1) break;
        memcpy(to + n, &value, piece);
    }
    return n;
}

/* A page that is watched for changes of its code may be written to, once it is no longer. */
static bool poke_piece(struct cpu *cpu, uint64_t address, uint8_t *at, unsigned size, uint64_t value) {
    while (guard_write(at, size, value).status != 1)
        if (!engine_store_again(cpu->engine, cpu, address)) return false;
    return true;
}

size_t engine_poke(struct cpu *cpu, enum memory_address which, uint64_t address, const void *bytes, size_t size) {
    const struct engine_config *c = &cpu->engine->config;
    const struct mem_view *m = &cpu->mem[0];
    const uint8_t *from = bytes;
    uint8_t *at;
    size_t n = 0;
    if (m->kind == MEM_SOFT) {
        for (struct place p; n < size; n += p.size) {
            p = soft_place(cpu, which, address + n, size - n);
            at = p.kind == MEMORY_RAM ? c->interface->ram(c->self, p.physical, p.size) : NULL;
            if (!at) break;
            memcpy(at, from + n, p.size);
            engine_written(cpu->engine, p.physical, p.size);
        }
        return n;
    }
    unsigned piece;
    for (; which == ADDRESS_VIRTUAL && n < size && host_place(m, address + n, size - n, &at, &piece); n += piece) {
        uint64_t value = 0;
        memcpy(&value, from + n, piece);
        if (!poke_piece(cpu, address + n, at, piece, value)) break;
    }
    engine_recheck_code(cpu->engine, cpu, address, n);
    return n;
}

/* Fields that are slots are where the cpu's map says. It is always this one: leaving has put everything in its place.
 */
uint64_t engine_get_field(const struct cpu *cpu, unsigned field, unsigned index) {
    const struct field *f = &cpu->guest->fields[field];
    const struct state_source from = {.cpu = cpu};
    uint64_t cells[TYPE_CELLS];
    for (unsigned n = 0; n < cpu->guest->nslots; n++) {
        const struct slot *s = &cpu->guest->slots[n];
        if (s->offset != f->offset + index * f->size || type_info[s->type].size != f->size) continue;
        state_read(&state_in_place, &from, n, cells);
        return cells[0];
    }
    return field_get(cpu, f, index);
}

bool engine_set_field(struct cpu *cpu, unsigned field, unsigned index, uint64_t value) {
    const struct field *f = &cpu->guest->fields[field];
    unsigned actions = f->flags;
    if (cpu->guest->set_field) {
        if (!cpu->guest->set_field(cpu, field, index, value, &actions)) return false;
    } else {
        if (!f->write_mask) return false;
        const uint64_t old = field_get(cpu, f, index);
        field_set(cpu, f, index, (old & ~f->write_mask) | (value & f->write_mask));
    }
    cpu_act(cpu, actions);
    return true;
}

bool engine_set_pc(struct cpu *cpu, uint64_t pc) {
    if (!cpu->guest->isa) return false; /* of languages only some addresses are code, in some frames */
    cpu->pc = pc & -(uint64_t)cpu->guest->pc_align;
    cpu->runner->site = 0; /* the link that led to the old one */
    return true;
}
