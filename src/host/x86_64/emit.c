/* emit.c - the encodings with a memory operand: too long to be copied to each place that wants one (see emit.h). */
#include "host/x86_64/emit.h"

void reloc_new(struct jit *j, uint32_t position) {
    struct emission *m = j->m;
    if (!m->movable) return;
    if (m->nrelocs == m->reloc_cap) {
        uint32_t *all = arena_double(m->arena, m->relocs, &m->reloc_cap, sizeof *all);
        if (!all) {
            jit_fail(j, EMIT_NO_MEMORY);
            return;
        }
        m->relocs = all;
    }
    m->relocs[m->nrelocs++] = position;
}

static uint8_t *put_modrm_mem(struct jit *j, uint8_t *p, uint8_t reg, struct mem m, unsigned imm_bytes) {
    unsigned r = (reg & 7u) << 3;
    if (m.base == NO_REG) {
        if (m.rip) {
            p = put8(p, r | 5);
            if ((uint32_t)m.disp < X86_END) reloc_new(j, (uint32_t)(p - j->m->write));
            return put32(p, (uint32_t)m.disp - ((uint32_t)(p - j->m->write) + 4 + imm_bytes));
        }
        p = put8(p, r | 4);
        p = put8(p, (m.index == NO_REG ? 4u : m.index & 7u) << 3 | 5 | (unsigned)m.scale << 6);
        return put32(p, (uint32_t)m.disp);
    }
    unsigned base = m.base & 7u, mod = m.disp == 0 && base != 5 ? 0 : m.disp == (int8_t)m.disp ? 0x40 : 0x80;
    if (m.index != NO_REG || base == 4) {
        p = put8(p, mod | r | 4);
        p = put8(p, (unsigned)m.scale << 6 | (m.index == NO_REG ? 4u : m.index & 7u) << 3 | base);
    } else {
        p = put8(p, mod | r | base);
    }
    if (!mod) return p;
    put32(p, (uint32_t)m.disp); /* of a short one, what comes next overwrites the rest */
    return p + (mod == 0x40 ? 1 : 4);
}

/* rex_reg: REX.W and REX.R at their places, the register's low bits from bit 11 on. */
void op_base(struct jit *j, uint32_t op, uint32_t rex_reg, uint8_t base, int32_t disp) {
    uint8_t *p = j->p;
    unsigned rex = (rex_reg & 12) | base >> 3, low = base & 7u;
    *p = (uint8_t)(0x40 | rex);
    p += rex != 0;
    *p = 0x0f;
    p += op >> 8;
    p[0] = (uint8_t)op;
    unsigned mod = disp == 0 && low != 5 ? 0 : disp == (int8_t)disp ? 1 : 2;
    p[1] = (uint8_t)(mod << 6 | (rex_reg >> 8) | low);
    p += 2;
    if (low == 4) p = put8(p, 0x24);
    put32(p, (uint32_t)disp); /* of a short one, what comes next overwrites the rest */
    j->p = p + (mod + (mod & 2));
}

void op_any(struct jit *j, uint32_t op, bool w, uint8_t reg, struct mem m, unsigned imm_bytes) {
    uint8_t *p = j->p;
    if (m.gs) p = put8(p, 0x65);
    p = put_prefix(p, op, w, reg, m.index, m.base, false);
    j->p = put_modrm_mem(j, p, reg, m, imm_bytes);
}

void op_rm8(struct jit *j, uint32_t op, uint8_t reg, struct mem m) {
    uint8_t *p = j->p;
    if (m.gs) p = put8(p, 0x65);
    p = put_prefix(p, op, false, reg, m.index, m.base, reg >= 4);
    j->p = put_modrm_mem(j, p, reg, m, 0);
}
