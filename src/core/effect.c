/* effect.c - what uops read and write; sets as text; what was touched against what was declared. */
#include "core/guest.h"
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name, *class;
} common[FIELD_PLACES] = {
    [PLACE_PC] = {"pc", "PC"},
    [PLACE_FP_FLAGS] = {"fp_flags", "GPR"},
    [PLACE_RESERVE] = {"reservation", "HIDDEN"},
    [PLACE_FRAME] = {"frame", "GPR"},
    [PLACE_ACTIONS] = {"actions", "ENGINE"},
    [PLACE_SLOTS] = {"slots", "MEMORY"},
    [PLACE_MEMORY] = {"memory", "MEMORY"},
    [PLACE_FIXED] = {"fixed", "ENGINE"},
    [PLACE_OUTSIDE] = {"outside", "OUTSIDE"},
};

const char *place_name(const struct guest *guest, unsigned place) {
    if (place >= FIELD_PLACES && place - FIELD_PLACES < guest->nfields) return guest->fields[place - FIELD_PLACES].name;
    return place < FIELD_PLACES && common[place].name ? common[place].name : "?";
}

const char *place_class(const struct guest *guest, unsigned place) {
    static const char *const names[] = {
        [CLASS_GPR] = "GPR",           [CLASS_PC] = "PC",           [CLASS_MODE] = "MODE",     [CLASS_MAP] = "MAP",
        [CLASS_RESOURCE] = "RESOURCE", [CLASS_TRAPCTL] = "TRAPCTL", [CLASS_HIDDEN] = "HIDDEN", [CLASS_TIME] = "TIME",
    };
    if (place >= FIELD_PLACES && place - FIELD_PLACES < guest->nfields)
        return names[guest->fields[place - FIELD_PLACES].class];
    return place < FIELD_PLACES && common[place].name ? common[place].class : "?";
}

const char *set_names(const struct guest *guest, place_set set, char *text, size_t size) {
    size_t at = 0;
    snprintf(text, size, "-");
    for (unsigned p = 0; p < PLACE_SET_SIZE && at < size; p++)
        if (set_has(set, p)) at += (size_t)snprintf(text + at, size - at, "%s%s", at ? " " : "", place_name(guest, p));
    return text;
}

static struct effect memory_effect(const struct guest *guest, const struct uop *u) {
    const bool plain_store = uop_info[u->op].result == T_N;
    const bool lr = u->op == UOP_lr_32 || u->op == UOP_lr_64, sc = u->op == UOP_sc_32 || u->op == UOP_sc_64;
    const bool writes = (uop_info[u->op].flags & UF_EFFECT) && !lr;
    struct effect e = {.reads = plain_store ? 0 : IN_SET(PLACE_MEMORY), .writes = writes ? IN_SET(PLACE_MEMORY) : 0};
    if (sc) e.reads |= IN_SET(PLACE_RESERVE);
    if (lr || sc) e.writes |= IN_SET(PLACE_RESERVE);
    if (guest->effects) { /* of an address that is translated, and may be a device's */
        const struct effect *walk = &guest->effects->walk, *line = &guest->effects->set_line;
        e.reads |= walk->reads | line->reads | IN_SET(PLACE_OUTSIDE);
        e.writes |= walk->writes | line->writes | IN_SET(PLACE_OUTSIDE);
    }
    return e;
}

struct effect uop_effect(const struct guest *guest, const struct uop *u) {
    const struct uop_info *info = &uop_info[u->op];
    const place_set flags = info->flags & UF_FP ? IN_SET(PLACE_FP_FLAGS) : 0;
    switch ((enum uop_form)info->form) {
    case FORM_SLOT: {
        const place_set place = IN_SET(guest->slots[u->x].place);
        return info->flags & UF_EFFECT ? (struct effect){0, place} : (struct effect){place, 0};
    }
    case FORM_FRAME: {
        const place_set slots = IN_SET(PLACE_SLOTS), frame = IN_SET(PLACE_FRAME);
        return info->flags & UF_EFFECT ? (struct effect){frame, slots} : (struct effect){frame | slots, 0};
    }
    case FORM_MEM: return memory_effect(guest, u);
    case FORM_HELPER: return guest->helpers[u->aux].effect;
    case FORM_MARK: return (struct effect){IN_SET(PLACE_PC), IN_SET(PLACE_PC)};
    default: return (struct effect){flags, flags};
    }
}

void noting_begin(struct cpu *cpu, struct noting *n) {
    *n = (struct noting){.outer = cpu->noted};
    cpu->noted = &n->seen;
}

static void add(struct effect *to, const struct effect *from) {
    to->reads |= from->reads;
    to->writes |= from->writes;
}

void noting_check(const struct cpu *cpu, const struct effect *seen, const struct effect *declared, const char *what,
                  uint64_t pc) {
    const place_set reads = seen->reads & ~declared->reads, writes = seen->writes & ~declared->writes;
    if (!reads && !writes) return;
    char read[1000], written[1000];
    fprintf(stderr, "vee: %s at %llx touches what it does not declare: reads %s; writes %s\n", what,
            (unsigned long long)pc, set_names(cpu->guest, reads, read, sizeof read),
            set_names(cpu->guest, writes, written, sizeof written));
    abort();
}

void noting_help(const struct cpu *cpu, const struct noting *n, const struct helper *h) {
    const bool left = cpu->exit.kind != EXIT_none;
    const bool undone = left && exit_info[cpu->exit.kind].when == EXIT_BEFORE;
    if (!(left && !h->exits) && !(undone && n->seen.writes)) return;
    fprintf(stderr, "vee: helper %s at %llx %s\n", h->name, (unsigned long long)cpu->pc,
            h->exits ? "has changed something before it left" : "leaves and does not say so");
    abort();
}

void noting_end(struct cpu *cpu, struct noting *n, const struct effect *declared, const char *what, unsigned number) {
    cpu->noted = n->outer;
    if (n->outer) add(n->outer, &n->seen);
    if (cpu->seen) add(&cpu->seen[number], &n->seen);
    noting_check(cpu, &n->seen, declared, what, cpu->pc);
}
