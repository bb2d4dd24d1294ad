/* state_map.c - reading the architected state through a map. See state_map.h. */
#include "core/state_map.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct state_map state_in_place = {0};

struct values {
    uint64_t cells[STATE_ENTRIES][TYPE_CELLS];
};

static void read_memory(const struct cpu *cpu, uint32_t offset, enum type type, uint64_t *cells) {
    cells[0] = 0;
    memcpy(cells, (const uint8_t *)cpu + offset, type_info[type].size);
}

/* As many cells as the type has; of narrow types the rest is zero. */
static void cut(enum type type, uint64_t *cells) {
    if (type_info[type].size == 4) cells[0] = (uint32_t)cells[0];
}

static void evaluate(const struct state_entry *e, struct values *v, uint64_t *r) {
    static const uint64_t none[TYPE_CELLS];
    const uint64_t *a = e->a ? v->cells[e->a - 1] : none, *b = e->b ? v->cells[e->b - 1] : none;
    const uint64_t *c = e->c ? v->cells[e->c - 1] : none;
    uint32_t flags = 0;
    if (uop_is_wide((enum uop_op)e->op))
        uop_eval_wide((enum uop_op)e->op, e->x, 0, r, a, b, c, &flags);
    else
        r[0] = uop_eval((enum uop_op)e->op, e->x, 0, a[0], b[0], c[0], &flags);
}

/* The first n entries, in order: recipes look back. */
static void read_entries(const struct state_map *map, const struct state_source *from, uint32_t n, struct values *v) {
    for (uint32_t i = 0; i < n; i++) {
        const struct state_entry *e = &map->entries[i];
        uint64_t *cells = v->cells[i];
        switch ((enum state_kind)e->kind) {
        case STATE_MEMORY: read_memory(from->cpu, e->at, (enum type)e->type, cells); break;
        case STATE_REGISTER:
            from->read(from->registers, (enum bank)type_info[e->type].bank, e->at, cells);
            cut((enum type)e->type, cells);
            break;
        case STATE_CONSTANT: memcpy(cells, map->cells + e->at, 8u * type_info[e->type].cells); break;
        case STATE_RECIPE: evaluate(e, v, cells); break;
        }
    }
}

void state_read(const struct state_map *map, const struct state_source *from, unsigned slot, uint64_t *cells) {
    const struct slot *s = &from->cpu->guest->slots[slot];
    const unsigned entry = map->of_slot ? map->of_slot[slot] : 0;
    struct values v;
    if (!entry) {
        read_memory(from->cpu, s->offset, (enum type)s->type, cells);
        return;
    }
    read_entries(map, from, entry, &v);
    memcpy(cells, v.cells[entry - 1], 8u * type_info[s->type].cells);
}

/* Entries may lie in the places of other slots, so all are read before any is written. */
void state_settle(const struct state_map *map, const struct state_source *from, struct cpu *cpu) {
    const struct guest *guest = cpu->guest;
    struct values v;
    assert(from->cpu == cpu);
    if (!map->of_slot) return;
    read_entries(map, from, map->nentries, &v);
    for (unsigned n = 0; n < guest->nslots; n++) {
        const struct slot *s = &guest->slots[n];
        const unsigned entry = map->of_slot[n];
        if (entry) memcpy((uint8_t *)cpu + s->offset, v.cells[entry - 1], type_info[s->type].size);
    }
}

/* ---- checking */

struct check {
    const struct state_map *map;
    const struct guest *guest;
    char *why;
    size_t size;
};

static bool wrong(const struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(const struct check *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(c->why, c->size, format, args);
    va_end(args);
    return false;
}

static bool check_operand(const struct check *c, uint32_t entry, unsigned operand, enum type want) {
    if ((want == T_N) != (operand == 0)) return wrong(c, "entry %u: an operand too many or too few", entry);
    if (want == T_N) return true;
    if (operand > entry) return wrong(c, "entry %u: its operand %u is not before it", entry, operand - 1);
    const enum type is = (enum type)c->map->entries[operand - 1].type;
    return is == want || wrong(c, "entry %u: its operand is %s, not %s", entry, type_name(is), type_name(want));
}

static bool check_recipe(const struct check *c, uint32_t entry, const struct state_entry *e) {
    if (e->op >= UOP_COUNT) return wrong(c, "entry %u: unknown op %u", entry, e->op);
    const struct uop_info *i = &uop_info[e->op];
    if (!(i->flags & UF_PURE) || (i->flags & UF_HAND) || i->form == FORM_CONST)
        return wrong(c, "entry %u: %s is no recipe", entry, i->name);
    if (i->form == FORM_PLAIN ? e->x : i->form == FORM_COND ? e->x >= C_COUNT : e->x >= 64)
        return wrong(c, "entry %u: x is %u", entry, e->x);
    if (e->type != i->result) return wrong(c, "entry %u: is not %s", entry, type_name((enum type)e->type));
    return check_operand(c, entry, e->a, (enum type)i->a) && check_operand(c, entry, e->b, (enum type)i->b) &&
           check_operand(c, entry, e->c, (enum type)i->c);
}

static bool check_entry(const struct check *c, uint32_t entry) {
    const struct state_entry *e = &c->map->entries[entry];
    if (e->type == T_N || e->type >= T_INT) return wrong(c, "entry %u: a value has no type %u", entry, e->type);
    const struct type_info *t = &type_info[e->type];
    switch ((enum state_kind)e->kind) {
    case STATE_MEMORY:
        return (uint64_t)e->at + t->size <= c->guest->cpu_size || wrong(c, "entry %u: is not in the cpu", entry);
    case STATE_REGISTER: return e->at < 64 || wrong(c, "entry %u: register %u", entry, e->at);
    case STATE_CONSTANT:
        return (uint64_t)e->at + t->cells <= c->map->ncells || wrong(c, "entry %u: is not among the constants", entry);
    case STATE_RECIPE: return check_recipe(c, entry, e);
    }
    return wrong(c, "entry %u: unknown kind %u", entry, e->kind);
}

bool state_map_check(const struct state_map *map, const struct guest *guest, char *why, size_t size) {
    const struct check c = {map, guest, why, size};
    if (map->nentries > STATE_ENTRIES) return wrong(&c, "%u entries", map->nentries);
    for (uint32_t i = 0; i < map->nentries; i++)
        if (!check_entry(&c, i)) return false;
    for (unsigned n = 0; map->of_slot && n < guest->nslots; n++) {
        const unsigned entry = map->of_slot[n];
        const struct slot *s = &guest->slots[n];
        if (!entry) continue;
        if (entry > map->nentries) return wrong(&c, "slot %s: there is no entry %u", s->name, entry - 1);
        const enum type is = (enum type)map->entries[entry - 1].type;
        if (is != s->type)
            return wrong(&c, "slot %s: entry %u is %s, not %s", s->name, entry - 1, type_name(is),
                         type_name((enum type)s->type));
        if (s->flags & SLOT_FP_FLAGS) return wrong(&c, "slot %s: the host merges it", s->name);
    }
    return true;
}
